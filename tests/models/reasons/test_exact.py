from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.errors import InfeasibleError
from planner.models.coverage.problem import CoverageProblem
from planner.models.reasons.exact import reopt
from planner.models.reasons.lower import Prices
from planner.models.reasons.removal import group_removal
from planner.models.reasons.result import Stations
from planner.models.reasons.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.options import SolveOptions
from planner.solving.rules import SiteRules
from tests.models.reasons.small_plans import any_problem, is_one_city, plans_of

OPTIONS = SolveOptions(deterministic=True)


def locks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Stations to close and, every other time, sites to open."""
    problem = any_problem(seed)
    plan, rng = plans_of(seed)[0], np.random.default_rng(seed)
    free = plan.sites[~problem.rules.forced[plan.sites]]
    usable = np.flatnonzero(~problem.rules.forbidden)
    closed = np.setdiff1d(usable, plan.sites)
    opened = closed[rng.random(len(closed)) < 0.2] if seed % 2 else closed[:0]
    return free[rng.random(len(free)) < 0.6], opened


@pytest.mark.parametrize("seed", [*range(0, 48, 5), 7])
def test_intervals_of_several_locks_hold(seed: int) -> None:
    problem = any_problem(seed)
    plans = plans_of(seed)
    if not plans:
        pytest.skip("no plan keeps these limits")
    plan = Stations(plans[0].sites, plans[0].types)
    removed, forced = locks(seed)
    kept = [
        each.served
        for each in plans
        if not np.isin(removed, each.sites).any() and np.isin(forced, each.sites).all()
    ]
    if not kept:
        with pytest.raises(InfeasibleError):
            reopt(problem, plan, forbid=removed, force=forced, prices=Prices(), options=OPTIONS)
        return
    least = plans[0].served - max(kept)
    whole = reopt(problem, plan, forbid=removed, force=forced, prices=Prices(), options=OPTIONS)
    assert whole.high == pytest.approx(least, abs=1e-6)
    assert whole.low == pytest.approx(least, abs=1e-6)
    assert whole.is_exact
    at_price = Prices(station=2.0)
    for found in (
        group_removal(problem, plan, removed, forced=forced, prices=at_price, options=OPTIONS),
        reopt(
            problem, plan, forbid=removed, force=forced, prices=at_price, options=OPTIONS,
            tuning=Tuning(whole_arcs=0),
        ),
    ):  # fmt: skip
        assert 0.0 <= found.low <= found.high
        assert found.high >= least - 1e-7
        assert found.better_by == 0.0
        if is_one_city(problem):
            assert found.low <= least + 1e-7
        assert problem.rules.allow_number(found.found.site_idx)
        assert not np.isin(removed, found.found.site_idx).any()
        assert np.isin(forced, found.found.site_idx).all()


def test_a_station_that_stays_is_not_removed() -> None:
    seed = next(
        seed for seed in range(48) if any_problem(seed).rules.forced.any() and plans_of(seed)
    )
    problem = any_problem(seed)
    plan = plans_of(seed)[0]
    stays = np.flatnonzero(problem.rules.forced)[:1]
    with pytest.raises(InfeasibleError, match="stays in every plan"):
        reopt(
            problem, Stations(plan.sites, plan.types), forbid=stays, prices=Prices(),
            options=OPTIONS,
        )  # fmt: skip


def test_no_lock_costs_nothing() -> None:
    problem = any_problem(0)
    plan = Stations(plans_of(0)[-1].sites, plans_of(0)[-1].types)
    nobody = np.empty(0, dtype=np.int64)
    for found in (
        reopt(problem, plan, prices=Prices(), options=OPTIONS),
        group_removal(problem, plan, nobody, prices=Prices(), options=OPTIONS),
    ):
        assert (found.low, found.high, found.better_by) == (0.0, 0.0, 0.0)
        assert found.found.site_idx.tolist() == plan.site_idx.tolist()


def test_a_site_that_relieves_a_full_station_takes_the_place_of_another() -> None:
    """It covers nothing new, and covering alone would rather open what is of little use."""
    problem = SizedCoverageProblem(
        coverage=CoverageProblem(
            value=np.array([100.0, 10.0, 1.0]),
            reach=Lists.of([[0], [0], [1], [2], [0]]),
            rules=replace(SiteRules.free(5, 3), cost=np.zeros((5, 1))),
        ),
        load=np.array([100.0, 10.0, 1.0]),
        capacity=np.full((5, 1), 50.0),
    )
    plan = Stations(np.array([0, 1, 2]), None)
    found = group_removal(problem, plan, np.array([0]), prices=Prices(), options=OPTIONS)
    assert found.found.site_idx.tolist() == [1, 2, 4]
    assert found.high == 0.0
    full = group_removal(problem, plan, np.array([0, 4]), prices=Prices(), options=OPTIONS)
    assert full.high == pytest.approx(49.0)
    opened = group_removal(
        problem, plan, np.array([4]), forced=np.array([3]), prices=Prices(), options=OPTIONS
    )
    assert opened.found.site_idx.tolist() == [0, 1, 3]
    assert opened.high == pytest.approx(9.0)
