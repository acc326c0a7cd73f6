"""Why each site without a station has none, as far as the plan tells without a solver."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from planner.instance import Instance
from planner.plans.plan import Evaluation
from planner.plans.question_figures import least_cost_cny
from planner.plans.savings import Reached, drive_savings, newly_covered, yearly_savings

_FIRST = {
    "forbidden": "forbidden in the sites table",
    "not_connected": "farther than {max_access_km:g} km from any road",
    "no_type_fits": "no station type fits its max_bays and grid_kw",
    "no_zone_in_reach": "no demand zone within {drive_time_min:g} min",
    "no_demand": "the {num_zones} zones within {drive_time_min:g} min ask for no swaps",
}
_BY_OBJECTIVE = {
    "max_coverage": {
        "all_served": "all {swaps:.1f} swaps/day within {drive_time_min:g} min are served already",
        "city_full": "would serve {unserved:.1f} unserved swaps/day; the city has the most "
        "stations it may have",
        "low_demand": "the {swaps:.1f} swaps/day within {drive_time_min:g} min are fewer than the "
        "{weighed:.1f} that its share of the budget serves elsewhere",
        "mostly_served": "of {swaps:.1f} swaps/day within {drive_time_min:g} min {unserved:.1f} "
        "are unserved, fewer than the {weighed:.1f} that its share of the budget serves elsewhere",
        "above_price": "would serve {unserved:.1f} unserved swaps/day, no fewer than the "
        "{weighed:.1f} that its share of the budget serves elsewhere: what it would displace, or "
        "the proven gap, decides",
    },
    "p_median": {
        "none_nearer": "no zone within {drive_time_min:g} min has a longer way to its station",
        "city_full": "would save {saving:.1f} swap-min/day; the city has the most stations it may "
        "have",
        "saves_less": "would save {saving:.1f} swap-min/day, no more than the {weighed:.1f} of the "
        "station that is missed least",
        "saves_more": "would save {saving:.1f} swap-min/day, the station that is missed least "
        "{weighed:.1f}: limits, or the proven gap, decide",
    },
    "set_cover": {
        "not_needed": "would cover {saving:.1f} more swaps/day; what is asked for is covered "
        "without it",
    },
    "facility_location": {
        "city_full": "would save {saving:,.0f} CNY a year; the city has the most stations it may "
        "have",
        "costs_more": "would save {saving:,.0f} CNY a year within {drive_time_min:g} min and cost "
        "{weighed:,.0f}",
        "costs_less": "would save up to {saving:,.0f} CNY a year within {drive_time_min:g} min and "
        "cost {weighed:,.0f}: its capacity, limits or the proven gap decide",
    },
}
"""Reasons by the siting's objective, in the order in which they are asked for."""

REASONS = _FIRST | {code: text for texts in _BY_OBJECTIVE.values() for code, text in texts.items()}
"""All of them; the first that holds is given."""

_LEAST_SWAPS_PER_DAY = 1e-6  # what rounding of shares leaves of a zone that is served whole
_LEAST_SAVING_FRAC = 1e-9  # likewise of a saving


def explain_candidates(
    instance: Instance,
    evaluation: Evaluation,
    reached: Reached,
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
    reached : Reached
        Zones within the drive-time standard of each site.
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
        ``unserved_swaps_per_day`` of them, ``main_site_id`` (station that serves most of what
        the site reaches; missing if none does), and by the siting's objective
        max_coverage ``price_swaps_per_day`` (of a slot and of the cheapest type that fits; NaN
        if none does);
        p_median ``saving_swap_min_per_day``; set_cover ``newly_covered_swaps_per_day``;
        facility_location ``saving_cny_per_year, least_cny_per_year``.
    """
    sites = instance.sites
    is_open = sites["site_id"].isin(evaluation.stations["site_id"]).to_numpy()
    num_zones, site_idx, reach_zone_idx = np.diff(reached.ptr), reached.site_idx, reached.zone_idx
    zones = evaluation.zones.set_index("zone_id").loc[instance.zones["zone_id"]]
    zone_swaps = zones["swaps_per_day"].to_numpy(float)
    zone_unserved = zone_swaps * np.clip(1 - zones["served_frac"].to_numpy(float), 0, 1)
    swaps = np.bincount(site_idx, zone_swaps[reach_zone_idx], len(sites)).astype(float)
    unserved = np.bincount(site_idx, zone_unserved[reach_zone_idx], len(sites)).astype(float)
    cost_cny = least_cost_cny(instance)
    worth = _worth(instance, evaluation, reached, prices, cost_cny)
    saving, weighed = worth.saving, worth.weighed
    some = _LEAST_SAVING_FRAC * max(1.0, float(saving.max(initial=0.0)))
    holds = {
        "forbidden": (sites["status"] == "forbidden").to_numpy(),
        "not_connected": ~is_connected,
        "no_type_fits": np.isnan(cost_cny),
        "no_zone_in_reach": num_zones == 0,
        "no_demand": swaps <= _LEAST_SWAPS_PER_DAY,
        "all_served": unserved <= _LEAST_SWAPS_PER_DAY,
        "none_nearer": saving <= some,
        "city_full": _city_is_full(instance, evaluation),
        "low_demand": swaps < weighed,
        "mostly_served": unserved < weighed,
        "saves_less": saving <= weighed + some,
        "costs_more": saving < weighed,
    }
    asked = [*_FIRST, *_BY_OBJECTIVE[instance.scenario.siting.objective]]
    # The last reason is what is left when no other holds.
    table = np.array([holds.get(code, np.ones(len(sites), bool)) for code in asked])
    reason = np.array(asked)[np.argmax(table, axis=0)]
    served_load = zone_swaps[reach_zone_idx] - zone_unserved[reach_zone_idx]
    main_site = _main_site(evaluation, zones, site_idx, reach_zone_idx, served_load)
    rows = sites[["site_id", "city_id", "lon", "lat", "kind"]].assign(
        site_status=sites["status"],
        reason=reason,
        explanation=_sentences(instance, reason, num_zones, swaps, unserved, saving, weighed),
        num_zones=num_zones,
        swaps_per_day=swaps,
        unserved_swaps_per_day=unserved,
        main_site_id=main_site,
        **worth.columns,
    )
    return rows[~is_open].sort_values("site_id", ignore_index=True)


class _Worth(NamedTuple):
    """What a station at each site would bring, what that is weighed against, and what is told."""

    saving: NDArray[np.float64]
    weighed: NDArray[np.float64]
    columns: dict[str, NDArray[np.float64]]


def _worth(
    instance: Instance,
    evaluation: Evaluation,
    reached: Reached,
    prices: Mapping[str, float],
    cost_cny: NDArray[np.float64],
) -> _Worth:
    nothing = np.zeros(len(instance.sites))
    match instance.scenario.siting.objective:
        case "p_median":
            saving, least = drive_savings(instance, evaluation, reached)
            return _Worth(saving, nothing + least, {"saving_swap_min_per_day": saving})
        case "set_cover":
            saving = newly_covered(instance, evaluation, reached)
            return _Worth(saving, nothing, {"newly_covered_swaps_per_day": saving})
        case "facility_location":
            saving, cost = yearly_savings(instance, evaluation, reached)
            columns = {"saving_cny_per_year": saving, "least_cny_per_year": cost}
            return _Worth(saving, cost, columns)
    price = (
        prices.get("stations_swaps_per_day", 0.0)
        + prices.get("money_swaps_per_day", 0.0) * cost_cny
    )
    return _Worth(nothing, price, {"price_swaps_per_day": price})


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
    saving: NDArray[np.float64],
    weighed: NDArray[np.float64],
) -> list[str]:
    scenario = instance.scenario
    limits = {
        "max_access_km": scenario.network.max_access_km,
        "drive_time_min": scenario.siting.drive_time_min,
    }
    texts = _FIRST | _BY_OBJECTIVE[scenario.siting.objective]
    return [
        texts[code].format(
            num_zones=count, swaps=total, unserved=rest, saving=more, weighed=other, **limits
        )
        for code, count, total, rest, more, other in zip(
            reason.tolist(), num_zones.tolist(), swaps.tolist(), unserved.tolist(),
            saving.tolist(), weighed.tolist(), strict=True,
        )
    ]  # fmt: skip
