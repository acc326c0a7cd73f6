"""Free-flow speed of each road edge: a model from density and length, as roads have no class."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray


@dataclass(frozen=True)
class SpeedRule:
    """Densities and lengths that tell roads apart, and their speeds."""

    core_residents_per_km2: float
    urban_residents_per_km2: float
    core_speed_kmh: float
    urban_speed_kmh: float
    rural_speed_kmh: float
    open_road_speed_kmh: float
    open_road_min_km: float


def edge_speed_kmh(
    residents_per_km2: FloatArray, length_km: FloatArray, rule: SpeedRule
) -> FloatArray:
    """Free-flow speed of each edge.

    Parameters
    ----------
    residents_per_km2 : float array, shape (num_edges,)
        Mean density along the edge.
    length_km : float array, shape (num_edges,)
        Length; a long edge outside urban areas has no junction for so long that it is
        driven faster: a motorway or a trunk road, which the source does not tell apart.
    rule : SpeedRule
        Thresholds and speeds.

    Returns
    -------
    float array, shape (num_edges,)
        In km/h.
    """
    return np.select(
        [
            residents_per_km2 >= rule.core_residents_per_km2,
            residents_per_km2 >= rule.urban_residents_per_km2,
            length_km >= rule.open_road_min_km,
        ],
        [rule.core_speed_kmh, rule.urban_speed_kmh, rule.open_road_speed_kmh],
        rule.rural_speed_kmh,
    ).astype(np.float64)
