"""Better bounds of set covering by areas, where all rows must be covered.

With the multipliers u_i = a_i l_i of :mod:`planner.models.set_cover.dual` and areas A of rows, the
cost of a site is shared out by what its rows in each area are worth,

(1) c_jA = c_j sum_{i in N(j) and A} u_i / sum_{i in N(j)} u_i,

(by their number where they are worth nothing), so that every plan costs at least

(2) sum_A min {sum_j c_jA y_j : the rows of A are covered},  of which the relaxation gives
    sum_{i in A} r_i u_i + sum_j min(0, c_jA - sum_{i in N(j) and A} u_i),

which adds up to the Lagrangian bound. Cuts (:mod:`planner.models.set_cover.cuts`) are rows, each of
one area. SCIP solves the areas.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.state import CoverSearch
from planner.solving.areas import AreaAnswer, gain_by_areas, halved_areas
from planner.solving.compiling import work_s
from planner.solving.incidence import sum_over_lists
from planner.solving.linear_model import LinearModel
from planner.solving.mip import solve_mip
from planner.solving.rules import SiteRules
from planner.solving.status import Status

SCIP_TOLERANCE = 1e-7
"""SCIP's bound is that of a floating-point LP: closer than this its digits carry no information."""


def areas_may_help(search: CoverSearch) -> bool:
    """Whether all rows must be covered, no limits on numbers bind, and areas would be few."""
    task, point = search.task, search.point
    return (
        point is not None
        and task.covers_all
        and not point.number_price.any()
        and task.num_arcs <= search.tuning.max_area_arcs
    )


def raise_bound_by_areas(search: CoverSearch, share: float) -> None:
    """Raise the bound by solving areas, within a share of the time left.

    Parameters
    ----------
    search : CoverSearch
        `areas_may_help`; its ``exact_bound`` may rise.
    share : float
        In deterministic mode the nodes of each area are limited instead.
    """
    tuning = search.tuning
    task, point = max(search.relaxations, key=lambda each: each[1].bound)
    multiplier = task.row_scale * point.share
    stations = float(task.need @ multiplier) / max(float(np.median(task.cost)), 1e-300)
    num_halvings = max(math.ceil(math.log2(max(stations / tuning.area_stations, 1.0))), 1)
    area_of_row = halved_areas(
        task.sites_of_row, task.num_sites, task.need * multiplier, num_halvings
    )
    ends_at = work_s() + share * search.remaining_s

    def seconds_left() -> float:
        return math.inf if search.options.deterministic else ends_at - work_s()

    def answer(rows: BoolArray, part: float) -> AreaAnswer:
        return _solve_area(search, task, multiplier, rows, max(part * seconds_left(), 1e-3))

    gain = gain_by_areas(
        area_of_row, num_halvings, answer, lambda: search.may_go_on() and seconds_left() > 0.0
    )
    search.exact_bound = max(search.exact_bound, search.raised(point.bound + gain))
    search.report("areas", f"{gain:,.4g} more than without, from {2**num_halvings} areas on")


def _worth(task: CoverTask, multiplier: FloatArray) -> FloatArray:
    worth = np.empty(task.num_sites)
    sum_over_lists(task.incidence.rows_of_site, multiplier, worth)
    return worth


def area_problem(
    task: CoverTask, multiplier: FloatArray, rows: BoolArray
) -> tuple[SetCoverProblem, float]:
    """The problem of an area with the costs (1), and its part (2) of the Lagrangian bound.

    Parameters
    ----------
    task : CoverTask
    multiplier : float array, shape (num_rows,)
        u_i >= 0.
    rows : bool array, shape (num_rows,)
        The area.
    """
    worth, number = _worth(task, multiplier), task.rows_of_site.sizes
    here = _worth(task, np.where(rows, multiplier, 0.0))
    number_here = _worth(task, rows.astype(np.float64))
    by_worth = here / np.where(worth > 0.0, worth, 1.0)
    share = np.where(worth > 0.0, by_worth, number_here / np.maximum(number, 1))
    cost = task.cost * share
    relaxed = math.fsum(
        (math.fsum((task.need * multiplier)[rows]), math.fsum(np.minimum(cost - here, 0.0)))
    )
    problem = SetCoverProblem(
        value=rows.astype(np.float64),
        need=np.where(rows, task.need, 0).astype(np.int64),
        reach=task.rows_of_site,
        rules=replace(SiteRules.free(task.num_sites), cost=cost, forbidden=number_here == 0.0),
        min_share=1.0,
    )
    return problem, relaxed


def _solve_area(
    search: CoverSearch, task: CoverTask, multiplier: FloatArray, rows: BoolArray, seconds: float
) -> AreaAnswer:
    problem, relaxed = area_problem(task, multiplier, rows)
    area = reduce_cover(problem)
    if area.num_rows == 0:
        return AreaAnswer(max(area.base_cost - relaxed, 0.0), exact=True)
    deterministic = search.options.deterministic
    result = solve_mip(
        area_model(area).to_ortools(),
        time_limit_s=seconds,
        node_limit=search.tuning.area_nodes if deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if not math.isfinite(result.bound):
        return AreaAnswer(0.0, exact=False)
    cost = area.base_cost - result.bound * (1.0 + math.copysign(SCIP_TOLERANCE, result.bound))
    return AreaAnswer(max(cost - relaxed, 0.0), exact=result.status is Status.OPTIMAL)


def area_model(area: CoverTask) -> LinearModel:
    """Set covering of an area as a model for SCIP, which maximizes: less the cost of the sites."""
    import scipy.sparse

    matrix = scipy.sparse.csr_matrix(
        (np.ones(area.num_arcs), area.sites_of_row.idx, area.sites_of_row.ptr),
        shape=(area.num_rows, area.num_sites),
    )
    # Rows of cuts list a site several times, which SCIP takes for an error.
    matrix.sum_duplicates()
    return LinearModel(
        name="area",
        matrix=matrix,
        row_lower=area.need.astype(np.float64),
        row_upper=np.full(area.num_rows, np.inf),
        lower=np.zeros(area.num_sites),
        upper=np.ones(area.num_sites),
        objective=-area.cost,
        maximize=True,
        integer=np.ones(area.num_sites, dtype=np.bool_),
    )
