"""Which finished runs stand in a folder, and what each says of itself."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planner.errors import Fault, InputError
from planner.outputs.run_folder import DONE_FILE

_MOST_LEVELS = 3
"""Folders below the one asked for: batches keep their runs at STUDY/runs/RUN."""


@dataclass(frozen=True)
class ListedRun:
    """What `run.json` says of a finished run.

    Attributes
    ----------
    folder : Path
    name, scenario : str
        Name in scenario.toml, or of a study's scenario; and of the variant, empty for the base.
    question, unit : str
        ``siting.objective``, and the unit of objective and bound.
    status : str
        UNREADABLE if `run.json` is damaged.
    objective, bound, gap_frac : float or None
        None where nothing is known.
    capex_cny, swaps_served_frac : float or None
    finished : str
        Time in UTC, ISO 8601.
    """

    folder: Path
    name: str
    scenario: str
    question: str
    unit: str
    status: str
    objective: float | None
    bound: float | None
    gap_frac: float | None
    capex_cny: float | None
    swaps_served_frac: float | None
    finished: str


def find_runs(folder: Path) -> list[ListedRun]:
    """Finished runs in a folder, in those below it and in itself; newest first.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not folder.is_dir():
        remedy = "no such folder; give one that holds runs of `planner run` or `planner batch`"
        raise InputError([Fault(str(folder), None, "", "", remedy)])
    found = []
    for place, below, files in os.walk(folder):
        path = Path(place)
        is_run = DONE_FILE in files and "run.json" in files
        if is_run:
            found.append(((path / DONE_FILE).stat().st_mtime, path))
        if is_run or len(path.relative_to(folder).parts) == _MOST_LEVELS:
            below.clear()
        below[:] = sorted(name for name in below if not name.startswith("."))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [_listed(path, seconds) for seconds, path in found]


def _listed(folder: Path, seconds: float) -> ListedRun:
    run = _read(folder / "run.json")
    kpi = run.get("kpi", {})
    return ListedRun(
        folder=folder,
        name=str(run.get("name", "")),
        scenario=str(run.get("scenario", "")),
        question=str(run.get("question", "")),
        unit=str(run.get("objective_unit", "")),
        status=str(run.get("status", "UNREADABLE")),
        objective=run.get("objective"),
        bound=run.get("bound"),
        gap_frac=run.get("gap_frac"),
        capex_cny=kpi.get("capex_cny"),
        swaps_served_frac=kpi.get("swaps_served_frac"),
        finished=datetime.fromtimestamp(int(seconds), UTC).isoformat(),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
