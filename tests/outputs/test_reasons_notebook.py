"""The notebook on reasons runs on a finished run and makes the tables that the outputs show."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.outputs.run_folder import Outputs, write_run
from planner.outputs.station_reasons import closest_first, hardest_first
from planner.planning.result import Planned
from tests.made_up_reasons import with_reasons

NOTEBOOK = Path(__file__).parents[2] / "docs/reasons.ipynb"


def _run_cells(monkeypatch: pytest.MonkeyPatch, run: Path) -> dict[str, Any]:
    monkeypatch.setenv("PLANNER_RUN", str(run))
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            exec(compile(source, f"{NOTEBOOK.name}, cell {number}", "exec"), names)
    return names


def test_it_makes_the_tables_of_the_outputs(
    planned_tutorial: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(with_reasons(planned_tutorial), tmp_path / "run", Outputs.TABLES)
    names = _run_cells(monkeypatch, run)
    stations = pd.read_parquet(run / "layers/stations.parquet")
    candidates = pd.read_parquet(run / "layers/candidates.parquet")
    assert names["hardest"]["site_id"].tolist() == hardest_first(stations)["site_id"].tolist()
    assert names["closest"]["site_id"].tolist() == closest_first(candidates)["site_id"].tolist()
    assert names["proof"].sum() == len(stations)
    assert names["by_city"]["stations"].sum() == len(stations)
    assert names["unit"] == "swaps/day"


def test_it_is_stored_without_results() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
