"""What a plan serves in another future, recomputed from that future's own rows without a solver.

Takes the stations that stand, who serves whom and which packs are used there; gives what is asked
and served, and says which limits of capacity and which shares are not kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.limits import LIMIT_TOLERANCE
from planner.plans.derived import Derived
from planner.plans.fleet_rows import FLEET_KEY, peak_shares
from planner.plans.zone_swaps import swaps_by_zone, zone_shares

_TOLERANCE = 1e-6
"""Relative; sums over a million rows in another order differ by less."""


@dataclass(frozen=True)
class FutureService:
    """Who serves whom in one future, in quarters that are planned as one.

    Attributes
    ----------
    weight : mapping of quarter to float
        What a swap a day counts in each quarter; the last one's loads are planned for.
    site_idx, type_idx : int arrays, shape (num_stations,)
        Stations that stand, as rows of the instance's tables of sites and of station types.
    zone_idx, station_idx : int arrays, shape (num_parts,)
        Zone, and which of these stations serves it.
    share_frac, drive_min : float arrays, shape (num_parts,)
        Share that it serves, and the audited drive [min].
    capacity : DataFrame
        As in `planner.plans.Plan`, for this future's packs.
    """

    weight: Mapping[str, float]
    site_idx: IntArray
    type_idx: IntArray
    zone_idx: IntArray
    station_idx: IntArray
    share_frac: FloatArray
    drive_min: FloatArray
    capacity: pd.DataFrame


@dataclass(frozen=True)
class FutureSwaps:
    """What is asked and served, weighted as `FutureService` says, and what is wrong with it."""

    asked: float
    served: float
    violations: tuple[str, ...]


def swaps_in_future(
    instance: Instance, derived: Derived, packs: pd.DataFrame, service: FutureService
) -> FutureSwaps:
    """Recompute what stations serve in a future.

    Parameters
    ----------
    instance : Instance
        Of the future.
    derived : Derived
        From `planner.plans.derived.derive`, of that instance.
    packs : DataFrame
        Packs in use there, as in `planner.plans.Plan`.
    service : FutureService
    """
    num_zones = len(instance.zones)
    share = np.bincount(service.zone_idx, service.share_frac, minlength=num_zones).astype(float)
    of_city = zone_shares(instance)
    asked, served = 0.0, 0.0
    for quarter, weight in service.weight.items():
        swaps = _asked(instance, derived, quarter, of_city)
        asked += weight * float(swaps.sum())
        served += weight * float(swaps @ share)
    loaded = _peak(instance, derived, packs, max(service.weight), of_city)
    return FutureSwaps(asked, served, tuple(_violations(instance, service, share, loaded)))


def _asked(instance: Instance, derived: Derived, quarter: str, of_city: pd.DataFrame) -> FloatArray:
    """Swaps per day of each zone with the classes' default packs."""
    winter = derived.winter[derived.winter["default"]]
    fleet = derived.fleet[derived.fleet["quarter"] == quarter]
    rows = winter.merge(fleet, on=["city_id", "vehicle_id"], validate="1:1")
    swaps = rows["vehicles"] * rows["swaps_per_vehicle_day"]
    by_city = swaps.groupby([rows["city_id"], rows["segment"]]).sum()
    return swaps_by_zone(instance, by_city, of_city).sum(axis=1).to_numpy(float)


def _peak(
    instance: Instance, derived: Derived, packs: pd.DataFrame, quarter: str, of_city: pd.DataFrame
) -> FloatArray:
    """Swaps of each zone in its city's peak hour of the winter design day [1/h]."""
    winter = derived.winter
    shares = peak_shares(instance, winter, derived.planned_fleet)
    rows = packs[packs["quarter"] == quarter].merge(
        winter[[*FLEET_KEY, "segment", "design_swaps_per_vehicle_day"]],
        on=FLEET_KEY, how="left", validate="1:1",
    )  # fmt: skip
    of_hour = shares.reindex(pd.MultiIndex.from_frame(rows[["city_id", "segment"]])).to_numpy()
    swaps = rows["vehicles"] * rows["design_swaps_per_vehicle_day"] * of_hour
    by_city = swaps.groupby([rows["city_id"], rows["segment"]]).sum()
    peak = by_city * instance.scenario.demand.peak_day_factor
    return swaps_by_zone(instance, peak, of_city).sum(axis=1).to_numpy(float)


def _violations(
    instance: Instance, service: FutureService, share: FloatArray, loaded: FloatArray
) -> Iterator[str]:
    over = int((share > 1 + _TOLERANCE).sum())
    if over or (service.share_frac < 0).any():
        yield f"{over} zones are served more than whole"
    standard_min = instance.scenario.siting.drive_time_min
    late = int((~(service.drive_min <= standard_min * (1 + LIMIT_TOLERANCE))).sum())
    if late:
        yield f"{late} zones are served from beyond the standard of {standard_min:g} min"
    site_ids = instance.sites["site_id"].to_numpy()[service.site_idx]
    key = pd.MultiIndex.from_arrays(
        [
            instance.sites["city_id"].to_numpy()[service.site_idx],
            instance.stations["station_type_id"].to_numpy()[service.type_idx],
        ]
    )
    stated = service.capacity.set_index(["city_id", "station_type_id"])["swaps_per_hour"]
    most = stated.reindex(key).to_numpy(float)
    load = np.bincount(
        service.station_idx,
        service.share_frac * loaded[service.zone_idx],
        minlength=len(site_ids),
    )
    for station in np.flatnonzero(~(load <= most * (1 + _TOLERANCE) + _TOLERANCE)):
        yield (
            f"station {site_ids[station]} has a load of {load[station]:.3f} swaps per hour, "
            f"its capacity is {most[station]:.3f}"
        )
