"""What the duals of the pack model prove: prices of packs, energy, material, carbon; and a bound.

Equations (1) to (6) and symbols: `planner.models.packs.lp`.

Prices. The solver's duals give y'_qck >= 0, what serving with one more pack saves, from (2);
alpha_qgh >= 0, one more vehicle that accepts a chemistry, from (1b); f_qk, what it costs to let go
of one more pack, from (5); beta_qs >= 0 and mu_qv >= 0, what one more kWh in a source and one more
kg of a material available by q save, from (6b) and (6c); gamma >= 0, one more kg of carbon, from
(6d); omega_qkm >= 0, what one pack more in an order costs that has to reach its least, from (6e).
What there is in q is there in every later quarter too and saves the sum from q on: B_qs of beta,
V_qv of mu. A kWh goes to whom its source serves, so that energy for an application has the price
of its cheapest source; with no source for it, its price lambda' comes from (6a).

One more vehicle costs u; one more pack in the city from q on saves w by the best that it may do,
backward in time: serve here, go in place of another that has to, or be moved. Its lease until the
horizon is paid in w, which is therefore negative for packs that stand idle.

    (7)  u_qg = min(N_q, min_{o: g(o) = g} c_qo + a_qo y'_qck + alpha_qgh(k))
    (8)  y_qck = max(0, max_{o: c(o) = c, k(o) = k} (u_qg(o) - c_qo - alpha_qg(o)h(k)) / a_qo)
    (9)  h_qck = max(w_{q+1,ck} + y_qck - l_k, f_qk if packs k retire in q),  w_Q = 0
    (10) w_qck = max(h_qck, max_{c' that may take packs in} h_qc'k - r_k)
    (10a) lambda_qha = min_{s: h(s) = h, serves a} B_qs;  0 where h has no source at all
    (10b) rho_qs = max(0, B_qs - sum_v m_vs V_qv), what one more kWh that could be made saves

Where nothing stands, duals may be greater than what a pack would save; (8) to (10) are the least
that keep u, f and the rest dual feasible but for the condition of deliveries

    (11) w_qck <= f_{q+L_k,k} + e_k lambda_{q,h(k),0} + C_k gamma - omega_qkm(c)   where d may be.

(10a) is the largest lambda with which nothing is gained by taking energy for an application.

Bound. Whatever the duals, with eps_k >= 0 the most by which (11) is missed, no plan costs less than

    (12) sum_qg n_qg u_qg - sum_qgh F_qgh n_qg alpha_qgh - sum_ck I_ck w_0ck + sum_qk R_qk f_qk
         - sum_qs P_qs rho_qs - sum_qv M_qv mu_qv - G gamma + sum_qB A_qB min(W_qB, lambda_q,h,a(B))
         + sum_{orders of at least O} O_km omega_qkm - sum_k eps_k W_k,

if W_k is no less than all deliveries in a best plan. These do not exceed the packs standing summed
over quarters, whose lease does not exceed what is saved by using packs at all, and the lease of
those left of I: W_k = (sum_qg n_qg (N_q - min(N_q, min_o c_qo)) + sum_qk l_k (left of I)) / l_k.
For the best plan costs no more than the one that sells what it sells, and delivers nothing: (6e)
allows that. Where orders are held to a size or closed, (12) is a bound on best plans among those
with such orders, if there are any; closed ones do not count in (11).
"""

import math
from typing import NamedTuple

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.models.packs.lp import (
    PER_ROW_UNIT,
    PackAssignmentLp,
    accepting,
    by_city,
    initial_retirement,
    spread,
)
from planner.models.packs.problem import PackAssignmentProblem


class Orders(NamedTuple):
    """Which orders are decided; the others may be of any size.

    Attributes
    ----------
    closed, held : bool arrays, shape (num_quarters, num_packs, num_markets)
        Nothing is delivered, or no less than the smallest order.
    """

    closed: BoolArray
    held: BoolArray

    @classmethod
    def open(cls, problem: PackAssignmentProblem) -> "Orders":
        """Nothing decided."""
        nothing = np.zeros((problem.num_quarters, *problem.min_order.shape), dtype=bool)
        return cls(nothing, nothing)


class Prices(NamedTuple):
    """Multipliers of which (12) makes a bound.

    Attributes
    ----------
    fleet : float array, shape (num_quarters, num_groups)
        u: what one more vehicle costs, at most N [CNY].
    accept : float array, shape (num_quarters, num_groups, num_chemistries)
        alpha, >= 0 [CNY].
    retire : float array, shape (num_quarters, num_packs)
        f [CNY].
    source : float array, shape (num_quarters, num_sources)
        B, >= 0, never rising [CNY/kWh].
    energy : float array, shape (num_quarters, num_chemistries, num_applications)
        lambda, >= 0 [CNY/kWh].
    material : float array, shape (num_quarters, num_materials)
        mu, >= 0 [CNY/kg].
    carbon : float
        gamma, >= 0 [CNY/kg].
    order : float array, shape (num_quarters, num_packs, num_markets)
        omega, >= 0 [CNY].
    pack : float array, shape (num_quarters, num_cities, num_packs)
        w [CNY].
    """

    fleet: FloatArray
    accept: FloatArray
    retire: FloatArray
    source: FloatArray
    energy: FloatArray
    material: FloatArray
    carbon: float
    order: FloatArray
    pack: FloatArray

    @property
    def material_value(self) -> FloatArray:
        """V: what one more kg from each quarter on saves [CNY/kg]."""
        return _from_on(self.material)


def prices_of(problem: PackAssignmentProblem, lp: PackAssignmentLp, duals: FloatArray) -> Prices:
    """Equations (7) to (10a).

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
    accept = _limit(duals, lp, "accept")
    group, pack = problem.option_group_idx, problem.option_pack_idx
    city = problem.group_city_idx[group]
    cost = problem.option_cost + accept[:, group, problem.option_chemistry_idx]
    fleet = _least_of_group(problem, lp, cost + problem.option_packs * packs[:, city, pack])
    left_for_pack = (fleet[:, group] - cost) / problem.option_packs
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
    source = _from_on(_limit(duals, lp, "source") / PER_ROW_UNIT)
    return Prices(
        fleet=fleet,
        accept=accept,
        retire=retire,
        source=source,
        energy=_energy_price(problem, lp, duals, source),
        material=_limit(duals, lp, "material") / PER_ROW_UNIT,
        carbon=float(_limit(duals, lp, "carbon")[0] / PER_ROW_UNIT),
        order=np.maximum(spread(duals, lp.row["order"]), 0.0),
        pack=value,
    )


def _energy_price(
    problem: PackAssignmentProblem, lp: PackAssignmentLp, duals: FloatArray, source: FloatArray
) -> FloatArray:
    """Equation (10a)."""
    supply = problem.supply
    unserved = np.maximum(-spread(duals, lp.row["energy"]), 0.0) / PER_ROW_UNIT
    # A kWh may be kept for any later quarter.
    price = np.maximum.accumulate(unserved[::-1], axis=0)[::-1].copy()
    for h in np.flatnonzero(supply.is_limited).tolist():
        for a in range(supply.num_applications):
            serves = (supply.source_chemistry_idx == h) & supply.source_serves[:, a]
            if serves.any():
                price[:, h, a] = source[:, serves].min(axis=1)
    return price


def dual_bound(
    problem: PackAssignmentProblem,
    lp: PackAssignmentLp,
    prices: Prices,
    orders: Orders | None = None,
) -> float:
    """No plan costs less: equation (12) [CNY].

    Parameters
    ----------
    problem : PackAssignmentProblem
    lp : PackAssignmentLp
        Its linear program.
    prices : Prices
        Of any multipliers.
    orders : Orders, optional
        Those decided; without, none is.
    """
    closed, held = orders or Orders.open(problem)
    supply = problem.supply
    after_life = np.arange(problem.num_quarters)[:, None] + problem.life_quarters
    padded = np.concatenate([prices.retire, np.zeros((1, problem.num_packs))])
    new_pack = np.take_along_axis(padded, np.minimum(after_life, problem.num_quarters), axis=0) + (
        problem.pack_kwh * prices.energy[:, problem.pack_chemistry_idx, 0]
        + problem.carbon_kg * prices.carbon
    )
    omega = np.where(held, prices.order, 0.0)
    may_be = (lp.column["deliver"] >= 0) & ~by_city(problem, closed)
    missed = prices.pack - new_pack[:, None, :] + by_city(problem, omega)
    eps = np.where(may_be, missed, 0.0).max(axis=(0, 1), initial=0.0)
    retired = initial_retirement(problem)
    left = problem.initial_stock.sum(axis=0) - retired.cumsum(axis=0)
    least = _least_of_group(problem, lp, problem.option_cost)
    saved_at_most = problem.vehicles * (problem.no_pack_cost[:, None] - least)
    most_deliveries = (saved_at_most.sum() + (problem.lease_cost * left).sum()) / problem.lease_cost
    makes = np.maximum(prices.source - prices.material_value @ supply.source_kg_per_kwh, 0.0)
    energy = prices.energy[:, supply.buyer_chemistry_idx, supply.buyer_application_idx]
    terms = (
        problem.vehicles * prices.fleet,
        -accepting(problem) * prices.accept,
        -problem.initial_stock * prices.pack[0],
        retired * prices.retire,
        -supply.produced_kwh * makes,
        -prices.material * np.where(prices.material > 0, supply.material_kg, 0.0),
        np.array([-prices.carbon * (problem.carbon_cap_kg if prices.carbon > 0 else 0.0)]),
        supply.buyer_kwh * np.minimum(supply.buyer_worth, energy),
        problem.min_order * omega,
        -eps * most_deliveries,
    )
    return math.fsum(math.fsum(term.ravel().tolist()) for term in terms)


def _limit(duals: FloatArray, lp: PackAssignmentLp, family: str) -> FloatArray:
    """What one more of a limited thing saves, >= 0."""
    return np.asarray(0.0 - np.minimum(spread(duals, lp.row[family]), 0.0))


def _from_on(values: FloatArray) -> FloatArray:
    """The sum over each quarter and those after it."""
    return np.asarray(values[::-1].cumsum(axis=0)[::-1])


def _least_of_group(
    problem: PackAssignmentProblem, lp: PackAssignmentLp, price: FloatArray
) -> FloatArray:
    """Least price of each group's vehicles: of no pack, or of an option that they may use."""
    least = np.repeat(problem.no_pack_cost[:, None], problem.num_groups, axis=1)
    quarter, option = np.nonzero(lp.column["use"] >= 0)
    at = (quarter, problem.option_group_idx[option])
    np.minimum.at(least, at, price[quarter, option])
    return least
