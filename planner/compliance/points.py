"""The data points of a battery passport, as `passport_points.csv` lists them.

The numbers, and which category of battery must fill which point, are those of the European
Commission's list by category; what each holds is told in plain words, what fills it by a name that
`planner.compliance.known` has a reader for.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from planner.instance.tables import ESS, FIXED_CAR, OFF_ROAD, SWAP_CAR

EV, INDUSTRIAL = "ev", "industrial"
CATEGORY_OF = MappingProxyType({SWAP_CAR: EV, FIXED_CAR: EV, ESS: INDUSTRIAL, OFF_ROAD: INDUSTRIAL})
"""Category of battery by the use of its cells (Regulation (EU) 2023/1542 Art. 3)."""


class Requirement(StrEnum):
    """Whether a category of battery has to fill a point."""

    MUST = "m"
    LATER = "later"
    IF_ANY = "if_any"
    NONE = "none"


class Role(StrEnum):
    """Who fills a point: the plan, its supplier, who runs the pack, who places it on the market."""

    FILL = "fill"
    ASK_SUPPLIER = "ask_supplier"
    OPERATOR = "operator"
    FLAG = "flag"


@dataclass(frozen=True)
class Point:
    """One data point.

    Attributes
    ----------
    number : int
        From 1.
    name, name_zh : str
        What it holds, in plain English and in Chinese.
    group : str
        Points about one subject have one.
    requirement : mapping of category to Requirement
    from_quarter : str
        First quarter in which a point that comes later is asked for; empty where no date is set.
    from_duty : str
        Duty of `duties.csv` whose certificate, once a market asks for it, brings the point.
    role : Role
    how : str
        Name of what the plan knows of it, an argument after a colon; empty: nothing.
    ask : str
        What to ask whoever knows.
    source : str
        With its mark.
    """

    number: int
    name: str
    name_zh: str
    group: str
    requirement: Mapping[str, Requirement]
    from_quarter: str
    from_duty: str
    role: Role
    how: str
    ask: str
    source: str


@cache
def passport_points() -> tuple[Point, ...]:
    """All data points, in the order of their numbers."""
    text = (files("planner.compliance") / "passport_points.csv").read_text(encoding="utf-8")
    return tuple(
        Point(
            int(row["point"]), row["name"], row["name_zh"], row["group"],
            MappingProxyType({each: Requirement(row[each]) for each in (EV, INDUSTRIAL)}),
            row["from_quarter"], row["from_duty"], Role(row["role"]), row["how"], row["ask"],
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )  # fmt: skip
