"""Most swaps served: its figures, reasons and words."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance, Scenario
from planner.plans.covered_loss import covered_loss
from planner.plans.question import (
    CardText,
    Finding,
    Judge,
    Measure,
    NumberStyles,
    Stated,
    Words,
)
from planner.plans.worth import LEAST_SWAPS_PER_DAY, Candidates, Worth

SWAPS = Measure(
    sense="max",
    unit="swaps/day",
    figure="swaps_per_day_served",
    bounded=("swaps_per_day_served", "swaps_served_frac"),
    words=Words(
        name="Swaps served",
        unit="swaps per day",
        verb="serves",
        beats="serves more than",
        less="fewer",
        same="Both runs serve the same number of swaps per day.",
    ),
)

_REASONS = {
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
}


def _measure(_scenario: Scenario) -> Measure:
    return SWAPS


def _figures(
    _instance: Instance,
    _zones: pd.DataFrame,
    _stations: pd.DataFrame,
    _station_min: NDArray[np.float64],
) -> dict[str, float]:
    """None of its own: swaps served are a figure of every plan."""
    return {}


def _worth(candidates: Candidates) -> Worth:
    """Swaps within reach, against the price of a slot and of the cheapest type that fits.

    Not modelled: the capacity of the station that would stand there, which can only lessen
    what it serves; limits other than stations and money, whose prices can only raise its price.
    Both leave ``low_demand`` and ``mostly_served`` true.
    """
    prices = candidates.prices
    price = (
        prices.get("stations_swaps_per_day", 0.0)
        + prices.get("money_swaps_per_day", 0.0) * candidates.cost_cny
    )
    return Worth(
        saving=np.zeros(len(price)),
        weighed=price,
        columns={"price_swaps_per_day": price},
        holds={
            "all_served": candidates.unserved <= LEAST_SWAPS_PER_DAY,
            "low_demand": candidates.swaps < price,
            "mostly_served": candidates.unserved < price,
        },
    )


def _finding(stated: Stated, styles: NumberStyles) -> Finding:
    demand = stated.swaps_per_day
    found, best = (
        styles.percent(value / demand if demand else None)
        for value in (stated.objective, stated.bound)
    )
    stations = styles.number(stated.kpi.get("num_stations"))
    return Finding(
        f"{stations} stations serve {found} of all swaps asked for",
        found, best, "serves more", "can serve more than",
    )  # fmt: skip


def _card(stated: Stated, styles: NumberStyles) -> CardText:
    """The gap: what is served has a card in every run."""
    trips = ", trips between cities counted in" if stated.counts_trips else ""
    limit = f"no plan serves more than {styles.number(stated.bound)} per day{trips}"
    return CardText("Proven gap", styles.percent(stated.gap_frac, 2), "", limit)


def _proportion(_kpi: Mapping[str, float]) -> str:
    return ""


JUDGE = Judge(
    measures=(SWAPS,),
    measure=_measure,
    figures=_figures,
    reasons=_REASONS,
    worth=_worth,
    finding=_finding,
    card=_card,
    proportion=_proportion,
    exchange_loss=covered_loss,
)
