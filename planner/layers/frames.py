"""Layers and tables of a run as frames, in the order, with the names and rows they get."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pandas.api.types import is_string_dtype

from planner.layers.columns import WrittenColumn, describe_columns
from planner.layers.hexagons import (
    CellArray,
    cell_centres,
    cell_parents,
    cell_polygons,
    cell_resolutions,
    parse_cells,
)
from planner.plans import Evaluation

CRS = "EPSG:4326"
OVERVIEW_RESOLUTION = 6
"""H3 resolution of the zones' overview: 36 km2 per cell, 20,000 cells for China's cities."""

_CENTRE_TOLERANCE_DEG = 1e-4  # 10 m: centres that an instance wrote with four decimals
_UNITS = {
    "c": "°C", "cny": "CNY", "frac": "1", "gwh": "GWh", "h": "h", "km": "km", "kw": "kW",
    "kwh": "kWh", "min": "min", "mw": "MW", "mwh": "MWh", "s": "s",
}  # fmt: skip


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
        ``Point`` or ``Polygon``; None for a table that cannot be drawn.
    """

    name: str
    description: str
    frame: pd.DataFrame
    columns: tuple[WrittenColumn, ...]
    geometry_type: str | None = None


def build_layers(
    evaluation: Evaluation,
    run_info: Mapping[str, str | float | int],
    assumptions: pd.DataFrame,
) -> dict[str, Layer]:
    """Bring a run's figures into the shape they are written in.

    Zones become hexagons if their ids are H3 cells and their points the cells' centres;
    zones with places of their own stay points, without overview.

    Parameters
    ----------
    evaluation : Evaluation
        Figures of the plan.
    run_info : mapping of str to text or number
        What to tell about the run.
    assumptions : DataFrame
        Columns ``item, value, mark, source``.

    Returns
    -------
    dict of str to Layer
        Layers first, then tables without geometry.
    """
    zones = evaluation.zones.sort_values("zone_id", kind="stable", ignore_index=True)
    cells = _zone_cells(zones)
    if cells is None:
        zone_shape, zone_type, outlines = "points", "Point", _points(zones)
    else:
        zone_shape, zone_type, outlines = "H3 hexagons", "Polygon", cell_polygons(cells)
    layers = [
        _layer(
            "stations",
            "Stations open in the plan.",
            _with_geometry(evaluation.stations.sort_values("site_id", ignore_index=True)),
            "Point",
        ),
        _layer(
            "cities",
            "Cities with their climate, stations, packs and shares served.",
            _with_geometry(evaluation.cities.sort_values("city_id", ignore_index=True)),
            "Point",
        ),
        _layer(
            "zones",
            f"Demand zones ({zone_shape}) and the station that serves each.",
            _with_geometry(zones, outlines),
            zone_type,
        ),
    ]
    if cells is not None and len(cells) and cell_resolutions(cells).min() > OVERVIEW_RESOLUTION:
        layers.append(
            _layer(
                "zones_overview",
                f"Demand zones summed to H3 resolution {OVERVIEW_RESOLUTION}, for small scales.",
                _sum_to_overview(zones, cells),
                "Polygon",
            )
        )
    pack_keys = ["city_id", "vehicle_id", "pack_id"]
    layers += [
        _layer(
            "packs",
            "Packs per city and vehicle class.",
            evaluation.packs.sort_values(pack_keys, ignore_index=True),
        ),
        _layer("kpi", "Figures of the whole plan.", _kpi_frame(evaluation.kpi)),
        _layer("run_info", "How the plan came about.", _run_info_frame(run_info)),
        _layer(
            "assumptions",
            "Figures that were assumed or filled in, each with its source.",
            assumptions.reset_index(drop=True),
        ),
    ]
    return {layer.name: layer for layer in layers}


def unit_of(name: str) -> str:
    """Unit that a figure's name ends in; ``1`` for counts and shares, which name none.

    >>> [unit_of(name) for name in ("num_stations", "capex_cny", "peak_swaps_per_hour_served")]
    ['1', 'CNY', 'swaps/hour']
    """
    rate = re.fullmatch(r"(?:.*_)?([^_]+)_per_(.+)", name.removesuffix("_served"))
    if rate:
        return f"{_UNITS.get(rate[1], rate[1])}/{rate[2].replace('_', '-')}"
    return _UNITS.get(name.rpartition("_")[2], "1")


def _layer(
    name: str, description: str, frame: pd.DataFrame, geometry_type: str | None = None
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
    return Layer(name, description, renamed, columns, geometry_type)


def _zone_cells(zones: pd.DataFrame) -> CellArray | None:
    cells = parse_cells(zones["zone_id"].tolist())
    if cells is None:
        return None
    offset = np.abs(cell_centres(cells) - zones[["lon", "lat"]].to_numpy(np.float64))
    return cells if bool((offset <= _CENTRE_TOLERANCE_DEG).all()) else None


def _points(frame: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.asarray(shapely.points(frame[["lon", "lat"]].to_numpy(np.float64)))


def _with_geometry(
    frame: pd.DataFrame, outlines: np.ndarray[tuple[int], np.dtype[np.object_]] | None = None
) -> gpd.GeoDataFrame:
    shapes = _points(frame) if outlines is None else outlines
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index, crs=CRS))


def _sum_to_overview(zones: pd.DataFrame, cells: CellArray) -> gpd.GeoDataFrame:
    parents, parent_idx = np.unique(cell_parents(cells, OVERVIEW_RESOLUTION), return_inverse=True)
    served_frac = zones["served_frac"].to_numpy(float)

    def total(amount: np.ndarray[tuple[int], np.dtype[np.float64]]) -> pd.Series:
        return pd.Series(np.bincount(parent_idx, amount, len(parents)))

    households = zones["car_owning_households"].to_numpy(np.float64)
    swaps = zones["swaps_per_day"].to_numpy(np.float64)
    # A cell without households has no share: 0 / 0 is NaN, which is written as null.
    overview = pd.DataFrame(
        {
            "h3_cell": [f"{cell:x}" for cell in parents.tolist()],
            "num_zones": np.bincount(parent_idx, minlength=len(parents)),
            "car_owning_households": total(households),
            "swaps_per_day": total(swaps),
            "households_served_frac": total(households * served_frac) / total(households),
            "swaps_served_frac": total(swaps * served_frac) / total(swaps),
        }
    )
    return _with_geometry(overview, cell_polygons(parents))


def _kpi_frame(kpi: Mapping[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": pd.Series(list(kpi), dtype="str"),
            "value": pd.Series([float(value) for value in kpi.values()], dtype="float64"),
            "unit": pd.Series([unit_of(name) for name in kpi], dtype="str"),
        }
    )


def _run_info_frame(run_info: Mapping[str, str | float | int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": pd.Series(list(run_info), dtype="str"),
            "value": pd.Series([str(value) for value in run_info.values()], dtype="str"),
        }
    )
