"""Which pack each vehicle gets when the better chemistry is scarce: a linear program.

Sets
    g  vehicle groups: the vehicles of one class in one city
    o  options: a group g(o) with a pack of chemistry h(o) that fits it and may be used there
    h  chemistries
Data
    n_g  vehicles [-]             e_o  energy per vehicle, station float included [kWh]
    c_o  cost per vehicle [CNY/y] S_h  energy to be had [kWh]     M  cost of no pack [CNY/y]
Variables
    x_o >= 0  vehicles with that option        z_g >= 0  vehicles without a pack

    min  sum_o c_o x_o + sum_g M z_g
    (1)  sum_{o: g(o) = g} x_o + z_g = n_g                 for every g
    (2)  sum_{o: h(o) = h} e_o x_o <= S_h                  for every h that is limited

Nothing in it says "cold": a pack that leaves a city's vehicles short of the promised winter
range costs more there, and the duals of (2) send scarce packs where they save most. The
dual of (2) is the value of one more kilowatt-hour.

Vehicles are whole: the LP's plan is rounded within (1) and (2), and the LP bounds what the
rounding may have lost.
"""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import PlannerError
from planner.problem import FloatArray, PackAssignmentProblem
from planner.solving.options import SolveOptions
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder import LinearConstraint, Model, Variable


@dataclass(frozen=True)
class PackAssignment:
    """A plan for a `PackAssignmentProblem`.

    Attributes
    ----------
    status : Status
        OPTIMAL when the whole-vehicle plan costs no more than the LP bound.
    option_vehicles : ndarray, shape (num_options,)
        Whole vehicles per option.
    without_pack : ndarray, shape (num_groups,)
        Whole vehicles that get none.
    objective, bound, gap_frac : float
        Yearly cost, its LP bound [CNY/year], and the gap between.
    supply_price : ndarray, shape (num_chemistries,)
        What one more kWh of the chemistry would save [CNY/(kWh year)], >= 0.
    wall_s : float
        Seconds.
    """

    status: Status
    option_vehicles: FloatArray
    without_pack: FloatArray
    objective: float
    bound: float
    gap_frac: float
    supply_price: FloatArray
    wall_s: float


def solve_pack_assignment(problem: PackAssignmentProblem, options: SolveOptions) -> PackAssignment:
    """Assign packs to vehicles at least yearly cost.

    Parameters
    ----------
    problem : PackAssignmentProblem
        Groups hold whole numbers of vehicles.
    options : SolveOptions
        For the time limit.

    Returns
    -------
    PackAssignment
        Always a plan: a vehicle may stay without a pack at its stated cost.

    Raises
    ------
    PlannerError
        If the LP solver fails, with what it answered.
    """
    started = time.perf_counter()
    fractions, bound, supply_price = _solve_lp(problem, options)
    option_vehicles, without_pack = _round(problem, fractions)
    objective = float(
        problem.option_cost @ option_vehicles + problem.no_pack_cost * without_pack.sum()
    )
    gap = gap_frac(objective, bound, sense="min")
    return PackAssignment(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        option_vehicles=option_vehicles,
        without_pack=without_pack,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        supply_price=supply_price,
        wall_s=time.perf_counter() - started,
    )


def pack_assignment_lp(
    problem: PackAssignmentProblem,
) -> "tuple[Model, list[Variable], dict[int, LinearConstraint]]":
    """The linear program, its variables x, and its rows (2) by chemistry."""
    from ortools.linear_solver.python import model_builder

    model = model_builder.Model()
    model.name = "pack_assignment"
    num_options, num_groups = len(problem.option_cost), len(problem.vehicles)
    x = [model.new_num_var(0.0, math.inf, f"x_{o}") for o in range(num_options)]
    z = [model.new_num_var(0.0, math.inf, f"z_{g}") for g in range(num_groups)]
    in_group: list[list[int]] = [[] for _ in problem.vehicles]
    in_chemistry: list[list[int]] = [[] for _ in problem.supply_kwh]
    for o, (g, h) in enumerate(
        zip(problem.option_group_idx, problem.option_chemistry_idx, strict=True)
    ):
        in_group[g].append(o)
        in_chemistry[h].append(o)
    weighted_sum = model_builder.LinearExpr.weighted_sum
    for g, vehicles in enumerate(problem.vehicles):
        members = [*(x[o] for o in in_group[g]), z[g]]
        model.add(sum(members) == float(vehicles), f"fleet_{g}")
    supply_rows = {}
    for h, supply in enumerate(problem.supply_kwh):
        if math.isfinite(supply) and in_chemistry[h]:
            # In MWh, so that the coefficients are of the size of the others.
            used = weighted_sum(
                [x[o] for o in in_chemistry[h]],
                [float(problem.option_kwh[o]) / 1e3 for o in in_chemistry[h]],
            )
            supply_rows[h] = model.add(used <= float(supply) / 1e3, f"supply_{h}")
    cost = [*map(float, problem.option_cost), *[float(problem.no_pack_cost)] * num_groups]
    model.minimize(weighted_sum(x + z, cost))
    return model, x, supply_rows


def _solve_lp(
    problem: PackAssignmentProblem, options: SolveOptions
) -> tuple[FloatArray, float, FloatArray]:
    from ortools.linear_solver.python import model_builder

    model, x, supply_rows = pack_assignment_lp(problem)
    solver = model_builder.Solver("GLOP")
    if not options.deterministic:
        solver.set_time_limit_in_seconds(options.time_limit_s)
    status = solver.solve(model)
    if status != model_builder.SolveStatus.OPTIMAL:
        raise PlannerError(
            f"pack assignment: the LP solver stopped with {status.name} "
            f"{solver.status_string}; raise solver.time_limit_s"
        )
    supply_price = np.zeros(len(problem.supply_kwh))
    for h, row in supply_rows.items():
        supply_price[h] = max(0.0, -solver.dual_value(row)) / 1e3
    values = np.maximum(0.0, np.array([solver.value(variable) for variable in x]))
    return values, _dual_bound(problem, supply_price), supply_price


def _dual_bound(problem: PackAssignmentProblem, supply_price: FloatArray) -> float:
    """Exact value of the Lagrangian of (2) at these prices: a bound whatever made them."""
    limited = np.isfinite(problem.supply_kwh)
    priced = problem.option_cost + (supply_price[problem.option_chemistry_idx] * problem.option_kwh)
    cheapest = np.full(len(problem.vehicles), problem.no_pack_cost)
    np.minimum.at(cheapest, problem.option_group_idx, priced)
    rent = supply_price[limited] @ problem.supply_kwh[limited]
    return float(problem.vehicles @ cheapest - rent)


def _round(problem: PackAssignmentProblem, fractions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Whole vehicles: all fractions down, then one by one to the cheapest option left."""
    whole = np.floor(fractions + 1e-6)
    left_kwh = problem.supply_kwh - np.bincount(
        problem.option_chemistry_idx,
        whole * problem.option_kwh,
        minlength=len(problem.supply_kwh),
    )
    placed = np.bincount(problem.option_group_idx, whole, minlength=len(problem.vehicles))
    missing = np.rint(problem.vehicles - placed)
    for o in np.argsort(problem.option_cost, kind="stable"):
        g, h = problem.option_group_idx[o], problem.option_chemistry_idx[o]
        if missing[g] <= 0 or problem.option_cost[o] >= problem.no_pack_cost:
            continue
        fit = missing[g]
        if problem.option_kwh[o] > 0:
            fit = min(fit, np.floor(max(0.0, left_kwh[h]) / problem.option_kwh[o]))
        whole[o] += fit
        missing[g] -= fit
        left_kwh[h] -= fit * problem.option_kwh[o]
    return whole, missing
