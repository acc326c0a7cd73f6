"""Why each site without a station has none, as far as the plan tells without a solver."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from planner.instance import Instance
from planner.plans.plan import Evaluation

REASONS = {
    "forbidden": "forbidden in the sites table",
    "not_connected": "farther than {max_access_km:g} km from any road",
    "no_type_fits": "no station type fits its max_bays and grid_kw",
    "no_zone_in_reach": "no demand zone within {drive_time_min:g} min",
    "no_demand": "the {num_zones} zones within {drive_time_min:g} min ask for no swaps",
    "all_served": "all {swaps:.1f} swaps/day within {drive_time_min:g} min are served already",
    "city_full": "would serve {unserved:.1f} unserved swaps/day; the city has the most stations "
    "it may have",
    "low_demand": "the {swaps:.1f} swaps/day within {drive_time_min:g} min are fewer than the "
    "{price:.1f} that its share of the budget serves elsewhere",
    "mostly_served": "of {swaps:.1f} swaps/day within {drive_time_min:g} min {unserved:.1f} are "
    "unserved, fewer than the {price:.1f} that its share of the budget serves elsewhere",
    "above_price": "would serve {unserved:.1f} unserved swaps/day, no fewer than the {price:.1f} "
    "that its share of the budget serves elsewhere: what it would displace, or the proven gap, "
    "decides",
}
"""Reasons in the order in which they are asked for; the first that holds is given."""

_LEAST_SWAPS_PER_DAY = 1e-6  # what rounding of shares leaves of a zone that is served whole


def explain_candidates(
    instance: Instance,
    evaluation: Evaluation,
    reach_ptr: NDArray[np.int64],
    reach_zone_idx: NDArray[np.int32],
    is_connected: NDArray[np.bool_],
    prices: Mapping[str, float],
) -> pd.DataFrame:
    """Give the reason why each site without a station has none.

    Not modelled: the capacity of the station that would stand there, which can only lessen
    what it serves; limits other than stations and money, whose prices can only raise its price.
    Both leave ``low_demand`` and ``mostly_served`` true. What a station elsewhere would lose to
    it is not asked.

    Parameters
    ----------
    instance : Instance
        What was planned.
    evaluation : Evaluation
        Figures of the plan; its zones and stations by label.
    reach_ptr, reach_zone_idx : ndarrays, shapes (num_sites + 1,), (num_arcs,)
        Site j reaches zones ``reach_zone_idx[reach_ptr[j]:reach_ptr[j + 1]]`` within the
        drive-time standard; both in the rows' order of the instance's tables.
    is_connected : bool ndarray, shape (num_sites,)
        Whether a road lies within the access distance of the site.
    prices : mapping of str to number
        Of the siting model: ``stations_swaps_per_day`` per station and
        ``money_swaps_per_day`` per CNY, each 0 if missing.

    Returns
    -------
    DataFrame, sorted by site_id
        ``site_id, city_id, lon, lat, kind, site_status, reason`` (a key of `REASONS`),
        ``explanation, num_zones`` and ``swaps_per_day`` within reach,
        ``unserved_swaps_per_day`` of them, ``price_swaps_per_day`` (of a slot and of the
        cheapest type that fits; NaN if none does), ``main_site_id`` (station that serves most
        of what the site reaches; missing if none does).
    """
    sites = instance.sites
    is_open = sites["site_id"].isin(evaluation.stations["site_id"]).to_numpy()
    cost_cny = _least_cost_cny(instance)
    price = (
        prices.get("stations_swaps_per_day", 0.0)
        + prices.get("money_swaps_per_day", 0.0) * cost_cny
    )
    num_zones = np.diff(reach_ptr)
    site_idx = np.repeat(np.arange(len(sites)), num_zones)
    zones = evaluation.zones.set_index("zone_id").loc[instance.zones["zone_id"]]
    zone_swaps = zones["swaps_per_day"].to_numpy(float)
    zone_unserved = zone_swaps * np.clip(1 - zones["served_frac"].to_numpy(float), 0, 1)
    swaps = np.bincount(site_idx, zone_swaps[reach_zone_idx], len(sites)).astype(float)
    unserved = np.bincount(site_idx, zone_unserved[reach_zone_idx], len(sites)).astype(float)

    holds = {
        "forbidden": (sites["status"] == "forbidden").to_numpy(),
        "not_connected": ~is_connected,
        "no_type_fits": np.isnan(cost_cny),
        "no_zone_in_reach": num_zones == 0,
        "no_demand": swaps <= _LEAST_SWAPS_PER_DAY,
        "all_served": unserved <= _LEAST_SWAPS_PER_DAY,
        "city_full": _city_is_full(instance, evaluation),
        "low_demand": swaps < price,
        "mostly_served": unserved < price,
        "above_price": np.ones(len(sites), bool),
    }
    reason = np.array(list(holds))[np.argmax(np.array(list(holds.values())), axis=0)]
    served_load = zone_swaps[reach_zone_idx] - zone_unserved[reach_zone_idx]
    main_site = _main_site(evaluation, zones, site_idx, reach_zone_idx, served_load)
    rows = sites[["site_id", "city_id", "lon", "lat", "kind"]].assign(
        site_status=sites["status"],
        reason=reason,
        explanation=_sentences(instance, reason, num_zones, swaps, unserved, price),
        num_zones=num_zones,
        swaps_per_day=swaps,
        unserved_swaps_per_day=unserved,
        price_swaps_per_day=price,
        main_site_id=main_site,
    )
    return rows[~is_open].sort_values("site_id", ignore_index=True)


def _least_cost_cny(instance: Instance) -> NDArray[np.float64]:
    """Cost of the cheapest station type that fits each site, plot included; NaN if none fits."""
    sites, types = instance.sites, instance.stations
    fits = np.ones((len(sites), len(types)), bool)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            fits &= types[need].to_numpy(float) <= sites[limit].to_numpy(float)[:, None]
    cost = np.where(fits, types["capex_cny"].to_numpy(float), np.inf).min(axis=1, initial=np.inf)
    if "site_cost_cny" in sites.columns:
        cost = cost + sites["site_cost_cny"].to_numpy(float)
    return np.where(np.isfinite(cost), cost, np.nan)


def _city_is_full(instance: Instance, evaluation: Evaluation) -> NDArray[np.bool_]:
    if "max_stations" not in instance.cities.columns:
        return np.zeros(len(instance.sites), bool)
    most = instance.cities.set_index("city_id")["max_stations"]
    built = evaluation.stations["city_id"].value_counts().reindex(most.index, fill_value=0)
    return instance.sites["city_id"].map(built >= most).to_numpy(bool)


def _main_site(
    evaluation: Evaluation,
    zones: pd.DataFrame,
    site_idx: NDArray[np.int64],
    zone_idx: NDArray[np.int32],
    served_load: NDArray[np.float64],
) -> "pd.Series[str]":
    """Station that serves most of what each site reaches; the first by id among equals."""
    stations = pd.Index(evaluation.stations["site_id"].sort_values())
    station_of_zone = stations.get_indexer(zones["site_id"])
    station_idx = station_of_zone[zone_idx]
    counts = (station_idx >= 0) & (served_load > 0)
    load = csr_array(
        (served_load[counts], (site_idx[counts], station_idx[counts])),
        shape=(int(site_idx[-1]) + 1 if len(site_idx) else 1, max(1, len(stations))),
    ).tocoo()
    by_load = np.lexsort((load.col, -load.data, load.row))
    rows, first = np.unique(load.row[by_load], return_index=True)
    return pd.Series(stations.to_numpy()[load.col[by_load][first]], index=rows, dtype="str")


def _sentences(
    instance: Instance,
    reason: NDArray[np.str_],
    num_zones: NDArray[np.int64],
    swaps: NDArray[np.float64],
    unserved: NDArray[np.float64],
    price: NDArray[np.float64],
) -> list[str]:
    scenario = instance.scenario
    limits = {
        "max_access_km": scenario.network.max_access_km,
        "drive_time_min": scenario.siting.drive_time_min,
    }
    return [
        REASONS[code].format(num_zones=count, swaps=total, unserved=rest, price=slot, **limits)
        for code, count, total, rest, slot in zip(
            reason.tolist(), num_zones.tolist(), swaps.tolist(), unserved.tolist(),
            price.tolist(), strict=True,
        )
    ]  # fmt: skip
