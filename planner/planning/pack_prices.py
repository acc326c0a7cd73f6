"""What the pack model's prices tell of packs in cities."""

import pandas as pd

from planner.instance import Instance
from planner.planning.rounds import Fitted


def with_pack_values(
    instance: Instance, city_quarter: pd.DataFrame, fitted: Fitted
) -> pd.DataFrame:
    """The table of cities by quarter with what one more pack there would save."""
    where = [
        pd.Index(instance.scenario.quarters).get_indexer(pd.Index(city_quarter["quarter"])),
        pd.Index(instance.cities["city_id"]).get_indexer(pd.Index(city_quarter["city_id"])),
    ]
    values = {
        f"pack_value_{pack_id}_cny": fitted.packs.pack_value[where[0], where[1], pack_idx]
        for pack_idx, pack_id in enumerate(instance.packs["pack_id"])
    }
    return city_quarter.assign(**values)
