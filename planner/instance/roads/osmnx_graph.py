"""The road network of a GraphML file as OSMnx writes it (versions 1 and 2)."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx as nx
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from planner.errors import Fault, InputError
from planner.instance.coordinates import conversion_note, convert_to_wgs84, reference_of
from planner.instance.layer import limited_faults
from planner.instance.notes import Note
from planner.instance.projections import name_of, to_degrees
from planner.instance.roads.road_speed import (
    CLASS_SPEED_KMH,
    LIMIT_FRAC,
    class_speed_kmh,
    far_from_class_note,
    is_far_from_class,
    listed,
    posted_limit_kmh,
)
from planner.instance.roads.road_tables import (
    RoadSegments,
    RoadTables,
    segment_length_km,
    simplify_roads,
)
from planner.instance.settings.sources import SHIFTED_REFERENCES, Sources
from planner.units import METRES_PER_KM

_UNKNOWN_CLASS = "road"
"""Class of an edge that tells neither a speed nor a class with one."""

MAX_NODE_ID = 2**53
"""Above it not every whole number is one that tables of numbers can hold."""
MAX_LENGTH_KM = 2000.0


def read_osmnx_graph(path: Path, sources: Sources) -> RoadTables:
    """Read a road network that OSMnx saved.

    An edge's speed is its ``speed_kph``; without it, a share of its ``maxspeed``; without that,
    the speed of its ``highway``. Edges that stand there once per direction, alike, count once and
    may be driven both ways; so may one that says ``oneway`` false, and all of an undirected graph.
    Every other edge is driven from its source to its target, as OSMnx orients one-way streets
    (also those that it calls ``reversed``). The bends of an edge's ``geometry`` get node ids above
    the largest of the file.

    Parameters
    ----------
    path : Path
        GraphML with ``x``, ``y`` of nodes, ``length`` [m] of edges and ``crs`` of the graph.
    sources : Sources
        Reference of the coordinates if the file states none.

    Returns
    -------
    RoadTables
        Nodes keep their ids.

    Raises
    ------
    InputError
        If the file cannot be read, or nodes or edges lack what is needed: all of them at once.
    """
    try:
        with warnings.catch_warnings():  # an attribute without a type is read as text, like all
            warnings.simplefilter("ignore", UserWarning)
            graph = nx.read_graphml(path, node_type=int, force_multigraph=True)
    # An encoding that the parser does not know is a LookupError, as a missing key is.
    except (ParseError, nx.NetworkXException, OSError, ValueError, LookupError, TypeError,
            AttributeError, RecursionError, StopIteration) as error:  # fmt: skip
        remedy = "file cannot be read as GraphML with whole node numbers, as OSMnx saves it"
        raise InputError([Fault(path.name, None, "", str(error), remedy)]) from error
    crs, faults = _crs(graph.graph.get("crs"), path)
    reference, reference_faults = reference_of(
        "roads", sources, path.name, crs.name if crs is not None else None, is_layer=True
    )
    faults = faults or reference_faults
    nodes = pd.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index")
    nodes = nodes.reindex(columns=["x", "y"]).apply(pd.to_numeric, errors="coerce")
    nodes = nodes.sort_index().astype(np.float64)
    shown = pd.Series([f"node {node}" for node in nodes.index], dtype="str")
    rows = np.flatnonzero([not 0 <= node <= MAX_NODE_ID for node in nodes.index])
    faults += limited_faults(path.name, "id", shown, rows, 1, f"must be 0 to {MAX_NODE_ID}")
    rows = np.flatnonzero(~np.isfinite(nodes).all(axis=1))
    faults += limited_faults(path.name, "x, y", shown, rows, 1, "node has no place; give both")
    edges = pd.DataFrame(
        [_edge(start, end, data) for start, end, data in graph.edges(data=True)],
        columns=["start", "end", "length_km", "stated_kmh", "speed_kmh", "has_limit",
                 "has_several", "is_far", "is_stated_two_way", "geometry"],
    )  # fmt: skip
    shown = "edge " + edges["start"].astype("str") + " to " + edges["end"].astype("str")
    rows = np.flatnonzero(~edges["length_km"].between(0, MAX_LENGTH_KM))
    remedy = "edge has no length in metres; OSMnx: distance.add_edge_lengths"
    faults += limited_faults(path.name, "length", shown, rows, 1, remedy)
    rows = np.flatnonzero(edges["stated_kmh"].notna() & ~edges["stated_kmh"].between(1, 200))
    remedy = "must be 1 to 200 km/h; correct it, or leave it out and the limit or class counts"
    faults += limited_faults(path.name, "speed_kph", shown, rows, 1, remedy)
    is_drawn = edges["geometry"].notna()
    wkt = edges["geometry"].astype(object).where(is_drawn, None).to_numpy()
    with np.errstate(all="ignore"):  # numbers too large to be read become inf, and are told
        edges["line"] = shapely.from_wkt(wkt, on_invalid="ignore")
    is_line = shapely.get_type_id(edges["line"]) == shapely.GeometryType.LINESTRING
    is_line &= np.isfinite(shapely.bounds(edges["line"])).all(axis=1)
    rows = np.flatnonzero(is_drawn & ~is_line)
    remedy = "not a line in well-known text"
    faults += limited_faults(path.name, "geometry", shown, rows, 1, remedy)
    if not len(edges):
        faults.append(Fault(path.name, None, "edges", "", "holds no road"))
    if faults:
        raise InputError(faults)

    edges = _once_if_alike(edges, is_directed=graph.is_directed())
    points, segments = _segments(nodes, edges)
    notes: tuple[Note, ...] = ()
    if crs is not None:
        x, y = (points[name].to_numpy(np.float64) for name in ("lon", "lat"))
        converted = to_degrees(x, y, crs, path.name)
        if converted.faults:
            raise InputError(converted.faults)
        points["lon"], points["lat"], notes = converted.lon, converted.lat, converted.notes
    if reference in SHIFTED_REFERENCES:
        notes += (conversion_note(path.name, reference, keeps_originals=False),)
    points = convert_to_wgs84(points, reference)
    rows = np.flatnonzero(~np.isfinite(points[["lon", "lat"]]).all(axis=1))
    if len(rows):
        remedy = "coordinates lie outside what the graph's crs covers; correct one of them"
        shown = points["node_id"].astype("str").radd("node ")
        raise InputError(limited_faults(path.name, "x, y", shown, rows, 1, remedy))
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    tail, head = segments["tail"].to_numpy(), segments["head"].to_numpy()
    of_edge = segments["edge"].to_numpy()
    straight_km = segment_length_km(lon, lat, tail, head)
    edge_km = np.bincount(of_edge, weights=straight_km, minlength=len(edges))[of_edge]
    share = np.divide(straight_km, edge_km, out=np.zeros(len(tail)), where=edge_km > 0)
    tables = simplify_roads(
        RoadSegments(
            node_id=points["node_id"].to_numpy(np.int64),
            lon=lon,
            lat=lat,
            tail=tail,
            head=head,
            length_km=share * edges["length_km"].to_numpy()[of_edge],
            speed_kmh=edges["speed_kmh"].to_numpy()[of_edge],
            has_limit=edges["has_limit"].to_numpy()[of_edge],
            is_one_way=edges["is_one_way"].to_numpy()[of_edge],
        ),
        path.name,
    )
    return RoadTables(
        tables.road_nodes, tables.roads,
        (*tables.notes, *notes, *_notes(edges, graph, path.name)),
        reference=reference if crs is None or reference in SHIFTED_REFERENCES else name_of(crs),
        is_osm=_is_osm(graph),
    )  # fmt: skip


def _is_osm(graph: Any) -> bool:
    """Whether OSMnx made it, or its streets have numbers or classes of OpenStreetMap."""
    by_osmnx = "osmnx" in str(graph.graph.get("created_with", "")).lower()
    return by_osmnx or any(
        "osmid" in data or "highway" in data for _, _, data in graph.edges(data=True)
    )


def _notes(edges: pd.DataFrame, graph: Any, label: str) -> list[Note]:
    notes = []
    several = edges[edges["has_several"]]
    if len(several):
        why = (
            "OSMnx joined roads of several limits or classes: speed_kph, or else their harmonic "
            "mean; where they change is lost. Save the graph before simplify_graph to keep it"
        )
        value = f"{len(several):,} edges, {several['length_km'].sum():,.1f} km"
        notes.append(Note(f"{label}: edges of several speeds", value, "?", why))
    far = edges[edges["is_far"]]
    names = [f"{start} to {end}" for start, end in zip(far["start"], far["end"], strict=True)]
    notes += far_from_class_note(label, "edges", names)
    if not graph.is_directed():
        why = "an undirected graph does not tell the direction of one-way streets"
        notes.append(Note(f"{label}: direction", "all roads passable both ways", "?", why))
    return notes


def _once_if_alike(edges: pd.DataFrame, *, is_directed: bool) -> pd.DataFrame:
    """Edges once if they stand there for both directions, and whether that is not so."""
    first, last = np.sort(edges[["start", "end"]].to_numpy(), axis=1).T
    alike = ["first", "last", "metres", "speed_kmh"]
    edges = edges.assign(
        first=first, last=last, metres=(METRES_PER_KM * edges["length_km"]).round(1)
    )
    is_alike_back = edges.groupby(alike)["start"].transform("nunique") > 1
    has_back = edges.groupby(["first", "last"])["start"].transform("nunique") > 1
    both = is_alike_back | (edges["is_stated_two_way"] & ~has_back) | (not is_directed)
    edges["is_one_way"] = ~both
    told_once = edges[both].drop_duplicates(alike)
    edges = pd.concat((told_once, edges[~both])).sort_index()
    return edges.drop(columns=["first", "last", "metres"]).reset_index(drop=True)


def _crs(stated: Any, path: Path) -> tuple[CRS | None, list[Fault]]:
    if stated is None:
        return None, []
    try:
        return CRS.from_user_input(stated), []
    except CRSError:
        remedy = "PROJ does not know it; project the graph to EPSG:4326 and save again"
        return None, [Fault(path.name, None, "coordinate reference", str(stated), remedy)]


def _edge(start: int, end: int, data: Mapping[str, Any]) -> tuple[Any, ...]:
    tags = {name: str(value) for name, value in data.items()}
    stated_kmh = _number(tags.get("speed_kph"))
    limit_kmh = posted_limit_kmh(tags.get("maxspeed", ""))
    if stated_kmh > 0:
        speed_kmh = stated_kmh
    elif limit_kmh is not None:
        speed_kmh = LIMIT_FRAC * limit_kmh
    else:
        by_class_kmh = class_speed_kmh(tags.get("highway", ""))
        speed_kmh = CLASS_SPEED_KMH[_UNKNOWN_CLASS] if by_class_kmh is None else by_class_kmh
    has_limit = stated_kmh > 0 or limit_kmh is not None
    has_several = any(len(set(listed(tags.get(tag, "")))) > 1 for tag in ("maxspeed", "highway"))
    is_far = has_limit and is_far_from_class(speed_kmh, tags.get("highway", ""))
    is_two_way = tags.get("oneway", "").lower() in ("false", "0", "no")
    length_km = _number(tags.get("length")) / METRES_PER_KM
    return (
        start, end, length_km, stated_kmh, speed_kmh, has_limit, has_several, is_far,
        is_two_way, tags.get("geometry"),
    )  # fmt: skip


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else np.nan
    except ValueError:
        return np.nan


def _segments(nodes: pd.DataFrame, edges: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Points (nodes, then bends) and the segments between them, edge by edge."""
    position = pd.Index(nodes.index)
    num_nodes = len(nodes)
    coordinates, of_line = shapely.get_coordinates(edges["line"], return_index=True)
    inner = np.zeros(len(coordinates), dtype=np.bool_)
    inner[1:-1] = (of_line[1:-1] == of_line[:-2]) & (of_line[1:-1] == of_line[2:])
    bends, of_bend = coordinates[inner], of_line[inner]
    points = pd.DataFrame(
        {
            "node_id": np.concatenate(
                (nodes.index.to_numpy(), nodes.index.max() + 1 + np.arange(len(bends)))
            ),
            "lon": np.concatenate((nodes["x"], bends[:, 0])),
            "lat": np.concatenate((nodes["y"], bends[:, 1])),
        }
    )
    all_edges = np.arange(len(edges))
    passed = np.concatenate(
        (
            position.get_indexer(edges["start"]),
            num_nodes + np.arange(len(bends)),
            position.get_indexer(edges["end"]),
        )
    )
    of_edge = np.concatenate((all_edges, of_bend, all_edges))
    order = np.argsort(of_edge, kind="stable")
    passed, of_edge = passed[order], of_edge[order]
    on = of_edge[1:] == of_edge[:-1]
    return points, pd.DataFrame(
        {"tail": passed[:-1][on], "head": passed[1:][on], "edge": of_edge[1:][on]}
    )
