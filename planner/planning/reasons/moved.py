"""What changes for the zones where other stations serve them."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.models.allocation.solve import Allocation

LEAST_SHARE = 1e-6
"""Of a zone: smaller changes are rounding."""


class Moved(NamedTuple):
    """Zones and swaps between two plans.

    Attributes
    ----------
    lost_zones, gained_zones, kept_zones : int
        Zones that are served less, more, and as much by other stations.
    lost_swaps_per_day, moved_swaps_per_day : float
        Swaps no longer served, and those that other stations serve.
    minutes_added : float
        To the drive of the latter, mean [min]; NaN where there are none.
    """

    lost_zones: int = 0
    gained_zones: int = 0
    kept_zones: int = 0
    lost_swaps_per_day: float = 0.0
    moved_swaps_per_day: float = 0.0
    minutes_added: float = math.nan


def what_moves(
    value: FloatArray,
    before: tuple[IntArray, Allocation],
    after: tuple[IntArray, Allocation],
) -> Moved:
    """Compare two plans zone by zone.

    Parameters
    ----------
    value : ndarray, shape (num_zones,)
        Swaps a day of each zone.
    before, after : tuple of int array and Allocation
        Open sites and who serves whom.
    """
    columns = ["before", "after"]
    parts = pd.concat(
        [
            pd.DataFrame(
                {
                    "zone": allocation.zone_idx,
                    "site": sites[allocation.station_idx],
                    "share": allocation.share_frac,
                    "minutes": allocation.drive_min,
                    "when": when,
                }
            )
            for when, (sites, allocation) in zip(columns, (before, after), strict=True)
        ]
    )
    keys = ["zone", "site"]
    share = parts.pivot_table("share", keys, "when", "sum", 0.0).reindex(columns=columns)
    change = (share["after"].fillna(0.0) - share["before"].fillna(0.0)).rename("share")
    rows = change.reset_index().merge(parts.groupby(keys)["minutes"].first().reset_index(), on=keys)
    swaps = rows["share"] * value[rows["zone"]]
    gone, come = (-swaps).clip(lower=0.0), swaps.clip(lower=0.0)
    zones = rows["zone"]
    by_zone = {
        name: amount.groupby(zones).sum().to_numpy(float)
        for name, amount in {
            "share": rows["share"], "gone": gone, "come": come,
            "gone_min": gone * rows["minutes"], "come_min": come * rows["minutes"],
        }.items()
    }  # fmt: skip
    kept = np.minimum(by_zone["gone"], by_zone["come"])
    has_moved = kept > 0
    total = math.fsum(kept[has_moved])
    added = [
        by_zone[f"{name}_min"][has_moved] / by_zone[name][has_moved] for name in ("come", "gone")
    ]
    return Moved(
        lost_zones=int((by_zone["share"] < -LEAST_SHARE).sum()),
        gained_zones=int((by_zone["share"] > LEAST_SHARE).sum()),
        kept_zones=int((has_moved & (np.abs(by_zone["share"]) <= LEAST_SHARE)).sum()),
        lost_swaps_per_day=math.fsum(np.maximum(by_zone["gone"] - by_zone["come"], 0.0)),
        moved_swaps_per_day=total,
        minutes_added=(
            math.fsum((added[0] - added[1]) * kept[has_moved]) / total if total > 0 else math.nan
        ),
    )
