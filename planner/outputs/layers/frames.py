"""Layers and tables of a run as frames, in the order, with the names and rows they get."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.curves import with_curves
from planner.outputs.kpi import describe_kpi
from planner.outputs.language import Language, language_of
from planner.outputs.layers.antimeridian import box_of
from planner.outputs.layers.base_map import BASE_ROADS, LAND, base_roads, land_around
from planner.outputs.layers.columns import columns_in_language, columns_in_unit
from planner.outputs.layers.corridors import CORRIDOR_LAYERS, place_corridors
from planner.outputs.layers.drive_areas import DRIVE_AREAS, drive_area_layers
from planner.outputs.layers.layer import Layer, at_points, make_layer
from planner.outputs.layers.markets import DESCRIPTION as OF_MARKETS
from planner.outputs.layers.markets import MARKETS, place_markets
from planner.outputs.layers.overview import with_parents
from planner.outputs.layers.phases import DESCRIPTIONS, LAYER_TABLES, place_phases
from planner.outputs.layers.regions import chemistry_regions, climate_regions
from planner.outputs.layers.zone_layers import (
    OVERVIEWS,
    ZoneLayers,
    build_zone_layers,
    shape_zones,
)
from planner.outputs.markets import MARKET_QUARTER, MARKET_QUARTERS, market_quarters
from planner.outputs.phases import with_openings
from planner.outputs.waits import with_waits
from planner.outputs.whole import whole_table
from planner.plans import Evaluation

TABLES = {
    "station_hour": "Swaps of each station by hour of the winter design day.",
    "city_quarter": "Vehicles and packs of each city by quarter.",
    "city_month": "Temperature and range in each city by month.",
    "supply_value": "Supply of each chemistry by quarter, and what more of it would be worth.",
    "gate_value": "What it would save if a closed certification gate opened.",
    "supply_source": "What each plant could make, made and gave in each quarter, by use.",
    "supply_flow": "Cells from each plant to each use, quarter by quarter.",
    "material_quarter": "Materials of cells, qualified and used up to each quarter.",
    "buyer_quarter": "What other buyers ask for and get of each chemistry by quarter.",
    "market_quarter": "Packs that each market is delivered by quarter and type, and what allows "
    "it.",
    "market_quarters": "Each market quarter by quarter: vehicles, packs by chemistry, closed "
    "gates.",
    "offer": "Packs on offer in each market: from sample to first delivery, and the orders.",
    "passport_flow": "Points of the passport of each market, pack and quarter that the plan fills.",
    "passport_point": "Each point of the passport by market, pack and quarter, with its value.",
    "bid_sheet": "Each pack's voltages, mass and energy beside what its envelope takes.",
    "declaration_status": "What is declared of each pack in each market, by whom and since when.",
    "brand_quarter": "Vehicles of each brand and model by market, quarter and chemistry.",
    "launch": "Announced launches: packs needed and delivered, quarters late, and why.",
    "car_model": "Models of cars, and why each has cars in the plan or has not.",
    "coupling": "Rounds in which packs and siting were brought to agree.",
    "range_curve": "Range of each vehicle class and pack over the ambient temperature.",
    "curve_case": "Packs planned anew under each set of contested curves, and their regret.",
    "curve_cost": "Cost of packs planned for one set of contested curves where another is true.",
    "curve_city": "Chemistries of each city's vehicles under each set of contested curves.",
    "corridor_summary": "Trips between cities that can be refuelled, by season and chemistry.",
    "corridor_station_packs": "Swaps of corridor stations by season, vehicle class and pack.",
    "corridor_unconnected": "Cities that no road connects to the others.",
    "simulation_figure": "Waits of the whole plan, simulated with intervals and in closed form.",
    "station_wait": "Waits of each station as simulated, with intervals, and its verdict.",
    "wait_histogram": "Drivers by their wait, as simulated and in closed form.",
    "no_pack_hour": "Drivers who find no full pack, by city and hour of the day.",
    "no_pack_type": "Drivers who find no full pack, by type of pack.",
    "station_packs": "Whole packs of each station by quarter and type.",
    "station_service": "What the simulation takes of each station: bays, lane, grid, way to the "
    "next.",
    "pack_type": "Types of packs, and the envelope that each fits.",
    "mix_hour": "Swaps of each city by kind of day, hour and type of pack.",
    "mix_spread": "Swaps of each city that are more or fewer on whole days, by segment and spread.",
    "phase": "Periods in which stations open: openings, money, swaps served, and what more of each "
    "would bring.",
    "future": "Futures that the plan was made for, what it serves in each, and what the best plan "
    "for each alone would.",
    "measure": "What the plan is worth over all futures, each figure as an interval.",
    "future_opening": "Stations that open or grow, by future; until the news they are the same.",
    "siting_packs": "Vehicles per pack that the stations of the last round were planned for.",
    "siting_capacity": "Swaps in the peak hour of each station type in each city, likewise.",
    "mix_turn": "How long a pack takes to be full again, by kind of day, city and station type.",
}
"""Tables that a run may bring beside those that every run has, in order, with what they hold."""


NEW = "new"
"""Status of a station that a plan opens where none stood or was committed."""


@dataclass(frozen=True)
class RunContent:
    """All that a run's layers and tables are made of.

    Attributes
    ----------
    evaluation : Evaluation
        Figures of the plan.
    allocation : DataFrame
        As in a plan: ``zone_id, site_id, share_frac, drive_min``.
    candidates : DataFrame
        From `planner.plans.reasons.explain_candidates`.
    run_info : mapping of str to text or number
        What to tell about the run; ``name``, ``title``, ``attribution`` and
        ``planning_quarter`` also become metadata; ``language`` is that of headings and legends.
    assumptions : DataFrame
        Columns ``item, value, mark, source``.
    station_types : DataFrame
        ``station_type_id`` and ``bays``: order the colours of the map.
    chemistries : DataFrame
        ``chemistry, name, nickname, colour``: what maps, charts and sheets call and draw each.
    tables : mapping of name to DataFrame
        Further tables, written in the rows' order: those of `CORRIDOR_LAYERS`, `LAYER_TABLES` and
        `DRIVE_AREAS` as layers, the others without geometry, those of `TABLES` first.
    objective_unit : str
        Unit of what the siting minimises or maximises; of costs to do without a station too.
    road_nodes, roads : DataFrame
        Of the instance, if it has roads.
    zone_polygons : Series, optional
        Of zones that were given as polygons, by ``zone_id``.
    """

    evaluation: Evaluation
    allocation: pd.DataFrame
    candidates: pd.DataFrame
    run_info: Mapping[str, str | float | int]
    assumptions: pd.DataFrame
    station_types: pd.DataFrame
    chemistries: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    objective_unit: str = ""
    road_nodes: pd.DataFrame = field(default_factory=pd.DataFrame)
    roads: pd.DataFrame = field(default_factory=pd.DataFrame)
    zone_polygons: "pd.Series[Any] | None" = None

    @property
    def language(self) -> Language:
        """Of headings, legends and labels."""
        return language_of(self.run_info)


def build_layers(
    content: RunContent, zones_ahead: Callable[[], ZoneLayers | None] = lambda: None
) -> dict[str, Layer]:
    """Bring a run's figures into the shape they are written in.

    Parameters
    ----------
    content : RunContent
        What the run found.
    zones_ahead : callable, optional
        Gives the layers of its zones, if they are made elsewhere; asked when all else is made.

    Returns
    -------
    dict of str to Layer
        Layers first, then tables without geometry.
    """
    evaluation = content.evaluation
    cities = with_curves(evaluation.cities, content.tables)
    points = _point_layers(_with_parents(content), cities)
    areas = drive_area_layers(content.tables, evaluation.zones, evaluation.stations)
    others = [*_corridor_layers(content), *_phase_layers(content)]
    tables = _tables(content)
    of_zones = zones_ahead()
    if of_zones is None:
        of_zones = build_zone_layers(
            evaluation.zones, content.allocation, evaluation.stations,
            shape_zones(evaluation.zones, content.zone_polygons),
        )  # fmt: skip
    layers = [
        *points,
        *(layer.drawn() for layer in of_zones.layers),
        *areas,
        *_region_layers(of_zones, cities),
        *_market_layers(content, of_zones, cities),
        *others,
        *_base_layers(content, of_zones),
        *tables,
    ]
    return {layer.name: _with_headings(layer, content) for layer in layers}


def _with_headings(layer: Layer, content: RunContent) -> Layer:
    """A layer whose headings are in the run's language and tell the objective's unit."""
    titled = columns_in_language(layer.name, layer.columns, content.language)
    return replace(layer, columns=columns_in_unit(titled, content.objective_unit))


def whole_layers(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """Layers and tables with whole vehicles and packs, for people who look at them in GIS."""
    return {
        name: replace(layer, frame=whole_table(name, layer.frame)) for name, layer in layers.items()
    }


def _point_layers(content: RunContent, cities: pd.DataFrame) -> list[Layer]:
    evaluation = content.evaluation
    return [
        make_layer(
            "stations",
            "Stations open in the plan.",
            at_points(
                _with_waits(
                    content,
                    with_openings(_told(evaluation.stations, cities, content), content.tables),
                    "site_id",
                )
            ),
            "Point",
        ),
        make_layer(
            "cities",
            "Cities with their climate, stations, packs, ranges and shares served.",
            at_points(cities.sort_values("city_id", ignore_index=True)),
            "Point",
        ),
        make_layer(
            "candidates",
            "Sites without a station, each with the reason why.",
            at_points(content.candidates.sort_values("site_id", ignore_index=True)),
            "Point",
        ),
    ]


def _told(stations: pd.DataFrame, cities: pd.DataFrame, content: RunContent) -> pd.DataFrame:
    """Stations, sorted, with their city's name and market and the status they have in the plan."""
    told = _as_opened(stations.sort_values("site_id", ignore_index=True))
    names = _city_names(cities, content.language)
    after = list(told).index("city_id") + 1
    told.insert(after, "city_name", told["city_id"].map(names))
    if "market" in cities:
        market_of = dict(zip(cities["city_id"], cities["market"], strict=True))
        told.insert(after + 1, "market", told["city_id"].map(market_of))
    return told


def _as_opened(stations: pd.DataFrame) -> pd.DataFrame:
    """Open stations: one that was a candidate is new."""
    return stations.assign(site_status=stations["site_status"].replace("candidate", NEW))


def _city_names(cities: pd.DataFrame, language: Language) -> "pd.Series[str]":
    names = cities["name_en"]
    if language == "zh" and "name_zh" in cities:
        names = cities["name_zh"].fillna(names)
    return names.set_axis(cities["city_id"])


def _with_parents(content: RunContent) -> RunContent:
    """Stations and candidates with the coarser cells that hold them."""
    evaluation = content.evaluation
    return replace(
        content,
        evaluation=replace(evaluation, stations=with_parents(evaluation.stations)),
        candidates=with_parents(content.candidates),
    )


def _with_waits(content: RunContent, stations: pd.DataFrame, key: str) -> pd.DataFrame:
    quarter = str(content.run_info["planning_quarter"])
    return with_waits(stations, key, content.tables, quarter)


def _region_layers(of_zones: ZoneLayers, cities: pd.DataFrame) -> list[Layer]:
    of_cells = f"H3 cells of resolution {of_zones.owner_resolution}, dissolved"
    return [
        make_layer(
            "climate_regions",
            f"Where the cities' winter design temperature falls into which class: {of_cells}.",
            climate_regions(of_zones.owners, cities),
            "MultiPolygon",
        ),
        make_layer(
            "chemistry_regions",
            f"Where which cell chemistry has most of the cities' vehicles: {of_cells}.",
            chemistry_regions(of_zones.owners, cities),
            "MultiPolygon",
        ),
    ]


def _market_layers(content: RunContent, of_zones: ZoneLayers, cities: pd.DataFrame) -> list[Layer]:
    """Markets, where the run tells of them."""
    quarter = str(content.run_info["planning_quarter"])
    placed = place_markets(content.tables, of_zones.owners, cities, quarter)
    return [] if placed is None else [make_layer(MARKETS, OF_MARKETS, placed, "MultiPolygon")]


def _corridor_layers(content: RunContent) -> list[Layer]:
    tables = dict(content.tables)
    if "corridor_stations" in tables:
        tables["corridor_stations"] = _with_waits(
            content, _as_opened(tables["corridor_stations"]), "corridor_station_id"
        )
    return [
        replace(
            make_layer(name, placed.description, placed.frame, placed.geometry_type),
            unplaced=make_layer(name, placed.description, placed.unplaced).frame,
        )
        for name, placed in place_corridors(tables).items()
    ]


def _phase_layers(content: RunContent) -> list[Layer]:
    placed = place_phases(
        content.tables, content.evaluation.stations, content.evaluation.cities,
        content.station_types,
    )  # fmt: skip
    return [
        make_layer(name, DESCRIPTIONS[name], at_points(frame), "Point")
        for name, frame in placed.items()
    ]


def _base_layers(content: RunContent, of_zones: ZoneLayers) -> list[Layer]:
    """Land, and roads if there are any."""
    (cells,) = (layer for layer in of_zones.layers if layer.name == OVERVIEWS[1])
    cities = content.evaluation.cities
    places = at_points(cities)
    shapes = [np.asarray(frame.geometry, object) for frame in (cells.frame, places)]
    layers = [
        make_layer(
            LAND,
            "Land around the plan, without lakes, from Natural Earth (1:10m, public domain).",
            land_around(*box_of(np.concatenate(shapes))),
            "MultiPolygon",
        )
    ]
    if len(content.roads):
        roads = of_zones.base_roads
        if roads is None:
            roads = base_roads(content.road_nodes, content.roads, cities)
        layers.append(
            make_layer(
                BASE_ROADS,
                "The instance's own roads, simplified: between cities, in the region, others.",
                roads,
                "LineString",
            )
        )
    return [layer for layer in layers if len(layer.frame)]


def _tables(content: RunContent) -> list[Layer]:
    pack_keys = ["city_id", "vehicle_id", "pack_id"]
    tables = dict(content.tables)
    if MARKET_QUARTER in tables:
        tables[MARKET_QUARTERS] = market_quarters(tables, content.evaluation.cities)
    known = [name for name in TABLES if name in tables]
    as_layers = {*CORRIDOR_LAYERS, *LAYER_TABLES.values(), DRIVE_AREAS}
    further = sorted(set(tables) - {*known, *as_layers})
    return [
        make_layer(
            "packs",
            "Packs per city and vehicle class.",
            content.evaluation.packs.sort_values(pack_keys, ignore_index=True),
        ),
        make_layer(
            "chemistries",
            "Cell chemistries with their names and colours.",
            content.chemistries.reset_index(drop=True),
        ),
        *(
            make_layer(name, TABLES.get(name, ""), tables[name].reset_index(drop=True))
            for name in (*known, *further)
        ),
        make_layer(
            "kpi",
            "Figures of the whole plan.",
            _kpi_frame(content.evaluation.kpi, read_chemistries(content.chemistries)).assign(
                scenario=str(content.run_info["name"])
            ),
        ),
        make_layer("run_info", "How the plan came about.", _run_info_frame(content.run_info)),
        make_layer(
            "assumptions",
            "Figures that were assumed or filled in, each with its source.",
            content.assumptions.reset_index(drop=True),
        ),
    ]


def _kpi_frame(kpi: Mapping[str, float], chemistries: Chemistries) -> pd.DataFrame:
    described = [describe_kpi(name, chemistries) for name in kpi]
    return pd.DataFrame(
        {
            "name": pd.Series(list(kpi), dtype="str"),
            "value": pd.Series([float(value) for value in kpi.values()], dtype="float64"),
            "unit": pd.Series([about.unit for about in described], dtype="str"),
            "title": pd.Series([about.title for about in described], dtype="str"),
            "description": pd.Series([about.description for about in described], dtype="str"),
        }
    )


def _run_info_frame(run_info: Mapping[str, str | float | int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": pd.Series(list(run_info), dtype="str"),
            "value": pd.Series([str(value) for value in run_info.values()], dtype="str"),
        }
    )
