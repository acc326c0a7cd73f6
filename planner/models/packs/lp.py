"""Packs to cities and vehicles by quarter as a linear program: the arrays, not the solving.

Sets
    q  quarters 0..Q-1     c  cities     k  packs, each of a chemistry h(k)
    g  vehicle groups: the vehicles of one class in one city c(g)
    o  options: a group g(o) with a pack k(o) that fits it; c(o) = c(g(o))
Data
    n_qg  vehicles [-]                       N_q   cost of a vehicle without a pack [CNY]
    a_qo  packs per vehicle, float included  c_qo  cost per vehicle, lease apart [CNY]
    l_k   lease per owned pack, quarter [CNY]    r_k  cost of moving one pack [CNY]
    e_k   energy [kWh]     L_k  life [quarters]  S_qh  energy available up to q [kWh]
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

The duals and the bound: `planner.models.packs.prices`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.packs.problem import PackAssignmentProblem
from planner.solving.linear_model import LinearModel

KWH_PER_ROW_UNIT = 1e3
"""Rows (6) are in MWh, so that their coefficients are of the size of the others."""


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
    _fill(row_lower, row["retire"], initial_retirement(problem))
    row_upper = row_lower.copy()
    _fill(row_upper, row["packs"], np.inf)
    _fill(row_lower, row["supply"], -np.inf)
    _fill(row_upper, row["supply"], problem.supply_kwh / KWH_PER_ROW_UNIT)
    rows, columns, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    matrix = scipy.sparse.csr_matrix((values, (rows, columns)), shape=(num_rows, num_columns))
    return PackAssignmentLp(cost, upper, matrix, row_lower, row_upper, column, row)


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


def spread(values: FloatArray, positions: IntArray) -> FloatArray:
    """Values in the shape of their positions, 0 where left out."""
    return np.where(positions >= 0, values[positions], 0.0)


def initial_retirement(problem: PackAssignmentProblem) -> FloatArray:
    """R, cut where rounding would have it take more packs than there are."""
    gone = np.minimum(problem.initial_retirement.cumsum(axis=0), problem.initial_stock.sum(axis=0))
    return np.diff(gone, axis=0, prepend=0.0)
