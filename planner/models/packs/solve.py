"""Packs to cities and vehicles by quarter at least cost: solve the program, prove the plan.

The model is in `planner.models.packs.lp`, its duals and the bound in `planner.models.packs.prices`,
orders of a smallest size in `planner.models.packs.orders`.
"""

import math
import time
from collections.abc import Callable

from planner.errors import NoPlanError
from planner.models.packs.answer import Answer, answer_of
from planner.models.packs.lp import PackAssignmentLp, pack_assignment_lp, pack_assignment_model
from planner.models.packs.orders import MOST_PROGRAMS, search_orders
from planner.models.packs.prices import Orders
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.solving.linear_again import solve_linear_again
from planner.solving.linear_basis import LinearBasis
from planner.solving.options import SolveOptions
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

ROUNDING_CNY = 1e-6
"""So little may the bound's sum exceed the plan's by rounding [CNY]."""


def solve_pack_assignment(
    problem: PackAssignmentProblem,
    options: SolveOptions,
    start: PackAssignment | None = None,
    *,
    most_programs: int = MOST_PROGRAMS,
) -> PackAssignment:
    """Give packs to cities and vehicles at least cost over all quarters.

    Parameters
    ----------
    problem : PackAssignmentProblem
    options : SolveOptions
        For the time limit.
    start : PackAssignment, optional
        Answer to a problem with the same sets, near which the answer is looked for.
    most_programs : int
        Linear programs that smallest orders may take, however much time is left.

    Returns
    -------
    PackAssignment
        Always a plan: a vehicle may stay without a pack at its stated cost. Without smallest orders
        it is optimal; with them FEASIBLE, with the gap that is left, where a limit came first.

    Raises
    ------
    NoPlanError
        If the limit came before the LP solver's answer, or the first plan with smallest orders.
    PlannerError
        If the LP solver fails, with what it answered, or its plan does not keep the rows.
    """
    started = time.perf_counter()
    lp = pack_assignment_lp(problem)
    limit_s = math.inf if options.deterministic else options.time_limit_s

    def left_s() -> float:
        return limit_s - (time.perf_counter() - started)

    if (lp.row["order"] >= 0).any():
        answer, bound, _ = search_orders(problem, lp, start, left_s, most_programs)
    else:
        answer = _solve(problem, lp, None if start is None else start.basis, left_s)
        bound = answer.bound
    objective, prices, plan = answer.objective, answer.prices, answer.amounts
    if 0.0 < bound - objective <= ROUNDING_CNY:
        bound = objective
    gap = gap_frac(objective, bound, sense="min")
    proof = Proof(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        sense="min",
        unit="CNY",
        wall_s=time.perf_counter() - started,
    )
    return PackAssignment(
        proof=proof,
        option_vehicles=plan["use"],
        without_pack=plan["none"],
        stock=plan["stock"],
        delivered=plan["deliver"],
        retired=plan["retire"],
        moved_in=plan["move_in"],
        moved_out=plan["move_out"],
        made=plan["made"],
        supply_flow=plan["take"],
        buyer_served=plan["sold"],
        order_open=problem.by_market(plan["deliver"]) > 0,
        supply_value=prices.energy[:, :, 0],
        application_value=prices.energy,
        material_value=prices.material_value,
        carbon_value=prices.carbon,
        pack_value=prices.pack,
        basis=answer.basis,
    )


def proven_saving(before: PackAssignment, after: PackAssignment) -> float:
    """What an answer saves for sure against one to a problem that allows less [CNY].

    Parameters
    ----------
    before, after : PackAssignment
        Answers to a problem and to one that allows more.

    Returns
    -------
    float
        The difference of their costs; where orders left a gap, less what ``before`` may lack.
    """
    is_proven = before.proof.status is after.proof.status is Status.OPTIMAL
    least = before.proof.objective if is_proven else before.proof.bound
    return least - after.proof.objective


def _solve(
    problem: PackAssignmentProblem,
    lp: PackAssignmentLp,
    start: LinearBasis | None,
    left_s: Callable[[], float],
) -> Answer:
    """The linear program alone, by GLOP's dual simplex."""
    time_limit_s = left_s()
    found, basis = solve_linear_again(
        pack_assignment_model(lp), start, time_limit_s=max(time_limit_s, 1e-3)
    )
    # Cut short, GLOP may call its state abnormal.
    is_late = found.values is None and left_s() <= 0.0
    if found.status is Status.NO_SOLUTION or is_late:
        raise NoPlanError(
            f"packs by quarter: no plan within {time_limit_s:.3g} s ({found.message}); "
            "raise solver.time_limit_s"
        )
    return answer_of(problem, lp, found, basis, Orders.open(problem))
