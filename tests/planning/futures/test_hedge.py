"""One plan for many futures, on the tutorial's two futures worked out in docs/uncertainty.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.instance import read_instance
from planner.instance.futures import futures_of
from planner.physics.climate import city_climate
from planner.physics.fleet import default_pack_swaps, operate_fleet, spread_to_zones
from planner.planning.pipeline import plan
from planner.planning.result import Planned

TUTORIAL = Path(__file__).parents[3] / "instances" / "tutorial"
EXPECTED = {"A", "B"}
LEAST_REGRET = {"A", "D"}


def _planned(**uncertainty: Any) -> Planned:
    overrides: Mapping[str, Any] = {"uncertainty": uncertainty, "simulation": {"replications": 0}}
    return plan(read_instance(TUTORIAL, scenario_name="uncertain", overrides=overrides))


def _interval(planned: Planned, measure: str) -> list[float]:
    table = planned.tables["measure"].set_index("measure")
    return table.loc[measure, ["low", "high"]].tolist()


@pytest.fixture(scope="module")
def expected() -> Planned:
    return _planned()


def test_the_plan_for_the_average(expected: Planned) -> None:
    assert set(expected.plan.stations["site_id"]) == EXPECTED
    future = expected.tables["future"].set_index("future")
    # Families: 4,900 / 6,200 of 115.8 and 3 / 5 of 19.5 swaps a day; taxis: of 19.3 and 97.6.
    assert future["swaps_per_day_asked"].tolist() == pytest.approx([135.33, 116.86], abs=0.01)
    assert future["swaps_per_day_served"].tolist() == pytest.approx([103.24, 73.79], abs=0.01)
    assert future["best_lower"].tolist() == pytest.approx([103.24, 90.50], abs=0.01)
    assert future["best_upper"].tolist() == pytest.approx([103.24, 90.50], abs=0.01)
    assert future["regret_high_frac"].tolist() == pytest.approx([0.0, 0.1846], abs=1e-4)


def test_what_is_known_of_the_measures(expected: Planned) -> None:
    assert _interval(expected, "expected") == pytest.approx([91.46, 91.46], abs=0.01)
    assert _interval(expected, "evpi") == pytest.approx([6.68, 6.68], abs=0.01)
    assert _interval(expected, "vss") == pytest.approx([0.0, 0.0], abs=1e-6)
    assert _interval(expected, "regret") == pytest.approx([0.1846, 0.1846], abs=1e-4)
    low, high = _interval(expected, "regret_best")
    assert low <= 0.1250 <= high + 1e-4


def test_sites_beside_each_futures_best(expected: Planned) -> None:
    sites = expected.tables["future_site"].set_index("site_id")
    assert sites["in_plan"].to_dict() == {"A": True, "B": True, "D": False}
    assert sites["best_in_taxis"].to_dict() == {"A": True, "B": False, "D": True}
    assert sites["chosen_frac"].to_dict() == pytest.approx({"A": 1.0, "B": 0.6, "D": 0.4})


@pytest.mark.parametrize(
    "uncertainty",
    [
        {"measure": "regret"},
        {"measure": "cvar", "tail_frac": 0.4},
        {"measure": "p_robust", "robust_frac": 0.85},
    ],
)
def test_other_measures_stand_for_the_bad_case(uncertainty: dict[str, Any]) -> None:
    planned = _planned(**uncertainty)
    assert set(planned.plan.stations["site_id"]) == LEAST_REGRET
    assert _interval(planned, "regret") == pytest.approx([0.1250, 0.1250], abs=1e-4)
    model = planned.plan.models[-1]
    assert model.name == "futures"
    assert model.objective <= model.bound * (1 + 1e-9)


def test_one_future_as_the_tables_say_is_todays_plan() -> None:
    settings = {"futures": [{"name": "base", "weight": 1.0}]}
    quick = {"simulation": {"replications": 0}}
    hedged = plan(read_instance(TUTORIAL, overrides={"uncertainty": settings, **quick}))
    today = plan(read_instance(TUTORIAL, overrides=quick))
    assert hedged.plan.stations.equals(today.plan.stations)
    assert hedged.plan.allocation.equals(today.plan.allocation)
    assert hedged.plan.models[0].objective == pytest.approx(today.plan.models[0].objective)
    assert _interval(hedged, "regret") == pytest.approx([0.0, 0.0], abs=1e-6)


def test_adoption_by_segment_moves_demand_inside_a_city() -> None:
    """Where taxis do not stand as households do, futures are no multiples of each other."""

    def shares(scenario_name: str | None, overrides: Mapping[str, Any]) -> list[np.ndarray]:
        instance = read_instance(TUTORIAL, scenario_name=scenario_name, overrides=overrides)
        found = []
        for future in futures_of(instance):
            fleet = operate_fleet(future.instance, city_climate(future.instance))
            swaps = default_pack_swaps(future.instance, fleet.yearly_swaps_per_day)
            value = spread_to_zones(future.instance, fleet.vehicles[0] * swaps)
            found.append(value / value.sum())
        return found

    families, taxis = shares("uncertain", {})
    assert np.abs(families - taxis).sum() > 0.5
    settings = read_instance(TUTORIAL, scenario_name="uncertain").scenario.uncertainty
    futures = [future.model_dump() for future in settings.futures]
    families, taxis = shares(None, {"uncertainty": {"futures": futures}})
    assert np.allclose(families, taxis)


PHASED: dict[str, Any] = {
    "planning_quarter": "2027Q2",
    "horizon": {"first_quarter": "2026Q4", "last_quarter": "2027Q2"},
    "phasing": {"first_quarter": "2026Q4", "openings_per_quarter": 1},
    "simulation": {"replications": 0},
}
"""One station a quarter, two of them at last; nothing else differs between the quarters."""


def _phased(news_quarter: str | None) -> Planned:
    overrides = PHASED | {"uncertainty": {"news_quarter": news_quarter}}
    return plan(read_instance(TUTORIAL, scenario_name="uncertain", overrides=overrides))


def test_what_opens_after_the_news_is_planned_for_each_future() -> None:
    planned = _phased("2027Q1")
    opened = planned.tables["future_opening"]
    of_future = {
        name: dict(zip(rows["site_id"], rows["quarter"], strict=True))
        for name, rows in opened.groupby("future")
    }
    # A is among the best two of either future, and alone serves most on average.
    assert of_future == {
        "families": {"A": "2026Q4", "B": "2027Q1"},
        "taxis": {"A": "2026Q4", "D": "2027Q1"},
    }
    # Families are the likelier: the plan shows their branch.
    assert dict(zip(planned.plan.openings["site_id"], planned.plan.openings["quarter"],
                    strict=True)) == {"A": "2026Q4", "B": "2027Q1"}  # fmt: skip
    future = planned.tables["future"]
    assert future["regret_high_frac"].max() <= 1e-6
    assert future["swaps_per_day_asked"].tolist() == pytest.approx([135.33, 116.86], abs=0.01)
    assert _interval(planned, "expected")[0] == pytest.approx(
        planned.plan.models[-1].objective, rel=1e-6
    )


def test_without_news_openings_are_common() -> None:
    planned = _phased(None)
    assert "future_opening" not in planned.tables
    assert dict(zip(planned.plan.openings["site_id"], planned.plan.openings["quarter"],
                    strict=True)) == {"A": "2026Q4", "B": "2027Q1"}  # fmt: skip


def test_the_budget_holds_in_every_future() -> None:
    """Stations that may cost twice as much: one fewer is built, and the check agrees."""
    dear = [{"table": "stations", "column": "capex_cny", "factor": 2.0}]
    futures = [
        {"name": "base", "weight": 0.5},
        {"name": "dear", "weight": 0.5, "scale": dear},
    ]
    overrides: dict[str, Any] = {
        "siting": {"budget_cny": 10_000_000.0},
        "simulation": {"replications": 0},
        "throughput": {"utilisation_frac": 0.85},
    }
    today = plan(read_instance(TUTORIAL, overrides=overrides))
    assert today.evaluation.kpi["capex_cny"] == 10_000_000.0
    hedged = plan(
        read_instance(TUTORIAL, overrides=overrides | {"uncertainty": {"futures": futures}})
    )
    assert hedged.evaluation.kpi["capex_cny"] <= 5_000_000.0
    assert hedged.plan.models[0].objective < today.plan.models[0].objective


def test_few_futures_stand_for_all_that_are_judged() -> None:
    """Five futures of two kinds: a plan searched on two of them, told of all."""
    families, taxis = (
        future.model_dump(exclude={"weight"})
        for future in read_instance(
            TUTORIAL, scenario_name="uncertain"
        ).scenario.uncertainty.futures
    )
    futures = [
        families | {"weight": 0.6},
        *(taxis | {"name": f"taxis_{number}", "weight": 0.1} for number in range(4)),
    ]
    planned = _planned(futures=futures, optimize_on=2)
    assert set(planned.plan.stations["site_id"]) == EXPECTED
    future = planned.tables["future"].set_index("future")
    assert len(future) == 5
    assert future["regret_high_frac"].tolist() == pytest.approx([0.0, *[0.1846] * 4], abs=1e-4)
    assert _interval(planned, "expected") == pytest.approx([91.46, 91.46], abs=0.01)
