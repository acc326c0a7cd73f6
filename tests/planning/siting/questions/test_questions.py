"""Each question that the stations can be asked, on the tutorial, against every set of stations."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from planner.arrays import FloatArray
from planner.errors import InfeasibleError
from planner.instance import Instance, read_instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.clock import StageClock
from planner.planning.joined_network import reach_on_network
from planner.planning.pipeline import plan
from planner.planning.rounds import Fitted, fit_packs_and_stations
from planner.solving.options import SolveOptions

SITES = "ABCD"  # E is forbidden
KM_PER_DEGREE = 1.0 / 0.012888  # along the tutorial's road, which is driven at 1 km a minute
STANDARD_MIN = 1.5


def asking(instance: Instance, **siting: Any) -> Instance:
    """The instance with other settings of the siting."""
    changed = type(instance.scenario.siting).model_validate(
        {**instance.scenario.siting.model_dump(exclude={"unserved_min"}), **siting}
    )
    return replace(instance, scenario=instance.scenario.model_copy(update={"siting": changed}))


def way_min(instance: Instance, sites: tuple[str, ...]) -> FloatArray:
    """Minutes from each zone to each site, inf beyond the standard, shape (8, len(sites))."""
    site_lon = instance.sites.set_index("site_id").loc[list(sites), "lon"].to_numpy()
    minutes = np.abs(instance.zones["lon"].to_numpy()[:, None] - site_lon) * KM_PER_DEGREE
    return np.asarray(np.where(minutes <= STANDARD_MIN, minutes, np.inf))


def sets_of_stations(most: int = 4) -> Iterator[tuple[str, ...]]:
    """Every set of sites that may hold stations."""
    for count in range(most + 1):
        yield from itertools.combinations(SITES, count)


def swaps_per_day(instance: Instance) -> FloatArray:
    """Of each zone, from the whole that every plan states."""
    households = instance.zones["car_owning_households"].to_numpy(float)
    total = plan(asking(instance, objective="max_coverage", num_stations=0))
    return np.asarray(households / households.sum() * total.evaluation.kpi["swaps_per_day"])


@pytest.fixture(scope="module")
def swaps(tutorial: Instance) -> FloatArray:
    return swaps_per_day(tutorial)


def _minutes(instance: Instance, swaps: FloatArray, sites: tuple[str, ...], beyond: float) -> float:
    nearest = np.min(way_min(instance, sites), axis=1, initial=np.inf)
    return float(swaps @ np.where(np.isfinite(nearest), nearest, beyond))


@pytest.mark.parametrize("num_stations", [0, 1, 2, 3, 4])
def test_p_median_is_the_best_of_all_sets(
    tutorial: Instance, swaps: FloatArray, num_stations: int
) -> None:
    planned = plan(asking(tutorial, objective="p_median", num_stations=num_stations))
    siting = planned.plan.models[0]
    best = min(
        _minutes(tutorial, swaps, sites, 2 * STANDARD_MIN)
        for sites in sets_of_stations(num_stations)
    )
    assert (siting.sense, siting.unit, siting.status) == ("min", "swap-min/day", "OPTIMAL")
    assert siting.objective == pytest.approx(best)
    assert siting.bound == pytest.approx(best)
    kpi = planned.evaluation.kpi
    assert kpi["mean_counted_min"] == pytest.approx(best / swaps.sum())
    assert planned.tables["coupling"]["siting_gap_frac"].lt(1e-12).all()  # one for all packs


def test_more_stations_never_lengthen_the_drives(tutorial: Instance) -> None:
    minutes = [
        plan(asking(tutorial, objective="p_median", num_stations=number)).plan.models[0].objective
        for number in range(5)
    ]
    assert minutes == sorted(minutes, reverse=True)
    assert len(set(minutes)) > 1


def test_what_beyond_reach_counts_decides_where_p_median_goes(
    tutorial: Instance, swaps: FloatArray
) -> None:
    """At 60 min a swap p-median serves as many as it can; the objective says what it counts."""
    far = plan(asking(tutorial, objective="p_median", num_stations=2, unserved_min=60.0))
    best = min(_minutes(tutorial, swaps, sites, 60.0) for sites in sets_of_stations(2))
    assert far.plan.models[0].objective == pytest.approx(best)
    assert set(far.plan.stations["site_id"]) == {"A", "B"}  # those of most swaps served


PLOTS_CNY = {"A": 0.0, "B": 1.5e6, "C": 4e5, "D": 0.0, "E": 0.0}


def _cheapest_cover(
    instance: Instance, swaps: FloatArray, share: float, times: int, *, in_money: bool
) -> float:
    """Least cost, or number, of stations that cover what is asked for, over every set."""
    reached = np.isfinite(way_min(instance, tuple(SITES))).sum(axis=1)
    found = []
    for sites in sets_of_stations():
        built = np.isfinite(way_min(instance, sites)).sum(axis=1)
        enough = (
            (built >= np.minimum(times, reached)).all()
            if share == 1.0
            else swaps[built >= times].sum() >= share * swaps.sum() * (1 - 1e-12)
        )
        if enough:
            found.append(sum(3e6 + PLOTS_CNY[site] if in_money else 1.0 for site in sites))
    return min(found)


@pytest.mark.parametrize("in_money", [True, False], ids=["money", "stations"])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("share", [1.0, 0.8, 0.4])
def test_set_cover_is_the_cheapest_of_all_sets(
    tutorial: Instance, swaps: FloatArray, share: float, times: int, in_money: bool
) -> None:
    plots = tutorial.sites["site_id"].map(PLOTS_CNY)
    instance = replace(tutorial, sites=tutorial.sites.assign(site_cost_cny=plots))
    asked = asking(
        instance, objective="set_cover", num_stations=None, cover_share_frac=share,
        cover_times=times, cover_least="money" if in_money else "stations",
    )  # fmt: skip
    if times == 2 and share == 0.8:  # two sites reach 47 % of the swaps
        with pytest.raises(InfeasibleError, match="80"):
            plan(asked)
        return
    planned = plan(asked)
    siting = planned.plan.models[0]
    assert siting.unit == ("CNY" if in_money else "stations")
    assert (siting.sense, siting.status) == ("min", "OPTIMAL")
    assert siting.objective == pytest.approx(
        _cheapest_cover(tutorial, swaps, share, times, in_money=in_money)
    )
    assert planned.evaluation.kpi["swaps_covered_frac"] >= (share if share < 1 else 0) - 1e-9


def test_covering_less_never_costs_more(tutorial: Instance) -> None:
    costs = [
        plan(
            asking(tutorial, objective="set_cover", num_stations=None, cover_share_frac=share)
        ).plan.models[0].objective
        for share in (0.0, 0.3, 0.6, 0.9, 1.0)
    ]  # fmt: skip
    assert costs == sorted(costs)
    assert costs[0] == 0
    assert len(set(costs)) > 2


def test_zones_that_no_site_reaches_are_named(tutorial: Instance) -> None:
    sites = tutorial.sites.assign(
        status=["candidate", "candidate", "candidate", "forbidden", "forbidden"]
    )
    planned = plan(asking(replace(tutorial, sites=sites), objective="set_cover", num_stations=None))
    rows = planned.assumptions.set_index("item")
    beyond = rows.loc["zones that no site reaches within the standard"]
    assert beyond["value"].startswith("3 zones, ")
    assert beyond["source"] == "not asked to be covered: Z6, Z7, Z8"
    assert set(planned.plan.stations["site_id"]) == {"A", "B"}


def _fitted(instance: Instance) -> Fitted:
    """What the stage that plans packs and stations hands on."""
    assert instance.scenario.siting.drive_time_min == STANDARD_MIN
    _, reach = reach_on_network(instance)
    fleet = operate_fleet(instance, city_climate(instance))
    return fit_packs_and_stations(
        instance, fleet, reach, SolveOptions(gap_frac=0.0, time_limit_s=60.0), StageClock()
    )


def _least_yearly_cost(
    instance: Instance,
    fitted: Fitted,
    most: int,
    unserved_cny: float,
    budget_cny: float = np.inf,
) -> float:
    """Every set of stations in every size, each with the cheapest service by linear program."""
    problem = fitted.siting_problem
    value, load = problem.coverage.value, problem.load
    payment = 0.05 / (1 - 1.05**-10)
    yearly_cny = {0: payment * 3e6 + 400_000, 1: payment * 5e6 + 600_000}
    best = np.inf
    for sites in sets_of_stations(most):
        minutes = way_min(instance, sites)
        pairs = np.argwhere(np.isfinite(minutes))
        saving = [
            365 * value[zone] * (unserved_cny - 0.6 * minutes[zone, at]) for zone, at in pairs
        ]
        for types in itertools.product((0, 1), repeat=len(sites)):
            if sum((3e6, 5e6)[kind] for kind in types) > budget_cny:
                continue
            cost = sum(yearly_cny[kind] for kind in types) + 365 * value.sum() * unserved_cny
            if len(pairs):
                rows = np.zeros((len(value) + len(sites), len(pairs)))
                for pair, (zone, at) in enumerate(pairs):
                    rows[zone, pair] = 1.0
                    rows[len(value) + at, pair] = load[zone]
                rooms = [
                    problem.capacity["ABCDE".index(site), kind]
                    for site, kind in zip(sites, types, strict=True)
                ]
                limits = [*np.ones(len(value)), *rooms]
                cost += linprog(-np.array(saving), A_ub=rows, b_ub=limits, method="highs").fun
            best = min(best, cost)
    return best


@pytest.mark.parametrize(
    ("num_stations", "unserved_cny"), [(None, 33.0), (None, 200.0), (1, 33.0), (None, 1.0)]
)
def test_facility_location_is_the_cheapest_of_all_plans(
    tutorial: Instance, num_stations: int | None, unserved_cny: float
) -> None:
    instance = asking(
        tutorial, objective="facility_location", num_stations=num_stations,
        unserved_swap_cny=unserved_cny,
    )  # fmt: skip
    fitted = _fitted(instance)
    most = 4 if num_stations is None else num_stations
    best = _least_yearly_cost(tutorial, fitted, most, unserved_cny)
    assert fitted.siting.objective == pytest.approx(best, rel=1e-6)
    assert fitted.siting.bound == pytest.approx(best, rel=1e-6)
    siting = plan(instance).plan.models[0]
    assert (siting.sense, siting.unit, siting.status) == ("min", "CNY/year", "OPTIMAL")
    assert siting.objective == pytest.approx(best, rel=1e-6)


def test_facility_location_keeps_to_the_money(tutorial: Instance) -> None:
    """The bound holds for all plans within the budget, the plan is one of them."""
    for budget_cny in (2e6, 4e6, 6e6, 8e6, 11e6):
        instance = asking(
            tutorial, objective="facility_location", num_stations=None, budget_cny=budget_cny,
            unserved_swap_cny=200.0,
        )  # fmt: skip
        fitted = _fitted(instance)
        best = _least_yearly_cost(tutorial, fitted, 4, 200.0, budget_cny)
        assert fitted.siting.bound <= best * (1 + 1e-9)
        assert fitted.siting.objective == pytest.approx(best, rel=1e-6)
        assert fitted.siting.gap_frac < 0.25
        assert plan(instance).evaluation.kpi["capex_cny"] <= budget_cny


def test_yearly_cost_is_what_its_parts_are(tutorial: Instance) -> None:
    planned = plan(asking(tutorial, objective="facility_location", num_stations=None))
    kpi = planned.evaluation.kpi
    unserved = kpi["swaps_per_day"] - kpi["swaps_per_day_served"]
    assert kpi["unserved_cny_per_year"] == pytest.approx(365 * 33.0 * unserved)
    drives = kpi["swaps_per_day_served"] * kpi["mean_drive_min"]
    assert kpi["drive_cny_per_year"] == pytest.approx(365 * 0.6 * drives)
    assert kpi["cost_cny_per_year"] == pytest.approx(
        kpi["stations_cny_per_year"] + kpi["drive_cny_per_year"] + kpi["unserved_cny_per_year"]
    )
    assert kpi["cost_cny_per_year"] == pytest.approx(planned.plan.models[0].objective)


OTHERS: dict[str, dict[str, Any]] = {
    "p_median": {"num_stations": 4},
    "set_cover": {"num_stations": None, "cover_share_frac": 0.3},
    "facility_location": {"num_stations": None},
}
ALL = {"max_coverage": {"num_stations": 4}, **OTHERS}


@pytest.mark.parametrize("objective", ALL)
def test_locks_hold_whatever_is_asked(tutorial: Instance, objective: str) -> None:
    status = ["forbidden", "candidate", "existing", "committed", "forbidden"]  # A to E
    locked = replace(tutorial, sites=tutorial.sites.assign(status=status))
    stations = set(
        plan(asking(locked, objective=objective, **ALL[objective])).plan.stations["site_id"]
    )
    assert {"C", "D"} <= stations <= {"B", "C", "D"}
    with pytest.raises(InfeasibleError, match="at most 1 station\n"):
        plan(asking(locked, objective=objective, **{**ALL[objective], "num_stations": 1}))


@pytest.mark.parametrize("objective", ALL)
def test_cities_limits_hold_whatever_is_asked(tutorial: Instance, objective: str) -> None:
    def built(**limits: int) -> float:
        limited = replace(tutorial, cities=tutorial.cities.assign(**limits))
        question = {**ALL[objective], "cover_share_frac": 0.3, "unserved_swap_cny": 1.0}
        return plan(asking(limited, objective=objective, **question)).evaluation.kpi["num_stations"]

    assert built(max_stations=1) <= 1
    assert built(min_stations=4) == 4
    assert built(min_stations=2, max_stations=2) == 2


@pytest.mark.parametrize("objective", ALL)
def test_stations_keep_their_spacing(tutorial: Instance, objective: str) -> None:
    # Of A, C and B, a kilometre apart in a row, C has most households around.
    siting = {"objective": objective, "min_spacing_km": 1.5, **ALL[objective]}
    spaced = read_instance(tutorial.folder, overrides={"siting": siting})
    planned = plan(spaced)  # its check measures the distances
    assert set(planned.plan.stations["site_id"]) <= {"C", "D"}
    assert planned.evaluation.kpi["num_stations"] >= 1


@pytest.mark.parametrize("objective", ALL)
def test_a_city_is_called_by_its_id(tutorial: Instance, objective: str) -> None:
    limited = replace(tutorial, cities=tutorial.cities.assign(min_stations=5))
    with pytest.raises(InfeasibleError, match=r"city town: .* 5"):
        plan(asking(limited, objective=objective, **{**ALL[objective], "num_stations": 5}))


@pytest.mark.parametrize("objective", ["p_median", "set_cover"])
def test_money_buys_stations_first_and_sizes_with_the_rest(
    tutorial: Instance, objective: str
) -> None:
    for budget_cny, sizes in ((6e6, ["choco_14"] * 2), (8e6, ["choco_14", "choco_30"])):
        planned = plan(
            asking(
                tutorial, objective=objective, num_stations=None, budget_cny=budget_cny,
                cover_share_frac=0.7,
            )
        )  # fmt: skip
        assert planned.evaluation.kpi["capex_cny"] <= budget_cny
        assert sorted(planned.plan.stations["station_type_id"]) == sizes


@pytest.mark.parametrize(
    ("siting", "conflict", "repair"),
    [
        ({"num_stations": 2}, ["100 % of the swaps covered", "at most 2 stations"],
         ["allow 3 stations instead of 2",
          "ask for 79.03 % instead of: 100 % of the swaps covered"]),
        ({"num_stations": None, "budget_cny": 5e6},
         ["100 % of the swaps covered", "a budget of 5 M CNY"],
         ["raise the budget from 5 M CNY to 9 M CNY",
          "ask for 46.77 % instead of: 100 % of the swaps covered"]),
        ({"num_stations": None, "cover_share_frac": 0.99, "cover_times": 3},
         ["99 % of the swaps covered, by 3 stations each"],
         ["ask for 8.06 % instead of: 99 % of the swaps covered, by 3 stations each"]),
    ],
)  # fmt: skip
def test_cover_that_cannot_be_is_explained(
    tutorial: Instance, siting: dict[str, Any], conflict: list[str], repair: list[str]
) -> None:
    with pytest.raises(InfeasibleError) as refused:
        plan(asking(tutorial, objective="set_cover", **siting))
    assert list(refused.value.conflict) == conflict
    assert list(refused.value.repair) == repair


@pytest.mark.parametrize("objective", OTHERS)
def test_rows_may_stand_in_any_order(tutorial: Instance, objective: str) -> None:
    # A part of the town can be covered in several ways that cost the same.
    question = {**OTHERS[objective], "cover_share_frac": 1.0}
    asked = asking(tutorial, objective=objective, **question)
    turned = replace(
        asked,
        zones=asked.zones.iloc[::-1].reset_index(drop=True),
        sites=asked.sites.iloc[[3, 1, 4, 0, 2]].reset_index(drop=True),
    )
    plain, again = plan(asked), plan(turned)
    # Of two stations equally near the first serves: drivers meet other queues, no figure else.
    simulated = set(plain.tables["simulation_figure"]["figure"]) - {"station_packs"}
    planned = [
        {name: value for name, value in each.evaluation.kpi.items() if name not in simulated}
        for each in (again, plain)
    ]
    assert planned[0] == pytest.approx(planned[1])
    # Z3 lies between A and B: either may serve it. Z2 and Z4 are as near to C, which is full:
    # either may go without, and other sites save as much less or more.
    either = ["main_site_id"]
    if objective == "facility_location":
        either += ["unserved_swaps_per_day", "saving_cny_per_year", "leaves_site_id"]
    reasons = [found.candidates.drop(columns=either) for found in (again, plain)]
    pd.testing.assert_frame_equal(*reasons)


REASONS = {
    "p_median": {"none_nearer", "saves_less", "saves_more"},
    "set_cover": {"not_needed"},
    "facility_location": {"costs_more", "costs_less"},
}


@pytest.mark.parametrize("objective", OTHERS)
def test_other_sites_are_told_why(tutorial: Instance, objective: str) -> None:
    question = {**OTHERS[objective], "num_stations": 2}
    planned = plan(asking(tutorial, objective=objective, **question))
    rows = planned.candidates.set_index("site_id")
    assert rows.loc["E", "reason"] == "forbidden"
    others = rows.drop(index="E")
    assert len(others) > 0
    assert set(others["reason"]) <= REASONS[objective]
    assert "price_swaps_per_day" not in rows
    assert not rows["explanation"].str.contains("nan|inf|[{}]").any()


def test_a_site_that_is_not_chosen_saves_no_more_than_it_would_cost(tutorial: Instance) -> None:
    planned = plan(asking(tutorial, objective="p_median", num_stations=2))
    rows = planned.candidates.set_index("site_id")
    households = tutorial.zones.set_index("zone_id")["car_owning_households"]
    per_household = planned.evaluation.kpi["swaps_per_day"] / households.sum()
    # C is a minute nearer to Z3 than A and B; D takes Z6 to Z8 from 3 min to 1, 0 and 1.
    assert rows.loc["C", "saving_swap_min_per_day"] == pytest.approx(500 * per_household)
    assert rows.loc["D", "saving_swap_min_per_day"] == pytest.approx(
        (2 * 400 + 3 * 600 + 2 * 300) * per_household
    )
    assert rows.loc["D", "reason"] == "saves_less"
