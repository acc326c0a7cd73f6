"""What a further station at each site would save by the scenario's own objective."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.plans.plan import Evaluation
from planner.plans.question_figures import asking_swaps_per_year, least_cost_cny_per_year

FloatArray = NDArray[np.float64]


class Reached(NamedTuple):
    """Who reaches whom within the standard, in the rows' order of the instance's tables.

    Site j reaches zones ``zone_idx[ptr[j]:ptr[j + 1]]`` in ``drive_min`` minutes.
    """

    ptr: NDArray[np.int64]
    zone_idx: NDArray[np.int32]
    drive_min: FloatArray

    @property
    def site_idx(self) -> NDArray[np.int64]:
        """Site of each pair."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))


def drive_savings(
    instance: Instance, evaluation: Evaluation, reached: Reached
) -> tuple[FloatArray, float]:
    """Minutes that each site would take off the drives to the nearest station.

    Returns
    -------
    saving : ndarray, shape (num_sites,)
        By a station more [swap-min/day].
    least : float
        What the drives would grow by if the station that is missed least were closed; 0 if none
        may be [swap-min/day].
    """
    zones = _in_rows_order(instance, evaluation)
    swaps = zones["swaps_per_day"].to_numpy(float)
    beyond_min = instance.scenario.siting.unserved_min
    now_min = zones["nearest_min"].fillna(beyond_min).to_numpy(float)
    site_idx, zone_idx = reached.site_idx, reached.zone_idx
    shorter = swaps[zone_idx] * np.maximum(0.0, now_min[zone_idx] - reached.drive_min)
    saving = np.bincount(site_idx, shorter, len(instance.sites)).astype(float)
    is_open = instance.sites["site_id"].isin(evaluation.stations["site_id"]).to_numpy()
    given = instance.sites["status"].isin(["existing", "committed"]).to_numpy()
    pair = np.flatnonzero(is_open[site_idx])
    pair = pair[np.lexsort((reached.drive_min[pair], zone_idx[pair]))]
    zone, minutes = zone_idx[pair], reached.drive_min[pair]
    is_first = np.diff(zone, prepend=-1) != 0
    next_min = np.append(np.where(is_first[1:], beyond_min, minutes[1:]), beyond_min)
    longer = swaps[zone] * (next_min - minutes)
    loss = np.bincount(site_idx[pair][is_first], longer[is_first], len(instance.sites))
    may_close = is_open & ~given
    return saving, float(loss[may_close].min()) if may_close.any() else 0.0


def newly_covered(instance: Instance, evaluation: Evaluation, reached: Reached) -> FloatArray:
    """Swaps per day of zones that lack one station, which each site would be, (num_sites,)."""
    swaps = _in_rows_order(instance, evaluation)["swaps_per_day"].to_numpy(float)
    is_open = instance.sites["site_id"].isin(evaluation.stations["site_id"]).to_numpy()
    site_idx = reached.site_idx
    built = np.bincount(reached.zone_idx[is_open[site_idx]], minlength=len(swaps))
    lacks_one = built == instance.scenario.siting.cover_times - 1
    return np.bincount(site_idx, (swaps * lacks_one)[reached.zone_idx], len(instance.sites)).astype(
        float
    )


def yearly_savings(
    instance: Instance, evaluation: Evaluation, reached: Reached
) -> tuple[FloatArray, FloatArray]:
    """What each site would save the zones within reach, and the cheapest station there costs.

    Not asked: its capacity, and who could use the room that it leaves elsewhere.

    Returns
    -------
    saving, cost : ndarrays, shape (num_sites,)
        NaN cost where no type fits [CNY/year].
    """
    zones, siting = _in_rows_order(instance, evaluation), instance.scenario.siting
    per_year = asking_swaps_per_year(zones).to_numpy(float)
    served = zones["served_frac"].clip(upper=1.0).to_numpy(float)
    now_min = zones["drive_min"].fillna(0.0).to_numpy(float)
    zone_idx, minutes = reached.zone_idx, reached.drive_min
    drive_cny = siting.drive_cny_per_min * minutes
    saved_cny = served[zone_idx] * np.maximum(
        0.0, siting.drive_cny_per_min * now_min[zone_idx] - drive_cny
    ) + (1 - served[zone_idx]) * np.maximum(0.0, siting.unserved_swap_cny - drive_cny)
    saved_cny *= per_year[zone_idx]
    saving = np.bincount(reached.site_idx, saved_cny, len(instance.sites)).astype(float)
    return saving, least_cost_cny_per_year(instance)


def _in_rows_order(instance: Instance, evaluation: Evaluation) -> pd.DataFrame:
    return evaluation.zones.set_index("zone_id").loc[instance.zones["zone_id"]]
