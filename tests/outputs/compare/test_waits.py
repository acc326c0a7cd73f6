"""Waits of two runs: told apart within their intervals, verdicts that change, packs that move."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.outputs.compare import compare_runs, write_comparison
from planner.outputs.compare.page import waits_finding
from planner.outputs.compare.read import FinishedRun
from planner.outputs.compare.verdict import simulated_verdict
from planner.outputs.compare.waits import (
    compare_waits,
    count_verdict_changes,
    judge_waits,
    pack_changes,
    verdict_changes,
)
from planner.outputs.run_folder import write_run
from planner.outputs.screen.compare import show_comparison
from planner.planning.result import Planned
from tests.made_up_waits import simulated

PAIRS = pd.DataFrame(
    {
        "base_site_id": ["a", "b", "c", None],
        "site_id": ["a", "b2", None, "d"],
        "city_id": "x", "name_en": "X", "lon": 0.0, "lat": 0.0,
    }
)  # fmt: skip


def _stations(ids: list[str], verdicts: list[str], on_time: list[float], **packs: Any) -> Any:
    return pd.DataFrame(
        {
            "site_id": ids,
            "verdict": verdicts,
            "lacks": ["lane" if each == "refuted" else "" for each in verdicts],
            "on_time_frac": on_time,
            **packs,
        }
    )


BASE = _stations(["a", "b", "c"], ["confirmed", "refuted", "unclear"], [0.97, 0.9, 0.95],
                 packs_na=[4, 6, 5], packs_lfp=[1, 1, 1])  # fmt: skip
OTHER = _stations(["a", "b2", "d"], ["refuted", "confirmed", "unclear"], [0.91, 0.98, 0.95],
                  packs_na=[2, 9, 5])  # fmt: skip


def test_half_widths_add_as_squares() -> None:
    # Half widths 3 and 4: the difference is known to within 5.
    verdict, low, high = simulated_verdict((50.0, 47.0, 53.0), (55.5, 51.5, 59.5))
    assert (low, high) == pytest.approx((0.5, 10.5))
    assert verdict == "beyond the intervals"
    # Both intervals overlap here, and so they do there.
    assert simulated_verdict((50.0, 47.0, 53.0), (54.5, 50.5, 58.5))[0] == "within the intervals"
    assert simulated_verdict((0.95, 0.94, 0.96), (0.95, 0.93, 0.97))[0] == "equal"


def test_ends_that_face_each_other_count() -> None:
    low_side = simulated_verdict((0.90, 0.80, 0.91), (0.93, 0.92, 0.99))
    assert low_side[1:] == pytest.approx(
        (0.03 - 2**0.5 * 0.01, 0.03 + 0.06**1 * (1 + (10 / 6) ** 2) ** 0.5)
    )
    assert low_side[0] == "beyond the intervals"


def test_verdicts_that_change_are_listed_the_worse_first() -> None:
    found = verdict_changes(PAIRS, BASE, OTHER)
    assert found["site_id"].tolist() == ["a", "b2"]
    assert found["other_lacks"].tolist() == ["lane", ""]
    assert found["change_on_time_frac"].tolist() == pytest.approx([-0.06, 0.08])
    assert (
        count_verdict_changes(found) == "1 from confirmed to refuted, 1 from refuted to confirmed"
    )
    assert count_verdict_changes(found.head(0)) == "no station has another verdict"


def test_packs_moved_are_told_from_packs_added() -> None:
    found = pack_changes(PAIRS, BASE, OTHER).set_index("pack_id")
    # na: a gives 2, b2 takes 3, c closes with 5, d opens with 5.
    assert found.loc["na"].tolist() == [15, 16, 1, 8, 7, 7]
    assert found.loc["lfp"].tolist() == [3, 0, -3, 0, 3, 0]


def test_corridor_stations_are_among_them() -> None:
    stations = {"stations_change": PAIRS.assign(change=["kept", "moved", "lost", "gained"])}
    between = pd.DataFrame(
        {"corridor_station_id": ["r"], "change": ["kept"], "near_city_id": ["x"], "name_en": ["X"],
         "lon": [0.0], "lat": [0.0]}
    )  # fmt: skip
    sides = [
        {
            "stations": frame,
            "corridor_stations": _stations(["r"], [verdict], [0.9], packs_na=[count]).rename(
                columns={"site_id": "corridor_station_id"}
            ),
        }
        for frame, verdict, count in ((BASE, "unclear", 3), (OTHER, "refuted", 4))
    ]
    found = compare_waits({**stations, "corridor_stations_change": between}, *sides)
    assert "r" in found["verdicts_change"]["site_id"].tolist()


def _run(day: str, value: float) -> FinishedRun:
    figures = pd.DataFrame(
        [("within_5min_frac", value, value - 0.002, value + 0.002, None),
         ("station_packs", 10.0, None, None, None)],
        columns=["figure", "value", "low", "high", "expected"],
    )  # fmt: skip
    return FinishedRun(Path(), {}, {"simulation": {"day": day}}, {"simulation_figure": figures})


KPI = pd.DataFrame(
    {"name": ["swaps_per_day_served", "within_5min_frac", "station_packs"],
     "verdict": ["beyond the gaps", "", ""]}
).astype("string")  # fmt: skip


@pytest.mark.parametrize(
    ("base", "other", "verdict"),
    [
        (("mean", 0.95), ("mean", 0.951), "within the intervals"),
        (("mean", 0.95), ("mean", 0.96), "beyond the intervals"),
        (("mean", 0.95), ("winter_peak", 0.80), "different questions"),
    ],
)
def test_simulated_figures_are_judged(base: Any, other: Any, verdict: str) -> None:
    found = judge_waits(KPI, _run(*base), _run(*other))
    assert found["verdict"].tolist() == ["beyond the gaps", verdict, ""]
    assert found["change_low_value"].notna().sum() == (verdict != "different questions")


def test_a_run_without_a_simulation_leaves_figures_as_they_are() -> None:
    bare = FinishedRun(Path(), {}, {"simulation": {"day": "mean"}}, {})
    assert judge_waits(KPI, _run("mean", 0.9), bare) is KPI


def test_two_simulated_runs_side_by_side(
    planned_tutorial: Planned,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # a narrow screen shows a table in parts
    for name, busier in (("base", -0.4), ("other", 0.5)):
        write_run(simulated(planned_tutorial, busier=busier), tmp_path / name)
    comparison = compare_runs(tmp_path / "base", tmp_path / "other")
    kpi = comparison.tables["kpi"].set_index("name")
    assert kpi.loc["within_5min_frac", "verdict"] == "beyond the intervals"
    assert kpi.loc["within_5min_frac", "change_high_value"] < 0
    changes = comparison.tables["verdicts_change"]
    assert len(changes) == 2
    assert set(changes["other_verdict"]) == {"refuted"}
    told = waits_finding(comparison)
    assert "beyond the intervals" in told
    assert f"{len(changes)} from confirmed to refuted" in told
    folder = write_comparison(comparison, tmp_path / "out")
    page = (folder / "compare.html").read_text(encoding="utf-8")
    for text in (told, "Stations with another verdict", "Packs in stations", "Packs moved"):
        assert text in page
    dictionary = pd.read_csv(folder / "data_dictionary.csv")
    bare = dictionary[dictionary["description"].isna() | dictionary["title"].isna()]
    assert bare[["layer", "column"]].to_numpy().tolist() == []
    show_comparison(comparison, None)
    shown = capsys.readouterr().out
    assert told in " ".join(shown.split())  # the terminal breaks lines
    lines = [line for line in shown.splitlines() if "Mean wait " in line]
    assert lines, shown
    assert all("beyond the intervals" in line for line in lines), lines


def test_what_was_not_simulated_is_not_zero(planned_tutorial: Planned, tmp_path: Path) -> None:
    tables = {
        name: frame
        for name, frame in planned_tutorial.tables.items()
        if name not in ("station_wait", "simulation_figure")
    }
    bare = replace(
        planned_tutorial,
        tables=tables,
        evaluation=replace(
            planned_tutorial.evaluation,
            kpi={
                name: value
                for name, value in planned_tutorial.evaluation.kpi.items()
                if name not in ("num_stations_refuted", "num_stations_unclear")
            },
        ),
    )
    write_run(bare, tmp_path / "bare")
    write_run(simulated(planned_tutorial, busier=0.9), tmp_path / "simulated")
    comparison = compare_runs(tmp_path / "bare", tmp_path / "simulated")
    kpi = comparison.tables["kpi"].set_index("name")
    assert pd.isna(kpi.loc["num_stations_refuted", "base_value"])
    assert "Only the other run was simulated" in " ".join(comparison.notes)
    assert "verdicts_change" not in comparison.tables
    assert waits_finding(comparison) == ""
