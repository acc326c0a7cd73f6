"""Least yearly cost of stations, drives and swaps not served: its figures, reasons and words."""

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
)
from planner.plans.station_costs import least_cost_cny_per_year, yearly_payment
from planner.plans.worth import Candidates, FloatArray, Worth
from planner.units import DAYS_PER_YEAR

YEARLY_COST = Measure(
    sense="min",
    unit="CNY/year",
    figure="cost_cny_per_year",
    bounded=("cost_cny_per_year",),
    words=Words(
        name="Yearly cost",
        unit="CNY a year",
        verb="costs",
        beats="costs less than",
        less="less",
        same="Yearly costs are the same in both runs.",
    ),
)

_LEAST_PEAK_PER_SWAP = 1e-6  # of a zone whose vehicles have packs
_PARTS = {"stations": "stations", "drive": "drives", "unserved": "swaps not served"}
_REASONS = {
    "city_full": "would save {saving:,.0f} CNY a year; the city has the most stations it may have",
    "costs_more": "would save {saving:,.0f} CNY a year within {drive_time_min:g} min and cost "
    "{weighed:,.0f}",
    "costs_less": "would save up to {saving:,.0f} CNY a year within {drive_time_min:g} min and "
    "cost {weighed:,.0f}: its capacity, limits or the proven gap decide",
}


def _measure(_scenario: Scenario) -> Measure:
    return YEARLY_COST


def _figures(
    instance: Instance,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    _station_min: NDArray[np.float64],
) -> dict[str, float]:
    """Stations, drivers' time and swaps that are not served, of vehicles that have packs.

    ``stations_cny_per_year, drive_cny_per_year, unserved_cny_per_year``, and their sum
    ``cost_cny_per_year``.
    """
    siting = instance.scenario.siting
    opex = instance.stations.set_index("station_type_id")["opex_cny_per_year"]
    per_year = _asking_swaps_per_year(zones)
    unserved_frac = (1 - zones["served_frac"]).clip(lower=0.0)
    costs = {
        "stations_cny_per_year": yearly_payment(instance) * stations["capex_cny"].sum()
        + opex.reindex(stations["station_type_id"]).sum(),
        "drive_cny_per_year": siting.drive_cny_per_min
        * (per_year * zones["served_frac"] * zones["drive_min"].fillna(0.0)).sum(),
        "unserved_cny_per_year": siting.unserved_swap_cny * (per_year * unserved_frac).sum(),
    }
    return costs | {"cost_cny_per_year": sum(costs.values())}


def _asking_swaps_per_year(zones: pd.DataFrame) -> "pd.Series[float]":
    """Swaps that zones ask for in a year; none where the vehicles have no packs to swap."""
    asks = zones["peak_swaps_per_hour"] > _LEAST_PEAK_PER_SWAP * zones["swaps_per_day"]
    return zones["swaps_per_day"].where(asks, 0.0) * DAYS_PER_YEAR


def _worth(candidates: Candidates) -> Worth:
    saving, cost = yearly_savings(candidates)
    return Worth(
        saving=saving,
        weighed=cost,
        columns={"saving_cny_per_year": saving, "least_cny_per_year": cost},
        holds={"costs_more": saving < cost},
    )


def yearly_savings(candidates: Candidates) -> tuple[FloatArray, FloatArray]:
    """What each site would save the zones within reach, and the cheapest station there costs.

    Not modelled: its capacity, and who could use the room that it leaves elsewhere.

    Returns
    -------
    saving, cost : ndarrays, shape (num_sites,)
        NaN cost where no type fits [CNY/year].
    """
    instance, reached, zones = candidates.instance, candidates.reached, candidates.zones
    siting = instance.scenario.siting
    per_year = _asking_swaps_per_year(zones).to_numpy(float)
    served = zones["served_frac"].clip(upper=1.0).to_numpy(float)
    now_min = zones["drive_min"].fillna(0.0).to_numpy(float)
    zone_idx, minutes = reached.zone_idx, reached.drive_min
    drive_cny = siting.drive_cny_per_min * minutes
    saved_cny = served[zone_idx] * np.maximum(
        0.0, siting.drive_cny_per_min * now_min[zone_idx] - drive_cny
    ) + (1 - served[zone_idx]) * np.maximum(0.0, siting.unserved_swap_cny - drive_cny)
    saved_cny *= per_year[zone_idx]
    saving = np.bincount(reached.site_idx, saved_cny, len(instance.sites)).astype(float)
    return saving, least_cost_cny_per_year(instance)


def _finding(stated: Stated, styles: NumberStyles) -> Finding:
    found, best = (f"{styles.large(value)} CNY" for value in (stated.objective, stated.bound))
    count = stated.kpi.get("num_stations")
    drives = (
        "1 station, the drives to it"
        if count == 1
        else f"{styles.number(count)} stations, the drives to them"
    )
    return Finding(
        f"{drives} and swaps not served cost {found} a year",
        found, best, "costs less", "costs less than",
    )  # fmt: skip


def _card(stated: Stated, styles: NumberStyles) -> CardText:
    stations, drives, unserved = (
        styles.large(float(stated.kpi[f"{part}_cny_per_year"])) for part in _PARTS
    )
    gap = styles.percent(stated.gap_frac, 2)
    split = f"stations {stations}, drives {drives}, not served {unserved}; gap {gap}"
    return CardText("Yearly cost", styles.large(stated.objective), "CNY", split)


def _proportion(kpi: Mapping[str, float]) -> str:
    return ", ".join(
        f"{kpi[f'{part}_cny_per_year'] / 1e6:,.1f} M {words}" for part, words in _PARTS.items()
    )


JUDGE = Judge(
    measures=(YEARLY_COST,),
    measure=_measure,
    figures=_figures,
    reasons=_REASONS,
    worth=_worth,
    finding=_finding,
    card=_card,
    proportion=_proportion,
)
