"""Least drive to the nearest station: its figures, reasons and words."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance, Scenario
from planner.plans.question import (
    CardText,
    Finding,
    Judge,
    Measure,
    NumberStyles,
    Stated,
    Words,
    share,
)
from planner.plans.worth import Candidates, FloatArray, Worth, negligible

DRIVES = Measure(
    sense="min",
    unit="swap-min/day",
    figure="swap_min_per_day",
    bounded=("swap_min_per_day", "mean_counted_min"),
    words=Words(
        name="Drives to the nearest station",
        unit="minutes of driving per day",
        verb="takes",
        beats="takes less than",
        less="less",
        same="Drives to the nearest station are the same in both runs.",
    ),
)

_REASONS = {
    "none_nearer": "no zone within {drive_time_min:g} min has a longer way to its station",
    "city_full": "would save {saving:.1f} swap-min/day; the city has the most stations it may have",
    "saves_less": "would save {saving:.1f} swap-min/day, no more than the {weighed:.1f} of the "
    "station that is missed least",
    "saves_more": "would save {saving:.1f} swap-min/day, the station that is missed least "
    "{weighed:.1f}: limits, or the proven gap, decide",
}


def _measure(_scenario: Scenario) -> Measure:
    return DRIVES


def _figures(
    instance: Instance,
    zones: pd.DataFrame,
    _stations: pd.DataFrame,
    station_min: NDArray[np.float64],
) -> dict[str, float]:
    """``swap_min_per_day, mean_counted_min``: ways with ``unserved_min`` beyond the standard."""
    swaps, nearest_min = zones["swaps_per_day"].to_numpy(float), station_min[:, 0]
    unserved_min = instance.scenario.siting.unserved_min
    swap_min = (swaps * np.where(np.isfinite(nearest_min), nearest_min, unserved_min)).sum()
    return {
        "swap_min_per_day": swap_min,
        "mean_counted_min": share(swap_min, swaps.sum()),
    }


def _worth(candidates: Candidates) -> Worth:
    saving, least = drive_savings(candidates)
    some = negligible(saving)
    return Worth(
        saving=saving,
        weighed=np.zeros(len(saving)) + least,
        columns={"saving_swap_min_per_day": saving},
        holds={"none_nearer": saving <= some, "saves_less": saving <= least + some},
    )


def drive_savings(candidates: Candidates) -> tuple[FloatArray, float]:
    """Minutes that each site would take off the drives to the nearest station.

    Returns
    -------
    saving : ndarray, shape (num_sites,)
        By a station more [swap-min/day].
    least : float
        What the drives would grow by if the station that is missed least were closed; 0 if none
        may be [swap-min/day].
    """
    instance, reached, zones = candidates.instance, candidates.reached, candidates.zones
    swaps = zones["swaps_per_day"].to_numpy(float)
    beyond_min = instance.scenario.siting.unserved_min
    now_min = zones["nearest_min"].fillna(beyond_min).to_numpy(float)
    site_idx, zone_idx = reached.site_idx, reached.zone_idx
    shorter = swaps[zone_idx] * np.maximum(0.0, now_min[zone_idx] - reached.drive_min)
    saving = np.bincount(site_idx, shorter, len(instance.sites)).astype(float)
    is_open = candidates.is_open
    is_fixed = instance.sites["status"].isin(["existing", "committed"]).to_numpy()
    pair = np.flatnonzero(is_open[site_idx])
    pair = pair[np.lexsort((reached.drive_min[pair], zone_idx[pair]))]
    zone, minutes = zone_idx[pair], reached.drive_min[pair]
    is_first = np.diff(zone, prepend=-1) != 0
    next_min = np.append(np.where(is_first[1:], beyond_min, minutes[1:]), beyond_min)
    longer = swaps[zone] * (next_min - minutes)
    loss = np.bincount(site_idx[pair][is_first], longer[is_first], len(instance.sites))
    may_close = is_open & ~is_fixed
    return saving, float(loss[may_close].min()) if may_close.any() else 0.0


def _finding(stated: Stated, styles: NumberStyles) -> Finding:
    demand = stated.swaps_per_day
    found, best = (
        f"{styles.number(value / demand if demand else 0.0, 2)} min"
        for value in (stated.objective, stated.bound)
    )
    stations = styles.number(stated.kpi.get("num_stations"))
    return Finding(
        f"With {stations} stations the way to the nearest one is {found} on average, swaps beyond "
        "reach counted in",
        found, best, "makes it shorter", "makes it shorter than",
    )  # fmt: skip


def _card(stated: Stated, styles: NumberStyles) -> CardText:
    swaps = max(float(stated.kpi["swaps_per_day"]), 1e-9)
    best, gap = styles.number(stated.bound / swaps, 2), styles.percent(stated.gap_frac, 2)
    limit = f"none below {best} min in the same limits, gap {gap}"
    return CardText("Way to a station", styles.number(stated.objective / swaps, 2), "min", limit)


def _proportion(kpi: Mapping[str, float]) -> str:
    return f"{kpi['mean_counted_min']:.1f} min per swap"


JUDGE = Judge(
    measures=(DRIVES,),
    measure=_measure,
    figures=_figures,
    reasons=_REASONS,
    worth=_worth,
    finding=_finding,
    card=_card,
    proportion=_proportion,
    shades_minutes=True,
)
