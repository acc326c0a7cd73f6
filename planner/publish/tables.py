"""What a run becomes in a database: tables with types, keys and comments."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.outputs.layers.describe import with_origin
from planner.outputs.layers.layer import Layer
from planner.publish.rows import column_types, published_geometry

_MOST_COMMENT_CHARACTERS = 2_000
_NAMES_ROWS = ("site_id", "zone_id", "city_id", "station_id")
"""Endings of columns that tell rows of layers apart, or point at them."""


@dataclass(frozen=True)
class PublishedTable:
    """A layer or table of one run as it stands in a database.

    Attributes
    ----------
    layer : Layer
        Rows, and what is known of its columns.
    parent : str
        Table of all runs, of which this one is a partition.
    types : mapping of column to str
        PostgreSQL's types, geometry left out.
    geometry : str or None
        ``Point``, ``MultiLineString``, ``MultiPolygon``; None without shapes.
    unique, indexed : tuple of str
        Columns that identify a row, and those that name rows of other layers.
    comment : str
        What the table holds, whose plan it is, where the data come from.
    comments : mapping of column to str
        Heading and meaning of each column that is described.
    """

    layer: Layer
    parent: str
    types: Mapping[str, str]
    geometry: str | None
    unique: tuple[str, ...]
    indexed: tuple[str, ...]
    comment: str
    comments: Mapping[str, str]


def published_table(layer: Layer, metadata: Mapping[str, str]) -> PublishedTable:
    """How a layer is stored.

    Parameters
    ----------
    layer : Layer
        As it is shown in GIS: whole vehicles and packs, in its final reference system.
    metadata : mapping
        From `planner.outputs.layers.describe.dataset_metadata`.
    """
    geometry = published_geometry(layer)
    types = column_types(layer)
    names = [name for name in types if name.endswith(_NAMES_ROWS)]
    unique = tuple(name for name in names[:1] if _identifies(layer.frame[name]))
    return PublishedTable(
        layer=layer,
        parent=parent_of(layer.name, layer.geometry_type),
        types=types,
        geometry=geometry,
        unique=unique,
        indexed=tuple(name for name in names if name not in unique),
        comment=with_origin(layer.description, metadata)[:_MOST_COMMENT_CHARACTERS],
        comments={
            column.name: f"{column.title}. {column.description}".removesuffix(". ")
            for column in layer.columns
            if column.title
        },
    )


def parent_of(layer: str, geometry_type: str | None) -> str:
    """Table of all runs that a layer goes to.

    Zones are hexagons or points, by the instance, and a column of shapes has one type.

    Examples
    --------
    >>> parent_of("zones", "Polygon"), parent_of("zones", "Point")
    ('zones', 'zones_at_points')
    """
    return f"{layer}_at_points" if (layer, geometry_type) == ("zones", "Point") else layer


def _identifies(column: "pd.Series[str]") -> bool:
    return bool(column.notna().all() and column.is_unique)
