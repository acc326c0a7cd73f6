"""Why each site without a station has none, as far as the plan tells without a solver."""

from collections.abc import Iterable, Mapping
from itertools import islice, repeat
from string import Formatter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from planner.instance import ORIGINALS, Instance
from planner.plans.plan import Evaluation
from planner.plans.question import OBJECTIVES, judge_of
from planner.plans.station_costs import least_cost_cny
from planner.plans.worth import LEAST_SWAPS_PER_DAY, Candidates, Reached, Worth

_FIRST = {
    "forbidden": "forbidden in the sites table",
    "closing": "the station that stands here closes, as the sites table states",
    "not_connected": "farther than {max_access_km:g} km from any road",
    "no_type_fits": "no station type fits its max_bays and grid_kw",
    "no_zone_in_reach": "no demand zone within {drive_time_min:g} min",
    "no_demand": "the {num_zones} zones within {drive_time_min:g} min ask for no swaps",
}
"""Reasons for all questions, before those of each (`planner.plans.question.Judge`)."""

REASONS = _FIRST | {
    code: text for name in OBJECTIVES for code, text in judge_of(name).reasons.items()
}
"""All of them; each site gets the first that holds."""


def explain_candidates(
    instance: Instance,
    evaluation: Evaluation,
    reached: Reached,
    is_connected: NDArray[np.bool_],
    prices: Mapping[str, float],
) -> pd.DataFrame:
    """Give the reason why each site without a station has none.

    What a station would bring is the question's to say (`planner.plans.question.Judge`). Not
    modelled: what a station elsewhere would lose to it.

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
        ``site_id, city_id, lon, lat``, as given if that was shifted, ``kind, site_status,
        reason`` (a key of `REASONS`),
        ``explanation, num_zones`` and ``swaps_per_day`` within reach,
        ``unserved_swaps_per_day`` of them, ``main_site_id`` (station that serves most of what
        the site reaches; missing if none does), and the columns of the question's `Worth`.
    """
    sites = instance.sites
    judge = judge_of(instance.scenario.siting.objective)
    num_zones, site_idx, reach_zone_idx = np.diff(reached.ptr), reached.site_idx, reached.zone_idx
    zones = evaluation.zones[["zone_id", "site_id", "swaps_per_day", "served_frac"]]
    if not zones["zone_id"].equals(instance.zones["zone_id"]):
        zones = zones.set_index("zone_id").loc[instance.zones["zone_id"]]
    zone_swaps = zones["swaps_per_day"].to_numpy(float)
    zone_unserved = zone_swaps * np.clip(1 - zones["served_frac"].to_numpy(float), 0, 1)
    candidates = Candidates(
        instance, evaluation, reached, prices,
        cost_cny=least_cost_cny(instance),
        swaps=np.bincount(site_idx, zone_swaps[reach_zone_idx], len(sites)).astype(float),
        unserved=np.bincount(site_idx, zone_unserved[reach_zone_idx], len(sites)).astype(float),
    )  # fmt: skip
    worth = judge.worth(candidates)
    holds = {
        "forbidden": (sites["status"] == "forbidden").to_numpy(),
        "closing": (sites["status"] == "closing").to_numpy(),
        "not_connected": ~is_connected,
        "no_type_fits": np.isnan(candidates.cost_cny),
        "no_zone_in_reach": num_zones == 0,
        "no_demand": candidates.swaps <= LEAST_SWAPS_PER_DAY,
        "city_full": _city_is_full(instance, evaluation),
        **worth.holds,
    }
    texts = _FIRST | dict(judge.reasons)
    # The last reason is what is left when no other holds.
    codes = list(texts)
    table = np.array([*(holds[code] for code in codes[:-1]), np.ones(len(sites), bool)])
    reason = np.array(codes)[np.argmax(table, axis=0)]
    zone_served = zone_swaps - zone_unserved
    main_site = _main_site(evaluation, zones["site_id"], zone_served, site_idx, reach_zone_idx)
    originals = [name for name in ORIGINALS if name in sites.columns]
    rows = sites[["site_id", "city_id", "lon", "lat", *originals, "kind"]].assign(
        site_status=sites["status"],
        reason=reason,
        explanation=_sentences(texts, reason, num_zones, candidates, worth),
        num_zones=num_zones,
        swaps_per_day=candidates.swaps,
        unserved_swaps_per_day=candidates.unserved,
        main_site_id=main_site,
        **worth.columns,
    )
    return rows[~candidates.is_open].sort_values("site_id", ignore_index=True)


def _city_is_full(instance: Instance, evaluation: Evaluation) -> NDArray[np.bool_]:
    if "max_stations" not in instance.cities.columns:
        return np.zeros(len(instance.sites), bool)
    most = instance.cities.set_index("city_id")["max_stations"]
    built = evaluation.stations["city_id"].value_counts().reindex(most.index, fill_value=0)
    return instance.sites["city_id"].map(built >= most).to_numpy(bool)


def _main_site(
    evaluation: Evaluation,
    zone_station: "pd.Series[str]",
    zone_served: NDArray[np.float64],
    site_idx: NDArray[np.int64],
    zone_idx: NDArray[np.int32],
) -> "pd.Series[str]":
    """Station that serves most of what each site reaches; the first by id among equals."""
    stations = pd.Index(evaluation.stations["site_id"].sort_values())
    station_of_zone = stations.get_indexer(zone_station)
    counts = ((station_of_zone >= 0) & (zone_served > 0))[zone_idx]
    served_idx = zone_idx[counts]
    load = csr_array(
        (zone_served[served_idx], (site_idx[counts], station_of_zone[served_idx])),
        shape=(int(site_idx[-1]) + 1 if len(site_idx) else 1, max(1, len(stations))),
    ).tocoo()
    by_load = np.lexsort((load.col, -load.data, load.row))
    rows, first = np.unique(load.row[by_load], return_index=True)
    return pd.Series(stations.to_numpy()[load.col[by_load][first]], index=rows, dtype="str")


def _sentences(
    texts: Mapping[str, str],
    reason: NDArray[np.str_],
    num_zones: NDArray[np.int64],
    candidates: Candidates,
    worth: Worth,
) -> NDArray[np.object_]:
    """The text of each site's reason, filled in; its figures are formatted text by text."""
    scenario = candidates.instance.scenario
    limits = {
        "max_access_km": scenario.network.max_access_km,
        "drive_time_min": scenario.siting.drive_time_min,
    }
    figures = {
        "num_zones": num_zones, "swaps": candidates.swaps, "unserved": candidates.unserved,
        "saving": worth.saving, "weighed": worth.weighed,
    }  # fmt: skip
    sentences = np.empty(len(reason), dtype=object)
    for code in np.unique(reason).tolist():
        rows = np.flatnonzero(reason == code)
        parts: list[Iterable[str]] = []
        for before, name, spec, _ in Formatter().parse(texts[code]):
            parts.append(repeat(before))
            if name in limits:
                parts.append(repeat(format(limits[name], spec or "")))
            elif name is not None:
                values = figures[name][rows].tolist()
                parts.append([format(each, spec or "") for each in values])
        filled = map("".join, zip(*parts, strict=False))  # endless where a text has no figures
        sentences[rows] = list(islice(filled, len(rows)))
    return sentences
