"""Areas within some minutes' drive against networkx, place by place, and by hand."""

import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import KDTree

from planner.geodesy import great_circle_km
from planner.network import Access, RoadGraph
from planner.network.drive_areas import STEP_KM_PER_MIN, LocalStreets, drive_areas
from planner.network.graph import cut_roads

MINUTES = (3.0, 6.0)
STREETS = LocalStreets(min_per_km=3.9, max_km=1.2)
STEP_KM = STEP_KM_PER_MIN * MINUTES[-1]
WEST, SOUTH = 126.6, 45.7
KM_PER_DEGREE = 111.195


def _roads(seed: int = 0, east: float = 0.0) -> tuple[RoadGraph, np.ndarray]:
    """Random roads, some one-way, and a stray one; which points lead to the others."""
    rng = np.random.default_rng(seed)
    count = 40
    lon = WEST + rng.uniform(0, 0.12, count) + east
    lat = SOUTH + rng.uniform(0, 0.08, count)
    stray = pd.DataFrame({"lon": [lon[0] + 0.004] * 2, "lat": [SOUTH, SOUTH + 0.08]})
    nodes = pd.concat([pd.DataFrame({"lon": lon, "lat": lat}), stray], ignore_index=True)
    nodes["lon"] = (nodes["lon"] + 180) % 360 - 180
    nodes.insert(0, "node_id", np.arange(len(nodes)))
    points = np.column_stack([lon * math.cos(math.radians(SOUTH)), lat])
    _, near = KDTree(points).query(points, k=4)
    ends = np.unique(np.sort([(i, j) for i in range(count) for j in near[i, 1:]]), axis=0)
    straight = great_circle_km(*(nodes.loc[side, name].to_numpy() for side in ends.T
                                 for name in ("lon", "lat")))  # fmt: skip
    roads = pd.DataFrame(
        {
            "from_node": [*ends[:, 0], count],
            "to_node": [*ends[:, 1], count + 1],
            "length_km": [*(straight * rng.uniform(1.0, 1.4, len(ends))), 9.0],
            "speed_kmh": [*rng.choice([20.0, 40.0, 80.0], len(ends)), 40.0],
            "oneway": [*(rng.random(len(ends)) < 0.15), False],
        }
    )
    graph = cut_roads(nodes, roads, 1.0)
    leads_on = np.isin(np.arange(len(graph.lon)), list(_minutes_to(graph, 0)))
    return graph, leads_on


def _minutes_to(graph: RoadGraph, point: int) -> dict[int, float]:
    """From every point that leads to this one."""
    towards = nx.DiGraph()
    towards.add_nodes_from(range(len(graph.lon)))
    for to in range(len(graph.lon)):
        for arc in range(graph.neighbour_ptr[to], graph.neighbour_ptr[to + 1]):
            towards.add_edge(to, int(graph.neighbour_idx[arc]), minutes=graph.neighbour_min[arc])
    return nx.single_source_dijkstra_path_length(towards, point, weight="minutes")


def _joined(points: list[int], minutes: list[float]) -> Access:
    is_near = np.array(points) >= 0
    return Access(np.array(points, np.int32), np.array(minutes), ~is_near, is_near)


def _places(east: float = 0.0) -> np.ndarray:
    """Half a step apart, to beyond the roads."""
    step = STEP_KM / 2 / KM_PER_DEGREE
    lat = np.arange(SOUTH - 0.02, SOUTH + 0.1, step)
    lon = np.arange(WEST - 0.03, WEST + 0.15, step / math.cos(math.radians(SOUTH))) + east
    return np.array(np.meshgrid(lon, lat)).reshape(2, -1).T


def _expected_min(
    graph: RoadGraph, leads_on: np.ndarray, point: int, access_min: float, station: np.ndarray
) -> np.ndarray:
    """From each place by its nearest point, every pair of them looked at, or straight."""
    by_road = _minutes_to(graph, point)
    from_point = np.array([by_road.get(each, math.inf) for each in range(len(graph.lon))])
    places, joined = _places(), np.flatnonzero(leads_on)
    away = great_circle_km(*places.T[:, :, None], graph.lon[joined], graph.lat[joined])
    nearest = away.argmin(axis=1)
    away_km = away[np.arange(len(places)), nearest]
    minutes = access_min + from_point[joined[nearest]] + away_km * STREETS.min_per_km
    straight_km = great_circle_km(*places.T, *station)
    return np.minimum(
        np.where(away_km <= STREETS.max_km, minutes, np.inf),
        np.where(straight_km <= STREETS.max_km, straight_km * STREETS.min_per_km, np.inf),
    )


@pytest.mark.parametrize("seed", range(3))
def test_areas_hold_the_places_within_the_minutes(seed: int) -> None:
    graph, leads_on = _roads(seed)
    assert not leads_on.all()
    station = np.array([graph.lon[0] + 0.006, graph.lat[0]])
    areas = drive_areas(graph, _joined([0], [0.9]), station[None], leads_on, STREETS, MINUTES)
    expected = _expected_min(graph, leads_on, 0, 0.9, station)
    places = _places()
    km = places * KM_PER_DEGREE * [math.cos(math.radians(SOUTH)), 1]
    for limit, area in zip(MINUTES, areas[0], strict=True):
        within, inside = expected <= limit, shapely.contains_xy(area, places)
        assert within.sum() > 100
        assert (within != inside).mean() < 0.02
        # Where they differ, the true outline is within a step.
        other = np.where(within, KDTree(km[~within]).query(km)[0], KDTree(km[within]).query(km)[0])
        assert other[within != inside].max(initial=0) < 1.5 * STEP_KM
    assert shapely.is_valid(areas).all()
    assert shapely.contains_properly(areas[0, 1], areas[0, 0].buffer(-STEP_KM / KM_PER_DEGREE))


def test_areas_of_many_are_those_of_each() -> None:
    graph, leads_on = _roads()
    points = [3, 11, 25]
    lonlat = np.column_stack([graph.lon[points], graph.lat[points]])
    together = drive_areas(graph, _joined(points, [0.0] * 3), lonlat, leads_on, STREETS, MINUTES)
    for row, point in enumerate(points):
        alone = drive_areas(
            graph, _joined([point], [0.0]), lonlat[[row]], leads_on, STREETS, MINUTES
        )
        assert shapely.equals_identical(together[row], alone[0]).all()


def test_areas_run_on_beyond_the_antimeridian() -> None:
    graph, _ = _roads()
    east = 179.995 - graph.lon[0]
    drawn = []
    for moved in (0.0, east):
        graph, leads_on = _roads(east=moved)
        lonlat = np.array([[graph.lon[0], graph.lat[0]]])
        drawn.append(drive_areas(graph, _joined([0], [0.0]), lonlat, leads_on, STREETS, MINUTES)[0])
    here, there = drawn
    assert (shapely.bounds(there)[:, 2] > 180).all()
    assert shapely.area(there) == pytest.approx(shapely.area(here), rel=2e-3)


def test_station_without_a_road_has_the_streets_around_it() -> None:
    graph, leads_on = _roads()
    lonlat = np.array([[WEST + 1.0, SOUTH]])
    areas = drive_areas(
        graph, _joined([-1], [np.inf]), lonlat, leads_on, STREETS._replace(max_km=2.0), MINUTES
    )
    km2 = shapely.area(areas[0]) * KM_PER_DEGREE**2 * math.cos(math.radians(SOUTH))
    assert km2 == pytest.approx(
        [math.pi * (t / STREETS.min_per_km) ** 2 for t in MINUTES], rel=0.05
    )
