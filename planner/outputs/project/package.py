"""What a project has to know of a GeoPackage: its layers, columns, styles, places and days.

Takes a ``plan.gpkg`` as it stands on the disk; leaves rows but those of cities and stations alone.
"""

import sqlite3
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from planner.outputs.language import Language, language_of
from planner.outputs.layers.antimeridian import cut_lon, from_cut
from planner.outputs.layers.geopackage import styled_layer

NEEDED = frozenset({"stations", "cities", "chemistries", "run_info"})
"""Layers and tables whose rows are read: without one of them there is no project."""

_MARGIN_FRAC = 0.08
_LEAST_DEG = 0.06
_SHOWN_FRAC = 0.85
"""Of a box: what is left around the places, how far it reaches beyond a single one, and which part
of a city's stations lies in it at least."""


@dataclass(frozen=True)
class Held:
    """A layer or table of the package.

    Attributes
    ----------
    name, description : str
        As the package has them.
    geometry_type : str
        As GDAL spells it, in capitals; empty for a table.
    crs : str
        Authority and code, as ``EPSG:4326``; empty for a table.
    columns : tuple of str
        All but the geometry, the feature id first.
    style : str
        QML document that is the layer's default; empty without one.
    look : str
        What the default style tells, as ``by drive time``; empty if it has no symbols.
    other_styles : mapping of str to str
        Further QML documents by their full name, which begins with the layer's.
    query : str
        What gives its rows, for a layer that the package holds as tables alone.
    """

    name: str
    description: str
    geometry_type: str
    crs: str
    columns: tuple[str, ...]
    style: str
    look: str
    other_styles: dict[str, str] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True)
class Place:
    """A named box: west, south, east, north [degrees]; east may lie beyond 180."""

    key: str
    name: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Package:
    """What stands in a ``plan.gpkg``.

    Attributes
    ----------
    file_name : str
        The project's paths go there.
    layers : dict of str to Held
        In the file's order.
    run_info : dict of str to str
        How the plan came about.
    title : str
        Of the run; its name if it has no title.
    language : Language
        Of the run's maps.
    whole : Place
        All cities and stations.
    cities : tuple of Place
        Each city with most of its stations, most swaps first.
    chemistries : tuple of (column of city_quarter, name, colour)
        Those that cities have vehicles of.
    most_vehicles : float
        Of any city in any quarter.
    last_quarter : str
        Last of which the cities' packs are told; empty if none is.
    days : tuple of Timestamp or None
        First day, and day after the last, of all quarters that any table tells of.
    """

    file_name: str
    layers: dict[str, Held]
    run_info: dict[str, str]
    title: str
    language: Language
    whole: Place
    cities: tuple[Place, ...]
    chemistries: tuple[tuple[str, str, str], ...]
    most_vehicles: float
    last_quarter: str
    days: tuple[pd.Timestamp, pd.Timestamp] | None


def read_package(path: Path) -> Package:
    """Read what a project is made of.

    Parameters
    ----------
    path : Path
        A finished GeoPackage of a run.

    Returns
    -------
    Package
        Its layers and tables, and where and when they are.
    """
    with opened(path) as connection:
        layers = _layers(connection)
        run_info = dict(connection.execute("SELECT key, value FROM run_info"))
        title = run_info.get("title") or run_info["name"]
        language = language_of(run_info)
        whole, cities = _places(connection, title, language)
        quarters = layers.get("city_quarter")
        return Package(
            path.name,
            layers,
            run_info,
            title,
            language,
            whole,
            cities,
            _chemistries(connection, quarters.columns if quarters else ()),
            *(_most_vehicles(connection) if quarters else (0.0, "")),
            _days(connection, layers),
        )


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a GeoPackage that must exist; what is written in the block is kept."""
    address = f"{path.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True)) as connection, connection:
        yield connection


def name_columns(columns: Container[str], language: Language) -> list[str]:
    """Columns that name a city, the language's own first, of those that there are.

    >>> name_columns(["city_id", "name_en", "name_zh"], "zh"), name_columns(["city_id"], "zh")
    (['name_zh', 'name_en'], [])
    """
    preferred = {"en": ("name_en",), "zh": ("name_zh", "name_en")}[language]
    return [name for name in preferred if name in columns]


def _layers(connection: sqlite3.Connection) -> dict[str, Held]:
    styles: dict[str, dict[str, str]] = {}
    looks: dict[str, str] = {}
    for name, qml, told in connection.execute(
        "SELECT styleName, styleQML, description FROM layer_styles ORDER BY id"
    ):
        styles.setdefault(styled_layer(name), {})[name] = qml
        looks[name] = told.rpartition(" (")[0]
    rows = connection.execute(
        "SELECT c.table_name, coalesce(c.description, ''), coalesce(g.column_name, ''),"
        " coalesce(g.geometry_type_name, ''),"
        " coalesce(s.organization || ':' || s.organization_coordsys_id, '')"
        " FROM gpkg_contents c LEFT JOIN gpkg_geometry_columns g USING (table_name)"
        " LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id"
        " WHERE c.table_name != 'layer_styles' ORDER BY c.rowid"
    ).fetchall()
    found = {}
    for name, description, geometry, geometry_type, crs in rows:
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
        own = dict(styles.get(name, {}))
        found[name] = Held(
            name,
            description,
            geometry_type,
            crs,
            tuple(column for column in columns if column != geometry),
            own.pop(name, ""),
            looks.get(name, "") if geometry else "",
            own,
        )
    return found


def _places(
    connection: sqlite3.Connection, title: str, language: Language
) -> tuple[Place, tuple[Place, ...]]:
    cities = pd.read_sql("SELECT * FROM cities", connection)
    stations = pd.read_sql("SELECT city_id, lon, lat FROM stations", connection)
    points = pd.concat([cities[["city_id", "lon", "lat"]], stations], ignore_index=True)
    lon = points["lon"].to_numpy(np.float64)
    points["lon"] = from_cut(lon, cut_lon(lon))
    names = cities["city_id"]
    for column in reversed(name_columns(cities, language)):
        names = cities[column].fillna(names)
    named = dict(zip(cities["city_id"], names, strict=True))
    order = cities.sort_values(["swaps_per_day", "city_id"], ascending=[False, True])["city_id"]
    whole = Place("", title, _box_of(points))
    own = {str(key): _nearest(rows) for key, rows in points.groupby("city_id", sort=False)}
    return whole, tuple(Place(key, named[key], _box_of(own[key])) for key in order)


def _nearest(points: pd.DataFrame) -> pd.DataFrame:
    """The city, which stands first, and most of its stations: some stand in towns far away."""
    lon, lat = points["lon"].to_numpy(np.float64), points["lat"].to_numpy(np.float64)
    beside = np.hypot((lon - lon[0]) * np.cos(np.radians(lat[0])), lat - lat[0])
    near: pd.DataFrame = points.loc[beside <= np.quantile(beside, _SHOWN_FRAC)]
    return near


def _box_of(points: pd.DataFrame) -> tuple[float, float, float, float]:
    (west, south), (east, north) = points[["lon", "lat"]].min(), points[["lon", "lat"]].max()
    beside = _MARGIN_FRAC * max(east - west, north - south) + _LEAST_DEG
    return west - beside, max(south - beside, -85.0), east + beside, min(north + beside, 85.0)


def _chemistries(
    connection: sqlite3.Connection, columns: tuple[str, ...]
) -> tuple[tuple[str, str, str], ...]:
    named = connection.execute("SELECT chemistry, name, colour FROM chemistries ORDER BY fid")
    return tuple(
        (f"vehicles_{chemistry}", name, colour)
        for chemistry, name, colour in named
        if f"vehicles_{chemistry}" in columns
    )


def _most_vehicles(connection: sqlite3.Connection) -> tuple[float, str]:
    most, last = connection.execute(
        "SELECT max(vehicles), max(quarter) FROM city_quarter"
    ).fetchone()
    return float(most or 0), str(last or "")


def _days(
    connection: sqlite3.Connection, layers: dict[str, Held]
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    quarters: set[str] = set()
    for table, columns in (("city_quarter", ["quarter"]), ("phase", ["quarter", "last_quarter"])):
        if table in layers:
            for column in columns:
                found = connection.execute(f"SELECT DISTINCT {column} FROM {table}")
                quarters |= {quarter for (quarter,) in found if quarter}
    if not quarters:
        return None
    first, last = pd.Period(min(quarters), freq="Q"), pd.Period(max(quarters), freq="Q")
    return first.start_time, (last + 1).start_time
