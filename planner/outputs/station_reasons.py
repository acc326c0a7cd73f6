"""What each station and each other site costs to do without or to have: names, classes, words."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from planner.outputs import palette

REPLACEMENT, REPLACEMENT_LOW = "replacement_cost", "replacement_cost_low"
NEXT_BEST = "next_best_site_id"
FORCE_IN, FORCE_IN_LOW = "force_in_cost", "force_in_cost_low"
LEAVES = "leaves_site_id"

UNIT_MARK = "[objective]"
"""Stands in headings and meanings of columns for the unit of the run's objective."""

_STEPS = (1.0, 2.0, 5.0)
_TOP_SHARE = 0.95
"""The highest class begins below the costs of all but this share of the stations."""


class CostClass(NamedTuple):
    """Costs that are drawn alike: from ``low`` (within) to ``high`` (without)."""

    low: float
    high: float
    colour: str
    label: str


def in_unit(text: str, unit: str) -> str:
    """A heading or meaning with the unit of the objective.

    >>> in_unit("Replacement cost [objective]", "CNY/year")
    'Replacement cost [CNY/year]'
    """
    return text.replace(UNIT_MARK, f"[{unit or 'unit of the objective'}]")


def cost_classes(costs: "pd.Series[Any]") -> tuple[CostClass, ...]:
    """Classes whose ends are 1, 2 or 5 times a power of ten, the lowest first.

    Parameters
    ----------
    costs : Series of float
        In the unit of the objective; missing ones count for nothing.

    Returns
    -------
    tuple of CostClass
        Five; one where no cost is above 0, none where no cost is known.

    Examples
    --------
    >>> [each.label for each in cost_classes(pd.Series([0.0, 0.4, 1.3, 3.0, 12.0]))]
    ['below 1', '1 to 2', '2 to 5', '5 to 10', '10 and more']
    """
    known = costs.to_numpy(np.float64)
    known = known[np.isfinite(known)]
    colours = palette.COST_COLOURS
    if not known.size:
        return ()
    high = float(np.quantile(known, _TOP_SHARE, method="higher"))
    if high <= 0:
        return (CostClass(0.0, math.inf, colours[0], "0 and more"),)
    ends = _round_ends(high, len(colours) - 1)
    edges = [0.0, *ends, math.inf]
    labels = [
        f"below {ends[0]:,g}",
        *(f"{low:,g} to {end:,g}" for low, end in pairwise(ends)),
        f"{ends[-1]:,g} and more",
    ]
    return tuple(
        CostClass(low, end, colour, label)
        for low, end, colour, label in zip(edges, edges[1:], colours, labels, strict=False)
    )


def _round_ends(high: float, number: int) -> list[float]:
    """So many round numbers in a row, the last not above ``high``."""
    power = math.floor(math.log10(high))
    found = [
        step * 10.0**exponent for exponent in range(power - number, power + 1) for step in _STEPS
    ]
    return [end for end in found if end <= high * (1 + 1e-12)][-number:]


def has_reasons(stations: pd.DataFrame) -> bool:
    """Whether the run told what each station costs to replace."""
    return REPLACEMENT in stations


def stations_in_words(stations: pd.DataFrame, unit: str) -> str:
    """What the stations' replacement costs come to, in one sentence.

    Parameters
    ----------
    stations : DataFrame
        With `REPLACEMENT` and `REPLACEMENT_LOW`; missing for stations that stand already.
    unit : str
        Of the objective.
    """
    costs = stations[REPLACEMENT].astype(float)
    asked = costs.dropna()
    if asked.empty:
        return "No station could be replaced: all of them stand already or are committed."
    known = asked[np.isfinite(asked)]
    if known.empty:
        return f"No plan is known without any one of the {asked.size:,} stations."
    hardest = stations.iloc[int(costs.where(np.isfinite(costs), -1.0).to_numpy().argmax())]
    free = int((known <= 0).sum())
    proven = int((stations[REPLACEMENT_LOW].astype(float) > 0).sum())
    text = (
        f"Half of the {known.size:,} stations that could be replaced cost at most "
        f"{figure(float(known.median()))} {unit} to do without, the hardest "
        f"({hardest['site_id']}) at most {figure(float(known.max()))}"
    )
    more = [
        *([f"{free:,} can be replaced at no loss"] if free else []),
        *([f"{proven:,} {'is' if proven == 1 else 'are'} proven to be missed"] if proven else []),
        *(
            [f"no plan is known without {asked.size - known.size:,} more"]
            * (known.size < asked.size)
        ),
    ]
    return f"{text}; {' and '.join(more)}." if more else f"{text}."


def figure(cost: float) -> str:
    """A cost in so many digits as tell it.

    >>> figure(0.0), figure(0.034), figure(1.26), figure(30.81), figure(1234567.0)
    ('0', '0.03', '1.3', '31', '1,234,567')
    >>> figure(math.inf)
    'no plan known'
    """
    if math.isinf(cost):
        return "no plan known"
    if cost == 0:
        return "0"
    decimals = 0 if abs(cost) >= 10 else 1 if abs(cost) >= 1 else 2
    return f"{cost:,.{decimals}f}"


def interval(low: float, high: float) -> str:
    """A cost between its ends; one figure where they are written alike, a dash if not known.

    >>> interval(0.4, 2.05), interval(0.0, 0.0), interval(float("nan"), float("nan"))
    ('0.40 to 2.0', '0', '–')
    """
    ends = [figure(each) for each in (low, high) if math.isfinite(each)]
    if not ends:
        return "–"
    return ends[0] if ends[0] == ends[-1] else " to ".join(ends)


def hardest_first(stations: pd.DataFrame) -> pd.DataFrame:
    """Stations that could be replaced, those that cost most first."""
    known = stations[stations[REPLACEMENT].notna()]
    return known.sort_values([REPLACEMENT, "site_id"], ascending=[False, True])


def closest_first(candidates: pd.DataFrame) -> pd.DataFrame:
    """Sites that could have a station, those that would cost least first."""
    known = candidates[candidates[FORCE_IN].notna()]
    return known.sort_values([FORCE_IN, "site_id"])


def class_of(costs: "pd.Series[Any]", classes: Sequence[CostClass]) -> np.ndarray:
    """Position of each cost's class; -1 where it is not known."""
    values = costs.to_numpy(np.float64)
    edges = [each.low for each in classes[1:]]
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1)
