"""A process that makes runs one after the other: tasks come on stdin, answers go to stdout.

Each line is a JSON object. ``{"task": ...}`` starts a run, ``{"stop": true}`` asks the one at
hand to end with its best plan. The process ends with whoever started it.
"""

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from planner.batch.task import Progressed, RunTask
from planner.solving.progress import Progress


def main() -> None:
    """Work until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch tells when to stop
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not run into the answers
    tasks: queue.SimpleQueue[RunTask] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(tasks, stop), daemon=True).start()

    def say(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    # Imported here: what is sent meanwhile waits, and the end of stdin is seen.
    from planner.batch.execute import RunMaker

    maker = RunMaker()
    say({"ready": True})
    while True:
        task = tasks.get()
        say({"ended": asdict(maker.make(task, stop, partial(_tell, say, task.key)))})


def _tell(say: Callable[[dict[str, Any]], None], key: str, progress: Progress) -> None:
    say({"progressed": asdict(Progressed(key, f"{progress.stage}: {progress.message}"))})


def _listen(tasks: "queue.SimpleQueue[RunTask]", stop: threading.Event) -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("stop"):
            stop.set()
        else:
            stop.clear()
            tasks.put(RunTask.from_json(json.dumps(message["task"])))
    # Whoever started this process is gone, and nobody would hear its answers.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
