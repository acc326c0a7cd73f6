"""What stations and other sites cost, in everything that people read of a run."""

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from planner.outputs.compare import compare_runs, write_comparison
from planner.outputs.compare.page import reasons_finding
from planner.outputs.compare.reasons import compare_reasons
from planner.outputs.run_folder import Outputs, write_run
from planner.outputs.screen.compare import show_comparison
from planner.outputs.screen.run import show_result
from planner.outputs.workbook import write_workbook
from planner.planning.result import Planned
from tests.made_up_reasons import with_reasons

_HEADING_ROW = 3


@pytest.fixture(scope="session")
def folder(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    planned = with_reasons(planned_tutorial)
    return write_run(planned, tmp_path_factory.mktemp("reasons") / "first", Outputs.TABLES)


@pytest.fixture(scope="session")
def dearer(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    planned = with_reasons(planned_tutorial, dearer=2.0)
    return write_run(planned, tmp_path_factory.mktemp("reasons") / "dearer", Outputs.TABLES)


def _column(page: Any, name: str) -> list[Any]:
    names = [cell.value for cell in page[_HEADING_ROW - 1]]
    at = names.index(name) + 1
    return [page.cell(row, at).value for row in range(_HEADING_ROW + 1, page.max_row + 1)]


def test_the_workbook_lists_the_sites_nearest_to_a_station(folder: Path) -> None:
    book = openpyxl.load_workbook(write_workbook(folder))
    stations = book["stations"]
    costs = [cost for cost in _column(stations, "replacement_cost") if cost is not None]
    assert 12.0 in costs
    headings = [cell.value for cell in stations[_HEADING_ROW]]
    assert "Replacement cost [swaps/day]" in headings
    closest = book["closest_sites"]
    costs = _column(closest, "force_in_cost")
    assert costs == sorted(costs)
    assert len(costs) > 1
    assert set(_column(closest, "leaves_site_id")) == {_column(stations, "site_id")[0]}


def test_the_terminal_tells_what_stations_cost_to_replace(
    planned_tutorial: Planned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    show_result(with_reasons(planned_tutorial), Path("run"), as_json=False)
    told = " ".join(capsys.readouterr().out.split())
    assert "to replace Half of the" in told
    assert "swaps/day to do without, the hardest (" in told


def test_costs_that_change_are_told(
    folder: Path, dearer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = compare_runs(folder, dearer)
    changes = comparison.tables["reasons_change"]
    known = changes.dropna(subset=["base_replacement_cost"])
    assert (known["change_replacement_cost"] == known["base_replacement_cost"]).all()
    assert known["change_replacement_cost"].is_monotonic_decreasing
    assert set(changes["next_best"]) == {"same"}
    told = reasons_finding(comparison)
    assert told.startswith("Median replacement cost: ")
    assert "swaps/day; 0 stations have another next best site, 0 exchanges" in told
    show_comparison(comparison, None)
    assert told in " ".join(capsys.readouterr().out.split())
    out = write_comparison(comparison, tmp_path / "out")
    page = (out / "compare.html").read_text("utf-8")
    assert "Replacement cost, other run [swaps/day]" in page
    assert "[objective]" not in page + (out / "data_dictionary.csv").read_text("utf-8")


def test_only_one_run_with_costs_is_compared_without(
    planned_tutorial: Planned, folder: Path, tmp_path: Path
) -> None:
    bare = write_run(planned_tutorial, tmp_path / "bare", Outputs.TABLES)
    stations = pd.read_parquet(bare / "layers/stations.parquet")
    if "replacement_cost" in stations:
        pytest.skip("the plan itself tells its reasons")
    comparison = compare_runs(bare, folder)
    assert "reasons_change" not in comparison.tables
    assert reasons_finding(comparison) == ""
    assert "Only the other run tells what its stations cost to replace." in comparison.notes


def test_an_exchange_for_the_next_best_site_is_recognised() -> None:
    base = pd.DataFrame(
        {
            "site_id": ["a", "b", "c", "d", "e"],
            "replacement_cost": [1.0, 2.0, 3.0, 0.5, 0.5],
            "replacement_cost_low": 0.0,
            "next_best_site_id": ["x", "y", "z", "u", "w"],
        }
    )
    other = pd.DataFrame(
        {
            "site_id": ["a", "y", "u", "v"],
            "replacement_cost": [1.5, 4.0, 0.75, 0.5],
            "replacement_cost_low": 0.0,
            "next_best_site_id": ["w", None, "d", "w"],
        }
    )
    pairs = pd.DataFrame(
        {
            "base_site_id": ["a", "b", "c", None, "d", "e"],
            "site_id": ["a", "b", "c", "y", "u", "v"],
            "change": ["kept", "lost", "lost", "gained", "moved", "moved"],
            "city_id": "t",
            "name_en": "Town",
        }
    )
    found = compare_reasons(pairs, base, other).set_index("base_site_id")
    # b and d went for their next best; c went, but not for z, and e moved, but not to w.
    assert found["next_best"].to_dict() == {
        "a": "another", "b": "made", "c": "", "d": "made", "e": "same"
    }  # fmt: skip
    assert found["change_replacement_cost"]["a"] == 0.5
    assert found.index[0] == "a"
