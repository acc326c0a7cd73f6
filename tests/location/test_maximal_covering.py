import itertools
from collections.abc import Callable

import geopandas
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from planner.errors import InfeasibleError, InputError
from planner.location import maximal_covering
from planner.solving.progress import Progress
from planner.solving.status import Status

# Five villages on a meridian, 2 km apart.
VILLAGES = pd.DataFrame(
    {
        "lon": 116.0,
        "lat": [40.000, 40.018, 40.036, 40.054, 40.072],
        "value": [10.0, 30.0, 20.0, 30.0, 10.0],
    },
    index=list("ABCDE"),
)


def on_map(table: pd.DataFrame, crs: object = 4326) -> geopandas.GeoDataFrame:
    points = geopandas.points_from_xy(table["lon"], table["lat"], crs=4326)
    frame = geopandas.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=points)
    return frame.to_crs(crs)


def covered(result: object) -> list[bool]:
    return result.zones["covered"].to_list()


def test_tables_in_tables_out():
    before = VILLAGES.copy()
    result = maximal_covering(VILLAGES, VILLAGES, max_distance_km=2.5, num_stations=2)
    assert result.status is Status.OPTIMAL
    assert result.objective == result.bound == 100.0
    assert result.gap_frac == 0.0
    assert result.wall_s > 0.0
    assert covered(result) == [True] * 5
    pd.testing.assert_frame_equal(VILLAGES, before)
    assert result.zones.index.equals(VILLAGES.index)
    assert set(result.stations.index) <= set(VILLAGES.index)
    assert result.stations["value_assigned"].sum() == 100.0
    assert (result.zones["distance_km"] <= 2.5).all()
    with pytest.raises(AttributeError):
        result.objective = 0.0


def test_limits_by_city():
    asked = {"max_distance_km": 2.5, "num_stations": 2, "cities": list("NNNSS"), "gap_frac": 0.0}
    # B reaches A, B and C; D or E reach what is south of them.
    result = maximal_covering(VILLAGES, VILLAGES, max_per_city={"N": 1}, **asked)
    assert result.status is Status.OPTIMAL
    assert result.objective == 100.0
    assert result.stations.index[0] == "B"
    result = maximal_covering(VILLAGES, VILLAGES, max_per_city={"S": 0}, **asked)
    assert result.objective == 90.0
    result = maximal_covering(VILLAGES, VILLAGES, min_per_city={"S": 2}, **asked)
    assert result.stations.index.to_list() == ["D", "E"]
    assert result.objective == 60.0
    with pytest.raises(InfeasibleError, match="city"):
        maximal_covering(VILLAGES, VILLAGES, min_per_city={"S": 3}, **asked)


def test_what_a_station_reaches_alone_and_is_assigned():
    result = maximal_covering(
        VILLAGES, VILLAGES, max_distance_km=2.5, num_stations=2, existing=["B", "C"]
    )
    stations = result.stations
    assert stations.index.to_list() == ["B", "C"]
    assert stations["existing"].to_list() == [True, True]
    assert stations["value_reached"].to_list() == [60.0, 80.0]  # A B C, B C D
    assert stations["value_alone"].to_list() == [10.0, 30.0]  # A, D
    assert stations["value_assigned"].to_list() == [40.0, 50.0]  # A B, C D
    assert result.zones["station"].to_list()[:4] == ["B", "B", "C", "C"]
    assert pd.isna(result.zones["station"].iloc[4])
    assert np.isnan(result.zones["distance_km"].iloc[4])
    assert result.zones["distance_km"].iloc[0] == pytest.approx(2.0015, abs=1e-3)


def test_existing_and_forbidden_by_label_and_by_column():
    sites = VILLAGES.assign(built=[False, False, False, False, True], no=VILLAGES.index == "B")
    for locks in (
        {"existing": ["E"], "forbidden": ["B"]},
        {"existing": "built", "forbidden": "no"},
    ):
        result = maximal_covering(VILLAGES, sites, max_distance_km=2.5, num_stations=2, **locks)
        assert "E" in result.stations.index
        assert "B" not in result.stations.index
        assert result.objective == 100.0 - 10.0  # C reaches B, C, D; nobody A
    with pytest.raises(InfeasibleError, match="2 sites are forced open") as refused:
        maximal_covering(VILLAGES, VILLAGES, max_distance_km=1, num_stations=1, existing=["A", "B"])
    assert refused.value.conflict == ("at most 1 station", "the 2 existing stations A, B")
    assert refused.value.repair[0] == "allow 2 stations instead of 1"


def test_id_columns_name_the_rows():
    zones = VILLAGES.reset_index(names="zone_id")
    sites = VILLAGES.reset_index(names="site_id").set_index(pd.Index([9, 8, 7, 6, 5]))
    result = maximal_covering(zones, sites, max_distance_km=2.5, num_stations=1)
    assert result.stations["site_id"].to_list() == ["C"]
    assert result.stations.index.to_list() == [7]
    assert result.zones["station"].dropna().to_list() == ["C"] * 3


def test_arrays_are_labelled_by_position():
    places = VILLAGES[["lon", "lat"]].to_numpy()
    result = maximal_covering(
        places, places, max_distance_km=2.5, num_stations=1, value=[10, 30, 20, 30, 10]
    )
    assert result.stations.index.to_list() == [2]
    assert result.zones["station"].dropna().to_list() == [2, 2, 2]
    assert result.zones.columns.to_list() == ["lon", "lat", "covered", "station", "distance_km"]


@pytest.mark.parametrize("crs", [4326, 4490, 32650], ids=["WGS84", "CGCS2000", "UTM"])
def test_geodataframe_stays_one(crs: int):
    villages = on_map(VILLAGES, crs)
    result = maximal_covering(villages, villages, max_distance_km=2.5, num_stations=1)
    assert result.stations.index.to_list() == ["C"]
    for frame in (result.stations, result.zones):
        assert isinstance(frame, geopandas.GeoDataFrame)
        assert frame.crs == villages.crs
    assert result.zones.geometry.geom_equals(villages.geometry).all()


def test_plane_is_measured_in_metres():
    line = geopandas.GeoDataFrame(
        {"value": [1.0, 1.0, 1.0]},
        geometry=[Point(500_000 + x, 4_400_000) for x in (0, 3_000, 6_001)],
        crs=32650,
    )
    result = maximal_covering(line, line, max_distance_km=3.0, num_stations=1)
    assert result.objective == 2.0
    assert result.zones["distance_km"].max() == 3.0


def test_degrees_without_geometry_meet_degrees_with():
    result = maximal_covering(on_map(VILLAGES), VILLAGES, max_distance_km=2.5, num_stations=1)
    assert result.stations.index.to_list() == ["C"]


PAIRS = pd.DataFrame(
    [("A", 1), ("B", 1), ("B", 2), ("C", 2), ("D", 2), ("E", 3)], columns=["zone_id", "site_id"]
)
SITES = pd.DataFrame(index=[1, 2, 3])


def test_reach_as_pairs_of_labels():
    shuffled = PAIRS.sample(frac=1.0, random_state=0).rename(
        columns={"zone_id": "zone", "site_id": "site"}
    )
    for reach in (PAIRS, shuffled):
        result = maximal_covering(VILLAGES, SITES, reach=reach, num_stations=2)
        assert result.stations.index.to_list() == [1, 2]
        assert result.objective == 90.0
        assert result.zones["station"].to_list()[:4] == [1, 1, 2, 2]  # first in order of sites
        assert "distance_km" not in result.zones


@pytest.mark.parametrize("form", ["csr_array", "coo_matrix"])
def test_reach_as_sparse_matrix(form: str):
    dense = np.array([[1, 0, 0], [1, 2.5, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])
    matrix = getattr(scipy.sparse, form)(dense)
    result = maximal_covering(VILLAGES, SITES, reach=matrix, num_stations=2)
    assert result.stations.index.to_list() == [1, 2]
    stored_zero = scipy.sparse.csr_array(dense)
    stored_zero.data[stored_zero.data == 2.5] = 0.0
    result = maximal_covering(VILLAGES, SITES, reach=stored_zero, num_stations=1)
    assert result.objective == 50.0


def test_values_are_aligned_by_label():
    backwards = pd.Series({"E": 0.0, "D": 0.0, "C": 0.0, "B": 0.0, "A": 5.0})
    result = maximal_covering(VILLAGES, SITES, reach=PAIRS, num_stations=1, value=backwards)
    assert result.stations.index.to_list() == [1]


def test_progress_is_told():
    seen: list[Progress] = []
    maximal_covering(VILLAGES, SITES, reach=PAIRS, num_stations=1, on_progress=seen.append)
    assert seen[-1].stage == "done"


def test_nothing_to_place():
    result = maximal_covering(VILLAGES, SITES.iloc[:0], reach=PAIRS.iloc[:0], num_stations=3)
    assert (result.objective, len(result.stations), covered(result)) == (0.0, 0, [False] * 5)
    result = maximal_covering(VILLAGES, VILLAGES, max_distance_km=9, num_stations=0)
    assert (result.objective, len(result.stations)) == (0.0, 0)


def call(
    zones: object = VILLAGES, sites: object = SITES, **changes: object
) -> Callable[[], object]:
    arguments = {"reach": PAIRS, "num_stations": 1} | changes
    return lambda: maximal_covering(zones, sites, **arguments)


def near(zones: object, sites: object = VILLAGES, **changes: object) -> Callable[[], object]:
    return call(zones, sites, **({"reach": None, "max_distance_km": 2.0} | changes))


AREA = on_map(VILLAGES)
AREA.loc["B", "geometry"] = Polygon([(0, 0), (1, 0), (1, 1)])
NO_CRS = geopandas.GeoDataFrame({"value": [1.0]}, geometry=[Point(116, 40)])
FAULTS = {
    "repeated zone": (call(VILLAGES.rename(index={"B": "A"})), r"zones, zone_id: 'A'.*distinct"),
    "missing label": (call(VILLAGES.rename(index={"B": np.nan})), "positions 1.*needs a label"),
    "levels": (call(VILLAGES.set_index(["lon", "lat"])), "several levels"),
    "unknown in pairs": (
        call(reach=PAIRS.replace({"site_id": {3: 7}})),
        r"labels of sites: 7: no such label among the sites \(1, 2, 3",
    ),
    "text for number": (call(reach=PAIRS.astype({"site_id": str})), "'1', '2', '3': no such label"),
    "pair twice": (call(reach=pd.concat([PAIRS, PAIRS.iloc[:1]])), r"\('A', 1\).*twice"),
    "pair without label": (call(reach=PAIRS.assign(zone_id=[None, *"BBCDE"])), "both labels"),
    "pair columns": (call(reach=PAIRS.rename(columns={"site_id": "to"})), "zone_id and site_id"),
    "shape": (
        call(reach=scipy.sparse.eye_array(3)),
        r"\(3, 3\): expected zones x sites = \(5, 3\)",
    ),
    "missing reach": (call(reach=scipy.sparse.csr_array(np.full((5, 3), np.nan))), "missing"),
    "no reach": (call(reach=None), "either reach or max_distance_km"),
    "both reach": (call(max_distance_km=1.0), "either reach or max_distance_km"),
    "no column": (call(value="people"), "zones, people: no such column"),
    "negative": (call(value=[1, 2, -3, 4, 5]), "zones, value: 'C': a number >= 0"),
    "missing value": (call(VILLAGES.replace(20.0, np.nan)), "'C': a number"),
    "few values": (call(value=[1, 2]), "2 values: there are 5 zones"),
    "series": (
        call(value=pd.Series({"A": 1.0, "X": 2.0})),
        "'B', 'C', 'D', 'E', 'X': must hold every label",
    ),
    "unknown lock": (call(existing=[1, 9]), "existing, labels of sites: 9: no such label"),
    "lock twice": (call(existing=[1, 1]), "existing: 1: named twice"),
    "lock column": (call(forbidden="closed"), "sites, closed: no boolean column"),
    "both locks": (call(existing=[1], forbidden=[1, 2]), "1: both existing and forbidden"),
    "half a station": (call(num_stations=1.5), "num_stations: 1.5: a whole number"),
    "negative stations": (call(num_stations=-1), "num_stations: -1"),
    "no coordinates": (near(VILLAGES, SITES), "sites, lon, lat: no usable coordinates"),
    "latitude": (near(VILLAGES.replace(40.036, 400.0)), "zones, lat: 'C': degrees"),
    "longitude": (near(VILLAGES.assign(lon=[None, *"1234"])), "zones, lon: 'A': degrees"),
    "distance": (near(VILLAGES, max_distance_km=np.nan), "max_distance_km: nan"),
    "array": (near(np.zeros((5, 3))), r"ndarray of shape \(5, 3\)"),
    "area": (near(AREA), "zones, geometry: 'B': points only"),
    "no crs": (near(NO_CRS), r"crs: not set: .*set_crs\(4326\)"),
    "web mercator": (near(on_map(VILLAGES, 3857)), r"Pseudo-Mercator: .*to_crs\(4326\)"),
    "feet": (near(on_map(VILLAGES, 2263)), r"ftUS.*to_crs\(4326\)"),
    "mixed": (near(on_map(VILLAGES, 32650)), "sites, crs: degrees: zones are in WGS 84 / UTM"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault: str):
    broken, message = FAULTS[fault]
    with pytest.raises(InputError, match=message):
        broken()


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        call(value=[1, 2, -3, 4, 5], existing=[9], num_stations=-1)()
    assert len(caught.value.faults) == 3


def test_limits_out_of_bounds():
    with pytest.raises(ValueError, match="time_limit_s"):
        call(time_limit_s=0.0)()


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=25, deadline=None)
def test_agrees_with_brute_force(seed: int, planar: bool):
    rng = np.random.default_rng(seed)
    places = pd.DataFrame(
        {"lon": 116 + 0.1 * rng.random(20), "lat": 40 + 0.1 * rng.random(20)},
    ).assign(value=rng.integers(0, 9, 20))
    sites = places.sample(7, random_state=seed).add_prefix("").rename(index=lambda i: f"s{i}")
    crs = 32650 if planar else 4326
    result = maximal_covering(
        on_map(places, crs), on_map(sites, crs), max_distance_km=3.0, num_stations=3
    )
    # Independent of the planner: pyproj's ellipsoid would differ, so measure as documented.
    metres = on_map(places, 32650), on_map(sites, 32650)
    xy = [np.column_stack((frame.geometry.x, frame.geometry.y)) for frame in metres]
    km = np.linalg.norm(xy[0][:, None] - xy[1][None], axis=2) / 1000
    near_3km = km <= 3.0
    if not planar and (np.abs(km - 3.0) < 0.02).any():
        return  # plane and sphere may disagree about these pairs
    best = max(
        places["value"][near_3km[:, list(chosen)].any(axis=1)].sum()
        for chosen in itertools.combinations(range(7), 3)
    )
    assert result.status is Status.OPTIMAL
    assert result.objective == best
    assert result.zones.loc[result.zones["covered"], "value"].sum() == best
