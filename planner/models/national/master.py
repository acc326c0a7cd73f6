"""The master problem of a decomposition by city: one plan per city within the national limits.

Sets: cities c, known plans k in K_c, resources r with limit B_r, border zones b that plans of
several cities serve. v_k = value served within the city, u_rk = what the plan takes of r, f_kb =
share of b that it serves, w_b = value of b. z_k = 1 if plan k is chosen, x_b = share of b served.

    max  sum_k v_k z_k + sum_b w_b x_b
    (1)  sum_{k in K_c} z_k = 1                 every city c
    (2)  sum_k u_rk z_k <= B_r                  every resource r
    (3)  x_b <= sum_k f_kb z_k                  every border zone b
         z_k in {0, 1},  0 <= x_b <= 1

(1) and (2) are the master of Dantzig and Wolfe 1960 (Operations Research 8:101-111) with a
convexity row per block; (3) counts what neighbours both serve once. The duals of (2) and (3) are
the prices of the cities' next pricing problems.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.arrays import FloatArray, IntArray, Lists
from planner.solving.incidence import equal_list_leaders
from planner.solving.linear_model import LinearModel, solve_linear
from planner.solving.mip import solve_mip
from planner.solving.progress import StopRequest

if TYPE_CHECKING:
    import scipy.sparse

LIMIT_ROUNDING = 1e-12
"""A limit counts as kept up to this fraction of it."""


@dataclass(frozen=True)
class CityPlan:
    """One plan of one city: a column of the master.

    Attributes
    ----------
    part : int
        Position of the city among the parts of the nation.
    site_idx, type_idx : int arrays, shape (num_open,)
        Stations in national numbering, sites ascending.
    use : float array, shape (num_resources,)
        What they take of each resource.
    inner_value : float
        Value served in zones that no other city reaches.
    border_idx : int array
        Border zones that are served at least in part.
    border_frac : float array, shape (len(border_idx),)
        Share of each.
    """

    part: int
    site_idx: IntArray
    type_idx: IntArray
    use: FloatArray
    inner_value: float
    border_idx: IntArray
    border_frac: FloatArray

    def worth(self, price: FloatArray, multiplier: FloatArray) -> float:
        """Value less prices, border zones at their multipliers."""
        border = float(multiplier[self.border_idx] @ self.border_frac)
        return self.inner_value + border - float(price @ self.use)


@dataclass(frozen=True)
class Master:
    """Rows and columns of the master.

    Attributes
    ----------
    plans : tuple of CityPlan
    num_parts : int
        Each part has at least one plan.
    limit : float array, shape (num_resources,)
        B_r, finite.
    row_value : float array, shape (num_rows,)
        Border zones that the same plans serve to the same shares, merged: sum of their values.
    plans_of_row : Lists, num_rows of them
        Plans that serve each row, ascending.
    row_frac : float array
        The share that each of them serves.
    row_of_border : int array, shape (num_border,)
        Row of each border zone; -1 where no plan serves it.
    """

    plans: tuple[CityPlan, ...]
    num_parts: int
    limit: FloatArray
    row_value: FloatArray
    plans_of_row: Lists
    row_frac: FloatArray
    row_of_border: IntArray


@dataclass(frozen=True)
class MasterPrices:
    """Optimum of the master's linear relaxation.

    Attributes
    ----------
    value : float
    price : float array, shape (num_resources,)
        Duals of (2), >= 0.
    multiplier : float array, shape (num_border,)
        Duals of (3), in [0, w_b]; nan for zones that no plan serves.
    city_value : float array, shape (num_parts,)
        Duals of (1): what the chosen plans of the city are worth at these prices.
    """

    value: float
    price: FloatArray
    multiplier: FloatArray
    city_value: FloatArray


def build_master(
    plans: Sequence[CityPlan], num_parts: int, limit: FloatArray, border_value: FloatArray
) -> Master:
    """Merge border zones that the same plans serve alike.

    Parameters
    ----------
    plans : sequence of CityPlan
    num_parts : int
    limit : float array, shape (num_resources,)
    border_value : float array, shape (num_border,)
    """
    num_border = len(border_value)
    zone = np.concatenate([np.empty(0, np.int64), *(plan.border_idx for plan in plans)])
    frac = np.concatenate([np.empty(0), *(plan.border_frac for plan in plans)])
    plan_of = np.repeat(np.arange(len(plans)), [len(plan.border_idx) for plan in plans])
    order = np.lexsort((plan_of, zone))
    zone, frac, plan_of = zone[order], frac[order], plan_of[order]
    ptr = np.searchsorted(zone, np.arange(num_border + 1)).astype(np.int64)
    # Lists are equal if plans and shares are: number the pairs.
    _, frac_class = np.unique(frac, return_inverse=True)
    _, pair = np.unique(plan_of * (frac_class.max(initial=0) + 1) + frac_class, return_inverse=True)
    leader = equal_list_leaders(Lists(ptr, pair.astype(np.int32)))
    served = np.diff(ptr) > 0
    is_row = served & (leader == np.arange(num_border))
    row_of_border = np.where(served, (np.cumsum(is_row) - 1)[leader], -1)
    kept = np.repeat(is_row, np.diff(ptr))
    return Master(
        plans=tuple(plans),
        num_parts=num_parts,
        limit=limit,
        row_value=np.bincount(
            row_of_border[served], border_value[served], minlength=int(is_row.sum())
        ).astype(np.float64),
        plans_of_row=Lists(
            np.concatenate([[0], np.cumsum(np.diff(ptr)[is_row])]).astype(np.int64),
            plan_of[kept].astype(np.int32),
        ),
        row_frac=frac[kept],
        row_of_border=row_of_border,
    )


def _units(master: Master) -> FloatArray:
    return np.where(master.limit > 0, master.limit, 1.0)


def _matrix(master: Master) -> "scipy.sparse.csr_matrix":
    """Coefficients of (1), (2) in units of the limits, and (3)."""
    import scipy.sparse

    num_plans, num_rows = len(master.plans), len(master.row_value)
    num_limits = len(master.limit)
    part = [plan.part for plan in master.plans]
    one_each = scipy.sparse.csr_matrix(
        (np.ones(num_plans), (part, np.arange(num_plans))), shape=(master.num_parts, num_plans)
    )
    use = np.array([plan.use for plan in master.plans]).reshape(num_plans, num_limits)
    takes = scipy.sparse.csr_matrix((use / _units(master)).T)
    serves = scipy.sparse.csr_matrix(
        (master.row_frac, master.plans_of_row.idx, master.plans_of_row.ptr),
        shape=(num_rows, num_plans),
    )
    no_border = scipy.sparse.csr_matrix((master.num_parts + num_limits, num_rows))
    matrix: scipy.sparse.csr_matrix = scipy.sparse.vstack(
        [
            scipy.sparse.hstack([scipy.sparse.vstack([one_each, takes]), no_border]),
            scipy.sparse.hstack([serves, -scipy.sparse.identity(num_rows)]),
        ],
        format="csr",
    )
    return matrix


def _names(master: Master) -> tuple[list[str], list[str]]:
    """Names of variables and rows: plans are numbered within their city."""
    count = [0] * master.num_parts
    variables = []
    for plan in master.plans:
        variables.append(f"z_{plan.part}_{count[plan.part]}")
        count[plan.part] += 1
    variables += [f"x_{row}" for row in range(len(master.row_value))]
    constraints = [
        *(f"city_{city}" for city in range(master.num_parts)),
        *(f"limit_{resource}" for resource in range(len(master.limit))),
        *(f"border_{row}" for row in range(len(master.row_value))),
    ]
    return variables, constraints


def master_mip(
    master: Master, *, integer: bool = True, hint: IntArray | None = None
) -> LinearModel:
    """Model (1) to (3), each limit in units of itself.

    Parameters
    ----------
    master : Master
    integer : bool
        False for the linear relaxation.
    hint : int array, optional
        Chosen plans of a solution to start from.

    Returns
    -------
    LinearModel
        Columns z then x; rows ``city``, ``limit``, ``border``.
    """
    num_plans, num_rows = len(master.plans), len(master.row_value)
    num_limits, num_columns = len(master.limit), num_plans + num_rows
    column_names, row_names = _names(master)
    levels = None
    if hint is not None:
        chosen = np.zeros(num_plans)
        chosen[hint] = 1.0
        served = np.bincount(
            master.plans_of_row.owner,
            master.row_frac * chosen[master.plans_of_row.idx],
            minlength=num_rows,
        )
        levels = np.r_[chosen, np.minimum(served, 1.0)]
    return LinearModel(
        name="national_master",
        matrix=_matrix(master),
        row_lower=np.concatenate(
            [np.ones(master.num_parts), np.full(num_limits, -np.inf), np.zeros(num_rows)]
        ),
        row_upper=np.concatenate(
            [np.ones(master.num_parts), master.limit / _units(master), np.full(num_rows, np.inf)]
        ),
        lower=np.zeros(num_columns),
        upper=np.ones(num_columns),
        objective=np.concatenate([[plan.inner_value for plan in master.plans], master.row_value]),
        maximize=True,
        integer=np.arange(num_columns) < num_plans if integer else None,
        column_names=column_names,
        row_names=row_names,
        hint=levels,
    )


def master_prices(master: Master, border_value: FloatArray) -> MasterPrices | None:
    """Solve the linear relaxation by GLOP; None if it fails.

    Parameters
    ----------
    master : Master
    border_value : float array, shape (num_border,)
        w_b.
    """
    result = solve_linear(master_mip(master, integer=False).to_ortools())
    if result.duals is None:
        return None
    dual = result.duals
    first_limit, first_border = master.num_parts, master.num_parts + len(master.limit)
    per_row = -dual[first_border:]
    share = np.clip(per_row / master.row_value, 0.0, 1.0) if len(per_row) else per_row
    multiplier = np.full(len(border_value), np.nan)
    has_row = master.row_of_border >= 0
    multiplier[has_row] = border_value[has_row] * share[master.row_of_border[has_row]]
    return MasterPrices(
        value=result.objective,
        price=np.maximum(dual[first_limit:first_border], 0.0) / _units(master),
        multiplier=multiplier,
        city_value=dual[:first_limit],
    )


def choose_plans(
    master: Master,
    *,
    hint: IntArray | None,
    time_limit_s: float = math.inf,
    node_limit: int | None = None,
    seed: int = 0,
    stop: StopRequest | None = None,
) -> IntArray | None:
    """Choose one plan per city by SCIP.

    Parameters
    ----------
    master : Master
    hint : int array, optional
        Plans chosen so far.
    time_limit_s, node_limit, seed, stop
        As in :func:`planner.solving.mip.solve_mip`.

    Returns
    -------
    int array, shape (num_parts,), or None
        Positions of the chosen plans; None if none were found that keep every limit.
    """
    result = solve_mip(
        master_mip(master, hint=hint).to_ortools(),
        time_limit_s=time_limit_s,
        node_limit=node_limit,
        seed=seed,
        stop=stop,
    )
    if result.values is None:
        return None
    chosen = np.flatnonzero(result.values[: len(master.plans)] > 0.5)
    return chosen if keeps_limits([master.plans[k] for k in chosen], master.limit) else None


def keeps_limits(plans: Sequence[CityPlan], limit: FloatArray) -> bool:
    """Whether plans together stay within every limit."""
    return all(
        math.fsum(plan.use[resource] for plan in plans) <= bound * (1.0 + LIMIT_ROUNDING)
        for resource, bound in enumerate(limit)
    )
