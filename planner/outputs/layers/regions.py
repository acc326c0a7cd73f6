"""Regions by winter class and by dominant cell chemistry, as shapes dissolved from H3 cells.

Takes evaluated zones and cities; gives a row per class. Administrative borders are left out.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from planner.outputs.curves import SHARE_HEAD
from planner.outputs.layers.allocation import area_km2, as_multipolygons, dissolve
from planner.outputs.layers.antimeridian import split_shapes
from planner.outputs.layers.hexagons import CellArray, cell_polygons


@dataclass(frozen=True)
class WinterClass:
    """A class of winter design temperature: from ``low_c``, below ``high_c`` [C]."""

    low_c: float
    high_c: float
    label: str


WINTER_CLASSES = (
    WinterClass(-90.0, -30.0, "below -30 °C"),
    WinterClass(-30.0, -20.0, "-30 to -20 °C"),
    WinterClass(-20.0, -10.0, "-20 to -10 °C"),
    WinterClass(-10.0, 0.0, "-10 to 0 °C"),
    WinterClass(0.0, 60.0, "0 °C and above"),
)

NO_PACK = "none"
"""Dominant chemistry of cities whose vehicles get no pack."""

_VEHICLES = "vehicles_"
_NOT_CHEMISTRIES = {"vehicles_without_pack"}


def cell_owners(zones: pd.DataFrame, parents: CellArray) -> pd.DataFrame:
    """Cells that hold zones, and the city of each: the one that has most households in it.

    Parameters
    ----------
    zones : DataFrame
        As in an evaluation.
    parents : ndarray of uint64, shape (num_zones,)
        Cell of each zone.

    Returns
    -------
    DataFrame
        ``cell, city_id``, a row per cell.
    """
    shares = pd.DataFrame(
        {
            "cell": parents,
            "city_id": zones["city_id"].to_numpy(),
            "households": zones["car_owning_households"].to_numpy(np.float64),
        }
    )
    in_cell = shares.groupby(["cell", "city_id"])["households"].sum().reset_index()
    owners = in_cell.sort_values(
        ["households", "cell", "city_id"], ascending=[False, True, True]
    ).drop_duplicates("cell")
    return owners[["cell", "city_id"]].reset_index(drop=True)


def climate_regions(owners: pd.DataFrame, cities: pd.DataFrame) -> gpd.GeoDataFrame:
    """Regions of equal winter class: the cells of all cities of a class, as one shape.

    Parameters
    ----------
    owners : DataFrame
        From `cell_owners`.
    cities : DataFrame
        As in an evaluation.

    Returns
    -------
    GeoDataFrame
        A row per class that occurs, coldest first.
    """
    winter_c = cities["winter_design_c"].to_numpy(np.float64)
    class_idx = np.searchsorted([each.high_c for each in WINTER_CLASSES], winter_c, side="right")
    regions = _dissolve(owners, cities, pd.Series(class_idx, index=cities.index))
    classes = [WINTER_CLASSES[index] for index in regions["key"]]
    regions.insert(0, "climate_class", [each.label for each in classes])
    return regions.drop(columns="key")


def chemistry_regions(owners: pd.DataFrame, cities: pd.DataFrame) -> gpd.GeoDataFrame:
    """Regions of equal dominant chemistry: where it has most of the cities' vehicles.

    Parameters and returns as in `climate_regions`; the first by name among equals.
    """
    chemistries = sorted(
        column.removeprefix(_VEHICLES)
        for column in cities.columns
        if column.startswith(_VEHICLES) and column not in _NOT_CHEMISTRIES
    )
    vehicles = cities[[_VEHICLES + name for name in chemistries]].to_numpy(np.float64)
    dominant = np.array([*chemistries, NO_PACK], object)[
        np.where(vehicles.any(axis=1), vehicles.argmax(axis=1), len(chemistries))
        if chemistries
        else np.zeros(len(cities), int)
    ]
    regions = _dissolve(owners, cities, pd.Series(dominant, index=cities.index))
    return regions.rename(columns={"key": "dominant_chemistry"})


def _dissolve(
    owners: pd.DataFrame, cities: pd.DataFrame, key: "pd.Series[str]"
) -> gpd.GeoDataFrame:
    keys_by_city = dict(zip(cities["city_id"], key, strict=True))
    owners = owners.assign(key=owners["city_id"].map(keys_by_city)).sort_values(["key", "cell"])
    outlines = split_shapes(cell_polygons(owners["cell"].to_numpy(np.uint64)))
    keys, first = np.unique(owners["key"].to_numpy(), return_index=True)
    shapes = dissolve(outlines, first)
    sums = cities.assign(key=key, sodium=cities["sodium_ion_frac"] * cities["vehicles"]).groupby(
        "key"
    )
    figures = sums.agg(
        num_cities=("city_id", "size"),
        winter_design_min_c=("winter_design_c", "min"),
        winter_design_max_c=("winter_design_c", "max"),
        vehicles=("vehicles", "sum"),
        sodium=("sodium", "sum"),
        num_stations=("num_stations", "sum"),
        swaps_per_day=("swaps_per_day", "sum"),
    ).loc[keys]
    for name in (each for each in cities.columns if each.startswith(SHARE_HEAD)):
        on_it = (cities[name] * cities["vehicles"]).groupby(key.to_numpy()).sum()
        figures[name] = (on_it / figures["vehicles"]).fillna(0.0)
    if "is_contested" in cities:
        figures["cities_contested"] = cities["is_contested"].groupby(key.to_numpy()).sum()
    figures["sodium_ion_frac"] = (figures.pop("sodium") / figures["vehicles"]).fillna(0.0)
    frame = gpd.GeoDataFrame(
        figures.reset_index(), geometry=as_multipolygons(shapes[: len(keys)]), crs="EPSG:4326"
    )
    return frame.assign(area_km2=area_km2(frame))
