"""The figures of a whole plan in words, read from `kpi.csv`: title, unit, format, where shown.

Takes names of figures; leaves the figures themselves to the evaluation of a plan.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from planner.outputs.chemistries import Chemistries

PLACES = ("card", "compare", "cover")
"""Where a figure may stand in front: the report's cards, the comparison's, the workbook's cover."""

_SHARE = re.compile(r".*_frac|frac|(within_\d+min|on_time)_(low|high)")
_SIDE = re.compile(r"(base|other|change)_")
_CURRENCY = re.compile(r"_([a-z]{3})(_per_year)?$")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Kpi:
    """A figure of the whole plan.

    Attributes
    ----------
    name : str
        As in `run.json` and the table ``kpi``; in `kpi.csv` it may hold one placeholder,
        ``{chemistry}``, ``{segment}`` or ``{station_type}``, which stands for any id.
    title : str
        What a reader sees.
    unit : str
        Unit of the value; 1 for counts and shares.
    format : str
        ``0``, ``0.0`` ... for so many decimals, ``0.0%`` for a share.
    shown : frozenset of str
        Those of `PLACES` where it stands in front.
    description : str
        What is counted.
    """

    name: str
    title: str
    unit: str
    format: str
    shown: frozenset[str]
    description: str

    def stands_for(self, name: str) -> bool:
        """Whether a figure of a run is this one, or one of this kind."""
        return _pattern(self.name).fullmatch(name) is not None


def is_share(name: str) -> bool:
    """Whether a figure or column holds shares, by its name: these, and ends of their intervals.

    >>> is_share("swaps_served_frac"), is_share("within_5min_low"), is_share("mean_wait_min")
    (True, True, False)
    """
    # Changes and sides of a comparison bear the figure's name behind their own.
    return _SHARE.fullmatch(_SIDE.sub("", name, count=1)) is not None


@cache
def known_kpis() -> tuple[Kpi, ...]:
    """Every figure that `kpi.csv` knows, in the order of showing."""
    text = (files("planner.outputs") / "kpi.csv").read_text(encoding="utf-8")
    return tuple(
        Kpi(
            row["name"], row["title"], row["unit"], row["format"],
            frozenset(filter(None, row["shown"].split("|"))), row["description"],
        )
        for row in csv.DictReader(text.splitlines())
    )  # fmt: skip


def describe_kpi(name: str, chemistries: Chemistries) -> Kpi:
    """A figure by its name, with the chemistry's or station type's name in its title.

    A figure that `kpi.csv` does not know is its own title: a plan that took hours is not lost for
    want of a description. A test keeps the file complete.

    Examples
    --------
    >>> describe_kpi("vehicles_nmc", Chemistries({})).title
    'Vehicles on nmc'
    >>> describe_kpi("cost_eur_per_year", Chemistries({})).unit
    'EUR/year'
    """
    for kpi in sorted(known_kpis(), key=lambda each: "{" in each.name):
        found = _pattern(kpi.name).fullmatch(name)
        if found:
            ids = found.groupdict()
            if "chemistry" in ids:
                ids["chemistry"] = chemistries.nickname(ids["chemistry"])
            title = kpi.title.format(**ids)
            return Kpi(name, title, kpi.unit, kpi.format, kpi.shown, kpi.description)
    if in_cny(name) != name:
        about, upper = describe_kpi(in_cny(name), chemistries), currency_of(name)
        told = f"{about.description}; at the rate of [currency] in scenario.toml"
        return replace(
            about, name=name, title=f"{about.title} in {upper}",
            unit=about.unit.replace("CNY", upper), shown=about.shown & {"cover"},
            description=told,
        )  # fmt: skip
    return Kpi(name, name, "", "0.0", frozenset(), "")


def shown_kpis(place: str, names: Iterable[str], chemistries: Chemistries) -> list[Kpi]:
    """Those of a run's figures that stand in front at a place, in the order of `kpi.csv`.

    Figures of the same kind, such as the vehicles of each chemistry, keep the run's order.
    """
    names = list(names)
    taken = {name: describe_kpi(name, chemistries) for name in names}
    single = {kpi.name for kpi in known_kpis()}
    order = [
        name
        for kpi in known_kpis()
        for name in names
        # A figure with a row of its own is none of a kind: num_stations_refuted is no type.
        if (kpi.name == in_cny(name) if in_cny(name) in single else kpi.stands_for(name))
    ]
    return [taken[name] for name in dict.fromkeys(order) if place in taken[name].shown]


def in_cny(name: str) -> str:
    """Name of the figure in CNY, of one in another currency; else the name itself.

    >>> in_cny("capex_eur"), in_cny("num_bays")
    ('capex_cny', 'num_bays')
    """
    if name in {kpi.name for kpi in known_kpis()}:
        return name
    base = _CURRENCY.sub(r"_cny\2", name)
    return base if base in {kpi.name for kpi in known_kpis()} else name


def currency_of(name: str) -> str:
    """Code of the currency that the name of a figure of money bears.

    >>> currency_of("cost_eur_per_year")
    'EUR'
    """
    found = _CURRENCY.search(name)
    return found[1].upper() if found else ""


@cache
def _pattern(name: str) -> re.Pattern[str]:
    placeholder = _PLACEHOLDER.search(name)
    if placeholder is None:
        return re.compile(re.escape(name))
    head, tail = name[: placeholder.start()], name[placeholder.end() :]
    return re.compile(f"{re.escape(head)}(?P<{placeholder[1]}>.+){re.escape(tail)}")
