"""Which packs each city gets in each quarter, and which vehicles they go to: a linear program.

Sets
    q  quarters 0..Q-1     c  cities     k  packs, each of a chemistry h(k)
    g  vehicle groups: the vehicles of one class in one city c(g)
    o  options: a group g(o) with a pack k(o) that fits it; c(o) = c(g(o))
Data
    n_qg  vehicles [-]                       N_q   cost of a vehicle without a pack [CNY]
    a_qo  packs per vehicle, float included  c_qo  cost per vehicle, lease apart [CNY]
    l_k   lease per owned pack, quarter [CNY]    r_k  cost of moving one pack [CNY]
    e_k   energy [kWh]     L_k  life [quarters]  S_qh  energy to be had up to q [kWh]
    I_ck  packs standing before quarter 0    R_qk  how many of them leave in q, nationwide
Variables, all >= 0
    x_qo  vehicles with that option, where it is allowed      z_qg  vehicles without a pack
    s_qck packs standing in the city       d_qck  delivered, where delivery is allowed
    t_qck retired      i_qck, j_qck  moved in, moved out, through one national pool

    min  sum_qo c_qo x_qo + sum_qg N_q z_qg + sum_qck (l_k s_qck + r_k i_qck)
    (1)  sum_{o: g(o) = g} x_qo + z_qg = n_qg                              every q, g
    (2)  sum_{o: c(o) = c, k(o) = k} a_qo x_qo <= s_qck                    every q, c, k
    (3)  s_qck = s_{q-1,ck} + d_qck - t_qck + i_qck - j_qck,  s_{-1} = I   every q, c, k
    (4)  sum_c i_qck = sum_c j_qck                                         every q, k
    (5)  sum_c t_qck = sum_c d_{q-L_k,ck} + R_qk                           every q, k
    (6)  sum_{q' <= q, c, k: h(k) = h} e_k d_q'ck <= S_qh                  every q, h with a limit

No lease ends early: (5) says how many packs leave in each quarter, and until then each costs its
lease, used or idle. An idle pack is therefore moved to where it saves a new one, if moving is
cheaper than the new one's lease up to the horizon.

Where packs may go. Nothing is delivered where the gate is closed, and a pack may be moved in only
where some vehicle may use it in that same quarter; the gate is then open too. This loses nothing:
moving costs the same in every quarter and takes no time, so that a pack moved in before its use
may as well stay where it is until then. It may stand anywhere, and leave at any time.

Always feasible. Deliver and move nothing, use nothing: x = d = i = j = 0, z = n. Then (5) asks for
R_qk retired packs, which the cities together still have, because the problem makes sure that R in
all takes no more than I; take them wherever they stand. Deliveries cannot turn (5) against the rest
either: after q, those of the last L_k quarters and what is left of I stand in the country, both
>= 0, and (5) names no city. Bounded: x and z lie within n, all else costs >= 0.

Not modelled: which packs of a city are the oldest. (5) counts ages nationwide, so that the pack
that leaves may stand in another city than the one whose life ended: the two have changed places
free of r_k. With lives beyond the horizon only R can do so. Packs and vehicles are not rounded.

Prices. The solver's duals give y'_qck >= 0, what serving with one more pack saves, from (2); f_qk,
what it costs to let go of one more pack, from (5); b_qh >= 0, what one more kilowatt-hour to be had
by q saves, from (6). A kilowatt-hour produced in q is there in every later quarter too and saves
the sum of b from q on. One more vehicle costs u; one more pack in the city from q on saves w by the
best that it may do, backward in time: serve here, go in place of another that has to, or be moved.
Its lease until the horizon is paid in w, which is therefore negative for packs that stand idle.

    (7)  u_qg = min(N_q, min_{o: g(o) = g} c_qo + a_qo y'_qck)
    (8)  y_qck = max(0, max_{o: c(o) = c, k(o) = k} (u_qg(o) - c_qo) / a_qo)
    (9)  h_qck = max(w_{q+1,ck} + y_qck - l_k, f_qk if packs k retire in q),  w_Q = 0
    (10) w_qck = max(h_qck, max_{c' that may take packs in} h_qc'k - r_k)

Where nothing stands, duals may be greater than what a pack would save; (8) to (10) are the least
that keep u, f and b dual feasible but for the condition of deliveries

    (11) w_qck <= f_{q+L_k,k} + e_k sum_{q' >= q} b_q'h(k)        where d_qck may be.

Bound. Whatever the duals, with eps_k >= 0 the most by which (11) is missed, no plan costs less than

    (12) sum_qg n_qg u_qg - sum_ck I_ck w_0ck + sum_qk R_qk f_qk - sum_qh S_qh b_qh
         - sum_k eps_k W_k,

if W_k is no less than all deliveries in a best plan. These do not exceed the packs standing summed
over quarters, whose lease does not exceed what is saved by using packs at all, and the lease of
those left of I: W_k = (sum_qg n_qg (N_q - min(N_q, min_o c_qo)) + sum_qk l_k (left of I)) / l_k.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import NoPlanError, PlannerError
from planner.models.packs.problem import PackAssignmentProblem
from planner.solving.options import SolveOptions
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

KWH_PER_ROW_UNIT = 1e3
"""Rows (6) are in MWh, so that their coefficients are of the size of the others."""
ROUNDING_PACKS = 1e-9
"""Amounts below are the solver's rounding and count as none."""
ROUNDING_CNY = 1e-6
"""So little may the bound's sum exceed the plan's by rounding [CNY]."""
ROW_TOLERANCE = 1e-9
"""A plan keeps every row within this share of its largest number of packs, vehicles or MWh."""


@dataclass(frozen=True)
class PackAssignment:
    """A plan for a `PackAssignmentProblem`.

    Attributes
    ----------
    status : Status
        OPTIMAL when the plan costs no more than the bound, FEASIBLE otherwise.
    objective, bound, gap_frac : float
        Cost of all quarters, no plan's is less [CNY], and the gap between.
    option_vehicles : ndarray, shape (num_quarters, num_options)
        Vehicles per option.
    without_pack : ndarray, shape (num_quarters, num_groups)
        Vehicles that get none.
    stock : ndarray, shape (num_quarters, num_cities, num_packs)
        Packs standing in the city during the quarter.
    delivered, retired, moved_in, moved_out : ndarrays, same shape
        Packs that come and go at the beginning of the quarter.
    supply_value : ndarray, shape (num_quarters, num_chemistries)
        What one more kWh produced in the quarter saves, >= 0 [CNY/kWh].
    pack_value : ndarray, shape (num_quarters, num_cities, num_packs)
        What one more pack in the city from that quarter on saves, its lease paid [CNY].
    wall_s : float
        Seconds.
    """

    status: Status
    objective: float
    bound: float
    gap_frac: float
    option_vehicles: FloatArray
    without_pack: FloatArray
    stock: FloatArray
    delivered: FloatArray
    retired: FloatArray
    moved_in: FloatArray
    moved_out: FloatArray
    supply_value: FloatArray
    pack_value: FloatArray
    wall_s: float


class PackAssignmentLp(NamedTuple):
    """The linear program as arrays.

    Attributes
    ----------
    cost, upper : float arrays, shape (num_columns,)
        Objective and upper bounds; lower bounds are 0.
    matrix : csr_matrix, shape (num_rows, num_columns)
    row_lower, row_upper : float arrays, shape (num_rows,)
    column, row : dict of int arrays
        Position of each variable and row by the name of its family, in the shape of its indices;
        -1 where it is left out.
    """

    cost: FloatArray
    upper: FloatArray
    matrix: scipy.sparse.csr_matrix
    row_lower: FloatArray
    row_upper: FloatArray
    column: dict[str, IntArray]
    row: dict[str, IntArray]


class Prices(NamedTuple):
    """Multipliers of which (12) makes a bound.

    Attributes
    ----------
    fleet : float array, shape (num_quarters, num_groups)
        u: what one more vehicle costs, at most N [CNY].
    retire : float array, shape (num_quarters, num_packs)
        f [CNY].
    supply : float array, shape (num_quarters, num_chemistries)
        b, >= 0 [CNY/kWh].
    pack : float array, shape (num_quarters, num_cities, num_packs)
        w [CNY].
    """

    fleet: FloatArray
    retire: FloatArray
    supply: FloatArray
    pack: FloatArray

    @property
    def supply_value(self) -> FloatArray:
        """What one more kWh produced in each quarter saves: the sum of b from it on [CNY/kWh]."""
        return np.asarray(self.supply[::-1].cumsum(axis=0)[::-1])


def solve_pack_assignment(problem: PackAssignmentProblem, options: SolveOptions) -> PackAssignment:
    """Give packs to cities and vehicles at least cost over all quarters.

    Parameters
    ----------
    problem : PackAssignmentProblem
    options : SolveOptions
        For the time limit.

    Returns
    -------
    PackAssignment
        Always a plan: a vehicle may stay without a pack at its stated cost.

    Raises
    ------
    NoPlanError
        If the time limit came before the LP solver's answer.
    PlannerError
        If the LP solver fails, with what it answered, or its plan does not keep the rows.
    """
    started = time.perf_counter()
    lp = pack_assignment_lp(problem)
    limit_s = math.inf if options.deterministic else options.time_limit_s
    values, duals = _solve(lp, limit_s - (time.perf_counter() - started))
    plan = {name: _spread(values, column) for name, column in lp.column.items()}
    # Where moving is free the solver may move a pack in and out of the same place.
    back_and_forth = np.minimum(plan["move_in"], plan["move_out"])
    plan["move_in"], plan["move_out"] = (
        plan[name] - back_and_forth for name in ("move_in", "move_out")
    )
    terms = (
        problem.option_cost * plan["use"],
        problem.no_pack_cost[:, None] * plan["none"],
        problem.lease_cost * plan["stock"],
        problem.relocation_cost * plan["move_in"],
    )
    objective = math.fsum(math.fsum(term.ravel().tolist()) for term in terms)
    prices = prices_of(problem, lp, duals)
    bound = dual_bound(problem, lp, prices)
    if 0.0 < bound - objective <= ROUNDING_CNY:
        bound = objective
    gap = gap_frac(objective, bound, sense="min")
    return PackAssignment(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        option_vehicles=plan["use"],
        without_pack=plan["none"],
        stock=plan["stock"],
        delivered=plan["deliver"],
        retired=plan["retire"],
        moved_in=plan["move_in"],
        moved_out=plan["move_out"],
        supply_value=prices.supply_value,
        pack_value=prices.pack,
        wall_s=time.perf_counter() - started,
    )


def gate_values(
    problem: PackAssignmentProblem,
    plan: PackAssignment,
    openings: Mapping[str, tuple[BoolArray, BoolArray]],
    options: SolveOptions,
) -> dict[str, float]:
    """What opening gates earlier would save, by solving again with each opening.

    Parameters
    ----------
    problem : PackAssignmentProblem
    plan : PackAssignment
        The answer to ``problem``.
    openings : mapping of label to (delivery_allowed, option_allowed)
        Permissions in place of the problem's own, which they include.
    options : SolveOptions
        The time limit holds for all openings together.

    Returns
    -------
    dict of label to float
        Savings over all quarters, >= 0 [CNY].

    Raises
    ------
    ValueError
        If an opening takes back a permission of the problem.
    NoPlanError, PlannerError
        As `solve_pack_assignment`.
    """
    started = time.perf_counter()
    savings = {}
    for label, (delivery_allowed, option_allowed) in openings.items():
        opened = replace(problem, delivery_allowed=delivery_allowed, option_allowed=option_allowed)
        taken = problem.delivery_allowed & ~delivery_allowed
        if taken.any() or (problem.option_allowed & ~option_allowed).any():
            raise ValueError(f"opening {label!r} takes back a permission")
        left_s = options.time_limit_s - (time.perf_counter() - started)
        result = solve_pack_assignment(opened, replace(options, time_limit_s=max(left_s, 1e-3)))
        savings[label] = max(0.0, plan.objective - result.objective)
    return savings


def pack_assignment_lp(problem: PackAssignmentProblem) -> PackAssignmentLp:
    """Equations (1) to (6) without the variables and rows that cannot matter.

    Left out: options of groups without vehicles; deliveries of packs that no vehicle may use from
    then on; moves where nobody takes packs in; retirements where there are none; limits of
    chemistries that cannot be delivered yet.

    Parameters
    ----------
    problem : PackAssignmentProblem

    Returns
    -------
    PackAssignmentLp
        Families of columns ``use``, ``none``, ``stock``, ``deliver``, ``retire``, ``move_in``,
        ``move_out``; of rows ``fleet`` (1), ``packs`` (2), ``stock`` (3), ``pool`` (4),
        ``retire`` (5), ``supply`` (6).
    """
    shape = problem.delivery_allowed.shape
    quarter, pack = np.arange(shape[0]), np.arange(shape[2])
    option_city = problem.group_city_idx[problem.option_group_idx]
    of_chemistry = np.eye(problem.supply_kwh.shape[1], dtype=bool)[problem.pack_chemistry_idx]

    fleet = problem.vehicles > 0
    use = problem.option_allowed & fleet[:, problem.option_group_idx]
    used = np.zeros(shape, dtype=bool)
    used_quarter, used_option = np.nonzero(use)
    used[used_quarter, option_city[used_option], problem.option_pack_idx[used_option]] = True
    pool: BoolArray = np.logical_or.reduce(used, axis=1)
    still_used = np.logical_or.accumulate(pool[::-1], axis=0)[::-1]
    deliver = problem.delivery_allowed & still_used[:, None, :]
    comes: BoolArray = np.logical_or.reduce(deliver, axis=1)
    born = quarter[:, None] - problem.life_quarters  # when the packs that leave now were delivered
    ends = comes[np.maximum(born, 0), pack] & (born >= 0)
    retire = ends | (problem.initial_retirement > 0)
    came = np.logical_or.accumulate(comes, axis=0)
    column, num_columns = _number(
        use=use,
        none=fleet,
        stock=np.ones(shape, dtype=bool),
        deliver=deliver,
        retire=np.broadcast_to(retire[:, None, :], shape),
        move_in=used,
        move_out=np.broadcast_to(pool[:, None, :], shape),
    )
    row, num_rows = _number(
        fleet=fleet,
        packs=used,
        stock=np.ones(shape, dtype=bool),
        pool=pool,
        retire=retire,
        supply=(came @ of_chemistry) & np.isfinite(problem.supply_kwh),
    )
    entries: list[tuple[IntArray, IntArray, FloatArray]] = []

    def add(rows: IntArray, columns: IntArray, value: float | FloatArray) -> None:
        """Enter ``value`` wherever both row and column are there; all broadcast."""
        rows, columns, values = np.broadcast_arrays(rows, columns, np.float64(value))
        there = (rows >= 0) & (columns >= 0)
        entries.append((rows[there], columns[there], values[there]))

    add(row["fleet"][:, problem.option_group_idx], column["use"], 1.0)
    add(row["fleet"], column["none"], 1.0)
    add(row["packs"][:, option_city, problem.option_pack_idx], column["use"], -problem.option_packs)
    add(row["packs"], column["stock"], 1.0)
    add(row["stock"], column["stock"], 1.0)
    add(row["stock"][1:], column["stock"][:-1], -1.0)
    for name, sign in (("deliver", -1.0), ("retire", 1.0), ("move_in", -1.0), ("move_out", 1.0)):
        add(row["stock"], column[name], sign)
    add(row["pool"][:, None, :], column["move_in"], 1.0)
    add(row["pool"][:, None, :], column["move_out"], -1.0)
    add(row["retire"][:, None, :], column["retire"], 1.0)
    for k, life in enumerate(problem.life_quarters.tolist()):
        add(row["retire"][life:, None, k], column["deliver"][:-life, :, k], -1.0)
        for q in quarter:
            limits = row["supply"][q:, problem.pack_chemistry_idx[k]]
            energy = problem.pack_kwh[k] / KWH_PER_ROW_UNIT
            add(limits[:, None], column["deliver"][q, :, k], energy)

    cost, upper = np.zeros(num_columns), np.full(num_columns, np.inf)
    for name, price in (
        ("use", problem.option_cost),
        ("none", problem.no_pack_cost[:, None]),
        ("stock", problem.lease_cost),
        ("move_in", problem.relocation_cost),
    ):
        _fill(cost, column[name], price)

    # Implied by (1), but they halve the time of GLOP's dual simplex.
    _fill(upper, column["use"], problem.vehicles[:, problem.option_group_idx])
    _fill(upper, column["none"], problem.vehicles)

    row_lower = np.zeros(num_rows)
    _fill(row_lower, row["fleet"], problem.vehicles)
    _fill(row_lower, row["stock"][:1], problem.initial_stock)
    _fill(row_lower, row["retire"], _initial_retirement(problem))
    row_upper = row_lower.copy()
    _fill(row_upper, row["packs"], np.inf)
    _fill(row_lower, row["supply"], -np.inf)
    _fill(row_upper, row["supply"], problem.supply_kwh / KWH_PER_ROW_UNIT)
    rows, columns, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    matrix = scipy.sparse.csr_matrix((values, (rows, columns)), shape=(num_rows, num_columns))
    return PackAssignmentLp(cost, upper, matrix, row_lower, row_upper, column, row)


def pack_assignment_model(lp: PackAssignmentLp) -> "ModelBuilderHelper":
    """The linear program for OR-Tools, each variable and row named by family and indices."""
    from ortools.linear_solver.python import model_builder_helper

    model = model_builder_helper.ModelBuilderHelper()
    model.set_name("pack_assignment")
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.zeros(len(lp.cost)), lp.upper, lp.cost, lp.row_lower, lp.row_upper, lp.matrix
    )
    for positions_by_name, set_name in (
        (lp.column, model.set_var_name),
        (lp.row, model.set_constraint_name),
    ):
        for name, positions in positions_by_name.items():
            for index in np.argwhere(positions >= 0).tolist():
                set_name(int(positions[tuple(index)]), "_".join([name, *map(str, index)]))
    return model


def _number(**families: BoolArray) -> tuple[dict[str, IntArray], int]:
    """Consecutive positions where each family is there, -1 elsewhere; and how many in all."""
    positions, count = {}, 0
    for name, there in families.items():
        position = np.full(there.shape, -1, dtype=np.int64)
        position[there] = np.arange(count, count := count + int(there.sum()))
        positions[name] = position
    return positions, count


def _fill(target: FloatArray, positions: IntArray, values: float | FloatArray) -> None:
    """Write values to those positions that are there."""
    there = positions >= 0
    target[positions[there]] = np.broadcast_to(values, positions.shape)[there]


def _spread(values: FloatArray, positions: IntArray) -> FloatArray:
    """Values in the shape of their positions, 0 where left out."""
    return np.where(positions >= 0, values[positions], 0.0)


def _initial_retirement(problem: PackAssignmentProblem) -> FloatArray:
    """R, cut where rounding would have it take more packs than there are."""
    gone = np.minimum(problem.initial_retirement.cumsum(axis=0), problem.initial_stock.sum(axis=0))
    return np.diff(gone, axis=0, prepend=0.0)


def _solve(lp: PackAssignmentLp, time_limit_s: float) -> tuple[FloatArray, FloatArray]:
    """Values of the columns and duals of the rows, by GLOP's dual simplex."""
    from ortools.linear_solver.python import model_builder_helper

    solver = model_builder_helper.ModelSolverHelper("glop")
    solver.set_solver_specific_parameters("use_dual_simplex: true")
    model = pack_assignment_model(lp)
    if math.isfinite(time_limit_s):
        solver.set_time_limit_in_seconds(max(time_limit_s, 1e-3))
    solver.solve(model)
    outcome = model_builder_helper.SolveStatus
    answer = solver.status() if solver.has_response() else None
    if answer in (outcome.FEASIBLE, outcome.NOT_SOLVED, outcome.UNKNOWN_STATUS):
        raise NoPlanError(
            f"packs by quarter: no plan within {time_limit_s:.3g} s ({answer.name}); "
            "raise solver.time_limit_s"
        )
    if answer != outcome.OPTIMAL:
        said = "nothing" if answer is None else f"{answer.name} {solver.status_string()}".rstrip()
        raise PlannerError(f"packs by quarter: the LP solver answered {said}")
    values = np.asarray(solver.variable_values(), dtype=np.float64)
    duals = np.asarray(solver.dual_values(), dtype=np.float64)
    values = np.where(values > ROUNDING_PACKS, values, 0.0)
    activity = lp.matrix @ values
    missed = np.maximum(lp.row_lower - activity, activity - lp.row_upper).max(initial=0.0)
    if missed > ROW_TOLERANCE * values.max(initial=1.0):
        raise PlannerError(f"packs by quarter: the LP solver's plan misses a row by {missed:.3g}")
    return values, duals


def prices_of(problem: PackAssignmentProblem, lp: PackAssignmentLp, duals: FloatArray) -> Prices:
    """Equations (7) to (10).

    Parameters
    ----------
    problem : PackAssignmentProblem
    lp : PackAssignmentLp
        Its linear program.
    duals : float array, shape (num_rows,)
        A multiplier of each row, of any sign.

    Returns
    -------
    Prices
    """
    retire = _spread(duals, lp.row["retire"])
    packs = np.maximum(_spread(duals, lp.row["packs"]), 0.0)
    group, pack = problem.option_group_idx, problem.option_pack_idx
    city = problem.group_city_idx[group]
    fleet = _least_of_group(
        problem, lp, problem.option_cost + problem.option_packs * packs[:, city, pack]
    )
    left_for_pack = (fleet[:, group] - problem.option_cost) / problem.option_packs
    service = np.zeros_like(packs)
    quarter, option = np.nonzero(lp.column["use"] >= 0)
    at = (quarter, city[option], pack[option])
    np.maximum.at(service, at, left_for_pack[quarter, option])
    value, later = np.zeros_like(service), np.zeros_like(problem.initial_stock)
    for q in range(problem.num_quarters)[::-1]:
        here = later + service[q] - problem.lease_cost
        here = np.maximum(here, np.where(lp.row["retire"][q] >= 0, retire[q], -np.inf))
        takers = np.where(lp.column["move_in"][q] >= 0, here, -np.inf)
        elsewhere = takers.max(axis=0, initial=-np.inf) - problem.relocation_cost
        later = value[q] = np.maximum(here, elsewhere)
    supply = (0.0 - np.minimum(_spread(duals, lp.row["supply"]), 0.0)) / KWH_PER_ROW_UNIT
    return Prices(fleet, retire, supply, value)


def dual_bound(problem: PackAssignmentProblem, lp: PackAssignmentLp, prices: Prices) -> float:
    """No plan costs less: equation (12) [CNY]."""
    after_life = np.arange(problem.num_quarters)[:, None] + problem.life_quarters
    padded = np.concatenate([prices.retire, np.zeros((1, problem.num_packs))])
    new_pack = np.take_along_axis(padded, np.minimum(after_life, problem.num_quarters), axis=0) + (
        problem.pack_kwh * prices.supply_value[:, problem.pack_chemistry_idx]
    )
    missed = np.where(lp.column["deliver"] >= 0, prices.pack - new_pack[:, None, :], 0.0)
    eps = missed.max(axis=(0, 1), initial=0.0)
    retired = _initial_retirement(problem)
    left = problem.initial_stock.sum(axis=0) - retired.cumsum(axis=0)
    least = _least_of_group(problem, lp, problem.option_cost)
    saved_at_most = problem.vehicles * (problem.no_pack_cost[:, None] - least)
    most_deliveries = (saved_at_most.sum() + (problem.lease_cost * left).sum()) / problem.lease_cost
    terms = (
        problem.vehicles * prices.fleet,
        -problem.initial_stock * prices.pack[0],
        retired * prices.retire,
        -prices.supply * np.where(prices.supply > 0, problem.supply_kwh, 0.0),
        -eps * most_deliveries,
    )
    return math.fsum(math.fsum(term.ravel().tolist()) for term in terms)


def _least_of_group(
    problem: PackAssignmentProblem, lp: PackAssignmentLp, price: FloatArray
) -> FloatArray:
    """Least price of each group's vehicles: of no pack, or of an option that they may use."""
    least = np.repeat(problem.no_pack_cost[:, None], problem.num_groups, axis=1)
    quarter, option = np.nonzero(lp.column["use"] >= 0)
    at = (quarter, problem.option_group_idx[option])
    np.minimum.at(least, at, price[quarter, option])
    return least
