import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.models.coverage.bound import fix_by_worth, lagrangian_bound
from planner.models.coverage.cut_dual import CutPoint, cut_dual
from planner.models.coverage.cuts import CutPrices, Cuts
from planner.models.coverage.primal_dual import primal_dual
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.solve import CoverageSolution, solve_coverage
from planner.models.coverage.tuning import Tuning
from planner.solving.odd_sets import broken_sets
from planner.solving.options import SolveOptions
from tests.models.coverage.coverage_cases import (
    brute_force,
    coverage_problem,
    plain_value,
    random_problem,
    small_problems,
)


def two_triangles() -> CoverageProblem:
    """Three stations cover five zones of six; halves of all six sites cover all in part."""
    return coverage_problem([1.0] * 6, [[0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [3, 5]], 3)


def random_cuts(rows: CoverRows, rng: np.random.Generator) -> Cuts:
    num_cuts = 4 if rows.num_rows else 0
    sizes = [2 * int(rng.integers((rows.num_rows + 1) // 2)) + 1 for _ in range(num_cuts)]
    return Cuts.of(rows, Lists.of(rng.choice(rows.num_rows, size, False) for size in sizes))


def last_point(rows: CoverRows, iterations: int, seed: int = 0) -> CutPoint | None:
    start = next(point for point in primal_dual(rows) if point.iterations >= 200).end
    last = None
    for last in cut_dual(rows, start, np.random.default_rng(seed)):
        if last.iterations >= iterations:
            break
    return last


@given(small_problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_plan_keeps_every_cut(problem: CoverageProblem, seed: int):
    rows = merge_rows(problem)
    cuts = random_cuts(rows, np.random.default_rng(seed))
    reaches = np.zeros((rows.num_rows, rows.num_sites), dtype=np.int64)
    reaches[rows.sites_of_row.owner, rows.sites_of_row.idx] = 1
    for cut in range(cuts.num_cuts):
        members = cuts.rows_of_cut.row(cut)
        covered_by = reaches[members].sum(axis=0)
        pairs = np.bincount(cuts.pairs_of_cut.row(cut), minlength=rows.num_sites)
        assert (pairs == covered_by // 2).all()
        for is_open in itertools.product((0, 1), repeat=rows.num_sites):
            covered = (reaches[members] @ is_open > 0).sum()
            assert covered <= (covered_by - pairs) @ is_open + cuts.limit[cut]


@given(small_problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_any_prices_bound_every_plan(problem: CoverageProblem, seed: int):
    rows = merge_rows(problem)
    rng = np.random.default_rng(seed)
    cuts = random_cuts(rows, rng)
    best = brute_force(problem)
    for scale in (0.1, 1.0, 30.0):
        multiplier = rng.random(rows.num_rows) * rows.value
        prices = CutPrices(cuts, multiplier, scale * rng.random(cuts.num_cuts))
        assert prices.bound(rows) >= best * (1 - 1e-12)
    free = CutPrices(cuts, multiplier, np.zeros(cuts.num_cuts))
    assert free.bound(rows) == pytest.approx(lagrangian_bound(rows, multiplier), rel=1e-12)


def test_cut_bound_by_hand():
    # lambda = 0 and nu = 1 on each triangle: every site covers two rows of a triangle and earns
    # ceil(2 / 2) = 1, so (2) is 0 + 1 + 1 + the three largest of six ones.
    rows = merge_rows(two_triangles())
    assert rows.value.tolist() == [1.0] * 6
    cuts = Cuts.of(rows, Lists.of([[0, 1, 2], [3, 4, 5]]))
    prices = CutPrices(cuts, np.zeros(6), np.ones(2))
    assert prices.worth(rows).tolist() == [1.0] * 6
    assert prices.bound(rows) == 5.0 == brute_force(two_triangles())


def test_even_sets_are_no_cuts():
    rows = merge_rows(two_triangles())
    with pytest.raises(ValueError, match="odd"):
        Cuts.of(rows, Lists.of([[0, 1]]))


def test_separation_finds_what_half_open_sites_break():
    rows = merge_rows(two_triangles())
    found = broken_sets(rows.rows_of_site, np.full(6, 0.5), np.zeros(6), np.random.default_rng(0))
    assert {tuple(found.row(at)) for at in range(found.num_lists)} == {(0, 1, 2), (3, 4, 5)}
    whole = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    found = broken_sets(rows.rows_of_site, whole, np.zeros(6), np.random.default_rng(0))
    assert found.num_lists == 0


def test_cuts_close_the_gap_of_the_relaxation():
    rows = merge_rows(two_triangles())
    relaxation = next(point for point in primal_dual(rows) if point.iterations >= 200)
    assert relaxation.relaxed_value == pytest.approx(6.0, rel=1e-6)
    point = last_point(rows, 1_000)
    assert point is not None
    assert point.bound == pytest.approx(5.0, rel=1e-4)
    assert point.bound >= 5.0
    assert point.relaxed_value == pytest.approx(5.0, rel=1e-3)
    assert point.relaxed_value <= point.bound


@pytest.mark.parametrize("seed", range(6))
def test_bound_with_cuts_holds_and_fixing_keeps_better_plans(seed: int):
    problem = random_problem(seed, num_zones=40, num_sites=14, num_stations=4, radius=0.25)
    rows = merge_rows(problem)
    best = brute_force(problem)
    point = last_point(rows, 600, seed)
    if point is None:
        return
    assert point.bound >= best * (1 - 1e-12)
    assert point.bound == point.prices.bound(rows)
    incumbent = 0.97 * best
    always, never = fix_by_worth(point.worth, point.bound, rows.num_stations, incumbent)
    for plan in itertools.combinations(range(rows.num_sites), rows.num_stations):
        if plain_value(problem, set(rows.site_idx[list(plan)].tolist())) > incumbent:
            assert set(np.flatnonzero(always)) <= set(plan)
            assert not set(np.flatnonzero(never)) & set(plan)


def solved(max_cut_arcs: int) -> CoverageSolution:
    """Every point is zone and site, as census blocks are; SCIP may not help."""
    rng = np.random.default_rng(0)
    points = rng.random((300, 2))
    near = np.linalg.norm(points[:, None] - points[None], axis=2) <= 0.12
    problem = coverage_problem(
        rng.lognormal(0.0, 1.0, 300).tolist(), [np.flatnonzero(row).tolist() for row in near], 15
    )
    tuning = Tuning(
        always_exact_arcs=0, max_exact_arcs=0, max_rounds=5, min_first_moves=3_000,
        first_moves_per_station=100, max_cut_arcs=max_cut_arcs,
    )  # fmt: skip
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    return solve_coverage(problem, options, tuning=tuning)


def test_cuts_prove_what_the_relaxation_cannot_and_repeat_themselves():
    plain, first, second = solved(0), solved(1_000_000), solved(1_000_000)
    assert plain.proof.gap_frac > 5e-4
    assert first.proof.gap_frac < 1e-9
    assert first.proof.objective == plain.proof.objective
    assert first.proof.bound == second.proof.bound
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
