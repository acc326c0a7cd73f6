"""The assumptions table: what the recipe modelled, filled in or doubts."""

from collections.abc import Iterable, Mapping

import pandas as pd

from planner.opendata.china.facts import Facts
from planner.opendata.parameters import Parameter

ROAD_MODELS = (
    (
        "road lengths",
        "as the source states them",
        "?",
        "the source keeps few bends: most edges are as long as the straight line between their "
        "junctions, so true distances are longer",
    ),
    (
        "road classes and directions",
        "none; every edge is passable both ways",
        "?",
        "the source has no class, direction, toll or speed",
    ),
    (
        "candidate sites",
        "points on mapped roads; no plot, owner, grid connection or fuel station is known",
        "INF",
        "one per road-bearing H3 resolution-8 cell, chosen by reach and density; see "
        "planner/opendata/candidates.py",
    ),
)
"""What every recipe assumes of roads and sites."""

SHARED_MODELS = (
    (
        "where taxis and ride-hailing cars swap",
        "car-owning households times mapped road km nearby, in powers of two",
        "INF",
        "ranks, depots, railway stations and airports are not in the sources, dense roads are; "
        "zones.commercial_weight",
    ),
    (
        "days with snow on the road",
        "share of hours below a limit times a share of days",
        "?",
        "hours normal around the month's mean; no count of snowy days is in the sources; wet "
        "roads are left out",
    ),
)
"""What every recipe assumes of commercial cars and winters."""

_MODELS = (
    *ROAD_MODELS,
    *SHARED_MODELS,
    (
        "swap vehicles by city",
        "public charging points, inside a province by urban residents times car ownership",
        "INF",
        "ten provinces are counted; the others share the rest by car-owning households, in the "
        "cold and the north-west times 0.45, so that the cities below -10 C hold 6.6 % of the "
        "points; policy, income and the operator's own order of cities are not modelled",
    ),
    (
        "territory of cities and counties",
        "power diagram of county centroids and areas",
        "INF",
        "a point belongs to the county with the smallest distance^2 - area / pi, area from GHSL "
        "population and density; places abroad compete; districts too small for their "
        "residents gain ground on their neighbours; no border is used",
    ),
    (
        "demand zones",
        "H3 resolution-8 cells on or next to a mapped road",
        "INF",
        "local streets are not in the source: people away from mapped roads are moved to them",
    ),
    (
        "spread of households inside a county",
        "urban part by nearby road times density around places, rural part by nearby road",
        "INF",
        "a model: only the county totals are census figures; see planner/opendata/spread.py",
    ),
    (
        "car-owning households in 2020 stand for demand in the planning quarter",
        "no growth or migration",
        "?",
        "census 2020; the spread matters, the total is set by the fleet",
    ),
)


def list_assumptions(
    parameters: Mapping[str, Parameter],
    facts: Facts,
    counts: Iterable[tuple[str, str, str]],
) -> pd.DataFrame:
    """List everything that is not a figure of a source.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The recipe's own numbers.
    facts : Facts
        For what was filled in, corrected or is doubtful.
    counts : iterable of (item, value, explanation)
        What the build counted: dropped edges and the like.

    Returns
    -------
    DataFrame
        The ``assumptions`` table.
    """
    rows = [*_MODELS, *recipe_rows(parameters, counts)]
    rows += _filled_rows(facts)
    rows += _corrected_rows(facts)
    rows += _climate_rows(facts.cities, parameters["doubtful_design_difference_c"].value)
    return pd.DataFrame(rows, columns=["item", "value", "mark", "source"])


def recipe_rows(
    parameters: Mapping[str, Parameter], counts: Iterable[tuple[str, str, str]]
) -> list[tuple[str, str, str, str]]:
    """List a recipe's own numbers and what its build counted.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The recipe's own numbers.
    counts : iterable of (item, value, explanation)
        What the build counted.

    Returns
    -------
    list of (item, value, mark, source)
        Rows of the ``assumptions`` table.
    """
    rows = [
        (
            f"recipe {parameter.name}",
            f"{parameter.value:g} {parameter.unit}".strip(),
            parameter.mark,
            parameter.source,
        )
        for parameter in parameters.values()
    ]
    return rows + [(item, value, "INF", source) for item, value, source in counts]


def _filled_rows(facts: Facts) -> list[tuple[str, str, str, str]]:
    names = facts.cities.set_index("city_id")["name_en"]
    filled = facts.filled[facts.filled["residents"] > 0]
    empty = facts.filled[facts.filled["residents"] == 0]
    rows = []
    for city_id, group in filled.groupby("city_id", sort=True):
        rows.append(
            (
                f"households of development zones in {names[city_id]} ({city_id})",
                f"{group['households'].sum():.0f} households in {len(group)} zones: "
                + ", ".join(group["county_id"]),
                "INF",
                "census gives none: the city's households less those of its other counties, by "
                "residents; share that own a car as in the whole city",
            )
        )
    if len(empty):
        rows.append(
            (
                "counties without population in the census table",
                "no demand: " + ", ".join(empty["county_id"] + " " + empty["name_zh"]),
                "INF",
                "left at 0, not filled in",
            )
        )
    return rows


def _corrected_rows(facts: Facts) -> list[tuple[str, str, str, str]]:
    names = facts.cities.set_index("city_id")["name_en"]
    rows = [
        (
            f"counties listed with {names[city_id]} but governed by the province",
            "not part of the city: " + ", ".join(group["county_id"]),
            "INF",
            "their codes are not the city's, and its census population leaves them out",
        )
        for city_id, group in facts.left_out.groupby("city_id", sort=True)
    ]
    rows += [
        (f"name and seat of {names[city_id]} ({city_id})", "corrected", "INF", reason)
        for city_id, reason in facts.corrected[["city_id", "reason"]].itertuples(index=False)
    ]
    return rows


def _climate_rows(cities: pd.DataFrame, doubtful_c: float) -> list[tuple[str, str, str, str]]:
    rows = []
    difference = cities["winter_design_c_station"] - cities["winter_design_c_fit"]
    doubtful = (difference.abs() > doubtful_c) & ~cities["station_suspect"]
    for row in cities[cities["station_suspect"]].to_dict("records"):
        rows.append(
            (
                f"winter design temperature of {row['name_en']}",
                f"{row['winter_design_c_fit']:g} C from the fit instead of "
                f"{row['winter_design_c_station']:g} C",
                "INF",
                f"station {row['station_name']} lies more than 8 C off the fit to the coldest "
                "month's mean (1.066 x mean - 7.56, residual 3.0 C) and is taken for wrong",
            )
        )
    for row in cities[doubtful].to_dict("records"):
        rows.append(
            (
                f"winter design temperature of {row['name_en']}",
                f"{row['winter_design_c_station']:g} C kept, doubtful: the fit gives "
                f"{row['winter_design_c_fit']:g} C",
                "?",
                f"station {row['station_name']}, {row['station_km']:.0f} km away, "
                f"{row['station_elevation_m']:.0f} m high",
            )
        )
    return rows
