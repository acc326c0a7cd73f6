"""Charts drawn where the renderer's death costs a picture, not the run.

The renderer is native code that aborts its whole process when it panics, and no `except` sees
that. One process draws all charts; after a death another one goes on behind the chart that was
being drawn.
"""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VEGA_LITE = "6.4"
"""Version of the language that specifications are written in."""

_RENDERER = Path(__file__).with_name("renderer.py")
_MOST_S = 180.0
"""For all charts of a report, which take some seconds."""


@dataclass(frozen=True)
class Drawing:
    """A drawing, or why there is none.

    Attributes
    ----------
    svg : str
        Empty where there is none.
    failure : str
        How the renderer ended; empty where there is a drawing.
    """

    svg: str = ""
    failure: str = ""


def draw_apart(specs: Sequence[dict[str, Any]]) -> list[Drawing]:
    """Draw complete Vega-Lite specifications, in order."""
    drawn: list[Drawing] = []
    while len(drawn) < len(specs):
        svgs, end = _draw_until_death(specs[len(drawn) :])
        drawn += map(Drawing, svgs)
        if len(drawn) < len(specs):
            drawn.append(Drawing(failure=end))
    return drawn


def _draw_until_death(specs: Sequence[dict[str, Any]]) -> tuple[list[str], str]:
    """Drawings made by one process, and how it ended."""
    lines = "".join(f"{json.dumps(spec)}\n" for spec in specs)
    try:
        # -P: the modules beside the script are none of its imports.
        done = subprocess.run(
            [sys.executable, "-P", str(_RENDERER), VEGA_LITE],
            input=lines.encode(), capture_output=True, timeout=_MOST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return _whole_lines(late.stdout), f"it took more than {_MOST_S:g} s"
    except OSError as error:
        return [], str(error)
    return _whole_lines(done.stdout), _describe_end(done)


def _whole_lines(output: bytes | None) -> list[str]:
    return [json.loads(line) for line in (output or b"").decode().split("\n")[:-1]]


def _describe_end(done: "subprocess.CompletedProcess[bytes]") -> str:
    if done.returncode < 0:
        return f"the renderer ended by {signal.Signals(-done.returncode).name}"
    said = done.stderr.decode(errors="replace").strip().split("\n")
    error = next((line for line in said if re.match(r"[\w.]*Error: ", line)), said[-1])
    return f"the renderer ended with code {done.returncode}: {error[:200]}"
