"""Packs to cities and vehicles by quarter as a linear program: the arrays, not the solving.

Sets
    q  quarters 0..Q-1     c  cities     k  packs, each of a chemistry h(k)     m  markets
    g  vehicle groups: the vehicles of one class in one city c(g)
    o  options: a group g(o) with a pack k(o) that fits it; c(o) = c(g(o))
    s  sources, each of a chemistry h(s)     a  applications that it may serve, 0 the vehicles here
    B  other buyers, each of a chemistry h(B) and an application a(B)     v  materials
Data
    n_qg  vehicles [-]                       N_q   cost of a vehicle without a pack [CNY]
    a_qo  packs per vehicle, float included  c_qo  cost per vehicle, lease apart [CNY]
    l_k   lease per owned pack, quarter [CNY]    r_k  cost of moving one pack [CNY]
    e_k   energy [kWh]     L_k  life [quarters]  C_k  carbon [kg], G the most of it
    I_ck  packs standing before quarter 0    R_qk  how many of them leave in q, nationwide
    F_qgh share of the group that accepts the chemistry     O_km  smallest order [packs]
    P_qs  most that the source makes in q [kWh]  M_qv  material up to q, m_vs of it per kWh [kg]
    A_qB  what the buyer asks for [kWh]      W_qB  cost of a kWh that it does not get [CNY/kWh]
Variables, all >= 0
    x_qo  vehicles with that option, where it is allowed      z_qg  vehicles without a pack
    s_qck packs standing in the city       d_qck  delivered, where delivery is allowed
    t_qck retired      i_qck, j_qck  moved in, moved out, through one national pool
    p_qs <= P_qs  made     w_qsa  taken from the source for an application     b_qB <= A_qB  sold

    min  sum_qo c_qo x_qo + sum_qg N_q z_qg + sum_qck (l_k s_qck + r_k i_qck)
         + sum_qB W_qB (A_qB - b_qB)
    (1)  sum_{o: g(o) = g} x_qo + z_qg = n_qg                              every q, g
    (1b) sum_{o: g(o) = g, h(k(o)) = h} x_qo <= F_qgh n_qg                 where F_qgh < 1
    (2)  sum_{o: c(o) = c, k(o) = k} a_qo x_qo <= s_qck                    every q, c, k
    (3)  s_qck = s_{q-1,ck} + d_qck - t_qck + i_qck - j_qck,  s_{-1} = I   every q, c, k
    (4)  sum_c i_qck = sum_c j_qck                                         every q, k
    (5)  sum_c t_qck = sum_c d_{q-L_k,ck} + R_qk                           every q, k
    (6a) sum_{c, k: h(k) = h, if a = 0} e_k d_qck + sum_{B of h, a} b_qB
         = sum_{s: h(s) = h} w_qsa                                every q, a, h with a source
    (6b) sum_{q' <= q, a} w_q'sa <= sum_{q' <= q} p_q's           every q, s
    (6c) sum_{q' <= q, s} m_vs p_q's <= M_qv                      every q, v with a limit
    (6d) sum_qck C_k d_qck <= G                                   if there is one
    (6e) sum_{c in m} d_qck = 0 or >= O_km                        every q, k, m with O_km > 0

Energy that is made may be kept; what a source could have made and did not, for want of material or
of use, is lost. A buyer's energy that is not sold in its quarter is asked for no more.

(6e) is no row of a linear program. `planner.models.packs.orders` branches on it: in each of its
programs an order is open to any size, closed or at least O_km. Here the row is there with 0 for
O_km, and a column beside it, at a cost that no plan is worth, that fills up an order too large for
the rest: so that each of the programs has an answer, from whichever basis.

No lease ends early: (5) says how many packs leave in each quarter, and until then each costs its
lease, used or idle. An idle pack is therefore moved to where it saves a new one, if moving is
cheaper than the new one's lease up to the horizon.

Where packs may go. Nothing is delivered or moved in where the gate is closed, and a pack may be
moved in only where some vehicle may use it in that same quarter, or the gate closes later. This
loses nothing: moving costs the same in every quarter and takes no time, so that a pack moved in
before its use may as well stay where it is until then, if the gate is still open. It may stand
anywhere, leave at any time, and be used where a gate has closed behind it.

Always feasible. Deliver, move, make and sell nothing, use nothing: x = d = i = j = 0, z = n. Then
(5) asks for R_qk retired packs, which the cities together still have, because the problem makes
sure that R in all takes no more than I; take them wherever they stand. Deliveries cannot turn (5)
against the rest either: after q, those of the last L_k quarters and what is left of I stand in the
country, both >= 0, and (5) names no city. Bounded: x, z and b lie within n and A, all else costs
>= 0.

Not modelled: which packs of a city are the oldest. (5) counts ages nationwide, so that the pack
that leaves may stand in another city than the one whose life ended: the two have changed places
free of r_k. With lives beyond the horizon only R can do so. Packs and vehicles are not rounded.

The duals and the bound: `planner.models.packs.prices`.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.packs.problem import PackAssignmentProblem
from planner.solving.linear_model import LinearModel

Scalar = TypeVar("Scalar", bound=np.generic)
PER_ROW_UNIT = 1e3
"""Energy is in MWh, material and carbon in t, so that coefficients are of the size of others."""
LACK_PER_COST = 1e3
"""What a pack costs that an order lacks, over what a vehicle and a pack cost in a quarter."""


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


class _Entries:
    """Entries of the matrix by row and column."""

    def __init__(self, column: dict[str, IntArray], row: dict[str, IntArray]) -> None:
        self.column, self.row = column, row
        self.parts: list[tuple[IntArray, IntArray, FloatArray]] = []

    def add(self, rows: IntArray, columns: IntArray, value: float | FloatArray) -> None:
        """Enter ``value`` wherever both row and column are there; all broadcast."""
        rows, columns, values = np.broadcast_arrays(rows, columns, np.float64(value))
        there = (rows >= 0) & (columns >= 0) & (values != 0)
        self.parts.append((rows[there], columns[there], values[there]))

    def matrix(self, num_rows: int, num_columns: int) -> scipy.sparse.csr_matrix:
        """All of them."""
        rows, columns, values = (np.concatenate(each) for each in zip(*self.parts, strict=True))
        return scipy.sparse.csr_matrix((values, (rows, columns)), shape=(num_rows, num_columns))


def pack_assignment_lp(problem: PackAssignmentProblem) -> PackAssignmentLp:
    """Equations (1) to (6) without the variables and rows that cannot matter.

    Left out: options of groups without vehicles; deliveries of packs that no vehicle may use from
    then on; moves where nobody takes packs in; retirements where there are none; sources, materials
    and energy of which nothing can be asked.

    Parameters
    ----------
    problem : PackAssignmentProblem

    Returns
    -------
    PackAssignmentLp
        Families of columns ``use``, ``none``, ``stock``, ``deliver``, ``retire``, ``move_in``,
        ``move_out``, ``made``, ``take``, ``sold``, ``lack``; of rows ``fleet`` (1), ``accept``
        (1b), ``packs`` (2), ``stock`` (3), ``pool`` (4), ``retire`` (5), ``energy`` (6a),
        ``source`` (6b), ``material`` (6c), ``carbon`` (6d), ``order`` (6e).
    """
    columns, rows = _there(problem)
    column, num_columns = _number(columns)
    row, num_rows = _number(rows)
    entries = _Entries(column, row)
    _enter_packs(problem, entries)
    _enter_supply(problem, entries)

    cost, upper = np.zeros(num_columns), np.full(num_columns, np.inf)
    for name, price in (
        ("use", problem.option_cost),
        ("none", problem.no_pack_cost[:, None]),
        ("stock", problem.lease_cost),
        ("move_in", problem.relocation_cost),
        ("sold", -PER_ROW_UNIT * problem.supply.buyer_worth),
        ("lack", _lack_cost(problem)),
    ):
        _fill(cost, column[name], price)
    for name, most in (
        # Implied by (1), but they halve the time of GLOP's dual simplex.
        ("use", problem.vehicles[:, problem.option_group_idx]),
        ("none", problem.vehicles),
        ("made", problem.supply.produced_kwh / PER_ROW_UNIT),
        ("sold", problem.supply.buyer_kwh / PER_ROW_UNIT),
    ):
        _fill(upper, column[name], most)

    row_lower = np.zeros(num_rows)
    _fill(row_lower, row["fleet"], problem.vehicles)
    _fill(row_lower, row["stock"][:1], problem.initial_stock)
    _fill(row_lower, row["retire"], initial_retirement(problem))
    row_upper = row_lower.copy()
    for name in ("packs", "order"):
        _fill(row_upper, row[name], np.inf)
    at_most: tuple[tuple[str, float | FloatArray], ...] = (
        ("accept", accepting(problem)),
        ("source", 0.0),
        ("material", problem.supply.material_kg / PER_ROW_UNIT),
        ("carbon", problem.carbon_cap_kg / PER_ROW_UNIT),
    )
    for name, limit in at_most:
        _fill(row_lower, row[name], -np.inf)
        _fill(row_upper, row[name], limit)
    matrix = entries.matrix(num_rows, num_columns)
    return PackAssignmentLp(cost, upper, matrix, row_lower, row_upper, column, row)


def _there(
    problem: PackAssignmentProblem,
) -> tuple[dict[str, BoolArray], dict[str, BoolArray]]:
    """Which columns and rows of each family there are."""
    shape = problem.delivery_allowed.shape
    quarter, pack = np.arange(shape[0]), np.arange(shape[2])
    option_city = problem.group_city_idx[problem.option_group_idx]
    fleet = problem.vehicles > 0
    use = problem.option_allowed & fleet[:, problem.option_group_idx]
    used, accept = np.zeros(shape, dtype=bool), np.zeros(problem.accepting_frac.shape, dtype=bool)
    used_quarter, used_option = np.nonzero(use)
    used[used_quarter, option_city[used_option], problem.option_pack_idx[used_option]] = True
    at = problem.option_group_idx[used_option], problem.option_chemistry_idx[used_option]
    accept[used_quarter, *at] = True
    pool: BoolArray = np.logical_or.reduce(used, axis=1)
    still_used = np.logical_or.accumulate(pool[::-1], axis=0)[::-1]
    deliver = problem.delivery_allowed & still_used[:, None, :]
    closes = np.logical_or.accumulate(~problem.delivery_allowed[::-1], axis=0)[::-1]
    moves = deliver & (used | closes)
    moved: BoolArray = np.logical_or.reduce(moves, axis=1)
    comes: BoolArray = np.logical_or.reduce(deliver, axis=1)
    born = quarter[:, None] - problem.life_quarters  # when the packs that leave now were delivered
    ends = comes[np.maximum(born, 0), pack] & (born >= 0)
    retire = ends | (problem.initial_retirement > 0)
    standing = np.ones(shape, dtype=bool)
    order = (problem.by_market(deliver.astype(float)) > 0) & (problem.min_order > 0)
    made, supply = _supply_there(problem, comes)
    has_carbon = np.isfinite(problem.carbon_cap_kg) and problem.carbon_kg.any()
    columns = {
        "use": use,
        "none": fleet,
        "stock": standing,
        "deliver": deliver,
        "retire": np.broadcast_to(retire[:, None, :], shape),
        "move_in": moves,
        "move_out": np.broadcast_to(moved[:, None, :], shape),
        **made,
        "lack": order,
    }
    rows = {
        "fleet": fleet,
        "accept": accept & (problem.accepting_frac < 1),
        "packs": used,
        "stock": standing,
        "pool": moved,
        "retire": retire,
        **supply,
        "carbon": np.array([has_carbon]),
        "order": order,
    }
    return columns, rows


def _supply_there(
    problem: PackAssignmentProblem, comes: BoolArray
) -> tuple[dict[str, BoolArray], dict[str, BoolArray]]:
    """The same of what is made, taken and sold; ``comes`` as quarters by packs."""
    supply = problem.supply
    shape = (problem.num_quarters, problem.num_chemistries, supply.num_applications)
    asked, sold = np.zeros(shape, dtype=bool), supply.buyer_kwh > 0
    quarter, pack = np.nonzero(comes)
    asked[quarter, problem.pack_chemistry_idx[pack], 0] = True
    quarter, buyer = np.nonzero(sold)
    asked[quarter, supply.buyer_chemistry_idx[buyer], supply.buyer_application_idx[buyer]] = True
    take = asked[:, supply.source_chemistry_idx] & supply.source_serves
    source: BoolArray = np.logical_or.reduce(take, axis=2)
    later: BoolArray = np.logical_or.accumulate(source[::-1], axis=0)[::-1]
    made = (supply.produced_kwh > 0) & later
    needs = made @ (supply.source_kg_per_kwh > 0).T
    columns = {"made": made, "take": take, "sold": sold}
    rows = {
        "energy": asked & supply.is_limited[:, None],
        "source": source,
        "material": needs & np.isfinite(supply.material_kg),
    }
    return columns, rows


def _enter_packs(problem: PackAssignmentProblem, entries: _Entries) -> None:
    """Equations (1) to (5), (6d) and (6e)."""
    column, row, add = entries.column, entries.row, entries.add
    option_city = problem.group_city_idx[problem.option_group_idx]
    add(row["fleet"][:, problem.option_group_idx], column["use"], 1.0)
    add(row["fleet"], column["none"], 1.0)
    accept = row["accept"][:, problem.option_group_idx, problem.option_chemistry_idx]
    add(accept, column["use"], 1.0)
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
    add(row["carbon"], column["deliver"], problem.carbon_kg / PER_ROW_UNIT)
    add(by_city(problem, row["order"]), column["deliver"], 1.0)
    add(row["order"], column["lack"], 1.0)


def _enter_supply(problem: PackAssignmentProblem, entries: _Entries) -> None:
    """Equations (6a) to (6c)."""
    column, row, add, supply = entries.column, entries.row, entries.add, problem.supply
    for_vehicles = row["energy"][:, problem.pack_chemistry_idx, 0]
    add(for_vehicles[:, None, :], column["deliver"], problem.pack_kwh / PER_ROW_UNIT)
    add(row["energy"][:, supply.source_chemistry_idx], column["take"], -1.0)
    buyers = row["energy"][:, supply.buyer_chemistry_idx, supply.buyer_application_idx]
    add(buyers, column["sold"], 1.0)
    for q in range(problem.num_quarters):
        add(row["source"][q:, :, None], column["take"][q], 1.0)
        add(row["source"][q:], column["made"][q], -1.0)
        add(row["material"][q:, :, None], column["made"][q], supply.source_kg_per_kwh)


def _lack_cost(problem: PackAssignmentProblem) -> float:
    """Cost of a pack that an order lacks: no plan's last pack is worth it [CNY]."""
    costs = (problem.no_pack_cost, problem.lease_cost, problem.relocation_cost, [1.0])
    return LACK_PER_COST * float(sum(np.abs(each).max(initial=0.0) for each in costs))


def accepting(problem: PackAssignmentProblem) -> FloatArray:
    """Vehicles that may have a chemistry: F n, in the shape of F."""
    return problem.accepting_frac * problem.vehicles[:, :, None]


def by_city(problem: PackAssignmentProblem, of_markets: NDArray[Scalar]) -> NDArray[Scalar]:
    """What holds for each pack and market, for each city and pack: the last two axes of three."""
    return of_markets[:, :, problem.city_market_idx].swapaxes(1, 2)


def pack_assignment_model(lp: PackAssignmentLp) -> LinearModel:
    """The linear program, each column and row named by family and indices."""
    return LinearModel(
        name="pack_assignment",
        matrix=lp.matrix,
        row_lower=lp.row_lower,
        row_upper=lp.row_upper,
        lower=np.zeros(len(lp.cost)),
        upper=lp.upper,
        objective=lp.cost,
        maximize=False,
        column_names=_names(lp.column),
        row_names=_names(lp.row),
    )


def _names(positions_by_family: dict[str, IntArray]) -> Iterator[str]:
    """In the order of the positions, in which `_number` counts."""
    for family, positions in positions_by_family.items():
        for index in np.argwhere(positions >= 0).tolist():
            yield "_".join([family, *map(str, index)])


def _number(families: dict[str, BoolArray]) -> tuple[dict[str, IntArray], int]:
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


def spread(values: FloatArray, positions: IntArray) -> FloatArray:
    """Values in the shape of their positions, 0 where left out."""
    return np.where(positions >= 0, values[positions], 0.0)


def initial_retirement(problem: PackAssignmentProblem) -> FloatArray:
    """R, cut where rounding would have it take more packs than there are."""
    gone = np.minimum(problem.initial_retirement.cumsum(axis=0), problem.initial_stock.sum(axis=0))
    return np.diff(gone, axis=0, prepend=0.0)
