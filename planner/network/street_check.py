"""What a coarse road network costs against the streets of the same place: drives and reach."""

from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from planner.geodesy import chord_to_arc_km, great_circle_km, to_sphere_km
from planner.instance.settings.network import Hour, Network
from planner.network.graph import FloatArray, RoadGraph, cut_roads
from planner.units import MINUTES_PER_HOUR

IntArray = NDArray[np.int64]

NETWORKS = ("coarse", "street")
"""How figures name the two networks that are compared."""

MARGIN_DEGREES = 0.05
"""The coarse network is taken this far beyond the streets, whose edge cuts no drive of its own."""

NEAR_STREET_KM = 0.5
"""Zones farther from every street are not compared: the streets' map ends before."""


@dataclass(frozen=True)
class RoadTable:
    """Roads as an instance has them, or as they are read from streets.

    Attributes
    ----------
    nodes, roads : DataFrame
        Tables ``road_nodes`` and ``roads`` with free-flow speeds.
    """

    nodes: pd.DataFrame
    roads: pd.DataFrame

    def within(self, lon: tuple[float, float], lat: tuple[float, float]) -> "RoadTable":
        """Roads with both ends in a box."""
        nodes = self.nodes[self.nodes["lon"].between(*lon) & self.nodes["lat"].between(*lat)]
        ids = nodes["node_id"]
        roads = self.roads[self.roads["from_node"].isin(ids) & self.roads["to_node"].isin(ids)]
        return RoadTable(nodes.reset_index(drop=True), roads.reset_index(drop=True))


@dataclass(frozen=True)
class StreetCheck:
    """Drives on a coarse network and on streets, at one hour.

    Attributes
    ----------
    drives : DataFrame
        A row per drive that both networks allow. Of either network, behind ``coarse_`` and
        ``street_``: ``min`` (door to door), ``road_min`` and ``road_km`` (of the fastest way,
        between the points where its ends join the roads), ``shortest_km`` (of the shortest way)
        and ``straight_km`` (the line between these points).
    reach : DataFrame
        A row per zone that a station was put in: ``coarse_households, street_households``
        within the standard.
    """

    drives: pd.DataFrame
    reach: pd.DataFrame

    def figures(self) -> dict[str, float]:
        """Means, ratios and their spread, by name with its unit.

        Returns
        -------
        dict of str to float
            ``num_drives``. Of either network, behind ``coarse_`` and ``street_``: ``mean_min``
            (door to door), ``speed_kmh`` (kilometres over hours of all drives, on roads) and
            ``detour`` (shortest way over the straight line). Of coarse over streets' minutes:
            ``mean_ratio`` (of the means), ``median_ratio, low_ratio, high_ratio`` (10 and 90 %
            of the drives lie below), and ``reach_ratio`` (households of all stations).
        """
        total, reach = self.drives.sum(), self.reach.sum()
        ratio = self.drives["coarse_min"] / self.drives["street_min"]
        found: dict[str, float] = {"num_drives": len(self.drives)}
        for name in NETWORKS:
            road_h = total[f"{name}_road_min"] / MINUTES_PER_HOUR
            found[f"{name}_mean_min"] = total[f"{name}_min"] / len(self.drives)
            found[f"{name}_speed_kmh"] = total[f"{name}_road_km"] / road_h
            found[f"{name}_detour"] = total[f"{name}_shortest_km"] / total[f"{name}_straight_km"]
        found["mean_ratio"] = total["coarse_min"] / total["street_min"]
        found["median_ratio"] = ratio.median()
        found["low_ratio"], found["high_ratio"] = np.quantile(ratio, [0.1, 0.9])
        found["reach_ratio"] = reach["coarse_households"] / reach["street_households"]
        return {name: float(value) for name, value in found.items()}


def check_streets(
    coarse: RoadTable,
    streets: RoadTable,
    zones: pd.DataFrame,
    *,
    network: Network,
    hour: Hour,
    num_drives: int = 500,
    drive_time_min: float = 10.0,
    seed: int = 1,
) -> StreetCheck:
    """Drive between random zones, and count who reaches them, on both networks.

    Parameters
    ----------
    coarse, streets : RoadTable
        The streets' box decides what is compared.
    zones : DataFrame
        ``lon, lat, car_owning_households``.
    network : Network
        Speeds by hour, and how zones join.
    hour : {"peak", "mean"}
        Of all drives.
    num_drives : int
        Pairs of zones, drawn with equal chance.
    drive_time_min : float
        Standard of the reach [min].
    seed : int
        Of the draw.

    Returns
    -------
    StreetCheck
        The same drives on both networks; those that one of them does not allow are left out.

    Notes
    -----
    A zone joins the nearest point of the largest part in which every point leads to every other,
    at the scenario's access speed and detour: minutes of a drive count both ends, as those of a
    plan do. Ends of the reach are the drives' ends.
    """
    lon = (float(streets.nodes["lon"].min()), float(streets.nodes["lon"].max()))
    lat = (float(streets.nodes["lat"].min()), float(streets.nodes["lat"].max()))
    inside = zones[zones["lon"].between(*lon) & zones["lat"].between(*lat)]
    wide = [(low - MARGIN_DEGREES, high + MARGIN_DEGREES) for low, high in (lon, lat)]
    ways = {
        "coarse": _Ways.of(coarse.within(*wide), network, hour),
        "street": _Ways.of(streets, network, hour),
    }
    places = inside[ways["street"].away_km(inside) <= NEAR_STREET_KM]
    random = np.random.default_rng(seed)
    start, end = random.integers(len(places), size=(2, num_drives))
    start, end = start[start != end], end[start != end]
    drives: dict[str, FloatArray] = {}
    households = places["car_owning_households"].to_numpy(float)
    reach = {}
    ends, end_of_drive = np.unique(end, return_inverse=True)
    for name, way in ways.items():
        found = way.drive(places, start, ends, end_of_drive)
        drives |= {f"{name}_{column}": values for column, values in found.drives.items()}
        reach[f"{name}_households"] = (found.all_min <= drive_time_min) @ households
    table = pd.DataFrame(drives)
    is_driven = np.isfinite(table.to_numpy()).all(axis=1)
    return StreetCheck(table.loc[is_driven].reset_index(drop=True), pd.DataFrame(reach))


def read_drive_times() -> pd.DataFrame:
    """Figures of `StreetCheck` that were measured: the package's ``drive_times.csv``.

    Returns
    -------
    DataFrame
        ``place, hour, figure, value, source``; `docs/truth/measure_drive_times.py` makes it anew.
    """
    with (files("planner.network") / "drive_times.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream)


class _Found(NamedTuple):
    """Minutes from every place to each end, shape (num_ends, num_places), and the drives'."""

    all_min: FloatArray
    drives: dict[str, FloatArray]


@dataclass(frozen=True)
class _Ways:
    """Points of the strongest part of a network, minutes and kilometres from those before them."""

    graph: RoadGraph
    minutes: csr_array
    km: csr_array
    joinable: IntArray
    network: Network

    @classmethod
    def of(cls, table: RoadTable, network: Network, hour: Hour) -> "_Ways":
        graph = cut_roads(table.nodes, table.roads, network.speed_frac(hour))
        at_60 = table.roads.assign(speed_kmh=MINUTES_PER_HOUR)
        km = cut_roads(table.nodes, at_60, 1.0).neighbour_min  # a minute is a kilometre
        num_points = len(graph.lon)
        point = np.repeat(np.arange(num_points), np.diff(graph.neighbour_ptr))
        order = np.lexsort((graph.neighbour_min, graph.neighbour_idx, point))
        ends = np.stack((point, graph.neighbour_idx))[:, order]
        is_fastest = np.append(True, (np.diff(ends) != 0).any(axis=0))  # of parallel roads
        ends = ends[:, is_fastest]
        minutes_between, km_between = (
            coo_array((values[order][is_fastest], tuple(ends)), (num_points, num_points)).tocsr()
            for values in (graph.neighbour_min, km)
        )
        part = connected_components(minutes_between, connection="strong")[1]
        joinable = np.flatnonzero(part == np.bincount(part).argmax())
        return cls(graph, minutes_between, km_between, joinable, network)

    def _nearest(self, places: pd.DataFrame) -> tuple[FloatArray, IntArray]:
        tree = KDTree(to_sphere_km(self.graph.lon[self.joinable], self.graph.lat[self.joinable]))
        chord_km, found = tree.query(
            to_sphere_km(places["lon"].to_numpy(float), places["lat"].to_numpy(float))
        )
        return np.asarray(chord_to_arc_km(chord_km)), self.joinable[found]

    def away_km(self, places: pd.DataFrame) -> FloatArray:
        """Straight line from each place to the network."""
        return self._nearest(places)[0]

    def drive(
        self, places: pd.DataFrame, start: IntArray, ends: IntArray, end_of_drive: IntArray
    ) -> _Found:
        """Minutes from every place to the ends, and all that is told of each drive."""
        away_km, point = self._nearest(places)
        settings = self.network
        access_min = MINUTES_PER_HOUR * away_km * (1 + settings.access_detour_frac)
        access_min /= settings.access_speed_kmh
        # Row p of the graph names the points from which p is driven to: a search from the end.
        road_min, before = dijkstra(self.minutes, indices=point[ends], return_predecessors=True)
        all_min = road_min[:, point] + access_min[ends][:, None] + access_min
        shortest_km = dijkstra(self.km, indices=point[ends])
        here, row = point[start], end_of_drive
        first, last = here, point[ends][row]
        graph, road_km = self.graph, np.zeros(len(start))
        while (on := before[row, here] >= 0).any():
            ahead = np.where(on, before[row, here], here)
            road_km[on] += np.asarray(self.km[ahead[on], here[on]]).ravel()
            here = ahead
        drives = {
            "min": all_min[row, start],
            "road_min": road_min[row, first],
            "road_km": road_km,
            "shortest_km": shortest_km[row, first],
            "straight_km": great_circle_km(
                graph.lon[first], graph.lat[first], graph.lon[last], graph.lat[last]
            ),
        }
        return _Found(all_min, drives)
