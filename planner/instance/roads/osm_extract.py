"""The drivable roads of an OpenStreetMap extract (``.osm.pbf``)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from planner.errors import Fault, InputError
from planner.instance.notes import Note
from planner.instance.roads.road_speed import (
    CLASS_SPEED_KMH,
    LIMIT_FRAC,
    class_speed_kmh,
    far_from_class_note,
    is_far_from_class,
    posted_limit_kmh,
)
from planner.instance.roads.road_tables import (
    RoadSegments,
    RoadTables,
    segment_length_km,
    simplify_roads,
)

_ACCESS_TAGS = ("motorcar", "motor_vehicle", "vehicle", "access")
"""From the most specific to the most general: the first that is there decides."""
_CLOSED = frozenset({"no", "private", "agricultural", "forestry", "emergency"})
_ROUND = ("roundabout", "circular")
_ONE_WAY_TAGS = ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway")
_DIRECTIONS = {"yes": 1, "1": 1, "true": 1, "-1": -1, "reverse": -1}


def is_drivable(tags: Mapping[str, str]) -> bool:
    """Whether cars may use a way to get from place to place.

    >>> is_drivable({"highway": "primary"}), is_drivable({"highway": "footway"})
    (True, False)
    >>> is_drivable({"highway": "residential", "access": "private"})
    False
    """
    if tags.get("highway") not in CLASS_SPEED_KMH or tags.get("area") == "yes":
        return False
    access = next((tags[tag] for tag in _ACCESS_TAGS if tag in tags), "yes")
    return access not in _CLOSED


def travel_direction(tags: Mapping[str, str]) -> int:
    """Which way a way may be driven: 1 as drawn, -1 against that, 0 both ways.

    Motorways and roundabouts imply 1. What changes with the hour (``reversible``) counts as 0.

    >>> travel_direction({"highway": "primary", "oneway": "-1"})
    -1
    >>> travel_direction({"highway": "motorway"}), travel_direction({"highway": "primary"})
    (1, 0)
    """
    implied = tags.get("highway") == "motorway" or tags.get("junction") in _ROUND
    stated = next((tags[tag] for tag in _ONE_WAY_TAGS if tag in tags), "yes" if implied else "no")
    return _DIRECTIONS.get(stated, 0)


def read_osm_extract(path: Path) -> RoadTables:
    """Read the road network of an extract.

    Parameters
    ----------
    path : Path
        In PBF format; OpenStreetMap coordinates are WGS84.

    Returns
    -------
    RoadTables
        Nodes keep their OpenStreetMap ids. A way is cut where the extract lacks a node of it.

    Raises
    ------
    InputError
        If the file cannot be read or has no drivable way.
    """
    import osmium

    refs: list[int] = []
    way_of_ref: list[int] = []
    speeds_kmh: list[float] = []
    has_limit: list[bool] = []
    direction: list[int] = []
    unread = 0
    far_from_class: list[str] = []
    try:
        extract = osmium.io.File(str(path), "pbf")  # whatever the case of its ending
        ways = osmium.FileProcessor(extract, osmium.osm.WAY)
        for way in ways.with_filter(osmium.filter.KeyFilter("highway")):
            tags = {tag.k: tag.v for tag in way.tags}
            if not isinstance(way, osmium.osm.Way) or not is_drivable(tags):
                continue
            limit_kmh = posted_limit_kmh(tags.get("maxspeed", ""))
            unread += "maxspeed" in tags and limit_kmh is None
            by_class_kmh = class_speed_kmh(tags["highway"])
            assert by_class_kmh is not None  # is_drivable
            nodes = [node.ref for node in way.nodes]
            refs.extend(nodes)
            way_of_ref.extend([len(speeds_kmh)] * len(nodes))
            speeds_kmh.append(by_class_kmh if limit_kmh is None else LIMIT_FRAC * limit_kmh)
            if is_far_from_class(speeds_kmh[-1], tags["highway"]):
                far_from_class.append(str(way.id))
            has_limit.append(limit_kmh is not None)
            direction.append(travel_direction(tags))
        node_id = np.unique(np.array(refs, dtype=np.int64))
        lon, lat = np.full(len(node_id), np.nan), np.full(len(node_id), np.nan)
        wanted = osmium.filter.IdFilter(node_id.tolist())
        for node in osmium.FileProcessor(extract, osmium.osm.NODE).with_filter(wanted):
            if isinstance(node, osmium.osm.Node) and node.location.valid():
                at = np.searchsorted(node_id, node.id)
                lon[at], lat[at] = node.location.lon, node.location.lat
    except (RuntimeError, OSError, ValueError) as error:
        remedy = "file cannot be read as an OpenStreetMap extract in PBF format"
        raise InputError([Fault(path.name, None, "", str(error), remedy)]) from error

    position = np.searchsorted(node_id, np.array(refs, dtype=np.int64))
    way_idx = np.array(way_of_ref, dtype=np.int64)
    is_there = np.isfinite(lon)
    on = (way_idx[1:] == way_idx[:-1]) & is_there[position[1:]] & is_there[position[:-1]]
    before, after, way_idx = position[:-1][on], position[1:][on], way_idx[1:][on]
    driven = np.array(direction, dtype=np.int64)[way_idx]
    tail, head = np.where(driven < 0, after, before), np.where(driven < 0, before, after)
    if not len(tail):
        remedy = "holds no drivable road; extract an area with its roads"
        raise InputError([Fault(path.name, None, "highway", "", remedy)])
    tables = simplify_roads(
        RoadSegments(
            node_id=node_id,
            lon=lon,
            lat=lat,
            tail=tail,
            head=head,
            length_km=segment_length_km(lon, lat, tail, head),
            speed_kmh=np.array(speeds_kmh)[way_idx],
            has_limit=np.array(has_limit)[way_idx],
            is_one_way=driven != 0,
        ),
        path.name,
    )
    missing = int((~is_there).sum())
    facts = (
        (missing, "points missing", "ways are cut there; extract with complete ways"),
        (unread, "limits that say no speed", "such as CN:urban: the speed of the class stands"),
    )
    notes = [
        Note(f"{path.name}: {item}", f"{count:,}", "M", why) for count, item, why in facts if count
    ]
    notes += far_from_class_note(path.name, "ways", far_from_class)
    return RoadTables(tables.road_nodes, tables.roads, (*tables.notes, *notes), is_osm=True)
