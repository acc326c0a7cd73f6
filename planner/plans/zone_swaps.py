"""Which zones a city's swaps come from, segment by segment, in the check's own words."""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import SEGMENTS, Instance
from planner.plans.labels import positions_of


def swaps_by_zone(
    instance: Instance, by_city: "pd.Series[float]", shares: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Spread what a city's segments ask for over its zones.

    Parameters
    ----------
    instance : Instance
        As of `zone_shares`.
    by_city : Series
        Index ``city_id, segment``; a missing one asks for nothing.
    shares : DataFrame, optional
        Of `zone_shares`, where it has been asked for already.

    Returns
    -------
    DataFrame
        Index ``zone_id`` in the instance's order, a column per segment.
    """
    shares = zone_shares(instance) if shares is None else shares
    city_ids = instance.cities["city_id"]
    wide = by_city.unstack("segment").reindex(index=city_ids, columns=list(SEGMENTS)).fillna(0.0)
    of_city = wide.to_numpy(float)[positions_of(instance.zones["city_id"], city_ids)]
    return pd.DataFrame(shares.to_numpy() * of_city, index=shares.index, columns=shares.columns)


def zone_shares(instance: Instance) -> pd.DataFrame:
    """Share of a city's swaps that come from each zone, segment by segment.

    Parameters
    ----------
    instance : Instance
        Private vehicles follow the zones' ``car_owning_households``; the other segments their
        ``commercial_weight`` in cities where some zone has it, and households elsewhere.

    Returns
    -------
    DataFrame
        Index ``zone_id`` in the instance's order, a column per segment.
    """
    # By position: labels of a million zones take longer to compare than all sums.
    zones, households = instance.zones, instance.zones["car_owning_households"]
    city = positions_of(zones["city_id"], instance.cities["city_id"])
    places = households
    if "commercial_weight" in zones.columns:
        stated = zones["commercial_weight"]
        places = stated.where(stated.groupby(city).transform("sum") > 0, households)
    parts = {}
    for segment in SEGMENTS:
        weight = households if segment == "private" else places
        of_city = weight.groupby(city).transform("sum")
        parts[segment] = (weight / of_city).where(of_city > 0, 0.0)
    return pd.DataFrame(parts).set_axis(pd.Index(zones["zone_id"]))


def swaps_by_city(
    instance: Instance, key: list[pd.Series], swaps: "pd.Series[float]", quarters: list[str]
) -> FloatArray:
    """Sum swaps by quarter, city and segment.

    Parameters
    ----------
    instance : Instance
    key : list of Series
        Quarter, city and segment of each row.
    swaps : Series
    quarters : list of str
        Those wanted, in order.

    Returns
    -------
    ndarray, shape (num_quarters, num_cities, num_segments)
        0 where there is no row; cities in the order of the instance, segments of `SEGMENTS`.
    """
    wanted = pd.MultiIndex.from_product([quarters, instance.cities["city_id"], list(SEGMENTS)])
    sums = swaps.groupby(key).sum().reindex(wanted).fillna(0.0).to_numpy(float)
    return np.asarray(sums.reshape(len(quarters), len(instance.cities), len(SEGMENTS)))
