"""Lower ends of what it costs to change one lock of a covering plan: from multipliers.

With d_j the reduced cost of site j at multipliers l, L their bound of all plans and V the cost of
the plan, a plan that makes j the other way round than the multipliers costs |d_j| more than L:

(1) r_j >= L + max(0, -d_j) + g_j - V,    f_k >= L + max(0, d_k) - V.

Without j the multipliers of its rows may rise until another site's reduced cost is used up (dual
ascent, Erlenkotter 1978, Operations Research 26:992-1009), which is g_j. In a part c of zones and
sites that hang together, the others kept, at the multipliers' prices of numbers and of covered
value, the same holds with L_c - V_c. Where costs come in steps, so do the ends.
"""

import math

import numba
import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.reasons.parts import linked_parts, masked
from planner.models.set_cover.dual import CoverPoint, reduced_cost
from planner.models.set_cover.greedy import CoverArrays, stations_near
from planner.models.set_cover.presolve import CoverTask
from planner.models.set_cover.state import cost_step
from planner.solving.best_sites import best_sites

ROUNDING_FRAC = 1e-9
"""Of a plan's cost: what is less is rounding."""


def lower_ends(task: CoverTask, plan: IntArray, point: CoverPoint) -> FloatArray:
    """The larger of the end of the whole and that of the site's part, shape (num_sites,).

    Parameters
    ----------
    task : CoverTask
    plan : int array
        Open sites.
    point : CoverPoint
        Multipliers.
    """
    is_open = masked(task.num_sites, plan)
    cost = task.cost
    price = point.number_price
    reduced = reduced_cost(task, point.share) - price
    nowhere = np.zeros(task.num_sites, dtype=np.bool_)
    counted = best_sites(-price, nowhere, nowhere, task.least, task.most, task.cities)
    spent = math.fsum(cost[plan])
    of_value = _price_of_value(task, point.share)
    of_rows = task.value * (
        point.share if task.covers_all else np.minimum(point.share - of_value, 0.0)
    )
    asked_for = 0.0 if task.covers_all else of_value * task.required
    bound = math.fsum(
        (math.fsum(of_rows), asked_for, math.fsum(np.minimum(reduced, 0.0)),
         math.fsum(price[counted]))
    )  # fmt: skip
    rise = np.where(is_open, np.maximum(-reduced, 0.0), np.maximum(reduced, 0.0))
    room = np.inf if task.covers_all else np.maximum(of_value - point.share, 0.0)
    arrays = CoverArrays(task.incidence, task.value, task.need, task.cost)
    rise[plan] += _ascents(plan, arrays, reduced, np.full(task.num_rows, room) * task.row_scale)
    rise -= ROUNDING_FRAC * max(spent, float(cost.max(initial=0.0)))
    low = bound + rise - spent
    step = cost_step(task)
    if step > 0.0:
        low = step * np.ceil(low / step - 1e-6)
    parts = linked_parts(task.rows_of_site, task.num_rows, task.cities)
    if parts.are_several:
        covered = stations_near(task, is_open) >= task.need
        gap = parts.sums(
            np.where(is_open, cost - price, 0.0) - np.minimum(reduced, 0.0),
            -of_rows - (0.0 if task.covers_all else of_value) * task.value * covered,
        )
        inside = rise - gap[parts.of_site]
        if step > 0.0 and task.covers_all and not price.any():
            inside = step * np.ceil(inside / step - 1e-6)
        low = np.maximum(low, inside)
    return np.maximum(low, 0.0)


def _price_of_value(task: CoverTask, share: FloatArray) -> float:
    """Multiplier of the row that ends the knapsack of the rows covered first."""
    if task.covers_all:
        return 0.0
    order = np.argsort(share, kind="stable")
    last = int(np.searchsorted(np.cumsum(task.value[order]), task.required))
    return float(share[order[min(last, len(order) - 1)]])


@numba.njit(cache=True, nogil=True)
def _ascents(
    sites: IntArray, task: CoverArrays, reduced: FloatArray, room: FloatArray
) -> FloatArray:
    """By how much the bound rises with the multipliers of a site's rows if it is closed."""
    inc, need = task.inc, task.need
    left = reduced.copy()
    gains = np.zeros(len(sites))
    for at in range(len(sites)):
        closed = sites[at]
        first, last = inc.rows_of_site.ptr[closed], inc.rows_of_site.ptr[closed + 1]
        for arc in range(first, last):
            row = inc.rows_of_site.idx[arc]
            rise, used_up = room[row], 0
            for place in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
                site = inc.sites_of_row.idx[place]
                if site == closed:
                    continue
                if left[site] <= 0.0:
                    used_up += 1
                else:
                    rise = min(rise, left[site])
            if used_up >= need[row] or not np.isfinite(rise) or rise <= 0.0:
                continue
            gains[at] += (need[row] - used_up) * rise
            for place in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
                left[inc.sites_of_row.idx[place]] -= rise
        for arc in range(first, last):
            row = inc.rows_of_site.idx[arc]
            for place in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
                site = inc.sites_of_row.idx[place]
                left[site] = reduced[site]
    return gains
