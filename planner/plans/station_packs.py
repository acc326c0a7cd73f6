"""Whole packs in stations: where they may stand, and every rule on them."""

from collections.abc import Iterator

import pandas as pd

from planner.instance import Instance
from planner.plans.plan import Plan


def station_pack_violations(
    instance: Instance, plan: Plan, stations: pd.DataFrame
) -> Iterator[str]:
    """Packs that are not whole, stand where no station is, or where no bay is.

    Parameters
    ----------
    instance : Instance
    plan : Plan
        Its labels are known and unique.
    stations : DataFrame
        Those of its evaluation.
    """
    packs = plan.station_packs
    for row in packs[(packs["packs"] <= 0) | (packs["packs"] % 1 != 0)].itertuples():
        yield f"station {row.station_id}: {row.packs} packs {row.pack_id} are no whole number > 0"
    of_type = instance.stations.set_index("station_type_id")["bays"]
    on_road = plan.corridor_stations.set_index("corridor_station_id")["station_type_id"]
    bays = pd.concat([stations.set_index("site_id")["bays"], on_road.map(of_type)])
    unknown = packs.loc[~packs["station_id"].isin(bays.index), "station_id"]
    for station_id in unknown.drop_duplicates():
        yield f"packs stand at {station_id}, where no station is"
    held = packs.groupby(["quarter", "station_id"])["packs"].sum().reset_index()
    room = held["station_id"].map(bays)
    for row in held[held["packs"] > room].itertuples():
        yield f"{row.quarter}, station {row.station_id}: {row.packs} packs do not fit its bays"
