"""What the terminal says of a finished run is true of that run."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from planner.instance import Instance, read_instance
from planner.outputs.screen.run import show_result
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from tests.curve_sets import cold_and_warm_town, with_curve_sets
from tests.made_up_waits import simulated
from tests.two_towns import two_towns

ROOT = Path(__file__).parents[3]
TUTORIAL = ROOT / "instances" / "tutorial"


def _shown(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    monkeypatch.setenv("COLUMNS", "200")
    show_result(planned, Path("run"), as_json=False)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def _line(lines: list[str], label: str) -> str:
    return next(line.strip() for line in lines if line.strip().startswith(label))


def test_bound_of_cities_and_trips_is_told_beside_both_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corridors = {"funding": "national"}
    tutorial = read_instance(TUTORIAL, overrides={"corridors": corridors})
    towns = two_towns(tutorial, num_stations=9)
    planned = plan(towns)
    siting, kpi = planned.plan.models[0], planned.evaluation.kpi
    assert siting.objective > kpi["swaps_per_day_served"] + 1  # trips are counted in
    lines = _shown(planned, monkeypatch, capsys)
    in_cities = _line(lines, "swaps served in cities")
    assert f"{kpi['swaps_per_day_served']:,.0f} of {kpi['swaps_per_day']:,.0f}" in in_cities
    assert "no plan" not in in_cities
    both = _line(lines, "with trips between cities")
    assert f"{siting.objective:,.0f} swaps per day" in both
    assert both.endswith(f"serves more than {siting.bound:,.0f}")
    assert f"{kpi['num_corridor_stations']:,} more between cities" in _line(lines, "stations")


def test_scenario_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variant, named in ((None, "tutorial: Two"), ("p_median", "tutorial, p_median: Least")):
        planned = plan(read_instance(TUTORIAL, scenario_name=variant))
        assert math.isfinite(planned.plan.models[0].bound)
        lines = _shown(planned, monkeypatch, capsys)
        assert named in _line(lines, "scenario")


def test_waits_verdicts_and_what_the_refuted_lack(
    planned_tutorial: Planned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = simulated(planned_tutorial, busier=0.9)
    wait = busy.tables["station_wait"]
    lines = _shown(busy, monkeypatch, capsys)
    waits, kpi = _line(lines, "waits"), busy.evaluation.kpi
    assert f"{kpi['within_5min_frac']:.1%} within 5 min (" in waits
    assert waits.endswith("winter peak day, simulated")
    refuted = int((wait["verdict"] == "refuted").sum())
    assert refuted > 0
    assert f"{refuted} refuted" in _line(lines, "verdicts")
    named = _line(lines, "refuted")
    assert named.count("lacks packs of na_25") == refuted
    assert all(station in named for station in wait.loc[wait["verdict"] == "refuted", "station_id"])


def test_without_a_simulation_no_waits_are_told(
    planned_tutorial: Planned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = {name: frame for name, frame in planned_tutorial.tables.items() if "wait" not in name}
    lines = _shown(replace(planned_tutorial, tables=tables), monkeypatch, capsys)
    assert not [line for line in lines if line.strip().startswith(("waits", "verdicts"))]


def test_contested_curves_and_the_promise_are_told(
    tutorial: Instance, planned_tutorial: Planned,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    planned = plan(with_curve_sets(cold_and_warm_town(tutorial), kind=0.99))
    lines = _shown(planned, monkeypatch, capsys)
    told = " ".join(lines)
    assert "Which packs the coldest city gets rests on contested curves: " in told
    assert "2 of 2 cities change their main chemistry" in told
    kpi = planned.evaluation.kpi
    missed = kpi["vehicles_below_promised_range"] / kpi["vehicles"]
    assert 0 < missed < 1
    promise = _line(lines, "promised 200 km in winter")
    assert f"missed by {missed:.1%} of the vehicles" in promise
    assert "is a guess" in promise
    assert "curves" not in " ".join(_shown(planned_tutorial, monkeypatch, capsys))
