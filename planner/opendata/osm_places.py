"""What an extract of OpenStreetMap says of places: where stations could stand, streets run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from h3.api import basic_int

from planner.arrays import IntArray
from planner.errors import Fault, InputError
from planner.instance.roads.osm_extract import is_drivable
from planner.opendata.cells import RESOLUTION

KINDS = {
    ("amenity", "fuel"): "fuel_station",
    ("amenity", "charging_station"): "charging_station",
    ("amenity", "parking"): "car_park",
    ("power", "substation"): "substation",
}
"""Tags of places that stations could stand at, and what those are called in the table of sites."""
CLOSED = frozenset({"no", "private", "permit", "residents", "military"})
"""Values of ``access`` that keep a car park from being a site."""
STEP_DEG = 0.002
"""Streets are followed in steps of at most this, some 200 m; a cell cut at a corner is missed."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class OsmPlaces:
    """Places of an extract.

    Attributes
    ----------
    sites : DataFrame
        ``osm_id`` (n, w or r and the number), ``kind``, ``name``, ``lon``, ``lat``; by kind and id.
    street_cells : int array, shape (num_cells,)
        H3 cells that a street on the ground passes, ascending: those with bridges and tunnels
        alone are not among them.
    bridge_cells : int array, shape (num_bridge_cells,)
        H3 cells that bridges and tunnels alone pass, ascending.
    off_ground : int array, shape (num_nodes,)
        OpenStreetMap ids of points on bridges and in tunnels, ascending.
    """

    sites: pd.DataFrame
    street_cells: IntArray
    bridge_cells: IntArray
    off_ground: IntArray


def site_kind(tags: Mapping[str, str]) -> str | None:
    """What a station could stand at, of a place's tags.

    Car parks that not everybody may enter, that lie along a street, underground or on a roof, and
    substations of less than distribution are not among them.

    >>> site_kind({"amenity": "fuel"}), site_kind({"amenity": "parking", "access": "private"})
    ('fuel_station', None)
    """
    kind = next((name for tag, name in KINDS.items() if tags.get(tag[0]) == tag[1]), None)
    if kind == "car_park" and (
        tags.get("access") in CLOSED
        or tags.get("parking", "surface") not in ("surface", "multi-storey", "yes")
    ):
        return None
    if kind == "substation" and tags.get("substation") in ("minor_distribution", "traction"):
        return None
    return kind if is_on_ground(tags) else None


def is_on_ground(tags: Mapping[str, str]) -> bool:
    """Whether what the tags are of lies neither on a bridge nor in a tunnel nor under ground.

    >>> is_on_ground({"bridge": "viaduct"}), is_on_ground({"highway": "primary"})
    (False, True)
    """
    off = any(tags.get(tag, "no") != "no" for tag in ("bridge", "tunnel"))
    return not off and tags.get("location") not in ("underground", "underwater")


def places_from(extract: Path, box: Box) -> OsmPlaces:
    """Read places and the streets' cells from an extract, in one pass over its ways and points.

    Parameters
    ----------
    extract : Path
        ``.osm.pbf``.
    box : tuple of float
        West, south, east, north [degrees]; west > east passes 180 degrees.

    Returns
    -------
    OsmPlaces
        Inside the box.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no street in the box: another country's extract.
    """
    import osmium

    found = _Found(box)
    of = osmium.osm
    streets, others = osmium.filter.KeyFilter("highway"), osmium.filter.TagFilter(*KINDS)
    streets.enable_for(of.WAY)
    others.enable_for(of.NODE | of.AREA | of.RELATION)
    try:
        stream = osmium.FileProcessor(str(extract)).with_areas(osmium.filter.TagFilter(*KINDS))
        for thing in stream.with_filter(streets).with_filter(others):
            if isinstance(thing, osmium.osm.Way):
                found.follow(thing)
            elif isinstance(thing, osmium.osm.Node):
                found.note(f"n{thing.id}", thing.tags, [(thing.location.lon, thing.location.lat)])
            elif isinstance(thing, osmium.osm.Area):
                found.note(_name(thing), thing.tags, _corners(thing))
    except (RuntimeError, OSError, ValueError) as error:
        remedy = "file cannot be read as an OpenStreetMap extract in PBF format"
        raise InputError([Fault(extract.name, None, "", str(error), remedy)]) from error
    if not found.ground:
        shown = ", ".join(f"{degrees:.3f}" for degrees in box)
        remedy = (
            f"holds no street within {shown} degrees; is it an extract of another country? "
            f"{found.seen()}"
        )
        raise InputError([Fault(extract.name, None, "highway", "", remedy)])
    return found.places()


def _name(area: Any) -> str:
    return f"w{area.orig_id()}" if area.from_way() else f"r{area.orig_id()}"


def _corners(area: Any) -> list[tuple[float, float]]:
    """Corners of the outer rings, each once."""
    return [(node.lon, node.lat) for ring in area.outer_rings() for node in list(ring)[1:]]


class _Found:
    """What has been read so far."""

    def __init__(self, box: Box) -> None:
        self._west, self._south, self._east, self._north = box
        self._rows: list[tuple[str, str, str, float, float]] = []
        self.ground: set[int] = set()
        self._bridged: set[int] = set()
        self._inner: set[int] = set()
        self._ends: list[int] = []
        self._example: tuple[float, float] | None = None

    def note(self, osm_id: str, tags: Any, corners: list[tuple[float, float]]) -> None:
        """Note a place if a station could stand there."""
        kind = site_kind({tag.k: tag.v for tag in tags})
        if kind is None or not corners:
            return
        first = corners[0][0]
        lon = first + sum(_apart(first, lon) for lon, _ in corners) / len(corners)
        lat = sum(lat for _, lat in corners) / len(corners)
        lon = (lon + 180) % 360 - 180
        if self._holds(lon, lat):
            self._rows.append((osm_id, kind, tags.get("name", ""), round(lon, 6), round(lat, 6)))

    def follow(self, way: Any) -> None:
        """Note the cells of a street."""
        tags = {tag.k: tag.v for tag in way.tags}
        if not is_drivable(tags):
            return
        nodes = [
            (node.ref, node.location.lon, node.location.lat)
            for node in way.nodes
            if node.location.valid()
        ]
        if not nodes:
            return
        self._example = nodes[0][1:]
        on_ground = is_on_ground(tags)
        if not on_ground:
            self._inner.update(ref for ref, _, _ in nodes[1:-1])
            self._ends += [nodes[0][0], nodes[-1][0]]
        cells = self.ground if on_ground else self._bridged
        before = nodes[0][1:]
        for _, lon, lat in nodes:
            east, north = _apart(before[0], lon), lat - before[1]
            for step in range(count := int(max(abs(east), abs(north)) / STEP_DEG) + 1):
                share = (step + 1) / count
                x, y = before[0] + share * east, before[1] + share * north
                if self._holds(x, y):
                    cells.add(basic_int.latlng_to_cell(y, x, RESOLUTION))
            before = (lon, lat)

    def seen(self) -> str:
        """Where the streets of the file lie, for a fault."""
        if self._example is None:
            return "it holds no drivable street at all"
        lon, lat = self._example
        return f"it has streets at {lon:.3f}, {lat:.3f}"

    def _holds(self, lon: float, lat: float) -> bool:
        if not self._south <= lat <= self._north:
            return False
        if self._west <= self._east:
            return self._west <= lon <= self._east
        return lon >= self._west or lon <= self._east

    def places(self) -> OsmPlaces:
        """All that was found."""
        columns = ["osm_id", "kind", "name", "lon", "lat"]
        sites = pd.DataFrame(self._rows, columns=columns).drop_duplicates("osm_id")
        # Where two parts of a bridge meet is on it as well; where only one ends is its foot.
        ends, count = np.unique(np.array(self._ends, dtype=np.int64), return_counts=True)
        off_ground = self._inner | set(ends[count > 1].tolist())
        return OsmPlaces(
            sites.sort_values(["kind", "osm_id"], ignore_index=True),
            _sorted(self.ground),
            _sorted(self._bridged - self.ground),
            _sorted(off_ground),
        )


def _apart(lon: float, other: float) -> float:
    """Degrees eastwards, the short way round."""
    return (other - lon + 180) % 360 - 180


def _sorted(numbers: set[int]) -> IntArray:
    return np.array(sorted(numbers), dtype=np.int64)
