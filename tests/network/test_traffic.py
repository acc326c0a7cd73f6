"""What traffic leaves of the roads' speeds: times, reach at either hour, both road inputs alike."""

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from planner.instance import Instance, read_instance
from planner.instance.settings.network import HOURS, Network
from planner.network import audit_nearest, build_road_graph, drive_time_reach
from planner.network.intercity import build_intercity_network
from planner.network.street_check import RoadTable, check_streets, read_drive_times
from planner.planning.array_cache import ArrayCache
from planner.planning.joined_network import join_network, reach_on_network
from planner.planning.pipeline import plan


def _with(instance: Instance, standard_min: float = 1.5, **network: object) -> Instance:
    settings = instance.scenario.model_dump()
    settings["network"] |= network
    scenario = instance.scenario.model_copy(
        update={
            "network": Network(**settings["network"]),
            "siting": instance.scenario.siting.model_copy(update={"drive_time_min": standard_min}),
        }
    )
    return replace(instance, scenario=scenario)


def test_minutes_grow_by_what_traffic_takes(tutorial: Instance) -> None:
    free = build_road_graph(tutorial)
    busy = _with(tutorial, peak_speed_frac=0.5, mean_speed_frac=0.8)
    for hour, frac in ((None, 0.5), ("peak", 0.5), ("mean", 0.8)):
        assert build_road_graph(busy, hour).neighbour_min == pytest.approx(
            free.neighbour_min / frac, rel=1e-12
        )
    planned_by_mean = _with(busy, planning_hour="mean")
    assert build_road_graph(planned_by_mean).neighbour_min == pytest.approx(
        free.neighbour_min / 0.8, rel=1e-12
    )


def test_access_and_trips_between_cities_are_not_slowed(tutorial: Instance) -> None:
    busy = _with(tutorial, peak_speed_frac=0.5, mean_speed_frac=0.5)
    before, after = join_network(tutorial), join_network(busy)
    assert before is not None
    assert after is not None
    assert after.zones.access_min == pytest.approx(before.zones.access_min)
    one, other = (
        build_intercity_network(instance, max_trip_km=100.0, spacing_km=5.0)
        for instance in (tutorial, busy)
    )
    assert one.drive_min == pytest.approx(other.drive_min)


def test_another_hour_is_another_reach_in_the_cache(tutorial: Instance, tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    free = reach_on_network(tutorial, cache)[1]
    busy = reach_on_network(_with(tutorial, peak_speed_frac=0.5), cache)[1]
    assert len(busy.zone_idx) < len(free.zone_idx)


def test_reach_at_both_hours_by_hand(tutorial: Instance) -> None:
    """Zones on a line, 1 km apart, 60 km/h: a neighbour is 2 min away at the peak, 1.25 else."""
    busy = _with(tutorial, peak_speed_frac=0.5, mean_speed_frac=0.8)
    households = tutorial.zones.set_index("zone_id")["car_owning_households"]
    for hour, stations_reach in (("peak", 0), ("mean", 1)):
        planned = plan(_with(busy, planning_hour=hour))
        lon = planned.instance.sites.set_index("site_id")["lon"]
        at = lon[planned.plan.stations["site_id"]].to_numpy()
        for each, num_beside in (("peak", 0), ("mean", 1)):
            away = np.abs(tutorial.zones["lon"].to_numpy()[:, None] - at).min(axis=1)
            step = np.diff(np.sort(tutorial.zones["lon"])).min()
            within = households.to_numpy()[away < (num_beside + 0.5) * step].sum()
            kpi = planned.evaluation.kpi
            assert kpi[f"households_{each}_hour"] == pytest.approx(within)
            assert kpi[f"households_{each}_hour_frac"] == pytest.approx(within / households.sum())
        assert kpi["households_mean_hour"] > kpi["households_peak_hour"] > 0
        served_min = planned.plan.allocation["drive_min"].max()
        assert served_min == pytest.approx(stations_reach * 1.25, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_audit_at_each_hour_equals_the_search(tutorial: Instance, seed: int) -> None:
    rng = np.random.default_rng(seed)
    roads = tutorial.roads.assign(speed_kmh=rng.choice([20.0, 40.0, 80.0], len(tutorial.roads)))
    busy = _with(replace(tutorial, roads=roads), 4.0, peak_speed_frac=0.6, mean_speed_frac=0.9)
    joined = join_network(busy)
    assert joined is not None
    some, nearest = np.array([0, 3]), {}
    for hour in HOURS:
        reach = drive_time_reach(build_road_graph(busy, hour), joined.sites, joined.zones, 4.0)
        expected = np.full(len(busy.zones), np.inf)
        site_of_arc = np.repeat(np.arange(len(busy.sites)), np.diff(reach.ptr))
        is_some = np.isin(site_of_arc, some)
        np.minimum.at(expected, reach.zone_idx[is_some], reach.drive_min[is_some])
        nearest[hour] = audit_nearest(busy, *joined, some, 1, hour)[:, 0]
        assert nearest[hour] == pytest.approx(expected)
    assert (nearest["peak"] >= nearest["mean"]).all()
    assert np.isfinite(nearest["peak"]).any()


@pytest.mark.parametrize("ending", [".csv", ".graphml"])
def test_both_road_inputs_are_slowed_alike(tutorial_copy: Path, ending: str) -> None:
    free = read_instance(tutorial_copy)
    if ending == ".graphml":
        graph = nx.MultiDiGraph(crs="epsg:4326")
        for row in free.road_nodes.itertuples():
            graph.add_node(row.node_id, x=str(row.lon), y=str(row.lat))
        for row in free.roads.itertuples():
            graph.add_edge(row.from_node, row.to_node, length=str(1000 * row.length_km),
                           speed_kph=str(row.speed_kmh), oneway="False")  # fmt: skip
        nx.write_graphml(graph, tutorial_copy / "roads.graphml")
        for name in ("roads.csv", "road_nodes.csv"):
            (tutorial_copy / name).unlink()
    shares = {"peak_speed_frac": 0.4, "mean_speed_frac": 0.8}
    standard = {"siting": {"drive_time_min": 2.6}}
    busy = read_instance(tutorial_copy, overrides={"network": shares, **standard})
    reach = reach_on_network(busy)[1]
    # 1 km at 60 km/h takes 2.5 min at 0.4 of that speed, so sites reach their neighbours.
    assert set(reach.drive_min.round(1)) == {0.0, 2.5}


def test_the_peak_is_the_slowest_hour() -> None:
    with pytest.raises(ValidationError, match=r"mean_speed_frac must not be less.*give both"):
        Network(peak_speed_frac=1.0)
    assert Network(peak_speed_frac=1.0, mean_speed_frac=1.0).speed_frac() == 1.0
    assert Network().speed_frac("peak") == Network().speed_frac() < Network().speed_frac("mean")


def _grid(step_km: float, speed_kmh: float) -> RoadTable:
    """Streets of 8 x 8 km, both ways."""
    number = round(8 / step_km) + 1
    east, north = (axis.ravel() for axis in np.meshgrid(np.arange(number), np.arange(number)))
    nodes = pd.DataFrame(
        {
            "node_id": north * number + east,
            "lon": east * step_km / 111.195,
            "lat": north * step_km / 111.195,
        }
    )
    ids = nodes["node_id"].to_numpy().reshape(number, number)
    ends = [(ids[:, :-1], ids[:, 1:]), (ids[:-1], ids[1:])]
    roads = pd.DataFrame(
        {
            "from_node": np.concatenate([start.ravel() for start, _ in ends]),
            "to_node": np.concatenate([end.ravel() for _, end in ends]),
            "length_km": step_km,
            "speed_kmh": speed_kmh,
        }
    )
    return RoadTable(nodes, roads)


def test_a_grid_against_a_slower_one() -> None:
    streets, slower = _grid(0.5, 40.0), _grid(0.5, 30.0)
    # A road told twice is driven once, at the faster.
    twice = pd.concat((slower.roads, slower.roads.assign(speed_kmh=10.0)), ignore_index=True)
    zones = streets.nodes[["lon", "lat"]].assign(car_owning_households=100.0)
    network = Network(peak_speed_frac=0.5, mean_speed_frac=0.8)
    found = {
        hour: check_streets(
            RoadTable(slower.nodes, twice), streets, zones, network=network, hour=hour,
            num_drives=100,
        )
        for hour in HOURS
    }  # fmt: skip
    for hour, frac in (("peak", 0.5), ("mean", 0.8)):
        figures = found[hour].figures()
        assert figures["street_speed_kmh"] == pytest.approx(40 * frac)
        assert figures["coarse_speed_kmh"] == pytest.approx(30 * frac)
        assert figures["mean_ratio"] == pytest.approx(40 / 30)
        assert figures["low_ratio"] == pytest.approx(figures["high_ratio"])
        assert 1.0 < figures["street_detour"] < 2**0.5
        assert figures["reach_ratio"] < 1.0
        drives = found[hour].drives
        assert drives["coarse_road_km"].to_numpy() == pytest.approx(drives["street_shortest_km"])
    mean, peak = found["mean"].reach, found["peak"].reach
    assert (mean >= peak).all(axis=None)
    # 10 min at 20 km/h are 3.33 km: diamonds of 6 streets of 0.5 km, within the map.
    assert peak["street_households"].max() <= 100 * (2 * 6 * 7 + 1)


def test_measured_drives_are_in_line() -> None:
    """The coarse roads' speeds are calibrated: as long as on streets, in the mean of both."""
    table = read_drive_times().pivot(index=["place", "hour"], columns="figure", values="value")
    assert table["mean_ratio"].groupby("hour").mean().tolist() == pytest.approx([1, 1], abs=0.03)
    assert table["street_speed_kmh"].xs("peak", level="hour").between(26, 32).all()
    assert table["street_speed_kmh"].xs("mean", level="hour").between(32, 38).all()
