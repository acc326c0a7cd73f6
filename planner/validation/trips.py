"""The gravity model of trips between cities, beside measured mobility."""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.geodesy import great_circle_km
from planner.limits import at_least, within
from planner.validation.evidence import Evidence, LacksError


def _gravity(evidence: Evidence) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Trips (any unit), kilometres and whether of one province, all from city to city.

    Residents times residents over distance to the scenario's power: all who travel, not swap
    vehicles alone, for that is what was measured. Distances are great circles.
    """
    cities, corridors = evidence.instance.cities, evidence.instance.scenario.corridors
    if "population" not in cities:
        raise LacksError("table cities has no population")
    if "province" not in cities:
        raise LacksError("table cities has no province")
    lon, lat = cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)
    km = great_circle_km(lon[:, None], lat[:, None], lon, lat)
    residents = cities["population"].to_numpy(float)
    counted = at_least(km, max(corridors.min_trip_km, 1e-9)) & within(km, corridors.max_trip_km)
    if not counted.any():
        raise LacksError("no two cities are as far apart as a trip")
    attraction = np.where(counted, np.maximum(km, 1e-9) ** -corridors.distance_exponent, 0.0)
    province = pd.factorize(cities["province"])[0]
    same = (province[:, None] == province).astype(float)
    return residents[:, None] * residents * attraction, km, same


def mean_trip_km(evidence: Evidence) -> float:
    """Mean length of the model's trips."""
    trips, km, _ = _gravity(evidence)
    return float(np.average(km, weights=trips))


def same_province_frac(evidence: Evidence) -> float:
    """Share of the model's trips that end in the province where they begin."""
    trips, _, same = _gravity(evidence)
    return float(np.average(same, weights=trips))
