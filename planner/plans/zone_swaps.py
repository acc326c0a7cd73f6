"""Which zones a city's swaps come from, segment by segment, in the check's own words."""

import pandas as pd

from planner.instance import SEGMENTS, Instance


def swaps_by_zone(instance: Instance, by_city: "pd.Series[float]") -> pd.DataFrame:
    """Spread what a city's segments ask for over its zones.

    Parameters
    ----------
    instance : Instance
        Private vehicles follow the zones' ``car_owning_households``; the other segments their
        ``commercial_weight`` in cities where some zone has it, and households elsewhere.
    by_city : Series
        Index ``city_id, segment``; a missing one asks for nothing.

    Returns
    -------
    DataFrame
        Index ``zone_id`` in the instance's order, a column per segment.
    """
    zones = instance.zones.set_index("zone_id")
    city, households = zones["city_id"], zones["car_owning_households"]
    places = households
    if "commercial_weight" in zones.columns:
        stated = zones["commercial_weight"]
        places = stated.where(stated.groupby(city).transform("sum") > 0, households)
    wide = by_city.unstack("segment").reindex(columns=list(SEGMENTS)).fillna(0.0)
    parts = {}
    for segment in SEGMENTS:
        weight = households if segment == "private" else places
        of_city = weight.groupby(city).transform("sum")
        share = (weight / of_city).where(of_city > 0, 0.0)
        parts[segment] = share * city.map(wide[segment]).fillna(0.0)
    return pd.DataFrame(parts, index=zones.index)
