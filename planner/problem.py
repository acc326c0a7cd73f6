"""What the models see: per model one small frozen type of index-aligned, read-only arrays."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


def _freeze(problem: object) -> None:
    for field in fields(problem):  # type: ignore[arg-type]
        value = getattr(problem, field.name)
        if isinstance(value, np.ndarray):
            view = value.view()
            view.flags.writeable = False
            object.__setattr__(problem, field.name, view)


@dataclass(frozen=True)
class CoverageProblem:
    """Maximal covering under one national number of stations.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    value : float array, shape (num_zones,)
        What covering a zone is worth (swaps per day), >= 0.
    reach_ptr : int array, shape (num_sites + 1,)
        Site j reaches ``reach_zone_idx[reach_ptr[j]:reach_ptr[j + 1]]``.
    reach_zone_idx : int array, shape (num_arcs,)
        Zones within the drive-time standard of each site, ascending within a site.
    city_idx : int array, shape (num_sites,)
        City of each site; reach may cross city borders.
    forced : bool array, shape (num_sites,)
        Sites that hold a station already or are committed: open in every plan.
    forbidden : bool array, shape (num_sites,)
        Sites that no plan may open.
    num_stations : int
        Budget p: at most this many open sites, the forced ones included.
    """

    value: FloatArray
    reach_ptr: IntArray
    reach_zone_idx: IndexArray
    city_idx: IndexArray
    forced: BoolArray
    forbidden: BoolArray
    num_stations: int

    def __post_init__(self) -> None:
        num_sites = len(self.city_idx)
        if len(self.reach_ptr) != num_sites + 1:
            raise ValueError(f"reach_ptr has {len(self.reach_ptr)} entries, not {num_sites + 1}")
        if not len(self.forced) == len(self.forbidden) == num_sites:
            raise ValueError("forced and forbidden must have one entry per site")
        if len(self.value) and not (np.isfinite(self.value).all() and self.value.min() >= 0):
            raise ValueError("value must be finite and >= 0")
        if len(self.reach_zone_idx) and not (
            self.reach_zone_idx.min() >= 0 and self.reach_zone_idx.max() < len(self.value)
        ):
            raise ValueError("reach_zone_idx points outside the zones")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.city_idx)


@dataclass(frozen=True)
class SizedCoverageProblem:
    """Maximal covering with station sizes, their capacity and cost, and limits per city.

    Sets: those of ``coverage``; station types t; cities c. ``coverage`` alone is the relaxation
    without capacity, cost and city limits.

    Attributes
    ----------
    coverage : CoverageProblem
        Values, reach, locks and the number of stations.
    load : float array, shape (num_zones,)
        Swaps per hour of each zone in the design hour, >= 0.
    capacity : float array, shape (num_sites, num_types)
        Swaps per hour that a station of the type does at the site; 0 where it does not fit.
    cost : float array, shape (num_sites, num_types)
        Money for a station of the type at the site, >= 0 [CNY].
    budget : float
        Money for all stations, forced ones included; inf for no limit [CNY].
    min_stations, max_stations : int arrays, shape (num_cities,)
        Stations per city, forced ones included.
    """

    coverage: CoverageProblem
    load: FloatArray
    capacity: FloatArray
    cost: FloatArray
    budget: float
    min_stations: IntArray
    max_stations: IntArray

    def __post_init__(self) -> None:
        num_sites = self.coverage.num_sites
        if self.load.shape != (self.coverage.num_zones,):
            raise ValueError("load must have one entry per zone")
        if self.capacity.shape != self.cost.shape or len(self.capacity) != num_sites:
            raise ValueError("capacity and cost must have shape (num_sites, num_types)")
        for name in ("load", "capacity", "cost"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        num_cities = len(self.min_stations)
        if len(self.max_stations) != num_cities or (
            num_sites and self.coverage.city_idx.max() >= num_cities
        ):
            raise ValueError("min_stations and max_stations must have one entry per city")
        _freeze(self)

    @property
    def num_types(self) -> int:
        """Number of station types."""
        return int(self.capacity.shape[1])


@dataclass(frozen=True)
class AllocationProblem:
    """Zones to open stations, and the size of each station.

    Sets: demand zones i, open stations s, station types t in ascending order of capacity.

    Attributes
    ----------
    load : float array, shape (num_zones,)
        Swaps per hour of the zone in the design hour, >= 0.
    reach_ptr, reach_zone_idx, drive_min : arrays
        Zones that each station reaches, and the minutes, as in `CoverageProblem`.
    capacity : float array, shape (num_stations, num_types)
        Swaps per hour of each type at each station; 0 where the type does not fit the site.
    value : float array, shape (num_zones,), optional
        What serving a zone is worth, >= 0; its load if not given.
    type_idx : int array, shape (num_stations,), optional
        Types that are given; otherwise each station gets the smallest that carries its load.
    """

    load: FloatArray
    reach_ptr: IntArray
    reach_zone_idx: IndexArray
    drive_min: FloatArray
    capacity: FloatArray
    value: FloatArray | None = None
    type_idx: IndexArray | None = None

    def __post_init__(self) -> None:
        if len(self.reach_ptr) != len(self.capacity) + 1:
            raise ValueError("reach_ptr must have one entry per station and one more")
        if not len(self.reach_zone_idx) == len(self.drive_min) == self.reach_ptr[-1]:
            raise ValueError("reach_zone_idx and drive_min must have one entry per arc")
        for name in ("load", "value"):
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != self.load.shape:
                raise ValueError(f"{name} must have one entry per zone")
            if len(values) and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if self.type_idx is not None and len(self.type_idx) != len(self.capacity):
            raise ValueError("type_idx must have one entry per station")
        _freeze(self)


@dataclass(frozen=True)
class PackAssignmentProblem:
    """Which packs each city gets in each quarter, and which vehicles they go to.

    Sets: quarters q in order, cities c, vehicle groups g (the vehicles of one class in one city),
    packs k, chemistries h, options o (a group with a pack that fits its envelope).

    Attributes
    ----------
    vehicles : float array, shape (num_quarters, num_groups)
        Vehicles of the group in the quarter, >= 0.
    group_city_idx : int array, shape (num_groups,)
        City of each group.
    option_group_idx, option_pack_idx : int arrays, shape (num_options,)
        Group and pack of each option.
    option_allowed : bool array, shape (num_quarters, num_options)
        Whether the pack may be used so in that quarter: there is one to be had, the gate of the
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
    supply_kwh : float array, shape (num_quarters, num_chemistries)
        Energy of new packs to be had up to and with each quarter, >= 0, never falling; inf where
        not limited [kWh].
    no_pack_cost : float array, shape (num_quarters,)
        Cost of a vehicle without a pack in that quarter [CNY].
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
    supply_kwh: FloatArray
    no_pack_cost: FloatArray

    def __post_init__(self) -> None:
        num_quarters, num_groups = len(self.no_pack_cost), len(self.group_city_idx)
        num_options, (num_cities, num_packs) = len(self.option_group_idx), self.initial_stock.shape
        num_chemistries = self.supply_kwh.shape[-1]
        if num_quarters == 0:
            raise ValueError("there must be at least one quarter")
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
            "supply_kwh": (num_quarters, num_chemistries),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        ends = {
            "group_city_idx": num_cities,
            "option_group_idx": num_groups,
            "option_pack_idx": num_packs,
            "pack_chemistry_idx": num_chemistries,
        }
        for name, end in ends.items():
            index = getattr(self, name)
            if index.size and not (index.min() >= 0 and index.max() < end):
                raise ValueError(f"{name} must lie in [0, {end})")
        least = {
            "vehicles": 0.0, "option_packs": 1.0, "option_cost": -np.inf, "pack_kwh": 0.0,
            "lease_cost": 0.0, "life_quarters": 1, "initial_stock": 0.0,
            "initial_retirement": 0.0, "relocation_cost": 0.0, "no_pack_cost": -np.inf,
        }  # fmt: skip
        for name, bound in least.items():
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values >= bound).all()):
                raise ValueError(f"{name} must be finite and >= {bound:g}")
        if not ((self.pack_kwh > 0).all() and (self.lease_cost > 0).all()):
            raise ValueError("pack_kwh and lease_cost must be > 0")
        falls = self.supply_kwh[1:] < self.supply_kwh[:-1]
        if falls.any() or not (self.supply_kwh >= 0).all():
            raise ValueError("supply_kwh must be >= 0 and never fall from quarter to quarter")
        # A fleet's packs split over quarters and added up again may miss the total by rounding.
        standing = self.initial_stock.sum(axis=0)
        if (self.initial_retirement.sum(axis=0) > standing * (1 + 1e-9)).any():
            raise ValueError("initial_retirement takes more packs than initial_stock has")
        _freeze(self)

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


@dataclass(frozen=True)
class CityLimits:
    """How many stations each city may have, forced ones included.

    Attributes
    ----------
    city_idx : int array, shape (num_sites,)
        City of each site.
    min_stations, max_stations : int arrays, shape (num_cities,)
    """

    city_idx: IndexArray
    min_stations: IntArray
    max_stations: IntArray

    def __post_init__(self) -> None:
        if self.min_stations.shape != self.max_stations.shape:
            raise ValueError("min_stations and max_stations must have one entry per city")
        if len(self.city_idx) and not (
            self.city_idx.min() >= 0 and self.city_idx.max() < len(self.min_stations)
        ):
            raise ValueError("city_idx points outside the cities")
        _freeze(self)

    def allow(self, site_idx: IntArray) -> bool:
        """Whether a set of open sites keeps them."""
        number = np.bincount(self.city_idx[site_idx], minlength=len(self.min_stations))
        return bool(((self.min_stations <= number) & (number <= self.max_stations)).all())

    def of_sites(self, site_idx: IntArray) -> "CityLimits":
        """The same limits for some of the sites, in that order."""
        return CityLimits(self.city_idx[site_idx], self.min_stations, self.max_stations)


@dataclass(frozen=True)
class PairDistances:
    """Distances of the zones from the sites that can serve them, pair by pair.

    Attributes
    ----------
    zone_ptr : int array, shape (num_zones + 1,)
        The pairs of zone i are those from ``zone_ptr[i]`` to ``zone_ptr[i + 1]``.
    site_idx : int array, shape (num_pairs,)
        Site of each pair, named once per zone.
    distance : float array, shape (num_pairs,)
        Distance, time or cost of each pair, >= 0.
    unserved : float
        What counts as the distance of a zone whose pairs are all closed; finite, no less than
        any distance.
    num_sites : int
        Number of candidate sites, those without any pair included.
    """

    zone_ptr: IntArray
    site_idx: IndexArray
    distance: FloatArray
    unserved: float
    num_sites: int

    def __post_init__(self) -> None:
        if not len(self.site_idx) == len(self.distance) == self.zone_ptr[-1]:
            raise ValueError("site_idx and distance must have one entry per pair")
        if len(self.site_idx) and not (
            self.site_idx.min() >= 0 and self.site_idx.max() < self.num_sites
        ):
            raise ValueError("site_idx points outside the sites")
        if not np.isfinite(self.unserved) or self.unserved < 0:
            raise ValueError("unserved must be finite and >= 0")
        if len(self.distance) and not (
            self.distance.min() >= 0 and self.distance.max() <= self.unserved
        ):
            raise ValueError("distances must lie between 0 and unserved")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.zone_ptr) - 1


@dataclass(frozen=True)
class PointDistances:
    """Distances that are computed from places when needed: all zones, all sites, no matrix.

    Attributes
    ----------
    zone_xyz, site_xyz : float arrays, shape (num_zones, d) and (num_sites, d)
        Places in a plane (d = 2, any unit) or on the sphere (d = 3, from
        `planner.geodesy.to_sphere_km`) [km].
    on_sphere : bool
        Measure along the great circle instead of straight.
    whole : bool
        Round distances down to whole numbers, as published instances do.
    """

    zone_xyz: FloatArray
    site_xyz: FloatArray
    on_sphere: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        width = 3 if self.on_sphere else 2
        for name in ("zone_xyz", "site_xyz"):
            places = getattr(self, name)
            if places.ndim != 2 or places.shape[1] != width:
                raise ValueError(f"{name} has shape {places.shape}, not (n, {width})")
            if not np.isfinite(places).all():
                raise ValueError(f"{name} must be finite")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.zone_xyz)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.site_xyz)


@dataclass(frozen=True)
class PMedianProblem:
    """Least mean distance from zones to their nearest station.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    weight : float array, shape (num_zones,)
        Weight of each zone (people, swaps per day), >= 0.
    distances : PairDistances or PointDistances
        Between zones and sites.
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    min_stations, max_stations : int
        Open sites, the forced ones included.
    cost : float array, shape (num_sites,)
        Money for a station at the site, >= 0 [CNY].
    budget : float
        Money for all stations, forced ones included; inf for no limit [CNY].
    cities : CityLimits, optional
        Least and most stations by city.
    """

    weight: FloatArray
    distances: PairDistances | PointDistances
    forced: BoolArray
    forbidden: BoolArray
    min_stations: int
    max_stations: int
    cost: FloatArray
    budget: float = np.inf
    cities: CityLimits | None = None

    def __post_init__(self) -> None:
        num_sites = self.distances.num_sites
        if self.weight.shape != (self.distances.num_zones,):
            raise ValueError("weight must have one entry per zone")
        for name in ("forced", "forbidden", "cost"):
            if getattr(self, name).shape != (num_sites,):
                raise ValueError(f"{name} must have one entry per site")
        for name in ("weight", "cost"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        if self.cities is not None and len(self.cities.city_idx) != num_sites:
            raise ValueError("cities must name the city of every site")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return self.distances.num_zones

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return self.distances.num_sites


@dataclass(frozen=True)
class FlowRefuellingProblem:
    """Stations along roads so that the flows that can be driven on them are worth most.

    Sets: flows q in [0, num_flows), each with one path or several; paths r in [0, num_paths);
    cover sets S in [0, num_sets), shared by paths; candidate sites j in [0, num_sites). A path can
    be driven if each of its cover sets holds an open site, a flow if one of its paths can.

    Attributes
    ----------
    value : float array, shape (num_paths,)
        What refuelling the flow on that path is worth (vehicles, vehicle-km), >= 0.
    flow_idx : int array, shape (num_paths,)
        Flow of each path; counted on one of its paths at most.
    path_ptr, path_set_idx : int arrays, shape (num_paths + 1,) and (num_entries,)
        Path r needs the sets ``path_set_idx[path_ptr[r]:path_ptr[r + 1]]``; with none it is driven
        anyway (the stations of the cities suffice).
    set_ptr, set_site_idx : int arrays, shape (num_sets + 1,) and (num_members,)
        Sites from which one arc of a round trip is reached with the energy left, each named once
        in a set and direction; an empty set is reached from nowhere.
    set_is_return : bool array, shape (num_members,)
        Whether the site is passed on the way back: a stop of its own, which matters to capacity
        alone.
    load : float array, shape (num_paths,)
        Swaps an hour that the flow makes at a station where all its vehicles swap, >= 0.
    season_idx : int array, shape (num_paths,)
        Season of each path: loads of different seasons do not add up.
    capacity : float array, shape (num_sites,)
        Swaps an hour that a station at the site can do, >= 0; inf for no limit.
    cost : float array, shape (num_sites,)
        Money for a station at the site, >= 0 [CNY].
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    num_stations : int
        At most this many open sites, the forced ones included.
    budget : float
        Money for all stations, forced ones included; inf for no limit [CNY].
    """

    value: FloatArray
    flow_idx: IntArray
    path_ptr: IntArray
    path_set_idx: IntArray
    set_ptr: IntArray
    set_site_idx: IntArray
    set_is_return: BoolArray
    load: FloatArray
    season_idx: IntArray
    capacity: FloatArray
    cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    num_stations: int
    budget: float = np.inf

    def __post_init__(self) -> None:
        for name in ("flow_idx", "load", "season_idx"):
            if getattr(self, name).shape != self.value.shape:
                raise ValueError(f"{name} must have one entry per path")
        for name in ("cost", "forced", "forbidden"):
            if getattr(self, name).shape != self.capacity.shape:
                raise ValueError(f"{name} must have one entry per site")
        for name, values in (("value", self.value), ("load", self.load), ("cost", self.cost)):
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if not (self.capacity >= 0).all() or not self.budget >= 0:
            raise ValueError("capacity and budget must be >= 0")
        for lists, ptr, idx, end in (
            ("path", self.path_ptr, self.path_set_idx, self.num_sets),
            ("set", self.set_ptr, self.set_site_idx, self.num_sites),
        ):
            if not len(ptr) or ptr[0] != 0 or ptr[-1] != len(idx) or (np.diff(ptr) < 0).any():
                raise ValueError(f"{lists}_ptr must rise from 0 to the number of entries")
            if len(idx) and not (idx.min() >= 0 and idx.max() < end):
                raise ValueError(f"the entries of {lists} must lie in [0, {end})")
        if len(self.path_ptr) != len(self.value) + 1:
            raise ValueError("path_ptr must have one entry per path, and one more")
        if self.set_is_return.shape != self.set_site_idx.shape:
            raise ValueError("set_is_return must have one entry per member of a set")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        _freeze(self)

    @property
    def num_paths(self) -> int:
        """Number of paths."""
        return len(self.value)

    @property
    def num_sets(self) -> int:
        """Number of cover sets."""
        return len(self.set_ptr) - 1

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.capacity)


@dataclass(frozen=True)
class FacilityLocationProblem:
    """Stations of several sizes, and which of them serves how much of each zone, at least cost.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites), station types t.

    Attributes
    ----------
    demand : float array, shape (num_zones,)
        What is to be served of each zone, >= 0.
    zone_ptr, site_idx, unit_cost : arrays
        Pairs of zone i from ``zone_ptr[i]`` to ``zone_ptr[i + 1]``: sites that can serve it, each
        once, and the cost of serving one unit from there, >= 0.
    capacity : float array, shape (num_sites, num_types)
        What a station of the type can serve at the site, >= 0.
    fixed_cost : float array, shape (num_sites, num_types)
        Cost of a station of the type at the site, >= 0.
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    min_stations, max_stations : int
        Open sites, the forced ones included.
    budget : float
        Limit of all fixed costs; inf for none.
    single : bool
        Whether each zone must be served by one station alone.
    unserved_cost : float
        Cost of each unit of demand that is left unserved, >= 0; inf if all must be served.
    cities : CityLimits, optional
        Stations by city.
    """

    demand: FloatArray
    zone_ptr: IntArray
    site_idx: IndexArray
    unit_cost: FloatArray
    capacity: FloatArray
    fixed_cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    min_stations: int
    max_stations: int
    budget: float = np.inf
    single: bool = False
    unserved_cost: float = np.inf
    cities: CityLimits | None = None

    def __post_init__(self) -> None:
        num_sites = len(self.capacity)
        if len(self.zone_ptr) != len(self.demand) + 1:
            raise ValueError("zone_ptr must have one entry per zone and one more")
        if not len(self.site_idx) == len(self.unit_cost) == self.zone_ptr[-1]:
            raise ValueError("site_idx and unit_cost must have one entry per pair")
        if len(self.site_idx) and not (
            self.site_idx.min() >= 0 and self.site_idx.max() < num_sites
        ):
            raise ValueError("site_idx points outside the sites")
        if self.capacity.ndim != 2 or self.capacity.shape != self.fixed_cost.shape:
            raise ValueError("capacity and fixed_cost must have shape (num_sites, num_types)")
        if not self.forced.shape == self.forbidden.shape == (num_sites,):
            raise ValueError("forced and forbidden must have one entry per site")
        for name in ("demand", "unit_cost", "capacity", "fixed_cost"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        if not self.unserved_cost >= 0:
            raise ValueError("unserved_cost must be a number >= 0")
        if self.cities is not None and len(self.cities.city_idx) != num_sites:
            raise ValueError("cities must have one entry per site")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.demand)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.capacity)

    @property
    def num_types(self) -> int:
        """Number of station types."""
        return int(self.capacity.shape[1])


@dataclass(frozen=True)
class SetCoverProblem:
    """Least cost of stations that cover the zones, or a share of what they are worth.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    value : float array, shape (num_zones,)
        What a zone counts for in the share, >= 0.
    need : int array, shape (num_zones,)
        Stations within reach that it takes to cover the zone, >= 0.
    reach_ptr, reach_zone_idx : int arrays
        As in `CoverageProblem`.
    cost : float array, shape (num_sites,)
        Cost of a station at the site, >= 0; ones to count stations.
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    min_share : float
        Share of all value that must be covered, in [0, 1]; 1 for every zone, worth something or
        not.
    min_stations, max_stations : int
        Open sites, the forced ones included.
    budget : float
        Limit of the cost; inf for none.
    cities : CityLimits, optional
        Least and most stations by city.
    """

    value: FloatArray
    need: IntArray
    reach_ptr: IntArray
    reach_zone_idx: IndexArray
    cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    min_share: float
    min_stations: int
    max_stations: int
    budget: float = np.inf
    cities: CityLimits | None = None

    def __post_init__(self) -> None:
        num_sites, num_zones = len(self.cost), len(self.value)
        if len(self.reach_ptr) != num_sites + 1:
            raise ValueError(f"reach_ptr has {len(self.reach_ptr)} entries, not {num_sites + 1}")
        if not len(self.forced) == len(self.forbidden) == num_sites:
            raise ValueError("forced and forbidden must have one entry per site")
        if self.need.shape != (num_zones,) or (num_zones and self.need.min() < 0):
            raise ValueError("need must have one entry >= 0 per zone")
        for name in ("value", "cost"):
            values = getattr(self, name)
            if len(values) and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if len(self.reach_zone_idx) and not (
            self.reach_zone_idx.min() >= 0 and self.reach_zone_idx.max() < num_zones
        ):
            raise ValueError("reach_zone_idx points outside the zones")
        if not 0.0 <= self.min_share <= 1.0:
            raise ValueError("min_share must lie in [0, 1]")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        if self.cities is not None and len(self.cities.city_idx) != num_sites:
            raise ValueError("cities must name the city of every site")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.cost)
