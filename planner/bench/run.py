"""Run each instance of a benchmark in a process of its own, under a limit that holds."""

import fnmatch
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from planner.bench.case import BenchCase
from planner.bench.cases import bench_cases
from planner.bench.solve_case import peak_memory_mb
from planner.errors import Fault, InputError
from planner.solving.status import Status

PEERS = {
    "spopt_cbc": ("spopt", "pulp"),
    "spopt_highs": ("spopt", "pulp", "highspy"),
    "highs": ("ortools",),
    "gscip": ("ortools",),
    "cp_sat": ("ortools",),
}
"""Who else solves the instances, and the packages each needs. spopt writes the model and hands it
to CBC, PuLP's default, or to HiGHS; the others get the plain model from arrays."""
PEERS_OF: dict[str, tuple[str, ...]] = {
    "p-median": ("spopt_cbc", "spopt_highs"),
    "facility-location": (),
    "set-cover": (),
    "flow-refuelling": (),
}
"""Peers of a benchmark that not all peers can take part in."""
GRACE_FRAC, GRACE_S = 0.25, 10.0
"""How far beyond its limit, which solvers take softly, a process is left alive."""
START_LIMIT_S = 300.0
"""Limit for loading libraries; the first run after an installation compiles."""
POLL_S = 0.02
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class PeerRow:
    """What one solver made of one instance.

    Attributes
    ----------
    solver : str
        ``"planner"`` or a name in `PEERS`.
    status : str
        A `planner.solving.status.Status`, or ``"NOT_INSTALLED"``.
    value, bound : float or None
        Plan and proven bound; None where there is none.
    gap_frac : float or None
        Difference of the two as a share of the bound.
    build_s : float or None
        Seconds for reading points, finding what is in reach and writing the model.
    wall_s : float or None
        Seconds in all, those included.
    peak_rss_mb : float or None
        Peak resident memory of the process [MB of 2^20 bytes].
    message : str
        Why there is no result.
    """

    solver: str
    status: str
    value: float | None = None
    bound: float | None = None
    gap_frac: float | None = None
    build_s: float | None = None
    wall_s: float | None = None
    peak_rss_mb: float | None = None
    message: str = ""


@dataclass(frozen=True)
class BenchRow:
    """An instance, what the planner made of it, and what the peers did.

    Attributes
    ----------
    instance : str
    published : float or None
        Best value known from literature.
    planner : PeerRow
    peers : tuple of PeerRow
    """

    instance: str
    published: float | None
    planner: PeerRow
    peers: tuple[PeerRow, ...]

    def record(self) -> dict[str, Any]:
        """Flat JSON object of the planner's figures, with the peers' as a list."""
        own = asdict(self.planner)
        del own["solver"]
        return {
            "instance": self.instance,
            "published": self.published,
            **own,
            "peers": [asdict(peer) for peer in self.peers],
        }


def run_bench(
    bench: str,
    folder: Path | None = None,
    *,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    seed: int = 0,
    only: str = "*",
    peers: tuple[str, ...] = (),
    on_start: Callable[[str], None] | None = None,
) -> Iterator[BenchRow]:
    """Solve the instances of a benchmark, one after the other, one solver thread each.

    Parameters
    ----------
    bench : str
        One of `planner.bench.cases.BENCHES`.
    folder : Path, optional
        Folder with public files, where the benchmark needs them.
    time_limit_s : float
        Per instance and solver, model building included, > 0 [s].
    gap : float
        Every solver stops at this proven gap, in [0, 1]; 0: only once proven optimal.
    seed : int
        Seed of the planner.
    only : str
        Pattern that instance names must match, as in a shell.
    peers : tuple of str
        Names in `PEERS` that solve the same instances in the same run.
    on_start : callable, optional
        Told which instance and solver come next.

    Yields
    ------
    BenchRow
        As soon as an instance is done.

    Raises
    ------
    InputError
        If folder, files or ``only`` give nothing to run.
    """
    every = bench_cases(bench, folder)
    cases = [case for case in every if fnmatch.fnmatchcase(case.instance, only)]
    if not cases:
        names = ", ".join(case.instance for case in every)
        raise InputError([Fault("planner bench", None, "--only", only, f"matches none of {names}")])
    for case in cases:
        rows = []
        able = [peer for peer in peers if peer in PEERS_OF.get(case.bench, PEERS)]
        for solver in ("planner", *able):
            if on_start is not None:
                on_start(f"{case.instance}: {solver}")
            rows.append(_solve(case, folder, solver, time_limit_s, gap, seed))
        yield BenchRow(case.instance, case.published, rows[0], tuple(rows[1:]))


def _solve(
    case: BenchCase, folder: Path | None, solver: str, time_limit_s: float, gap: float, seed: int
) -> PeerRow:
    """One solver on one instance, in a process that is killed if it overstays."""
    missing = [name for name in PEERS.get(solver, ()) if importlib.util.find_spec(name) is None]
    if missing:
        return PeerRow(solver, "NOT_INSTALLED", message=f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="planner-bench-") as scratch:
        names = ("request.json", "reply.json", "ready", "log.txt")
        request, reply, ready, log = (Path(scratch, name) for name in names)
        asked = {
            "bench": case.bench, "instance": case.instance, "folder": str(folder or ""),
            "solver": solver, "time_limit_s": time_limit_s, "gap_frac": gap, "seed": seed,
        }  # fmt: skip
        request.write_text(json.dumps(asked), encoding="utf-8")
        command = [sys.executable, "-m", "planner.bench.solve_case",
                   str(request), str(reply), str(ready)]  # fmt: skip
        environment = os.environ | dict.fromkeys(ONE_THREAD, "1") | {"TMPDIR": scratch}
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment, start_new_session=True,
            )  # fmt: skip
            overstayed = _wait(process, ready, time_limit_s)
        if overstayed is not None:
            return PeerRow(solver, Status.NO_SOLUTION, wall_s=overstayed[0],
                           peak_rss_mb=overstayed[1], message="killed at the limit")  # fmt: skip
        if process.returncode != 0 or not reply.exists():
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            last = lines[-1] if lines else f"exit code {process.returncode}"
            return PeerRow(solver, Status.ERROR, message=last)
        result = json.loads(reply.read_text(encoding="utf-8"))
    if not math.isfinite(result["gap_frac"]):
        result["gap_frac"] = None
    return PeerRow(solver, **result)


def _wait(
    process: subprocess.Popen[bytes], ready: Path, time_limit_s: float
) -> tuple[float, float | None] | None:
    """Wait for a process; if it overstays, kill it and return its seconds and peak memory."""
    patience_s = time_limit_s * (1.0 + GRACE_FRAC) + GRACE_S
    started, began = time.monotonic(), None
    try:
        while process.poll() is None:
            now = time.monotonic()
            if began is None and ready.exists():
                began = now
            late = now - started > START_LIMIT_S if began is None else now - began > patience_s
            if late:
                return now - (started if began is None else began), peak_memory_mb(process.pid)
            time.sleep(POLL_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return None
