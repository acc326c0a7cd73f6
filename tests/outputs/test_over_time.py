"""A plan over time and for several futures in everything that people read of a run."""

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from planner.outputs.compare import compare_runs, write_comparison
from planner.outputs.compare.page import openings_finding
from planner.outputs.futures import in_one_sentence as futures_in_one_sentence
from planner.outputs.phases import in_one_sentence, shades
from planner.outputs.run_folder import Outputs, write_run
from planner.outputs.screen.compare import show_comparison
from planner.outputs.screen.run import show_result
from planner.outputs.workbook import write_workbook
from planner.planning.result import Planned
from tests.made_up_futures import FUTURES
from tests.made_up_phases import QUARTERS, over_time

_HEADING_ROW = 3


@pytest.fixture(scope="session")
def phased(planned_tutorial: Planned) -> Planned:
    return over_time(planned_tutorial)


@pytest.fixture(scope="session")
def folder(phased: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(phased, tmp_path_factory.mktemp("time") / "first", Outputs.TABLES)


@pytest.fixture(scope="session")
def turned(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    planned = over_time(planned_tutorial, last_first=True)
    return write_run(planned, tmp_path_factory.mktemp("time") / "turned", Outputs.TABLES)


@pytest.fixture(scope="session")
def bare(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("time") / "bare", Outputs.TABLES)


def _column(page: Any, name: str) -> list[Any]:
    names = [cell.value for cell in page[_HEADING_ROW - 1]]
    at = names.index(name) + 1
    return [page.cell(row, at).value for row in range(_HEADING_ROW + 1, page.max_row + 1)]


def test_the_workbook_has_periods_futures_and_measures(folder: Path) -> None:
    book = openpyxl.load_workbook(write_workbook(folder))
    assert [name for name in book.sheetnames if name in ("phase", "future", "measure")] == [
        "phase", "future", "measure",
    ]  # fmt: skip
    assert _column(book["phase"], "quarter") == list(QUARTERS)
    assert _column(book["future"], "future") == list(FUTURES)
    assert _column(book["station_phases"], "from_on")[0] == "2026-10-01"
    assert len(_column(book["future_sites"], "in_plan")) > 2
    formats = {
        page_row[0].value: page_row[1].number_format
        for page_row in book["measure"].iter_rows(min_row=_HEADING_ROW + 1)
    }
    assert formats["regret"] == "0.0%"
    assert "%" not in formats["vss"]


def test_the_terminal_tells_of_periods_and_futures(
    phased: Planned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    show_result(phased, Path("run"), as_json=False)
    told = " ".join(capsys.readouterr().out.split())
    assert "no build-out within the same limits serves more by more than 1.85 %" in told
    assert "In its 3 futures the plan serves 49.5 to 80.0 % of the swaps asked for" in told
    assert "Openings by period" in told
    assert "few <b>taxis</b>" in told
    assert "Worth of planning for all futures (VSS): 0.0 to 1.4 swaps/day" in told


def test_without_periods_and_futures_the_terminal_says_nothing(
    planned_tutorial: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    show_result(planned_tutorial, Path("run"), as_json=False)
    told = capsys.readouterr().out
    assert "build-out" not in told
    assert "Openings by period" not in told
    assert "future" not in told


def test_openings_that_move_are_told(
    folder: Path, turned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = compare_runs(folder, turned)
    openings = comparison.tables["openings_change"].set_index("site_id")
    # Two stations: the one that stood before opens later, the other is there from the first.
    assert openings["opening"].value_counts().to_dict() == {"earlier": 1, "later": 1}
    later = openings[openings["opening"] == "later"].iloc[0]
    assert pd.isna(later["base_opening_quarter"])
    assert later["other_opening_quarter"] == "2027Q1"
    told = "Openings: 0 new, 0 dropped, 1 open earlier, 1 open later, 0 as before."
    assert openings_finding(comparison) == told
    assert (comparison.tables["future_change"]["change_served_frac"] == 0).all()
    assert set(comparison.tables["phase_change"]["quarter"]) == set(QUARTERS)
    show_comparison(comparison, None)
    assert told in " ".join(capsys.readouterr().out.split())
    page = (write_comparison(comparison, tmp_path / "out") / "compare.html").read_text("utf-8")
    assert "Openings that move" in page
    assert "Future by future" in page


def test_runs_where_only_one_is_over_time_are_compared_without(folder: Path, bare: Path) -> None:
    comparison = compare_runs(bare, folder)
    assert not {"openings_change", "phase_change", "future_change"} & set(comparison.tables)
    assert openings_finding(comparison) == ""
    notes = " ".join(comparison.notes)
    assert "Only the other run planned openings by period: its 3 periods" in notes
    assert "Only the other run was planned for several futures" in notes


def test_sentences_hold_where_little_is_known(phased: Planned) -> None:
    phase = phased.tables["phase"]
    assert in_one_sentence(phase, None).endswith("later swaps discounted.")
    proven = {"bound": 5.0, "gap_frac": 0.0, "sense": "max"}
    assert in_one_sentence(phase, proven).endswith(
        "no build-out within the same limits serves more."
    )
    unknown = {"bound": float("inf"), "gap_frac": float("inf"), "sense": "max"}
    assert in_one_sentence(phase, unknown).endswith("discounted.")
    assert "cold winter: by 3.7 to 8.3 %" in futures_in_one_sentence(phased.tables)


def test_shades_of_periods_differ() -> None:
    assert all(len(set(shades(number))) == number for number in range(1, 41))
