"""How the siting's objective is spoken of, by its unit: every output says it alike."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Headline:
    """Words for one question.

    Attributes
    ----------
    name : str
        What the objective is, as a label.
    unit : str
        After a figure.
    verb, bettered : str
        What a plan does with it, and how no plan does better: "serves", "serves more than".
    less : str
        What fewer of it are called.
    figures : tuple of str
        The plan's figures that are the objective, or the objective as a share of what is given:
        the bound holds for them.
    """

    name: str
    unit: str
    verb: str
    bettered: str
    less: str
    figures: tuple[str, ...]

    def plan(self, figure: str) -> str:
        """What a plan does.

        >>> headline_of("CNY/year").plan("12")
        'costs 12 CNY a year'
        """
        return f"{self.verb} {figure} {self.unit}"

    def limit(self, figure: str) -> str:
        """What no plan does.

        >>> headline_of("swaps/day").limit("1,200")
        'no plan within the same limits serves more than 1,200'
        """
        return f"no plan within the same limits {self.bettered} {figure}"

    def more_or_less(self, change: float) -> str:
        """Which of two it is."""
        return "more" if change > 0 else self.less


_HEADLINES = {
    "swaps/day": Headline(
        "Swaps served", "swaps per day", "serves", "serves more than", "fewer",
        ("swaps_per_day_served", "swaps_served_frac"),
    ),
    "swap-min/day": Headline(
        "Drives to the nearest station", "minutes of driving per day", "takes", "takes less than",
        "less", ("swap_min_per_day", "mean_counted_min"),
    ),
    "CNY": Headline(
        "Stations of the cheapest size", "CNY for stations of the cheapest size", "takes",
        "takes less than", "less", ("least_stations_cny",),
    ),
    "stations": Headline(
        "Stations", "stations", "takes", "takes fewer than", "fewer", ("num_stations",)
    ),
    "CNY/year": Headline(
        "Yearly cost", "CNY a year", "costs", "costs less than", "less", ("cost_cny_per_year",)
    ),
}  # fmt: skip


UNITS = frozenset(_HEADLINES)


def headline_of(unit: str) -> Headline:
    """The words for the question whose objective has this unit."""
    return _HEADLINES[unit]


def in_proportion(kpi: Mapping[str, float]) -> str:
    """The objective beside what it is a part of, or made of; empty for swaps served.

    >>> in_proportion({"mean_counted_min": 7.16, "swap_min_per_day": 39306.0})
    '7.2 min per swap'
    """
    if "mean_counted_min" in kpi:
        return f"{kpi['mean_counted_min']:.1f} min per swap"
    if "swaps_covered_frac" in kpi:
        return f"{kpi['swaps_covered_frac']:.1%} of the swaps covered"
    if "cost_cny_per_year" in kpi:
        parts = (
            (f"{kpi[f'{part}_cny_per_year'] / 1e6:,.1f} M {words}")
            for part, words in (
                ("stations", "stations"), ("drive", "drives"), ("unserved", "swaps not served")
            )
        )  # fmt: skip
        return ", ".join(parts)
    return ""
