"""Ways to WGS84 that PROJ takes without a word: unknown datums, points far outside of a zone."""

import re

import numpy as np
import pytest
from pyproj import CRS, Transformer

from planner.instance.projections import Converted, name_of, to_degrees

HARBIN, WUHAN, XIAN = (126.6, 45.7), (114.3, 30.6), (108.9, 34.3)


def _from(crs: str, *places: tuple[float, float], drawn_in: str = "") -> Converted:
    """Places drawn in one system and said to be in another."""
    system = CRS.from_user_input(drawn_in or crs)
    lon, lat = np.array(places).T
    x, y = Transformer.from_crs(system.geodetic_crs, system, always_xy=True).transform(lon, lat)
    return to_degrees(np.asarray(x), np.asarray(y), CRS.from_user_input(crs), "sites.gpkg")


@pytest.mark.parametrize(
    ("crs", "place", "mark", "said"),
    [
        ("EPSG:32652", HARBIN, "INF", "converted to WGS84, accuracy 0 m"),
        ("EPSG:3857", HARBIN, "INF", "converted to WGS84, accuracy 0 m"),
        ("EPSG:4490", HARBIN, "INF", "taken for WGS84, accuracy 2 m"),
        ("EPSG:4547", WUHAN, "INF", "taken for WGS84, accuracy 2 m"),
        ("+proj=utm +zone=52 +ellps=GRS80", HARBIN, "INF", "taken for WGS84, accuracy 2 m"),
        ("EPSG:2180", (19.0, 52.0), "INF", "converted to WGS84, accuracy 1 m"),
        ("EPSG:4610", HARBIN, "?", "datum taken for WGS84, off by some 50 to 800 m"),  # Xian 1980
        ("EPSG:2333", XIAN, "?", "datum taken for WGS84"),
        ("EPSG:4555", HARBIN, "?", "datum taken for WGS84"),  # New Beijing
        ("EPSG:4214", HARBIN, "?", "datum taken for WGS84"),  # Beijing 1954, where no way is known
        ("EPSG:4214", (109.0, 38.0), "INF", "converted to WGS84, accuracy 1 m"),  # in Ordos
        ("EPSG:4267", (-100.0, 40.0), "INF", "converted to WGS84, accuracy"),  # NAD27
        ("EPSG:4267", HARBIN, "?", "datum taken for WGS84"),
        ("EPSG:5361", (-70.6, -33.4), "?", "converted to WGS84, accuracy 22 m"),
    ],
)
def test_how_exact_a_conversion_is(
    crs: str, place: tuple[float, float], mark: str, said: str
) -> None:
    converted = _from(crs, place)
    assert converted.faults == ()
    (note,) = converted.notes
    assert note.mark == mark
    assert said in note.value
    assert note.value.startswith(CRS.from_user_input(crs).name)
    assert (converted.lon[0], converted.lat[0]) == pytest.approx(place, abs=0.01)


def test_the_least_exact_way_counts() -> None:
    """One point of a layer that PROJ knows no way for makes the whole doubtful."""
    (note,) = _from("EPSG:4214", (109.0, 38.0), HARBIN).notes
    assert note.mark == "?"
    assert "EPSG:4490" in note.source


def test_wgs84_is_not_told_of() -> None:
    converted = _from("EPSG:4326", HARBIN)
    assert converted.notes == converted.faults == ()
    assert (name_of(CRS(4326)), name_of(CRS("OGC:CRS84"))) == ("WGS84", "WGS84")


@pytest.mark.parametrize(
    ("crs", "places", "drawn_in", "said"),
    [
        (
            "EPSG:4547",
            [WUHAN, (120.2, 30.3)],
            "",
            "1 of 2 .*112.5 to 115.5 E.*120.20, 30.30",
        ),
        ("EPSG:4547", [WUHAN, HARBIN, (87.6, 43.8)], "", "2 of 3 points"),
        ("EPSG:32650", [HARBIN], "", "114 to 120 E"),
        ("EPSG:2333", [HARBIN], "", "108 to 114 E"),
        ("EPSG:4526", [WUHAN], "EPSG:4547", "no place on earth"),  # the zone's number is missing
        ("EPSG:4547", [WUHAN], "EPSG:4526", "with or without the zone's number"),
        ("EPSG:2154", [HARBIN], "EPSG:3857", "far outside of what it is made for"),
        ("EPSG:32760", [(-179.0, -17.0), (160.0, -20.0)], "", "1 of 2 points"),  # ends at 180
    ],
)
def test_points_far_outside_of_a_zone(
    crs: str, places: list[tuple[float, float]], drawn_in: str, said: str
) -> None:
    (fault,) = _from(crs, *places, drawn_in=drawn_in).faults
    assert fault.column == "coordinate reference"
    assert fault.value == CRS(crs).name
    assert re.search(said, fault.remedy), fault.remedy


@pytest.mark.parametrize(
    ("crs", "places"),
    [
        ("EPSG:4547", [(112.0, 30.0), (116.5, 30.0)]),  # a city over the edge of its zone
        ("EPSG:32651", [HARBIN]),
        ("EPSG:32760", [(-179.5, -17.0), (179.0, -17.0)]),
        ("EPSG:2193", [(175.0, -40.0), (-176.5, -44.0)]),  # Chatham Islands
        ("EPSG:3857", [(-179.0, 60.0), (179.0, -60.0)]),
    ],
)
def test_points_near_a_zone_are_taken(crs: str, places: list[tuple[float, float]]) -> None:
    converted = _from(crs, *places)
    assert converted.faults == ()
    off = (converted.lon - np.array(places)[:, 0] + 180) % 360 - 180
    np.testing.assert_allclose(off, 0, atol=1e-6)


def test_zones_by_the_words_of_esri() -> None:
    """A Shapefile's .prj names no code."""
    words = CRS(4547).to_wkt("WKT1_ESRI")
    assert CRS(words).area_of_use is None
    (fault,) = _from(words, WUHAN, HARBIN).faults
    assert "1 of 2 points" in fault.remedy


def test_what_is_not_given_is_left_to_its_own_fault() -> None:
    nowhere = np.array([np.nan, 500_000.0])
    converted = to_degrees(nowhere, np.array([np.nan, 3_386_000.0]), CRS(4547), "sites.gpkg")
    assert converted.faults == ()
    assert np.isfinite(converted.lon).tolist() == [False, True]
