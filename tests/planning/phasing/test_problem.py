"""The problem of openings: weights, values and limits by period from settings and tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.instance import Instance
from planner.models.phasing.problem import PhasedLimit, PhasedProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.physics.climate import city_climate
from planner.physics.fleet import FleetOperation, operate_fleet
from planner.planning.joined_network import reach_on_network
from planner.planning.phasing.problem import assemble_phasing, discounts, period_weights
from planner.planning.siting.problem import assemble_siting
from tests.planning.phasing.phased_town import phased_town


def _assemble(
    instance: Instance,
) -> tuple[PhasedProblem, SizedCoverageProblem, FleetOperation]:
    fleet = operate_fleet(instance, city_climate(instance))
    _, reach = reach_on_network(instance)
    fits = ~np.isnan(fleet.design_range_km[..., 0])
    vehicles = fleet.vehicles[..., None] * fits / fits.sum(axis=2, keepdims=True)
    capacity = np.array([[10.0, 20.0]])
    planned = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    siting = assemble_siting(instance, reach, fleet, vehicles[planned], capacity)
    rates = [capacity * (1 + period) for period in range(len(instance.scenario.periods))]
    return assemble_phasing(instance, fleet, siting, vehicles, rates), siting, fleet


def _limit(problem: PhasedProblem, name: str) -> PhasedLimit:
    return next(limit for limit in problem.limits if limit.name == name)


def test_periods_end_with_the_planning_quarter_and_are_worth_their_days(tutorial: Instance) -> None:
    """2026Q2 and Q3 with 91 and 92 days, then 92 and 90.25 with half a year's discount."""
    instance = phased_town(tutorial, first_quarter="2026Q2", quarters_per_period=2)
    weights = period_weights(instance.scenario)
    year = 1.08
    assert weights == pytest.approx(
        [91 + 92 / year**0.25, 92 / year**0.5 + 90.25 / year**0.75], rel=1e-12
    )
    assert discounts(instance.scenario) == pytest.approx([1.0, year**-0.5], rel=1e-12)
    problem, siting, _ = _assemble(instance)
    # Without a table of adoption the fleet is the same in every quarter.
    assert problem.value == pytest.approx(np.outer(siting.coverage.value, weights), rel=1e-12)
    assert problem.load == pytest.approx(np.column_stack([siting.load] * 2), rel=1e-12)
    assert problem.capacity[:, :, 1] == pytest.approx(2 * siting.capacity)


def test_sites_stand_when_they_may_and_must(tutorial: Instance) -> None:
    instance = phased_town(tutorial, first_quarter="2026Q2", quarters_per_period=2)
    sites = instance.sites.assign(
        status=["existing", "committed", "committed", "candidate", "candidate"],
        opens_quarter=[None, "2026Q3", None, None, None],
        earliest_quarter=[None, None, None, "2026Q3", "2027Q1"],
    )
    problem, siting, _ = _assemble(replace(instance, sites=sites))
    # 2026Q3 lies amid the first period: its station opens with it, one not before it waits.
    assert problem.must_stand.tolist() == [
        [True, True], [True, True], [False, True], [False, False], [False, False],
    ]  # fmt: skip
    assert problem.may_stand.tolist() == [
        [True, True], [True, True], [True, True], [False, True], [False, False],
    ]  # fmt: skip
    assert not siting.rules.usable[4]  # no period begins in time
    assert problem.is_new.tolist() == [False, True, True, True, True]


def test_build_rates_replace_the_settings_quarter_by_quarter(tutorial: Instance) -> None:
    instance = phased_town(
        tutorial, first_quarter="2026Q2", quarters_per_period=2, openings_per_quarter=1.5,
        budget_cny_per_quarter=4e6, siting={"num_stations": 9},
    )  # fmt: skip
    rows = [
        ("2026Q2", None, 0, None), ("2026Q4", None, None, 1e6), ("2027Q1", "town", 1, None),
    ]  # fmt: skip
    columns = ["quarter", "city_id", "openings", "budget_cny"]
    instance = replace(instance, build_rates=pd.DataFrame(rows, columns=columns))
    problem, siting, _ = _assemble(instance)
    assert _limit(problem, "openings").amount.tolist() == [1.5, 3.0]
    assert not _limit(problem, "openings").carries_over
    money = _limit(problem, "money")
    assert (money.amount.tolist(), money.carries_over) == ([8e6, 5e6], True)
    assert problem.cities.rate.tolist() == [[np.inf, np.inf]]  # a quarter of it is not limited
    assert siting.rules.most == 4  # whole stations of the 4.5
    assert siting.rules.budget == 13e6


@pytest.mark.parametrize(
    ("carries_over", "total", "expected"),
    [
        (True, 5e6, {"money": [3e6, 2e6]}),
        (True, 9e6, {"money": [3e6, 3e6]}),
        (False, 5e6, {"money": [3e6, 3e6], "total_money": [5e6, 0.0]}),
        (False, 9e6, {"money": [3e6, 3e6]}),
    ],
)
def test_money_of_all_periods_and_of_each(
    tutorial: Instance, carries_over: bool, total: float, expected: dict[str, list[float]]
) -> None:
    instance = phased_town(
        tutorial, first_quarter="2026Q4", budget_cny_per_quarter=3e6,
        budget_carries_over=carries_over, siting={"budget_cny": total},
    )  # fmt: skip
    problem, _, _ = _assemble(instance)
    found = {x.name: x.amount.tolist() for x in problem.limits if "money" in x.name}
    assert found == expected


def test_only_what_is_limited_is_a_limit(tutorial: Instance) -> None:
    problem, _, _ = _assemble(phased_town(tutorial, first_quarter="2026Q4"))
    assert [limit.name for limit in problem.limits] == ["stations"]
    problem, _, _ = _assemble(
        phased_town(
            tutorial, first_quarter="2026Q4", objective="least_money",
            share_by_quarter={"2027Q1": 0.5},
        )
    )  # fmt: skip
    assert np.isinf(_limit(problem, "money").amount).all()
