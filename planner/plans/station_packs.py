"""Whole packs in stations: where they may stand, and every rule on them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from planner.instance import Instance
from planner.plans.phase_rows import NONE, Stages
from planner.plans.plan import Plan


def station_pack_violations(instance: Instance, plan: Plan, stages: Stages) -> Iterator[str]:
    """Packs that are not whole, stand where no station is, or where no bay is, in any quarter.

    Parameters
    ----------
    instance : Instance
    plan : Plan
        Its labels are known and unique.
    stages : Stages
        What stands when, in cities; stations between them stand in every quarter.
    """
    packs = plan.station_packs
    for row in packs[(packs["packs"] <= 0) | (packs["packs"] % 1 != 0)].itertuples():
        yield f"station {row.station_id}: {row.packs} packs {row.pack_id} are no whole number > 0"
    room = _room(instance, plan, stages)
    unknown = packs.loc[~packs["station_id"].isin(room.columns), "station_id"]
    for station_id in unknown.drop_duplicates():
        yield f"packs stand at {station_id}, where no station is"
    held = packs.groupby(["quarter", "station_id"])["packs"].sum().reset_index()
    key = pd.MultiIndex.from_frame(held[["quarter", "station_id"]])
    bays = room.stack().reindex(key).to_numpy()
    for row in held[bays == 0].itertuples():
        yield f"{row.quarter}: packs stand at {row.station_id} before it opens"
    for row in held[(held["packs"] > bays) & (bays > 0)].itertuples():
        yield f"{row.quarter}, station {row.station_id}: {row.packs} packs do not fit its bays"


def _room(instance: Instance, plan: Plan, stages: Stages) -> pd.DataFrame:
    """Bays by quarter (rows) and station (columns), 0 where it does not stand yet."""
    of_type = instance.stations.set_index("station_type_id")["bays"]
    bays, quarters = of_type.to_numpy(float), list(instance.scenario.quarters)
    kinds = np.array([stages.in_quarter(quarter) for quarter in quarters])
    in_cities = pd.DataFrame(
        np.where(kinds == NONE, 0.0, bays[kinds]), index=quarters, columns=stages.site_ids
    )
    on_road = plan.corridor_stations["station_type_id"].map(of_type).to_numpy(float)
    between = pd.DataFrame(
        np.tile(on_road, (len(quarters), 1)),
        index=quarters,
        columns=plan.corridor_stations["corridor_station_id"],
    )
    return in_cities.join(between)
