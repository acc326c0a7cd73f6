"""What a run's contested curves say, for cities and in words; nothing where it has none."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.outputs.chemistries import Chemistries

CASES, OF_CITIES = "curve_case", "curve_city"
MAIN_HEAD, SHARE_HEAD, SHARE_TAIL = "main_chemistry_", "contested_", "_frac"

_COLDEST = re.compile(r"(?P<chemistry>.+)_coldest_frac")


def chemistries_of(cases: pd.DataFrame) -> list[str]:
    """Ids of the chemistries that the table ``curve_case`` tells of, in its order."""
    found = map(_COLDEST.fullmatch, cases.columns)
    return [match["chemistry"] for match in found if match]


def most_contested(cases: pd.DataFrame) -> str:
    """The chemistry whose share in the coldest cities differs most between the sets of curves.

    Parameters
    ----------
    cases : DataFrame
        The table ``curve_case``. Of two chemistries that differ alike, as two that share all
        vehicles do, the one that gains more in the cold over the warm under the first set.
    """
    ids = chemistries_of(cases)
    coldest = cases[[f"{name}_coldest_frac" for name in ids]].to_numpy(float)
    warmest = cases[[f"{name}_warmest_frac" for name in ids]].to_numpy(float)
    spread = np.ptp(coldest, axis=0).round(6)
    gain = coldest[0] - warmest[0]
    return ids[max(range(len(ids)), key=lambda idx: (spread[idx], gain[idx]))]


def with_curves(cities: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Cities with what they get under each set of curves, if the run has the tables.

    Parameters
    ----------
    cities : DataFrame
        A row per city.
    tables : mapping of name to DataFrame
        Tables of a run.

    Returns
    -------
    DataFrame
        The rows given, with ``is_contested`` and per set ``main_chemistry_<set>`` and
        ``contested_<set>_frac``, the share of vehicles on the most contested chemistry.
    """
    if OF_CITIES not in tables:
        return cities
    rows, chemistry = tables[OF_CITIES], most_contested(tables[CASES])
    by_set = {str(name): of_set.set_index("city_id").reindex(cities["city_id"])
              for name, of_set in rows.groupby("curve_set", sort=False)}  # fmt: skip
    first = next(iter(by_set.values()))
    columns = {"is_contested": first["is_contested"].to_numpy(bool)}
    for name, of_set in by_set.items():
        columns[f"{MAIN_HEAD}{name}"] = of_set["main_chemistry"].to_numpy(object)
        columns[f"{SHARE_HEAD}{name}{SHARE_TAIL}"] = of_set[f"{chemistry}_frac"].to_numpy(float)
    return cities.assign(**columns)


SAME_FRAC = 0.05
"""Shares of a chemistry that lie within this of each other are called much the same."""


def settling_in_one_sentence(
    tables: Mapping[str, pd.DataFrame], kpi: Mapping[str, float], chemistries: Chemistries
) -> str:
    """What rests on the curves, and what it is worth to know the true ones, in plain words.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        With ``curve_case`` and ``curve_city``.
    kpi : mapping of str to float
        With ``settling_cny_per_year`` and ``cities_contested``.
    chemistries : Chemistries
        What to call them.
    """
    cases, cities = tables[CASES], tables[OF_CITIES]
    num_cities, chemistry = cities["city_id"].nunique(), most_contested(cases)
    contested = int(kpi["cities_contested"])
    shares = cases[f"{chemistry}_coldest_frac"].to_numpy(float)
    num_coldest = int(cases["cities_extreme"].iloc[0])
    coldest = f"the {num_coldest} coldest cities" if num_coldest > 1 else "the coldest city"
    gets, their = ("get", "their") if num_coldest > 1 else ("gets", "its")
    name = chemistries.nickname(chemistry)
    under = ", ".join(
        f"{100 * share:.0f} % ({curve_set})"
        for curve_set, share in zip(cases["curve_set"], shares, strict=True)
    )
    rests = (
        f"Which packs {coldest} {gets} rests on contested curves"
        if contested or shares.max() - shares.min() > SAME_FRAC
        else f"Whichever of the contested curves is true, the packs of {coldest} are much the same"
    )
    return (
        f"{rests}: {name} gets {under} of {their} vehicles. To know the true curves is worth "
        f"{kpi['settling_cny_per_year'] / 1e6:,.1f} M CNY a year; {contested:,} of "
        f"{num_cities:,} cities change their main chemistry with them."
    )
