"""What the duals of the pack model prove: prices of packs and energy, and a bound.

Equations (1) to (6) and symbols: `planner.models.packs.lp`.

Prices. The solver's duals give y'_qck >= 0, what serving with one more pack saves, from (2); f_qk,
what it costs to let go of one more pack, from (5); b_qh >= 0, what one more kilowatt-hour available
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
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray
from planner.models.packs.lp import (
    KWH_PER_ROW_UNIT,
    PackAssignmentLp,
    initial_retirement,
    spread,
)
from planner.models.packs.problem import PackAssignmentProblem


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
    retire = spread(duals, lp.row["retire"])
    packs = np.maximum(spread(duals, lp.row["packs"]), 0.0)
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
    supply = (0.0 - np.minimum(spread(duals, lp.row["supply"]), 0.0)) / KWH_PER_ROW_UNIT
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
    retired = initial_retirement(problem)
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
