"""Least cost of a pack problem by scipy's HiGHS, written from the equations, variables named."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.models.packs.problem import PackAssignmentProblem
from planner.models.packs.supply import PackSupply

Terms = dict[tuple[object, ...], float]
MANY = 1e3
"""More packs than any order has."""


def oracle_cost(problem: PackAssignmentProblem) -> float:
    """Cost of the best plan; every order is a whole variable."""
    variables = dict(_variables(problem))
    index = {name: position for position, name in enumerate(variables)}
    rows = list(_rows(problem))
    matrix = np.zeros((len(rows), len(index)))
    for row, (terms, _, _) in enumerate(rows):
        for name, coefficient in terms.items():
            matrix[row, index[name]] += coefficient
    cost, upper = np.array(list(variables.values())).T
    whole = np.array([name[0] == "order" for name in variables])
    limits = LinearConstraint(matrix, [row[1] for row in rows], [row[2] for row in rows])
    found = milp(
        cost, integrality=whole, bounds=Bounds(0.0, upper), constraints=limits,
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    assert found.status == 0, found.message
    # An order may be 1e-6 off a whole number, and let MANY times that arrive: once more in whole.
    orders = np.where(whole, found.x.round(), 0.0)
    bounds = Bounds(orders, np.where(whole, orders, upper))
    found = milp(cost, bounds=bounds, constraints=limits)
    assert found.status == 0, found.message
    unmet = problem.supply.buyer_kwh * problem.supply.buyer_worth
    return float(found.fun + unmet.sum())


def _variables(
    p: PackAssignmentProblem,
) -> Iterator[tuple[tuple[object, ...], tuple[float, float]]]:
    """Name, cost and upper bound."""
    for q in range(p.num_quarters):
        for o in range(p.num_options):
            yield ("x", q, o), (p.option_cost[q, o], np.inf if p.option_allowed[q, o] else 0.0)
        for g in range(p.num_groups):
            yield ("z", q, g), (p.no_pack_cost[q], np.inf)
        for k in range(p.num_packs):
            for m in range(p.num_markets):
                yield ("order", q, k, m), (0.0, 1.0)
            for c in range(p.num_cities):
                delivery = p.delivery_allowed[q, c, k]
                yield ("s", q, c, k), (p.lease_cost[k], np.inf)
                yield ("d", q, c, k), (0.0, np.inf if delivery else 0.0)
                yield ("t", q, c, k), (0.0, np.inf)
                yield ("in", q, c, k), (p.relocation_cost[k], np.inf if delivery else 0.0)
                yield ("out", q, c, k), (0.0, np.inf)
        for s in range(p.supply.num_sources):
            yield ("made", q, s), (0.0, p.supply.produced_kwh[q, s])
            for a in range(p.supply.num_applications):
                serves = p.supply.source_serves[s, a]
                yield ("take", q, s, a), (0.0, np.inf if serves else 0.0)
        for b in range(p.supply.num_buyers):
            yield ("sold", q, b), (-p.supply.buyer_worth[q, b], p.supply.buyer_kwh[q, b])


def _rows(p: PackAssignmentProblem) -> Iterator[tuple[Terms, float, float]]:
    """Terms, lower and upper end."""
    cities, packs = range(p.num_cities), range(p.num_packs)
    yield (
        {
            ("d", q, c, k): p.carbon_kg[k]
            for q in range(p.num_quarters)
            for c in cities
            for k in packs
        },
        -np.inf,
        p.carbon_cap_kg,
    )
    for q in range(p.num_quarters):
        yield from _pack_rows(p, q)
        yield from _energy_rows(p, q)
        for k in packs:
            for m in range(p.num_markets):
                arrives: Terms = {("d", q, c, k): 1.0 for c in cities if p.city_market_idx[c] == m}
                if p.min_order[k, m] > 0:
                    yield arrives | {("order", q, k, m): -p.min_order[k, m]}, 0.0, np.inf
                    yield arrives | {("order", q, k, m): -MANY}, -np.inf, 0.0


def _pack_rows(p: PackAssignmentProblem, q: int) -> Iterator[tuple[Terms, float, float]]:
    cities = range(p.num_cities)
    option_city = p.group_city_idx[p.option_group_idx]
    for g in range(p.num_groups):
        mine = [o for o in range(p.num_options) if p.option_group_idx[o] == g]
        number = p.vehicles[q, g]
        yield {("x", q, o): 1.0 for o in mine} | {("z", q, g): 1.0}, number, number
        for h in range(p.num_chemistries):
            of = {("x", q, o): 1.0 for o in mine
                  if p.pack_chemistry_idx[p.option_pack_idx[o]] == h}  # fmt: skip
            yield of, -np.inf, number * p.accepting_frac[q, g, h]
    for k in range(p.num_packs):
        moves = {("in", q, c, k): 1.0 for c in cities} | {("out", q, c, k): -1.0 for c in cities}
        yield moves, 0.0, 0.0
        born = q - p.life_quarters[k]
        leaves: Terms = {("t", q, c, k): 1.0 for c in cities}
        leaves |= {("d", born, c, k): -1.0 for c in cities if born >= 0}
        yield leaves, p.initial_retirement[q, k], p.initial_retirement[q, k]
        for c in cities:
            used = {("x", q, o): p.option_packs[q, o] for o in range(p.num_options)
                    if option_city[o] == c and p.option_pack_idx[o] == k}  # fmt: skip
            yield used | {("s", q, c, k): -1.0}, -np.inf, 0.0
            balance = {("s", q, c, k): 1.0, ("d", q, c, k): -1.0, ("t", q, c, k): 1.0,
                       ("in", q, c, k): -1.0, ("out", q, c, k): 1.0}  # fmt: skip
            balance |= {("s", q - 1, c, k): -1.0} if q else {}
            before = 0.0 if q else p.initial_stock[c, k]
            yield balance, before, before


def _energy_rows(p: PackAssignmentProblem, q: int) -> Iterator[tuple[Terms, float, float]]:
    supply: PackSupply = p.supply
    sources = range(supply.num_sources)
    for h in set(supply.source_chemistry_idx.tolist()):
        for a in range(supply.num_applications):
            terms: Terms = {("take", q, s, a): -1.0 for s in sources
                            if supply.source_chemistry_idx[s] == h}  # fmt: skip
            mine = (supply.buyer_chemistry_idx == h) & (supply.buyer_application_idx == a)
            terms |= {("sold", q, b): 1.0 for b in np.flatnonzero(mine).tolist()}
            if a == 0:
                terms |= {("d", q, c, k): p.pack_kwh[k] for c in range(p.num_cities)
                          for k in range(p.num_packs) if p.pack_chemistry_idx[k] == h}  # fmt: skip
            yield terms, 0.0, 0.0
    until = range(q + 1)
    for s in sources:
        taken = {("take", r, s, a): 1.0 for r in until for a in range(supply.num_applications)}
        yield taken | {("made", r, s): -1.0 for r in until}, -np.inf, 0.0
    for m in range(supply.num_materials):
        needed = {("made", r, s): supply.material_kg_per_kwh[m, supply.source_chemistry_idx[s]]
                  for r in until for s in sources}  # fmt: skip
        yield needed, -np.inf, supply.material_kg[q, m]
