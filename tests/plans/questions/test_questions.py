"""The check recomputes each question's objective and what it asks for, from labels alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from planner.errors import CheckError, InputError
from planner.instance import Instance, read_instance
from planner.planning.check_plan import check_plan
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.plans import Plan
from tests.scenarios import BY_HAND

OBJECTIVES = ("p_median", "set_cover", "facility_location")


@pytest.fixture(scope="module")
def planned(tutorial: Instance) -> dict[str, Planned]:
    return {
        name: plan(read_instance(tutorial.folder, scenario_name=name, overrides=BY_HAND))
        for name in OBJECTIVES
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_accepts_what_the_models_made(planned: dict[str, Planned], objective: str) -> None:
    found = planned[objective]
    evaluation = check_plan(found.instance, found.plan)
    stated = found.evaluation.kpi
    assert evaluation.kpi == {name: stated[name] for name in evaluation.kpi}
    # What only the simulation knows is no part of the check.
    simulated = set(found.tables["simulation_figure"]["figure"])
    assert stated.keys() - evaluation.kpi.keys() == simulated - evaluation.kpi.keys()


def _siting(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, models=(replace(plan.models[0], **changes), *plan.models[1:]))


def _without(site_id: str, **stated: float) -> Callable[[Plan], Plan]:
    """The plan less a station, its objective and bound stated as if that were better."""

    def spoil(plan: Plan) -> Plan:
        stations, allocation = (
            frame[frame["site_id"] != site_id].reset_index(drop=True)
            for frame in (plan.stations, plan.allocation)
        )
        return _siting(**stated)(replace(plan, stations=stations, allocation=allocation))

    return spoil


def _halve_a_share(plan: Plan) -> Plan:
    share = plan.allocation["share_frac"].to_numpy(float).copy()
    share[0] /= 2
    return replace(plan, allocation=plan.allocation.assign(share_frac=share))


def _resized(station_type_id: str) -> Callable[[Plan], Plan]:
    return lambda plan: replace(
        plan, stations=plan.stations.assign(station_type_id=station_type_id)
    )


@pytest.mark.parametrize(
    ("objective", "spoil", "expected"),
    [
        ("p_median", _siting(objective=277.0, bound=277.0), "swap_min_per_day is 281.1.*277.0"),
        ("p_median", _siting(bound=282.0), "is better than its bound"),
        ("p_median", _siting(sense="max"), "objective is max swap-min/day, p_median asks for min"),
        ("p_median", _siting(unit="swaps/day"), "objective is min swaps/day, p_median asks for"),
        ("p_median", _without("B"), "swap_min_per_day is 527.0.*, the plan states 281.1"),
        ("set_cover", _siting(objective=8e6, bound=8e6), "least_stations_cny is 9000000.0"),
        ("set_cover", _siting(bound=9.1e6), "is better than its bound"),
        ("set_cover", _without("D", objective=6e6, bound=6e6),
         "3 zones have fewer than 1 stations within reach although sites are there, Z6 first"),
        ("facility_location", _siting(objective=2.9e6, bound=2.9e6), "cost_cny_per_year is 298"),
        ("facility_location", _siting(bound=3e6), "is better than its bound"),
        ("facility_location", _halve_a_share, "cost_cny_per_year is 3"),
        ("facility_location", _resized("choco_30"), "cost_cny_per_year is 3"),
        ("facility_location", _resized("choco_14"), "has a load of .* swaps per hour"),
        ("facility_location", _without("B"), "cost_cny_per_year is "),
    ],
)  # fmt: skip
def test_rejects(
    planned: dict[str, Planned], objective: str, spoil: Callable[[Plan], Plan], expected: str
) -> None:
    found = planned[objective]
    with pytest.raises(CheckError, match=expected):
        check_plan(found.instance, spoil(found.plan))


def test_rejects_less_than_the_share_asked_for(planned: dict[str, Planned]) -> None:
    found = planned["set_cover"]
    siting = found.instance.scenario.siting.model_copy(update={"cover_share_frac": 0.95})
    scenario = found.instance.scenario.model_copy(update={"siting": siting})
    spoilt = _without("D", objective=6e6, bound=6e6)(found.plan)
    with pytest.raises(CheckError, match=r"79\.0323% of the swaps are covered, 95\.0000%"):
        check_plan(replace(found.instance, scenario=scenario), spoilt)


def test_rejects_what_the_limits_forbid(planned: dict[str, Planned]) -> None:
    for found in planned.values():
        limited = found.instance.cities.assign(max_stations=1)
        with pytest.raises(CheckError, match="max_stations 1"):
            check_plan(replace(found.instance, cities=limited), found.plan)
        siting = found.instance.scenario.siting.model_copy(update={"budget_cny": 7e6})
        scenario = found.instance.scenario.model_copy(update={"siting": siting})
        with pytest.raises(CheckError, match="the budget is 7,000,000"):
            check_plan(replace(found.instance, scenario=scenario), found.plan)


@pytest.mark.parametrize(
    ("siting", "expected"),
    [
        ({"objective": "p-median"}, "siting.objective.*'max_coverage', 'p_median', 'set_cover'"),
        ({"objective": "p_median", "num_stations": None}, "give num_stations or budget_cny"),
        ({"objective": "p_median", "unserved_min": 1.0},
         "unserved_min must not be less than drive_time_min"),
        ({"objective": "set_cover", "cover_share_frac": 1.5}, "cover_share_frac.*less than or"),
        ({"objective": "set_cover", "cover_times": 0}, "cover_times.*greater than or equal to 1"),
        ({"objective": "set_cover", "cover_least": "stations", "budget_cny": 1e6},
         "no money is counted: give num_stations"),
        ({"objective": "facility_location", "unserved_swap_cny": -1.0}, "unserved_swap_cny"),
        ({"objective": "facility_location", "station_life": 10}, "did you mean station_years"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_told(
    tutorial: Instance, siting: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial.folder, overrides={"siting": siting})


def test_trips_and_swaps_are_weighed_by_one_question_alone(tutorial: Instance) -> None:
    both = {"siting": {"objective": "p_median"},
            "corridors": {"funding": "national", "objective": "swaps"}}  # fmt: skip
    with pytest.raises(InputError, match=r"set siting\.objective max_coverage"):
        read_instance(tutorial.folder, overrides=both)


def test_only_settings_of_the_question_are_assumptions(planned: dict[str, Planned]) -> None:
    def items(objective: str) -> set[str]:
        return {
            item.removeprefix("scenario siting.")
            for item in planned[objective].assumptions["item"]
            if item.startswith("scenario siting.")
        }

    always = {"drive_time_min", "near_km", "station_years"}
    assert items("p_median") == always | {"unserved_min"}
    assert items("set_cover") == always
    assert items("facility_location") == always | {"drive_cny_per_min", "unserved_swap_cny"}
