"""Packs to cities and vehicles by quarter: the problem and its solution."""

from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, freeze
from planner.models.packs.supply import PackSupply
from planner.solving.linear_basis import LinearBasis
from planner.solving.proof import Proof


@dataclass(frozen=True)
class PackAssignmentProblem:
    """Which packs each city gets in each quarter, and which vehicles they go to.

    Sets: quarters q in order, cities c, vehicle groups g (the vehicles of one class in one city),
    packs k, chemistries h, options o (a group with a pack that fits its envelope), markets m.

    Attributes
    ----------
    vehicles : float array, shape (num_quarters, num_groups)
        Vehicles of the group in the quarter, >= 0.
    group_city_idx : int array, shape (num_groups,)
        City of each group.
    option_group_idx, option_pack_idx : int arrays, shape (num_options,)
        Group and pack of each option.
    option_allowed : bool array, shape (num_quarters, num_options)
        Whether the pack may be used so in that quarter: there is one available, the gate of the
        city's market is open and the promised range is kept, where that is a condition.
    option_packs : float array, shape (num_quarters, num_options)
        Packs per vehicle, its share of the stations' float included, >= 1.
    option_cost : float array, shape (num_quarters, num_options)
        Cost per vehicle in that quarter without the lease [CNY].
    delivery_allowed : bool array, shape (num_quarters, num_cities, num_packs)
        Whether the gate of the city's market is open and the pack on offer.
    pack_chemistry_idx : int array, shape (num_packs,)
        Chemistry of each pack.
    pack_kwh : float array, shape (num_packs,)
        Energy of one pack, > 0 [kWh].
    lease_cost : float array, shape (num_packs,)
        Cost of owning one pack for a quarter, used or idle, > 0 [CNY].
    life_quarters : int array, shape (num_packs,)
        Quarters after which a delivered pack leaves, >= 1.
    initial_stock : float array, shape (num_cities, num_packs)
        Packs standing in the cities before the first quarter, >= 0.
    initial_retirement : float array, shape (num_quarters, num_packs)
        How many of them, nationwide, leave in each quarter, >= 0; no more in all than there are.
    relocation_cost : float array, shape (num_packs,)
        Cost of moving one pack to another city, >= 0 [CNY].
    supply : PackSupply
        Who makes the energy of new packs, and who else asks for it.
    no_pack_cost : float array, shape (num_quarters,)
        Cost of a vehicle without a pack in that quarter [CNY].
    accepting_frac : float array, shape (num_quarters, num_groups, num_chemistries)
        Share of the group's vehicles that may have a pack of the chemistry, in [0, 1].
    city_market_idx : int array, shape (num_cities,)
        Market of each city.
    min_order : float array, shape (num_packs, num_markets)
        Deliveries of a pack to a market's cities in a quarter are none or at least so many, >= 0
        [packs].
    carbon_kg : float array, shape (num_packs,)
        Carbon footprint of one new pack, >= 0 [kg of CO2 equivalent].
    carbon_cap_kg : float
        Most of it, of all packs delivered over all quarters; inf for no limit.
    """

    vehicles: FloatArray
    group_city_idx: IndexArray
    option_group_idx: IndexArray
    option_pack_idx: IndexArray
    option_allowed: BoolArray
    option_packs: FloatArray
    option_cost: FloatArray
    delivery_allowed: BoolArray
    pack_chemistry_idx: IndexArray
    pack_kwh: FloatArray
    lease_cost: FloatArray
    life_quarters: IntArray
    initial_stock: FloatArray
    initial_retirement: FloatArray
    relocation_cost: FloatArray
    supply: PackSupply
    no_pack_cost: FloatArray
    accepting_frac: FloatArray
    city_market_idx: IndexArray
    min_order: FloatArray
    carbon_kg: FloatArray
    carbon_cap_kg: float

    def __post_init__(self) -> None:
        num_quarters, num_groups = len(self.no_pack_cost), len(self.group_city_idx)
        num_options, (num_cities, num_packs) = len(self.option_group_idx), self.initial_stock.shape
        num_chemistries = self.supply.num_chemistries
        if num_quarters == 0:
            raise ValueError("there must be at least one quarter")
        if len(self.supply.produced_kwh) != num_quarters:
            raise ValueError(f"supply must have {num_quarters} quarters")
        shapes = {
            "vehicles": (num_quarters, num_groups),
            "option_pack_idx": (num_options,),
            "option_allowed": (num_quarters, num_options),
            "option_packs": (num_quarters, num_options),
            "option_cost": (num_quarters, num_options),
            "delivery_allowed": (num_quarters, num_cities, num_packs),
            "pack_chemistry_idx": (num_packs,),
            "pack_kwh": (num_packs,),
            "lease_cost": (num_packs,),
            "life_quarters": (num_packs,),
            "initial_retirement": (num_quarters, num_packs),
            "relocation_cost": (num_packs,),
            "accepting_frac": (num_quarters, num_groups, num_chemistries),
            "city_market_idx": (num_cities,),
            "min_order": (num_packs, self.num_markets),
            "carbon_kg": (num_packs,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        ends = {
            "group_city_idx": num_cities,
            "option_group_idx": num_groups,
            "option_pack_idx": num_packs,
            "pack_chemistry_idx": num_chemistries,
            "city_market_idx": self.num_markets,
        }
        for name, end in ends.items():
            index = getattr(self, name)
            if index.size and not (index.min() >= 0 and index.max() < end):
                raise ValueError(f"{name} must lie in [0, {end})")
        least = {
            "vehicles": 0.0, "option_packs": 1.0, "option_cost": -np.inf, "pack_kwh": 0.0,
            "lease_cost": 0.0, "life_quarters": 1, "initial_stock": 0.0,
            "initial_retirement": 0.0, "relocation_cost": 0.0, "no_pack_cost": -np.inf,
            "accepting_frac": 0.0, "min_order": 0.0, "carbon_kg": 0.0,
        }  # fmt: skip
        for name, bound in least.items():
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values >= bound).all()):
                raise ValueError(f"{name} must be finite and >= {bound:g}")
        if not ((self.pack_kwh > 0).all() and (self.lease_cost > 0).all()):
            raise ValueError("pack_kwh and lease_cost must be > 0")
        if (self.accepting_frac > 1).any():
            raise ValueError("accepting_frac must be <= 1")
        if not self.carbon_cap_kg >= 0:
            raise ValueError("carbon_cap_kg must be >= 0")
        # A fleet's packs split over quarters and added up again may miss the total by rounding.
        standing = self.initial_stock.sum(axis=0)
        if (self.initial_retirement.sum(axis=0) > standing * (1 + 1e-9)).any():
            raise ValueError("initial_retirement takes more packs than initial_stock has")
        freeze(self)

    @property
    def num_quarters(self) -> int:
        """Number of quarters."""
        return len(self.no_pack_cost)

    @property
    def num_cities(self) -> int:
        """Number of cities."""
        return len(self.initial_stock)

    @property
    def num_packs(self) -> int:
        """Number of pack types."""
        return len(self.pack_kwh)

    @property
    def num_groups(self) -> int:
        """Number of vehicle groups."""
        return len(self.group_city_idx)

    @property
    def num_options(self) -> int:
        """Number of options."""
        return len(self.option_group_idx)

    @property
    def num_markets(self) -> int:
        """Number of markets."""
        return int(self.min_order.shape[-1])

    @property
    def num_chemistries(self) -> int:
        """Number of chemistries."""
        return self.supply.num_chemistries

    @property
    def option_chemistry_idx(self) -> IndexArray:
        """Chemistry of each option's pack."""
        return self.pack_chemistry_idx[self.option_pack_idx]

    def by_market(self, of_cities: FloatArray) -> FloatArray:
        """Sums over each market's cities.

        Parameters
        ----------
        of_cities : float array, shape (num_quarters, num_cities, num_packs)

        Returns
        -------
        float array, shape (num_quarters, num_packs, num_markets)
        """
        of_market = np.eye(self.num_markets)[self.city_market_idx]
        return np.asarray(np.einsum("qck,cm->qkm", of_cities, of_market))


@dataclass(frozen=True)
class PackAssignment:
    """A plan for a `PackAssignmentProblem`.

    Attributes
    ----------
    proof : Proof
        Of the cost of all quarters, that of buyers who are not served included [CNY].
    option_vehicles : ndarray, shape (num_quarters, num_options)
        Vehicles per option.
    without_pack : ndarray, shape (num_quarters, num_groups)
        Vehicles that get none.
    stock : ndarray, shape (num_quarters, num_cities, num_packs)
        Packs standing in the city during the quarter.
    delivered, retired, moved_in, moved_out : ndarrays, same shape
        Packs that come and go at the beginning of the quarter.
    made : ndarray, shape (num_quarters, num_sources)
        Energy made in the quarter [kWh].
    supply_flow : ndarray, shape (num_quarters, num_sources, num_applications)
        Energy taken from each source for each application [kWh].
    buyer_served : ndarray, shape (num_quarters, num_buyers)
        Energy that other buyers get [kWh].
    order_open : bool ndarray, shape (num_quarters, num_packs, num_markets)
        Whether anything of the pack is delivered to the market in the quarter.
    supply_value : ndarray, shape (num_quarters, num_chemistries)
        What one more kWh produced in the quarter for the problem's vehicles saves, >= 0 [CNY/kWh].
        This value and those below hold at the plan's orders, where there are smallest ones.
    application_value : ndarray, shape (num_quarters, num_chemistries, num_applications)
        The same for each application; the first is ``supply_value`` [CNY/kWh].
    material_value : ndarray, shape (num_quarters, num_materials)
        What one more kg of material from the quarter on saves, >= 0 [CNY/kg].
    carbon_value : float
        What one more kg of the carbon cap saves, >= 0 [CNY/kg].
    pack_value : ndarray, shape (num_quarters, num_cities, num_packs)
        What one more pack in the city from that quarter on saves, its lease paid [CNY].
    basis : LinearBasis, optional
        Where the simplex method ended: what a problem much like this one starts from.
    """

    proof: Proof
    option_vehicles: FloatArray
    without_pack: FloatArray
    stock: FloatArray
    delivered: FloatArray
    retired: FloatArray
    moved_in: FloatArray
    moved_out: FloatArray
    made: FloatArray
    supply_flow: FloatArray
    buyer_served: FloatArray
    order_open: BoolArray
    supply_value: FloatArray
    application_value: FloatArray
    material_value: FloatArray
    carbon_value: float
    pack_value: FloatArray
    basis: LinearBasis | None = None


def at_most(problem: PackAssignmentProblem, plan: PackAssignment) -> PackAssignmentProblem:
    """The same problem, with no more vehicles on any option than a plan has.

    Parameters
    ----------
    problem : PackAssignmentProblem
    plan : PackAssignment
        Of a problem with the same options.

    Returns
    -------
    PackAssignmentProblem
        Its options are those of ``problem``, each a group of its own; vehicles without a pack are
        groups without options. Each of its plans is one of ``problem``, too: as many accept a
        chemistry as have it.
    """
    of_option = problem.group_city_idx[problem.option_group_idx]
    num_groups = problem.num_options + problem.num_groups
    return replace(
        problem,
        vehicles=np.hstack((plan.option_vehicles, plan.without_pack)),
        group_city_idx=np.concatenate((of_option, problem.group_city_idx)),
        option_group_idx=np.arange(problem.num_options, dtype=np.int32),
        accepting_frac=np.ones((problem.num_quarters, num_groups, problem.num_chemistries)),
    )
