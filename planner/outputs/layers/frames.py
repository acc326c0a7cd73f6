"""Layers and tables of a run as frames, in the order, with the names and rows they get."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pandas.api.types import is_string_dtype

from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.curves import with_curves
from planner.outputs.kpi import describe_kpi
from planner.outputs.layers.allocation import allocation_lines, service_areas
from planner.outputs.layers.antimeridian import same_type, split_shapes
from planner.outputs.layers.columns import WrittenColumn, columns_in_unit, describe_columns
from planner.outputs.layers.corridors import CORRIDOR_LAYERS, place_corridors
from planner.outputs.layers.hexagons import cell_polygons
from planner.outputs.layers.overview import OVERVIEW_STEPS, ZoneCells, sum_to_cells, zone_cells
from planner.outputs.layers.phases import DESCRIPTIONS, LAYER_TABLES, place_phases
from planner.outputs.layers.regions import chemistry_regions, climate_regions
from planner.outputs.phases import with_openings
from planner.outputs.waits import with_waits
from planner.outputs.whole import whole_table
from planner.plans import Evaluation

CRS = "EPSG:4326"
OVERVIEWS = ("zones_overview", "zones_overview_coarse")
"""Layers of zones summed to cells, finer first; `OVERVIEW_STEPS` tells how coarse."""

REGION_STEPS = OVERVIEW_STEPS[1]

TABLES = {
    "station_hour": "Swaps of each station by hour of the winter design day.",
    "city_quarter": "Vehicles and packs of each city by quarter.",
    "city_month": "Temperature and range in each city by month.",
    "supply_value": "Supply of each chemistry by quarter, and what more of it would be worth.",
    "gate_value": "What it would save if a closed certification gate opened.",
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
        ``planning_quarter`` also become metadata.
    assumptions : DataFrame
        Columns ``item, value, mark, source``.
    station_types : DataFrame
        ``station_type_id`` and ``bays``: order the colours of the map.
    chemistries : DataFrame
        ``chemistry, name, nickname, colour``: what maps, charts and sheets call and draw each.
    tables : mapping of name to DataFrame
        Further tables, written in the rows' order: those of `CORRIDOR_LAYERS` and `LAYER_TABLES`
        as layers, the others without geometry, those of `TABLES` first.
    objective_unit : str
        Unit of what the siting minimises or maximises; of costs to do without a station too.
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


@dataclass(frozen=True)
class Layer:
    """One layer or table, ready to be written.

    Attributes
    ----------
    name : str
        As in the files.
    description : str
        One sentence.
    frame : DataFrame or GeoDataFrame
        Rows sorted, columns under the names they are written with.
    columns : tuple of WrittenColumn
        One per column, geometry left out.
    geometry_type : str or None
        ``Point``, ``LineString``, ``Polygon`` or ``MultiPolygon``; ``MultiLineString`` too where
        lines are cut at the antimeridian, likewise polygons; None for a table.
    cell_resolution : int or None
        H3 resolution of the cells that are the layer's rows, if they are.
    unplaced : DataFrame or None
        Rows that have no place on a map, with the columns of the others; the layer's CSV alone
        has them.
    """

    name: str
    description: str
    frame: pd.DataFrame
    columns: tuple[WrittenColumn, ...]
    geometry_type: str | None = None
    cell_resolution: int | None = None
    unplaced: pd.DataFrame | None = None


def build_layers(content: RunContent) -> dict[str, Layer]:
    """Bring a run's figures into the shape they are written in.

    Zones become hexagons if their ids are H3 cells and their points the cells' centres;
    zones with places of their own stay points.

    Parameters
    ----------
    content : RunContent
        What the run found.

    Returns
    -------
    dict of str to Layer
        Layers first, then tables without geometry.
    """
    evaluation = content.evaluation
    cities = with_curves(evaluation.cities, content.tables)
    zones = evaluation.zones.sort_values("zone_id", kind="stable", ignore_index=True)
    cells = zone_cells(zones)
    layers = [
        *_point_layers(content, cities),
        *_allocation_layers(content, zones, cells),
        *_zone_layers(zones, cells),
        *_region_layers(zones, cells, cities),
        *_corridor_layers(content),
        *_phase_layers(content),
        *_tables(content),
    ]
    return {layer.name: _in_unit(layer, content.objective_unit) for layer in layers}


def _in_unit(layer: Layer, unit: str) -> Layer:
    """A layer whose headings tell the objective's unit where they speak of it."""
    return replace(layer, columns=columns_in_unit(layer.columns, unit))


def whole_layers(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """Layers and tables with whole vehicles and packs, for people who look at them in GIS."""
    return {
        name: replace(layer, frame=whole_table(name, layer.frame)) for name, layer in layers.items()
    }


def _point_layers(content: RunContent, cities: pd.DataFrame) -> list[Layer]:
    evaluation = content.evaluation
    return [
        _layer(
            "stations",
            "Stations open in the plan.",
            _at_points(
                _with_waits(
                    content,
                    with_openings(
                        evaluation.stations.sort_values("site_id", ignore_index=True),
                        content.tables,
                    ),
                    "site_id",
                )
            ),
            "Point",
        ),
        _layer(
            "cities",
            "Cities with their climate, stations, packs, ranges and shares served.",
            _at_points(cities.sort_values("city_id", ignore_index=True)),
            "Point",
        ),
        _layer(
            "candidates",
            "Sites without a station, each with the reason why.",
            _at_points(content.candidates.sort_values("site_id", ignore_index=True)),
            "Point",
        ),
    ]


def _with_waits(content: RunContent, stations: pd.DataFrame, key: str) -> pd.DataFrame:
    quarter = str(content.run_info["planning_quarter"])
    return with_waits(stations, key, content.tables, quarter)


def _allocation_layers(content: RunContent, zones: pd.DataFrame, cells: ZoneCells) -> list[Layer]:
    stations = content.evaluation.stations
    lines, by_cell = allocation_lines(content.allocation, zones, cells, stations)
    origin = f"H3 cell of resolution {cells.coarser(1)}" if by_cell else "zone"
    return [
        _layer(
            "allocation",
            f"Lines from each {origin} to the stations that serve it.",
            lines,
            "LineString",
        ),
        _layer(
            "service_areas",
            "H3 cells whose zones each station serves for the largest part, as one shape.",
            service_areas(zones, cells, stations),
            "MultiPolygon",
        ),
    ]


def _zone_layers(zones: pd.DataFrame, cells: ZoneCells) -> list[Layer]:
    layers = [
        _layer(
            "zones",
            "Demand zones (H3 hexagons) and the station that serves each.",
            _with_geometry(zones, cell_polygons(cells.cells)),
            "Polygon",
            cells.resolution,
        )
        if cells.are_zones
        else _layer(
            "zones",
            "Demand zones (points) and the station that serves each.",
            _at_points(zones),
            "Point",
        )
    ]
    for name, steps in zip(OVERVIEWS, OVERVIEW_STEPS, strict=True):
        sums, parents = sum_to_cells(zones, cells.parents(steps))
        layers.append(
            _layer(
                name,
                f"Demand zones summed to H3 resolution {cells.coarser(steps)}, for small scales.",
                _with_geometry(sums, cell_polygons(parents)),
                "Polygon",
                cells.coarser(steps),
            )
        )
    return layers


def _region_layers(zones: pd.DataFrame, cells: ZoneCells, cities: pd.DataFrame) -> list[Layer]:
    parents = cells.parents(REGION_STEPS)
    of_cells = f"H3 cells of resolution {cells.coarser(REGION_STEPS)}, dissolved"
    return [
        _layer(
            "climate_regions",
            f"Where the cities' winter design temperature falls into which class: {of_cells}.",
            climate_regions(zones, parents, cities),
            "MultiPolygon",
        ),
        _layer(
            "chemistry_regions",
            f"Where which cell chemistry has most of the cities' vehicles: {of_cells}.",
            chemistry_regions(zones, parents, cities),
            "MultiPolygon",
        ),
    ]


def _corridor_layers(content: RunContent) -> list[Layer]:
    tables = dict(content.tables)
    if "corridor_stations" in tables:
        tables["corridor_stations"] = _with_waits(
            content, tables["corridor_stations"], "corridor_station_id"
        )
    return [
        replace(
            _layer(name, placed.description, placed.frame, placed.geometry_type),
            unplaced=_layer(name, placed.description, placed.unplaced).frame,
        )
        for name, placed in place_corridors(tables).items()
    ]


def _phase_layers(content: RunContent) -> list[Layer]:
    placed = place_phases(
        content.tables, content.evaluation.stations, content.evaluation.cities,
        content.station_types,
    )  # fmt: skip
    return [
        _layer(name, DESCRIPTIONS[name], _at_points(frame), "Point")
        for name, frame in placed.items()
    ]


def _tables(content: RunContent) -> list[Layer]:
    pack_keys = ["city_id", "vehicle_id", "pack_id"]
    known = [name for name in TABLES if name in content.tables]
    as_layers = {*CORRIDOR_LAYERS, *LAYER_TABLES.values()}
    further = sorted(set(content.tables) - {*known, *as_layers})
    return [
        _layer(
            "packs",
            "Packs per city and vehicle class.",
            content.evaluation.packs.sort_values(pack_keys, ignore_index=True),
        ),
        _layer(
            "chemistries",
            "Cell chemistries with their names and colours.",
            content.chemistries.reset_index(drop=True),
        ),
        *(
            _layer(name, TABLES.get(name, ""), content.tables[name].reset_index(drop=True))
            for name in (*known, *further)
        ),
        _layer(
            "kpi",
            "Figures of the whole plan.",
            _kpi_frame(content.evaluation.kpi, read_chemistries(content.chemistries)).assign(
                scenario=str(content.run_info["name"])
            ),
        ),
        _layer("run_info", "How the plan came about.", _run_info_frame(content.run_info)),
        _layer(
            "assumptions",
            "Figures that were assumed or filled in, each with its source.",
            content.assumptions.reset_index(drop=True),
        ),
    ]


def _layer(
    name: str,
    description: str,
    frame: pd.DataFrame,
    geometry_type: str | None = None,
    cell_resolution: int | None = None,
) -> Layer:
    columns = describe_columns(name, [column for column in frame.columns if column != "geometry"])
    # A label that is missing in every row would otherwise be taken for a number.
    labels = [
        column.source
        for column in columns
        if frame[column.source].dtype == object
        or (column.source.endswith("_id") and not is_string_dtype(frame[column.source]))
    ]
    renamed = frame.astype(dict.fromkeys(labels, "string")).rename(
        columns={column.source: column.name for column in columns}
    )
    if isinstance(renamed, gpd.GeoDataFrame) and geometry_type in ("LineString", "Polygon"):
        shapes = same_type(split_shapes(np.asarray(renamed.geometry, object)))
        if shapely.get_type_id(shapes).max(initial=-1) >= shapely.GeometryType.MULTIPOINT:
            geometry_type = f"Multi{geometry_type}"
            renamed = renamed.set_geometry(gpd.GeoSeries(shapes, index=renamed.index, crs=CRS))
    return Layer(name, description, renamed, columns, geometry_type, cell_resolution)


def _at_points(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    points = shapely.points(frame[["lon", "lat"]].to_numpy(np.float64))
    return _with_geometry(frame, np.asarray(points))


def _with_geometry(frame: pd.DataFrame, shapes: NDArray[np.object_]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index, crs=CRS))


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
