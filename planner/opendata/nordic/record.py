"""What nordic-export assumes, and whom it credits."""

from collections.abc import Mapping

import pandas as pd

from planner.opendata.assumptions import ROAD_MODELS, SHARED_MODELS, recipe_rows
from planner.opendata.attribution import CLIMATE_ROW, CLOSING, ROADS_ROW
from planner.opendata.cells import CELL_KM2
from planner.opendata.highways import RoadGraph, label_components
from planner.opendata.nordic.joints import Joints
from planner.opendata.parameters import Parameter, read_table
from planner.opendata.sources import HIGHWAYS, PLACES

_MODELS = (
    *ROAD_MODELS,
    *SHARED_MODELS,
    (
        "what is a city",
        "GeoNames places of a stated size, places on a larger one's ground taken as its parts",
        "INF",
        "GeoNames mixes built-up areas, municipalities and districts, of several years; the sum "
        "over suburbs may count people twice",
    ),
    (
        "territory of cities",
        "discs by residents, parted by a power diagram",
        "INF",
        "no border is used; people outside every disc, and so most of the countryside, are not "
        "planned for",
    ),
    (
        "demand zones",
        "H3 resolution-8 cells on or next to a mapped road in a city's disc",
        "INF",
        "local streets are not in the source: people away from mapped roads are moved to them, "
        "and a city with few mapped roads has few zones and sites",
    ),
    (
        "spread of people inside a city",
        "density falling exponentially around GeoNames places, the rural part by nearby road",
        "INF",
        "a model: only the city's total is GeoNames'; see planner/opendata/places.py",
    ),
    (
        "speed outside cities",
        "as if nobody lived there",
        "?",
        "towns that are no cities of the plan do not slow their roads down",
    ),
    (
        "fleet by city",
        "residents times the country's share of battery cars in new registrations",
        "INF",
        "income, policy and taxi licences by city are not modelled; registration shares are of "
        "2024 or 2025, see planner/opendata/parameters/nordic/countries.csv",
    ),
    (
        "vehicles in cities.csv",
        "those that the launch is to reach by the end of 2028, not all cars",
        "?",
        "adoption.csv gives the share of them that can swap by each quarter",
    ),
    (
        "packs before the first quarter",
        "LFP, one per vehicle that can swap then, and some on shelves; none retires",
        "?",
        "the launch is assumed to begin with packs that hold every certificate; 3,000 cycles "
        "last longer than the horizon",
    ),
    (
        "certificates of China",
        "none asked for",
        "INF",
        "GB 38031 and GB/T 40032 apply to what is sold in China; no rows in gates.csv",
    ),
    (
        "money",
        "CNY throughout, Chinese prices",
        "?",
        "freight, duty, European wages and electricity are not added: no figures for swap "
        "stations in Europe were found",
    ),
)

_TEXT = (
    """\
# Sources of nordic-export

A planning instance for the launch of battery-swap stations in {num_cities} cities of Norway,
Sweden, Finland and Denmark: {num_zones:,} demand zones, {num_sites:,} candidate sites, and the
mapped highway network ({num_nodes:,} junctions, {num_edges:,} edges). `planner build-instance
nordic-export` makes it again, with the same bytes for the same library versions.

## What is measured and what is a model

Monthly mean temperatures, populations of places and station design temperatures are taken as
published. **Models, not measurements**, are: which places are cities, their territory, the
spread of people inside them, travel speeds, ferries, fleet sizes, adoption, the first packs,
candidate sites, and design temperatures where no station was taken. `assumptions.csv` lists
every number of these models with its mark and source.

No borders are shipped or drawn.

## Recipe

1. **Cities.** GeoNames places of at least 40,000 people; each has a disc
   of ground that grows with its people, and a place whose centre lies on a larger city's
   ground is a part of it.
2. **Roads.** The world highway network is cut to the junctions whose nearest named place lies in
   one of the four countries. The source lacks the Great Belt and Øresund links and pieces of
   the E8, which are added by name, and many bridges, tunnels and all ferries: networks that end
   within 25 km of each other are joined by their shortest gap at a ferry's speed, and so are
   junctions side by side with only a long way round between them. What is then not connected
   is left out; `assumptions.csv` says how much.
3. **Zones.** Roads are cut into pieces of at most 0.5 km; the H3 resolution-8 cells that they
   pass, and the ring around each, are the zones, if they lie in the disc of a city.
4. **People.** Each city's residents are spread over its cells by a density that falls
   exponentially around GeoNames places; a tenth by nearby road.
5. **Sites.** Per city up to 600 points on the roads, one per H3 cell at most: the first half by
   greedy maximal covering, the others where demand is densest.
6. **Speeds** from the density around each edge and its length.
7. **Cold.** Design temperature of the nearest weather station where one was taken; elsewhere a
   straight line over the coldest month's mean, fitted to those stations.
8. **Fleet.** {num_vehicles:,} vehicles by the end of 2028, shared among the cities by residents
   and the country's share of battery cars in new registrations; adoption ramps straight, and
   the first vehicles come with LFP packs.
9. **Places of commercial cars, and snow.** Taxis and ride-hailing cars follow car-owning
   households times mapped road km nearby, in powers of two; days with snow on the road
   follow from the month's mean.

## What changed, and by how much

| input | before | now |
|---|---|---|
| swap vehicles per station | 204 | 150, as in china-140 |
| commercial share of them | 25 % | 50 %, as in china-140 |
| consumption at 20 C | rating | rating x 1.15 |
| pack used between swaps | 80 % | private 60 %, commercial 85 % |
| LFP pack at -20 C | 70 % of its energy | 97 %, and 5 % a start for heat |
| LFP charging at 0 C | none | 35 % |
| station of 14 bays | 62.5 kW a bay, 3.0 M CNY, 555,000 a year | 80 kW, 2.0 M, 324,000 |

Sources row by row; vehicles, packs and stations are those of the recipe for China.

## Sources and licences

| what | source | licence and attribution |
|---|---|---|
"""
    + ROADS_ROW
    + """\
| places: cities, populations, density | GeoNames, in the Python package {places.distribution} \
{places.version} (MIT) | **GeoNames**, geonames.org, CC BY 4.0; one population corrected |
"""
    + CLIMATE_ROW
    + """\
| winter design temperature | station design values of Climate.OneBuilding.Org | named here |
| share of battery cars | registration statistics, by way of the press | row by row in \
`planner/opendata/parameters/nordic/countries.csv` |
"""
    + CLOSING
)


def format_sources(counts: Mapping[str, int]) -> str:
    """Text of SOURCES.md.

    Parameters
    ----------
    counts : mapping of str to int
        ``num_cities``, ``num_zones``, ``num_sites``, ``num_nodes``, ``num_edges``,
        ``num_vehicles``.

    Returns
    -------
    str
        Markdown.
    """
    return _TEXT.format(highways=HIGHWAYS, places=PLACES, **counts)


def list_assumptions(
    parameters: Mapping[str, Parameter],
    cities: pd.DataFrame,
    zones: pd.DataFrame,
    joints: Joints,
    left_out: RoadGraph,
    doubtful_c: float,
) -> pd.DataFrame:
    """List everything that is not a figure of a source.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The recipe's own numbers.
    cities : DataFrame
        As chosen, with their parts and climate.
    zones : DataFrame
        The ``zones`` table.
    joints : Joints
        Bridges and ferries added.
    left_out : RoadGraph
        Roads that stay unconnected.
    doubtful_c : float
        Stations farther than this off the fit are doubtful [C].

    Returns
    -------
    DataFrame
        The ``assumptions`` table.
    """
    _, num_nodes = label_components(left_out)
    peak = zones["car_owning_households"].max() / CELL_KM2
    counts = [
        (
            "road networks joined across water or gaps",
            f"{len(joints.from_idx)} joints, {joints.length_km.sum():.0f} km",
            "the links known by name, the shortest gaps between networks, and ends of roads side "
            "by side",
        ),
        (
            "roads left out",
            f"{len(num_nodes)} networks with {num_nodes.sum()} junctions, "
            f"{left_out.length_km.sum():.0f} km",
            "farther than the widest gap from everything else; no city lies on them",
        ),
        (
            "densest zone",
            f"{peak:.0f} car-owning households/km2",
            "result of the spread; for judging it",
        ),
    ]
    rows = [*_MODELS, *recipe_rows(parameters, counts)]
    rows += _ramp_rows() + _part_rows(cities) + _climate_rows(cities, doubtful_c)
    return pd.DataFrame(rows, columns=["item", "value", "mark", "source"])


def _ramp_rows() -> list[tuple[str, str, str, str]]:
    rows = []
    for row in read_table("adoption", "nordic").to_dict("records"):
        mark, _, source = row["source"].partition(": ")
        rows.append(
            (
                f"adoption, {row['segment']} in market {row['market']}",
                f"{row['first_frac']} in the first quarter, straight to 1 in {row['full_quarter']}",
                mark,
                source,
            )
        )
    return rows


def _part_rows(cities: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    return [
        (
            f"parts of {city['name_en']}",
            ", ".join(city["parts"]),
            "INF",
            "large enough to be cities of their own, but on its ground; their people are not added",
        )
        for city in cities.to_dict("records")
        if city["parts"]
    ]


def _climate_rows(cities: pd.DataFrame, doubtful_c: float) -> list[tuple[str, str, str, str]]:
    shifted = cities["relief_shift_c"] != 0
    off_c = (cities["winter_design_c"] - cities["winter_design_c_fit"]).abs()
    rows = [
        (
            f"climate of {city['name_en']}",
            f"ERA5 means raised by {city['relief_shift_c']:g} C",
            "INF",
            "the ERA5 cell covers mountains: its February mean is -6.1 C, the town's normal of "
            "1961-1990 -3.8 C (acperaltaferriz 2018 after the Norwegian Meteorological "
            "Institute); the design temperature is still on the cold side",
        )
        for city in cities[shifted].to_dict("records")
    ]
    rows += [
        (
            f"winter design temperature of {city['name_en']}",
            f"{city['winter_design_c']:g} C kept, doubtful: the fit gives "
            f"{city['winter_design_c_fit']:g} C",
            "?",
            city["winter_design_source"],
        )
        for city in cities[off_c > doubtful_c].to_dict("records")
    ]
    return rows
