"""An instance somewhere else on its parallel, so that a town can stand on the antimeridian."""

from dataclasses import replace

import pandas as pd

from planner.instance import Instance


def moved_east(instance: Instance, degrees: float) -> Instance:
    """All places that many degrees farther east, longitudes within [-180, 180)."""

    def moved(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(lon=(table["lon"] + degrees + 180) % 360 - 180)

    return replace(
        instance,
        cities=moved(instance.cities),
        zones=moved(instance.zones),
        sites=moved(instance.sites),
        road_nodes=moved(instance.road_nodes),
    )
