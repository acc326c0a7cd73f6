"""Places and streets' cells of extracts."""

import time
from pathlib import Path

import numpy as np
import osmium
import pytest
from h3.api import basic_int
from osmium.osm import mutable

from planner.errors import InputError
from planner.opendata.osm_places import places_from

BOX = (126.0, 45.0, 127.5, 46.5)
LON, LAT = 126.6, 45.7
STREET, BRIDGE = {"highway": "primary"}, {"highway": "primary", "bridge": "yes"}
Tags = dict[str, str]
Points = dict[int, tuple[float, float, Tags]]


def _write(path: Path, points: Points, ways: list[tuple[list[int], Tags]]) -> Path:
    with osmium.SimpleWriter(str(path)) as writer:
        for number, (lon, lat, tags) in points.items():
            writer.add_node(mutable.Node(id=number, location=(lon, lat), tags=tags))
        for number, (nodes, tags) in enumerate(ways, 1):
            writer.add_way(mutable.Way(id=number, nodes=nodes, tags=tags))
        members = [("w", len(ways), "outer")]
        park = {"type": "multipolygon", "amenity": "parking", "name": "Yard"}
        writer.add_relation(mutable.Relation(id=1, members=members, tags=park))
    return path


def _square(first: int, lon: float, lat: float) -> Points:
    corners = [(0.0, 0.0), (0.002, 0.0), (0.002, 0.002), (0.0, 0.002)]
    return {first + i: (lon + x, lat + y, {}) for i, (x, y) in enumerate(corners)}


def _extract(tmp_path: Path) -> Path:
    """A street, then a bridge in two parts over 22 km, then a street; places around."""
    points: Points = {
        1: (LON, LAT, {}),
        2: (LON + 0.02, LAT, {}),
        3: (LON + 0.10, LAT, {}),
        4: (LON + 0.18, LAT, {}),
        5: (LON + 0.30, LAT, {}),
        6: (LON + 0.32, LAT, {}),
        10: (LON, LAT + 0.01, {"amenity": "fuel", "name": "North"}),
        11: (LON, LAT + 0.02, {"amenity": "charging_station"}),
        12: (LON, LAT + 0.03, {"amenity": "parking", "access": "private"}),
        13: (LON, LAT + 0.04, {"amenity": "fuel", "bridge": "yes"}),
        14: (10.0, 50.0, {"amenity": "fuel"}),
        15: (LON, LAT + 0.05, {"amenity": "restaurant"}),
        **_square(20, LON + 0.05, LAT + 0.05),
        **_square(30, LON + 0.06, LAT + 0.06),
    }
    ways: list[tuple[list[int], Tags]] = [
        ([1, 2], STREET),
        ([2, 3, 4], BRIDGE),
        ([4, 5], {"highway": "primary", "tunnel": "yes"}),
        ([5, 6], STREET),
        ([1, 10], {"highway": "footway"}),
        ([20, 21, 22, 23, 20], {"power": "substation", "name": "East"}),
        ([30, 31, 32, 33, 30], {}),
    ]
    return _write(tmp_path / "made_up.osm.pbf", points, ways)


def test_places_become_sites(tmp_path: Path) -> None:
    sites = places_from(_extract(tmp_path), BOX).sites.set_index("osm_id")
    assert sites["kind"].to_dict() == {
        "n10": "fuel_station", "n11": "charging_station", "w6": "substation", "r1": "car_park"
    }  # fmt: skip
    assert sites["name"].to_dict() == {"n10": "North", "n11": "", "w6": "East", "r1": "Yard"}
    assert sites.loc["w6", ["lon", "lat"]].tolist() == pytest.approx([LON + 0.051, LAT + 0.051])
    assert sites.loc["r1", ["lon", "lat"]].tolist() == pytest.approx([LON + 0.061, LAT + 0.061])


def test_cells_of_bridges_and_tunnels_are_none_of_streets(tmp_path: Path) -> None:
    places = places_from(_extract(tmp_path), BOX)
    along = np.linspace(0, 0.32, 500)
    every = {basic_int.latlng_to_cell(LAT, LON + east, 8) for east in along}
    dry = {
        basic_int.latlng_to_cell(LAT, LON + east, 8)
        for east in along
        if not 0.02 < east < 0.30
    }  # fmt: skip
    assert set(places.street_cells.tolist()) == dry
    bridge = set(places.bridge_cells.tolist())
    assert bridge <= every - dry
    assert len(bridge) > 0.9 * len(every - dry) > 20  # but for cells cut at a corner
    # The inner point of the bridge, and where it goes over into the tunnel; its feet are streets'.
    assert places.off_ground.tolist() == [3, 4]


def test_an_extract_of_another_country_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="another country") as caught:
        places_from(_extract(tmp_path), (-71.0, -34.0, -70.0, -33.0))
    assert "it has streets at 126." in str(caught.value)


def test_what_is_no_extract_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.osm.pbf"
    path.write_text("no extract", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as an OpenStreetMap extract"):
        places_from(path, BOX)


def test_a_box_over_the_meridian_of_180_degrees(tmp_path: Path) -> None:
    points: Points = {
        1: (179.99, -16.8, {"amenity": "fuel"}),
        2: (-179.99, -16.8, {"amenity": "fuel"}),
        3: (170.0, -16.8, {"amenity": "fuel"}),
        **_square(20, -179.95, -16.8),
    }
    path = _write(tmp_path / "fiji.osm.pbf", points, [([1, 2], STREET), ([20, 21, 22, 23, 20], {})])
    places = places_from(path, (179.0, -18.0, -179.0, -16.0))
    assert places.sites["osm_id"].tolist() == ["r1", "n1", "n2"]
    assert 2 <= len(places.street_cells) <= 5


@pytest.mark.slow
def test_an_extract_of_a_country_takes_minutes(tmp_path: Path) -> None:
    """Streets and buildings as densely packed as in real ones; time grows with the file's size."""
    rng = np.random.default_rng(2)
    num_streets, num_buildings, length = 30_000, 80_000, 10
    corners = rng.uniform((104.5, 10.0), (108.5, 22.0), (num_buildings, 2))
    starts = rng.uniform((104.5, 10.0), (108.5, 22.0), (num_streets, 2))
    bends = starts[:, None, :] + rng.normal(0, 0.0015, (num_streets, length, 2)).cumsum(axis=1)
    path = tmp_path / "country.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        places = [*bends.reshape(-1, 2).tolist()]
        for lon, lat in corners.tolist():
            places += [(lon, lat), (lon + 1e-4, lat), (lon + 1e-4, lat + 1e-4), (lon, lat + 1e-4)]
        for number, place in enumerate(places, 1):
            writer.add_node(mutable.Node(id=number, location=tuple(place)))
        for street in range(num_streets):
            nodes = range(street * length + 1, street * length + length + 1)
            writer.add_way(mutable.Way(id=street + 1, nodes=list(nodes), tags=STREET))
        for building in range(num_buildings):
            first = num_streets * length + 4 * building + 1
            ring = [*range(first, first + 4), first]
            tags = {"building": "yes"} if building % 40 else {"amenity": "parking"}
            writer.add_way(mutable.Way(id=num_streets + building + 1, nodes=ring, tags=tags))
    began = time.process_time()
    found = places_from(path, (104.0, 9.0, 109.0, 23.0))
    seconds = time.process_time() - began
    assert len(found.sites) == num_buildings // 40
    assert seconds * 300e6 / path.stat().st_size < 600
