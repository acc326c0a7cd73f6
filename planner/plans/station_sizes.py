"""Which type may stand where: room, power, what is on offer, committed or stands already."""

from collections.abc import Iterator

import pandas as pd

from planner.instance import Instance
from planner.limits import LIMIT_TOLERANCE


def size_violations(instance: Instance, stations: pd.DataFrame) -> Iterator[str]:
    """Types that do not fit the site, are not on offer, or shrink what stands there.

    Parameters
    ----------
    instance : Instance
    stations : DataFrame
        ``site_id, station_type_id, bays, grid_kw, construction, standing_type_id`` of stations, of
        a site once.
    """
    sites, types = instance.sites, instance.stations.set_index("station_type_id")
    changed = stations[stations["construction"] != "none"]
    limits = changed[["site_id", "bays", "grid_kw"]].merge(sites, on="site_id")
    # A worn-out station may be rebuilt as it was, whatever the limits.
    same = changed["standing_type_id"].eq(changed["station_type_id"]).fillna(False)
    limits = limits[~limits["site_id"].isin(changed.loc[same, "site_id"])]
    if "max_bays" in sites.columns:
        for site_id in limits.loc[limits["bays"] > limits["max_bays"], "site_id"]:
            yield f"site {site_id} has more bays than fit"
    if "grid_kw" in sites.columns:
        over = limits["grid_kw_x"] > limits["grid_kw_y"] * (1 + LIMIT_TOLERANCE)
        for site_id in limits.loc[over, "site_id"]:
            yield f"site {site_id} needs more grid power than it has"
    is_offered = types.get("offered", pd.Series(True, index=types.index)).astype(bool)
    stated = pd.Series(dtype="str")
    if "station_type_id" in sites.columns:
        committed = sites[(sites["status"] == "committed") & sites["station_type_id"].notna()]
        stated = committed.set_index("site_id")["station_type_id"]
    built = changed[~same]
    for site_id, type_id in zip(built["site_id"], built["station_type_id"], strict=True):
        if stated.get(site_id, type_id) != type_id:
            yield f"site {site_id} is committed as {stated[site_id]}"
        elif site_id not in stated.index and not is_offered.loc[type_id]:
            yield f"site {site_id}: {type_id} is not on offer"
    grown = changed[changed["construction"] == "enlarged"]
    before = grown["standing_type_id"].map(types["bays"]).astype(float)
    for site_id in grown.loc[grown["bays"] <= before, "site_id"]:
        yield f"site {site_id}: the station that stands there would shrink"
