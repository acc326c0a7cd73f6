"""Small pack problems at random with everything that limits them."""

from dataclasses import replace

import numpy as np

from planner.models.packs.problem import PackAssignmentProblem
from planner.models.packs.supply import PackSupply


def random_supply(rng: np.random.Generator, num_quarters: int) -> PackSupply:
    """Sources of both chemistries or one, for some uses; scarce material; buyers of every kind."""
    num_sources, num_buyers, num_materials = rng.integers(1, 4), rng.integers(0, 4), 2
    serves = rng.random((num_sources, 3)) < 0.7
    material = rng.uniform(0, 300, (num_quarters, num_materials)).cumsum(axis=0)
    material[:, rng.random(num_materials) < 0.4] = np.inf
    shape = (num_quarters, num_buyers)
    return PackSupply(
        produced_kwh=rng.uniform(0, 500, (num_quarters, num_sources))
        * (rng.random((num_quarters, num_sources)) < 0.8),
        source_chemistry_idx=rng.integers(0, 2, num_sources).astype(np.int32),
        source_serves=serves,
        material_kg=material,
        material_kg_per_kwh=rng.uniform(0, 2, (num_materials, 2))
        * (rng.random((num_materials, 2)) < 0.6),
        buyer_chemistry_idx=rng.integers(0, 2, num_buyers).astype(np.int32),
        buyer_application_idx=rng.integers(0, 3, num_buyers).astype(np.int32),
        buyer_kwh=rng.uniform(0, 300, shape) * (rng.random(shape) < 0.8),
        buyer_worth=rng.choice([0.5, 3.0, 20.0], shape) * rng.uniform(0.5, 2.0, shape),
    )


def random_problem(seed: int, *, orders: bool) -> PackAssignmentProblem:
    """In general position: closed gates, short lives, two markets."""
    rng = np.random.default_rng(seed)
    num_quarters, num_cities, num_packs = rng.integers(1, 4), rng.integers(1, 4), rng.integers(1, 4)
    num_classes, num_markets = rng.integers(1, 3), 2
    group_city = np.repeat(np.arange(num_cities), num_classes)
    group, pack = np.nonzero(rng.random((len(group_city), num_packs)) < 0.8)
    gate = rng.random((num_quarters, num_cities, num_packs)) < rng.choice([0.6, 0.9, 1.0])
    stock = rng.uniform(0, 15, (num_cities, num_packs))
    stock *= rng.random(stock.shape) < 0.5
    leaving = rng.uniform(0, 1, (num_quarters, num_packs))
    leaving *= rng.choice([0.0, 0.5, 1.0], num_packs) * stock.sum(axis=0) / leaving.sum(axis=0)
    frac = rng.uniform(0, 1, (num_quarters, len(group_city), 2))
    least = rng.uniform(0, 25, (num_packs, num_markets))
    least *= rng.random(least.shape) < 0.7
    return PackAssignmentProblem(
        vehicles=rng.uniform(0, 20, (num_quarters, len(group_city))),
        group_city_idx=group_city.astype(np.int32),
        option_group_idx=group.astype(np.int32),
        option_pack_idx=pack.astype(np.int32),
        option_allowed=gate[:, group_city[group], pack],
        option_packs=rng.uniform(1, 1.5, (num_quarters, len(group))),
        option_cost=rng.uniform(-50, 500, (num_quarters, len(group))),
        delivery_allowed=gate & (rng.random(gate.shape) < 0.9),
        pack_chemistry_idx=rng.integers(0, 2, num_packs).astype(np.int32),
        pack_kwh=rng.uniform(30, 60, num_packs),
        lease_cost=rng.uniform(50, 150, num_packs),
        life_quarters=rng.integers(1, 6, num_packs),
        initial_stock=stock,
        initial_retirement=leaving,
        relocation_cost=rng.uniform(0, 100, num_packs),
        supply=random_supply(rng, int(num_quarters)),
        no_pack_cost=rng.uniform(200, 2000, num_quarters),
        accepting_frac=np.where(rng.random(frac.shape) < 0.5, frac, 1.0),
        city_market_idx=rng.integers(0, num_markets, num_cities).astype(np.int32),
        min_order=least * orders,
        carbon_kg=rng.uniform(1, 5, num_packs),
        carbon_cap_kg=float(rng.choice([np.inf, rng.uniform(0, 150)])),
    )


def with_more(
    problem: PackAssignmentProblem, *, made: tuple[int, int, float] | None = None,
    material: tuple[int, int, float] | None = None, carbon_kg: float = 0.0,
) -> PackAssignmentProblem:  # fmt: skip
    """More energy of a source in a quarter, or of a material from it on, or of carbon."""
    supply = problem.supply
    produced, materials = supply.produced_kwh.copy(), supply.material_kg.copy()
    if made:
        produced[made[0], made[1]] += made[2]
    if material:
        materials[material[0] :, material[1]] += material[2]
    return replace(
        problem,
        supply=replace(supply, produced_kwh=produced, material_kg=materials),
        carbon_cap_kg=problem.carbon_cap_kg + carbon_kg,
    )
