"""Starts from elsewhere: whatever they hold, the bound is proven and a bad one is left aside."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.national.solve import NationalLimit, solve_national
from planner.models.national.state import NationalStart
from planner.models.national.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from tests.models.national.test_solve import (
    EXACT,
    NATION,
    assert_honest,
    brute_force,
    random_nation,
    small_nations,
)

AT_ONCE = SolveOptions(gap_frac=1.0, time_limit_s=60.0)
"""The search ends with its first plan and its first bound."""


def _worth(problem: SizedCoverageProblem, value: np.ndarray) -> SizedCoverageProblem:
    return replace(problem, coverage=replace(problem.coverage, value=value))


@given(small_nations(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_start_of_the_same_covering_proves_its_own_bound(
    case: tuple[SizedCoverageProblem, list[NationalLimit]], data: st.DataObject
) -> None:
    """Other values, wild prices: the bound of the start alone is above the best plan."""
    problem, limits = case
    best = brute_force(problem, limits)
    if best is None:
        return
    factor = data.draw(st.sampled_from([0.0, 0.3, 1.0, 4.0]))
    other = _worth(problem, problem.coverage.value * factor)
    end = solve_national(other, EXACT, limits=limits).end
    price = data.draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    start = replace(end, price=end.price * price, cover_bound=np.empty(0), covering=b"")
    for most in (math.inf, 0.01, -1.0):
        found = solve_national(
            problem, AT_ONCE, limits=limits, start=replace(start, most_gap_frac=most)
        )
        assert_honest(problem, limits, found)
        assert found.proof.bound >= best * (1 - 1e-9)
        assert found.priced_bound >= best * (1 - 1e-9)
    exact = solve_national(problem, EXACT, limits=limits, start=start)
    assert exact.proof.objective <= best * (1 + 1e-9) + 1e-12
    assert exact.proof.bound >= best * (1 - 1e-9)


@pytest.mark.parametrize("most", [math.inf, 0.0])
def test_own_first_prices_are_sought_where_a_start_leaves_much(most: float) -> None:
    tuning = Tuning(whole_arcs=0)
    options = SolveOptions(gap_frac=0.01, deterministic=True)
    end = solve_national(NATION, options, tuning=tuning).end
    # Twice the price of a station: a poor bound, an excellent plan.
    start = replace(end, price=2.0 * end.price, covering=b"", of="elsewhere", most_gap_frac=most)
    seen: list[Progress] = []
    found = solve_national(NATION, options, start=start, tuning=tuning, on_progress=seen.append)
    assert_honest(NATION, [], found)
    assert found.proof.gap_frac <= 0.01
    told = [progress.message for progress in seen]
    assert told[0] == "prices and plan of elsewhere"
    assert any("first prices from" in message for message in told) == (most == 0.0)
    if most == 0.0:
        place = next(k for k, message in enumerate(told) if "first prices from" in message)
        assert seen[place].bound < seen[0].bound
        assert seen[place].incumbent >= seen[0].incumbent


END = solve_national(NATION, SolveOptions(gap_frac=0.01, deterministic=True)).end


def _with(name: str, position: int, value: float) -> NationalStart:
    changed = getattr(END, name).copy()
    changed[position] = value
    return replace(END, **{name: changed})


@pytest.mark.parametrize(
    "start",
    [
        _with("price", 0, math.nan),
        _with("price", 0, -1.0),
        _with("multiplier", 0, math.inf),
        _with("share", 3, 1.5),
        _with("share", 3, -0.5),
        _with("share", 3, math.nan),
        _with("site_idx", -1, 10_000),
        _with("site_idx", 0, -1),
        _with("site_idx", 1, int(END.site_idx[0])),
        _with("type_idx", 0, 2),
        replace(END, share=END.share[1:]),
        replace(END, multiplier=END.multiplier[1:]),
        replace(END, price=np.zeros(2)),
        replace(END, type_idx=END.type_idx[1:]),
        replace(END, claimed=(np.empty(0, np.int64),)),
    ],
)
def test_what_is_no_start_of_this_problem_is_left_aside(start: NationalStart) -> None:
    options = SolveOptions(gap_frac=0.01, deterministic=True)
    without = solve_national(NATION, options)
    found = solve_national(NATION, options, start=start)
    np.testing.assert_array_equal(found.open_site_idx, without.open_site_idx)
    assert found.proof.bound == without.proof.bound


def test_a_plan_that_breaks_a_rule_is_not_taken() -> None:
    """Locks and numbers by city are looked at, too: the start may come from a file."""
    cities = NATION.rules.cities_or_one()
    few = replace(cities, max_stations=np.full(6, 2))
    closed = np.zeros(NATION.rules.num_sites, dtype=np.bool_)
    closed[END.site_idx[0]] = True
    opened = np.zeros(NATION.rules.num_sites, dtype=np.bool_)
    opened[np.setdiff1d(np.arange(len(opened)), END.site_idx)[0]] = True
    for rules in (
        replace(NATION.rules, cities=few),
        replace(NATION.rules, forbidden=closed),
        replace(NATION.rules, forced=opened),
    ):
        problem = replace(NATION, coverage=replace(NATION.coverage, rules=rules))
        found = solve_national(problem, AT_ONCE, start=replace(END, covering=b""))
        assert_honest(problem, [], found)


def test_a_start_of_a_like_problem_spares_the_search() -> None:
    """Half as much is asked for everywhere, and loads are others: the plan stands at once."""
    tuning = Tuning(whole_arcs=0)
    options = SolveOptions(gap_frac=0.02, deterministic=True)
    nation = random_nation(2)
    end = solve_national(nation, options, tuning=tuning).end
    other = replace(_worth(nation, 0.5 * nation.coverage.value), load=0.98 * nation.load)
    start = replace(end, price=0.5 * end.price, multiplier=0.5 * end.multiplier, covering=b"")
    seen: list[Progress] = []
    found = solve_national(other, options, start=start, tuning=tuning, on_progress=seen.append)
    assert_honest(other, [], found)
    assert found.proof.gap_frac <= 0.02
    assert seen[0].bound == pytest.approx(
        0.5 * solve_national(nation, options, start=end, tuning=tuning).proof.history[0].bound,
        rel=0.05,
    )
    assert not any("first prices from" in progress.message for progress in seen)
