"""Least cost of covering the demand: its figures, demands, reasons and words."""

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
from planner.plans.station_costs import least_cost_cny
from planner.plans.worth import Candidates, FloatArray, Worth

MONEY = Measure(
    sense="min",
    unit="CNY",
    figure="least_stations_cny",
    bounded=("least_stations_cny",),
    words=Words(
        name="Stations of the cheapest size",
        unit="CNY for stations of the cheapest size",
        verb="takes",
        beats="takes less than",
        less="less",
        same="Stations of the cheapest size are the same in both runs.",
    ),
)
STATIONS = Measure(
    sense="min",
    unit="stations",
    figure="num_stations",
    bounded=("num_stations",),
    words=Words(
        name="Stations",
        unit="stations",
        verb="takes",
        beats="takes fewer than",
        less="fewer",
        same="Stations are the same in both runs.",
    ),
)

_REASONS = {
    "not_needed": "would cover {saving:.1f} more swaps/day; what is asked for is covered "
    "without it",
}


def _measure(scenario: Scenario) -> Measure:
    return MONEY if scenario.siting.cover_least == "money" else STATIONS


def _num_nearest(scenario: Scenario) -> tuple[int, int]:
    return scenario.siting.cover_times, scenario.siting.cover_times


def _figures(
    instance: Instance,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    station_min: NDArray[np.float64],
) -> dict[str, float]:
    """``swaps_covered_frac, least_stations_cny``."""
    swaps = zones["swaps_per_day"].to_numpy(float)
    covered = np.isfinite(station_min[:, instance.scenario.siting.cover_times - 1])
    cost = pd.Series(least_cost_cny(instance), index=instance.sites["site_id"])
    return {
        "swaps_covered_frac": share(swaps[covered].sum(), swaps.sum()),
        "least_stations_cny": cost.reindex(stations["site_id"]).sum(),
    }


def _violations(
    instance: Instance,
    kpi: Mapping[str, float],
    station_min: NDArray[np.float64],
    site_min: NDArray[np.float64],
) -> list[str]:
    """Less covered than required; the arrays have shape (num_zones, cover_times)."""
    siting = instance.scenario.siting
    if siting.cover_share_frac < 1.0:
        covered, required = kpi["swaps_covered_frac"], siting.cover_share_frac
        if covered < required - 1e-6:
            return [f"{covered:.4%} of the swaps are covered, {required:.4%} are required"]
        return []
    built, possible = (np.isfinite(minutes).sum(axis=1) for minutes in (station_min, site_min))
    short = np.flatnonzero(built < possible)
    if not len(short):
        return []
    first = instance.zones["zone_id"].iloc[short[0]]
    return [
        f"{len(short)} zones have fewer than {siting.cover_times} stations within reach although "
        f"sites are there, {first} first"
    ]


def _worth(candidates: Candidates) -> Worth:
    saving = newly_covered(candidates)
    return Worth(saving, np.zeros(len(saving)), {"newly_covered_swaps_per_day": saving}, {})


def newly_covered(candidates: Candidates) -> FloatArray:
    """Swaps per day of zones that lack one station, which each site would be, (num_sites,)."""
    instance, reached = candidates.instance, candidates.reached
    swaps = candidates.zones["swaps_per_day"].to_numpy(float)
    site_idx = reached.site_idx
    built = np.bincount(reached.zone_idx[candidates.is_open[site_idx]], minlength=len(swaps))
    lacks_one = built == instance.scenario.siting.cover_times - 1
    return np.bincount(site_idx, (swaps * lacks_one)[reached.zone_idx], len(instance.sites)).astype(
        float
    )


def _finding(stated: Stated, styles: NumberStyles) -> Finding:
    is_money = stated.unit == MONEY.unit
    found, best = (
        f"{styles.large(value)} CNY" if is_money else styles.number(value)
        for value in (stated.objective, stated.bound)
    )
    cost = f" of the cheapest size, {found}," if is_money else ""
    stations = styles.number(stated.kpi.get("num_stations"))
    covered = styles.percent(stated.kpi.get("swaps_covered_frac"))
    return Finding(
        f"{stations} stations{cost} cover {covered} of all swaps asked for",
        found, best, "does with less", "does with less than",
    )  # fmt: skip


def _card(stated: Stated, styles: NumberStyles) -> CardText:
    is_money = stated.unit == MONEY.unit
    best = f"{styles.large(stated.bound)} CNY" if is_money else styles.number(stated.bound)
    limit = f"no plan takes less than {best}, gap {styles.percent(stated.gap_frac, 2)}"
    covered = styles.percent(float(stated.kpi["swaps_covered_frac"]))
    return CardText("Swaps covered", covered, "", limit)


def _proportion(kpi: Mapping[str, float]) -> str:
    return f"{kpi['swaps_covered_frac']:.1%} of the swaps covered"


JUDGE = Judge(
    measures=(MONEY, STATIONS),
    measure=_measure,
    figures=_figures,
    reasons=_REASONS,
    worth=_worth,
    finding=_finding,
    card=_card,
    proportion=_proportion,
    violations=_violations,
    num_nearest=_num_nearest,
)
