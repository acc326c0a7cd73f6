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
    """Which pack each vehicle gets, under the supply of each chemistry.

    Sets: vehicle groups g (the vehicles of one class in one city), options o (a group with a
    pack that fits it, is delivered and certified), chemistries h.

    Attributes
    ----------
    vehicles : float array, shape (num_groups,)
        Vehicles of the group.
    option_group_idx : int array, shape (num_options,)
        Group of each option.
    option_chemistry_idx : int array, shape (num_options,)
        Chemistry of each option.
    option_kwh : float array, shape (num_options,)
        Pack energy per vehicle, its share of the stations' float included [kWh].
    option_cost : float array, shape (num_options,)
        Yearly cost per vehicle [CNY/year].
    supply_kwh : float array, shape (num_chemistries,)
        Energy to be had up to the planning quarter; inf where not limited [kWh].
    no_pack_cost : float
        Yearly cost of a vehicle without a pack [CNY/year].
    """

    vehicles: FloatArray
    option_group_idx: IndexArray
    option_chemistry_idx: IndexArray
    option_kwh: FloatArray
    option_cost: FloatArray
    supply_kwh: FloatArray
    no_pack_cost: float

    def __post_init__(self) -> None:
        num_options = len(self.option_group_idx)
        lengths = {len(self.option_chemistry_idx), len(self.option_kwh), len(self.option_cost)}
        if lengths != {num_options}:
            raise ValueError("option arrays must have one entry per option")
        finite = (self.vehicles, self.option_kwh, self.option_cost)
        if not all(np.isfinite(values).all() for values in finite):
            raise ValueError("vehicles, option_kwh and option_cost must be finite")
        _freeze(self)
