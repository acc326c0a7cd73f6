"""Maximal covering by stations of several sizes, within money, numbers per city and capacity.

Sets: demand zones i of value w_i >= 0 (swaps per day) and design-hour load a_i >= 0, candidate
sites j in cities c, station types t, N(i) = sites within the drive-time standard of zone i, N_j =
zones within that of site j. K_jt = capacity [swaps/h], c_jt = cost [CNY], f = station_price and
g = money_price, in units of value. y_jt = 1 if a station of type t stands at j, x_i = share of
zone i that is served (a zone may be served in part, and by several stations).

    max  sum_i w_i x_i - sum_jt (f + g c_jt) y_jt
    (1)  x_i <= sum_{j in N(i), t} y_jt                          every zone i
    (2)  sum_t y_jt <= 1,  = 1 forced,  = 0 forbidden,  y_jt = 0 where the type does not fit
    (3)  sum_jt y_jt <= p,  sum_jt c_jt y_jt <= budget,
         min_c <= sum_{j in c, t} y_jt <= max_c                  every city c
    (4)  sum_{i in S} a_i x_i <= sum_jt min(K_jt, a(S and N_j)) y_jt     every set S of zones
         y_jt in {0, 1},  0 <= x_i <= 1

Without (4) this is Church and ReVelle 1974 with sizes and limits; (4) says that the served loads
can be carried to the stations (see :mod:`planner.models.sized_coverage.service`), and replaces the
flows of the capacitated model of Pirkul and Schilling 1991 (Management Science 37:233-248), there
with whole zones. It is left out until a plan or a relaxation violates it. Not modelled: queues (the
capacities are net of them), and which station a driver prefers.

In the solver's model z_j = sum_t y_jt is a variable of its own, so that (1) has one entry per
site; a site with one type has z_j alone.

How it is solved: presolve merges zones and drops types and sites that no plan needs; the linear
relaxation is solved by GLOP, from its last basis after each round of cuts (4); its duals, whatever
their accuracy, give a valid bound and fix options by reduced cost; plans are built from it and
improved by removal and insertion; SCIP searches what is left, and (4) is separated again at the
plans it finds. The value of a plan is always that of its exact best service.
"""

import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import PlannerError
from planner.models.sized_coverage.feasible import check_feasible
from planner.models.sized_coverage.model import SizedModel
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rounds import SizedSearch, offer_hint, search_until_done
from planner.models.sized_coverage.rows import merge_sized_rows
from planner.models.sized_coverage.search import CLOSED, OptionPrices, cheapest_plan, plan_of
from planner.models.sized_coverage.service import served_flow, smallest_types
from planner.models.sized_coverage.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC


@dataclass(frozen=True)
class SizedCoverageSolution:
    """Plan and proof.

    Attributes
    ----------
    open_site_idx : int array, shape (num_open,)
        Sites with a station, forced ones included, ascending.
    type_idx : int array, shape (num_open,)
        Type of each of them.
    served_frac : float array, shape (num_zones,)
        Share of each zone that is served.
    value : float
        Sum of value * served_frac, of the best service that the stations can give.
    num_cuts : int
        Constraints (4) that were needed.
    proof : Proof
        The objective is the value less the prices of the stations.
    """

    open_site_idx: IntArray
    type_idx: IntArray
    served_frac: FloatArray
    value: float
    num_cuts: int
    proof: Proof


def solve_sized_coverage(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    *,
    station_price: float = 0.0,
    money_price: float = 0.0,
    hint: tuple[IntArray, IntArray] | None = None,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SizedCoverageSolution:
    """Choose stations and their sizes so that served value less prices is greatest.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac`` or at the time limit; in deterministic mode after a fixed
        amount of work.
    station_price : float
        Taken off the objective per station, >= 0 [units of value].
    money_price : float
        Taken off the objective per unit of cost, >= 0 [units of value per CNY].
    hint : (open_site_idx, type_idx), optional
        A plan to start from; passed over if it breaks a limit.
    tuning : Tuning, optional
        How hard each step works.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    SizedCoverageSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    ValueError
        If a price is negative, or the rules ask for a least number of stations.
    """
    started = work_s()
    if not (station_price >= 0.0 and money_price >= 0.0):
        raise ValueError("station_price and money_price must be >= 0")
    check_feasible(problem)
    rng = np.random.default_rng(options.seed)
    money_matters = money_price > 0.0 or math.isfinite(problem.rules.budget)
    rows = merge_sized_rows(problem, money_matters=money_matters)
    prices = OptionPrices(
        option_price=station_price + money_price * rows.cost,
        resource_price=np.zeros(rows.num_options),
    )
    small = rows.sites_of_row.num_entries <= tuning.always_exact_arcs
    search = SizedSearch(
        model=SizedModel(
            rows, prices, np.ones(rows.num_options, dtype=np.bool_), rows.rules.forced
        ),
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        plan=plan_of(rows, prices, cheapest_plan(rows)),
        target=OPTIMAL_GAP_FRAC if small else options.gap_frac,
        bound=float(rows.value.sum()),
    )
    if hint is not None:
        offer_hint(search, *hint)
    search.report("presolve", f"{rows.num_options} options x {rows.num_rows} rows")
    if rows.num_sites > 0:
        search_until_done(search, rng)
    return _solution(problem, search, station_price, money_price)


def _solution(
    problem: SizedCoverageProblem, search: SizedSearch, station_price: float, money_price: float
) -> SizedCoverageSolution:
    """Recompute value and objective on the original zones."""
    rows = search.model.rows
    chosen = search.plan.option[search.plan.option != CLOSED]
    open_site_idx = rows.site_idx[rows.option_site[chosen]]
    type_idx = rows.option_type[chosen]
    if money_price == 0.0 and math.isinf(problem.rules.budget):
        type_idx = smallest_types(problem, open_site_idx, type_idx)
    served_frac, value = served_flow(problem, open_site_idx, type_idx)
    prices = station_price + money_price * problem.rules.cost[open_site_idx, type_idx]
    objective = value - math.fsum(prices)
    scale = max(abs(value), math.fsum(prices), 1e-300)
    if search.bound < objective - OPTIMAL_GAP_FRAC * scale:
        raise PlannerError(
            f"the bound {search.bound!r} is below the plan's objective {objective!r}: a defect"
        )
    bound = max(search.bound, objective)
    if bound - objective <= 1e-12 * scale:
        bound = objective
    status = search.proof(objective, bound).status
    search.report("done", f"{len(open_site_idx)} stations, {status}")
    return SizedCoverageSolution(
        open_site_idx=open_site_idx,
        type_idx=type_idx,
        served_frac=served_frac,
        value=value,
        num_cuts=len(search.cuts),
        proof=search.proof(objective, bound),
    )
