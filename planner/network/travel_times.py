"""Reach from a table of drive times in place of a search on roads, and its audit by the rows."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.network.reach import Reach


def has_travel_times(instance: Instance) -> bool:
    """Whether the instance states its drive times, so that no road is searched."""
    return len(instance.travel_times) > 0


def stated_reach(instance: Instance) -> Reach:
    """Zones within the drive-time standard of each site, by the table ``travel_times``.

    Parameters
    ----------
    instance : Instance
        With that table; a pair without a row is not reached.

    Returns
    -------
    Reach
        As `planner.network.drive_time_reach` gives it for roads.
    """
    table = instance.travel_times
    table = table[table["minutes"] <= instance.scenario.siting.drive_time_min]
    site_idx = pd.Index(instance.sites["site_id"]).get_indexer(table["site_id"])
    zone_idx = pd.Index(instance.zones["zone_id"]).get_indexer(table["zone_id"])
    order = np.lexsort((zone_idx, site_idx))
    ptr = np.searchsorted(site_idx[order], np.arange(len(instance.sites) + 1))
    return Reach(
        ptr.astype(np.int64),
        zone_idx[order].astype(np.int32),
        table["minutes"].to_numpy(np.float64)[order],
    )


def audit_stated_times(instance: Instance, pairs: pd.DataFrame) -> NDArray[np.float64]:
    """Drive times of pairs, row by row from the table.

    Parameters
    ----------
    instance : Instance
    pairs : DataFrame
        Columns ``site_id`` and ``zone_id``.

    Returns
    -------
    ndarray, shape (num_pairs,)
        Inf where the table has no row, or one beyond the standard [min].
    """
    minutes = pairs[["site_id", "zone_id"]].merge(
        instance.travel_times, on=["site_id", "zone_id"], how="left", validate="many_to_one"
    )["minutes"]
    standard = instance.scenario.siting.drive_time_min
    return minutes.where(minutes <= standard).fillna(np.inf).to_numpy(np.float64)


def audit_stated_nearest(
    instance: Instance, site_ids: "pd.Series[str]", number: int
) -> NDArray[np.float64]:
    """Minutes from every zone to the nearest, the second nearest, ... of some sites.

    Parameters
    ----------
    instance : Instance
    site_ids : Series
        The sites that count.
    number : int
        How many per zone, >= 0.

    Returns
    -------
    ndarray, shape (num_zones, number)
        Inf where there is none within the standard [min].
    """
    table = instance.travel_times
    standard = instance.scenario.siting.drive_time_min
    table = table[table["site_id"].isin(site_ids) & (table["minutes"] <= standard)]
    table = table.sort_values("minutes", kind="stable")
    rank = table.groupby("zone_id").cumcount()
    nearest = table.assign(rank=rank)[rank < number].pivot(
        index="zone_id", columns="rank", values="minutes"
    )
    nearest = nearest.reindex(index=instance.zones["zone_id"], columns=range(number))
    return nearest.fillna(np.inf).to_numpy(np.float64)
