"""How often, when and how deep drivers swap, by segment: from the instance alone."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import SEGMENTS
from planner.physics.fleet import default_pack_swaps
from planner.units import DAYS_PER_MONTH
from planner.validation.evidence import Evidence, LacksError

COMMERCIAL = ("taxi", "ride_hailing")
ALL = SEGMENTS


def _of_segments(evidence: Evidence, segments: Sequence[str]) -> FloatArray:
    """Vehicles of the classes of some segments, the others' set to none."""
    chosen = evidence.instance.vehicles["segment"].isin(segments).to_numpy()
    vehicles = np.where(chosen, evidence.vehicles, 0.0)
    if not vehicles.any():
        raise LacksError(f"the instance has no vehicle of {' or '.join(segments)}")
    return vehicles


def _weighted(values: FloatArray, weights: FloatArray) -> float:
    there = weights > 0
    return float(np.average(values[there], weights=weights[there]))


def swaps_per_vehicle(evidence: Evidence, *segments: str) -> float:
    """Swaps per vehicle and day, mean over vehicles and the year, with default packs."""
    vehicles = _of_segments(evidence, segments)
    return _weighted(
        default_pack_swaps(evidence.instance, evidence.fleet.yearly_swaps_per_day), vehicles
    )


def km_per_day(evidence: Evidence, *segments: str) -> float:
    """Kilometres per vehicle and day, mean over vehicles."""
    vehicles = _of_segments(evidence, segments)
    column = evidence.instance.vehicles["km_per_day"].to_numpy(float)
    return _weighted(np.broadcast_to(column, vehicles.shape), vehicles)


def km_per_trip(evidence: Evidence, *segments: str) -> float:
    """Kilometres per trip, from start to stop; mean over vehicles."""
    table = evidence.instance.vehicles
    if "trips_per_day" not in table or table["trips_per_day"].isna().all():
        raise LacksError("table vehicles has no trips_per_day")
    vehicles = _of_segments(evidence, segments)
    trips = table["trips_per_day"].to_numpy(float)
    km = table["km_per_day"].to_numpy(float) / trips
    return _weighted(
        np.broadcast_to(np.nan_to_num(km), vehicles.shape),
        np.where(np.isnan(trips), 0.0, vehicles),
    )


def _energy_per_swap_kwh(evidence: Evidence) -> FloatArray:
    """With the default pack, mean over the months' design days, shape (num_cities, num_vehicles).

    Months count by their swaps.
    """
    fleet, days = evidence.fleet, np.array(DAYS_PER_MONTH)
    swaps = fleet.design_swaps_per_day * days
    total = swaps.sum(axis=-1)
    yearly = np.divide(
        (fleet.design_energy_kwh * swaps).sum(axis=-1), total,
        out=np.full_like(total, np.nan), where=total > 0,
    )  # fmt: skip
    return default_pack_swaps(evidence.instance, yearly)


def energy_per_swap_kwh(evidence: Evidence, *segments: str) -> float:
    """Energy per swap [kWh], mean over the swaps of the segments' vehicles."""
    vehicles = _of_segments(evidence, segments)
    swaps = default_pack_swaps(evidence.instance, evidence.fleet.yearly_swaps_per_day)
    return _weighted(_energy_per_swap_kwh(evidence), vehicles * np.nan_to_num(swaps))


def swapped_frac(evidence: Evidence, *segments: str) -> float:
    """Energy per swap over the pack's nominal energy, mean over the swaps."""
    vehicles = _of_segments(evidence, segments)
    instance = evidence.instance
    nominal = instance.packs.set_index("pack_id")["nominal_kwh"]
    by_class = nominal.loc[instance.vehicles["default_pack_id"]].to_numpy(float)
    swaps = default_pack_swaps(instance, evidence.fleet.yearly_swaps_per_day)
    return _weighted(_energy_per_swap_kwh(evidence) / by_class, vehicles * np.nan_to_num(swaps))


def mean_day_peak_frac(evidence: Evidence) -> float:
    """Share of a mean working day's swaps in its busiest hour, mean over the cities' swaps.

    Raises
    ------
    LacksError
        If the instance has no table of hours.
    """
    profile = _hours(evidence)
    if "day_kind" in profile:
        profile = profile[profile["day_kind"].isna() | (profile["day_kind"] == "workday")]
    wide = profile.pivot(index="segment", columns="hour", values="day_frac").fillna(0.0)
    return _busiest_hour_frac(
        evidence, wide.reindex(evidence.instance.vehicles["segment"]).to_numpy(float)
    )


def sized_day_peak_frac(evidence: Evidence) -> float:
    """The same of the day that stations are sized for."""
    _hours(evidence)
    return _busiest_hour_frac(evidence, evidence.fleet.hour_frac)


def _hours(evidence: Evidence) -> pd.DataFrame:
    if evidence.instance.hour_profile.empty:
        raise LacksError("the instance has no table hour_profile")
    return evidence.instance.hour_profile


def _busiest_hour_frac(evidence: Evidence, hour_frac: FloatArray) -> float:
    """From shares of classes by hour, shape (num_vehicles, num_hours)."""
    swaps = evidence.vehicles * np.nan_to_num(
        default_pack_swaps(evidence.instance, evidence.fleet.yearly_swaps_per_day)
    )
    by_hour = swaps @ hour_frac
    return float(by_hour.max(axis=1).sum() / by_hour.sum())
