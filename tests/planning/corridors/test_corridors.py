from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError
from planner.geodesy import great_circle_km
from planner.instance import Instance
from planner.network.intercity import build_intercity_network, find_trip_paths
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.corridors.plan import CorridorPlan, plan_on_own_limits
from planner.planning.corridors.prepare import CorridorInput, prepare_corridors
from planner.planning.corridors.problem import pair_of_path, road_energy
from planner.planning.corridors.roads import prepare_roads
from planner.planning.corridors.tables import CorridorTables, describe_corridors
from planner.planning.corridors.trips import flow_figures
from planner.solving.options import SolveOptions
from planner.solving.status import Status

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)


def road_instance(
    tutorial: Instance,
    apart_km: float = 500.0,
    flows: pd.DataFrame | None = None,
    **corridors: object,
) -> Instance:
    """Two cities like the tutorial's first, one road between them along the 45th parallel."""
    far_lon = apart_km / 80.0
    cities = pd.concat([tutorial.cities.iloc[[0]]] * 2, ignore_index=True)
    cities = cities.assign(city_id=["west", "east"], lon=[0.0, far_lon], lat=45.0, population=1e6)
    climate = tutorial.climate[tutorial.climate["city_id"] == tutorial.cities["city_id"].iloc[0]]
    scenario = tutorial.scenario
    settings = {"num_stations": 10, "objective": "vehicles", **corridors}
    return replace(
        tutorial,
        scenario=scenario.model_copy(
            update={"corridors": scenario.corridors.model_copy(update=settings)}
        ),
        cities=cities,
        climate=pd.concat([climate.assign(city_id=name) for name in ("west", "east")]),
        road_nodes=pd.DataFrame({"node_id": [0, 1], "lon": [0.0, far_lon], "lat": 45.0}),
        roads=pd.DataFrame(
            {"from_node": [0], "to_node": [1], "length_km": [apart_km], "speed_kmh": [100.0]}
        ),
        flows=pd.DataFrame(columns=tutorial.flows.columns) if flows is None else flows,
    )


def packs_of(instance: Instance, pack: int = 0) -> pd.DataFrame:
    chosen = instance.packs.iloc[pack]
    fits = instance.vehicles["envelope"] == chosen["envelope"]
    return pd.DataFrame(
        {
            "city_id": instance.cities["city_id"],
            "vehicle_id": instance.vehicles.loc[fits, "vehicle_id"].iloc[0],
            "pack_id": chosen["pack_id"],
            "vehicles": 1000.0,
        }
    )


@dataclass(frozen=True)
class Found:
    """A corridor plan and its tables."""

    inputs: CorridorInput
    solution: CorridorPlan
    tables: CorridorTables


def planned(instance: Instance, stations: tuple[str, ...] = ("west", "east")) -> Found:
    climate = city_climate(instance)
    fleet = operate_fleet(instance, climate)
    roads = prepare_roads(instance, fleet, climate)
    open_stations = instance.cities[instance.cities["city_id"].isin(stations)]
    inputs = prepare_corridors(
        instance, fleet, roads, packs_of(instance), open_stations[["city_id", "lon", "lat"]]
    )
    plan = plan_on_own_limits(instance, inputs, OPTIONS)
    tables = describe_corridors(instance, inputs, plan.open_site_idx, plan.driven_frac)
    return Found(inputs, plan, tables)


def test_margins_by_hand(tutorial: Instance):
    instance = road_instance(tutorial)
    plan = planned(instance)
    assert plan.solution.proof.status is Status.OPTIMAL
    assert plan.tables.unserved.empty
    energy, settings = plan.inputs.roads.energy, instance.scenario.corridors
    # One climate: the same draw on every piece of 25 km, the same pack everywhere.
    draw, usable = energy.draw_kwh[0, 0, 0] / 25.0, energy.usable_kwh[0, 0, 0]
    full = float(energy.profiles["full_kwh"].iloc[0])
    for leg in plan.tables.legs.query("season == 'winter'").itertuples():
        from_city = leg.from_stop in ("west", "east")
        missing = (1 - settings.start_frac) * full if from_city else 0.0
        left = (1 - settings.reserve_frac) * usable - missing - leg.km * draw
        assert leg.margin_kwh == pytest.approx(left)
        assert leg.margin_kwh >= -1e-6
        assert leg.margin_km == pytest.approx(max(left, 0.0) / draw, abs=1e-6)
    assert plan.tables.legs.query("season == 'winter'")["km"].sum() == pytest.approx(1000.0)


def test_swaps_by_pack_are_those_of_the_stations(tutorial: Instance):
    instance = road_instance(tutorial)
    tables = planned(instance).tables
    packs = tables.station_packs
    fits = packs_of(instance).iloc[0]
    assert (packs[["vehicle_id", "pack_id"]] == fits[["vehicle_id", "pack_id"]]).all(axis=None)
    for season in ("winter", "summer"):
        of_season = packs[packs["season"] == season].set_index("corridor_station_id")
        stations = tables.stations.set_index("corridor_station_id")[f"{season}_swaps_per_day"]
        assert of_season["swaps_per_day"].to_dict() == pytest.approx(
            stations[stations > 0].to_dict()
        )
    assert packs["swaps_per_day"].sum() > 0


def test_as_many_stations_as_the_range_asks_for(tutorial: Instance):
    plan = planned(road_instance(tutorial, num_stations=None, winter_weight=1.0))
    energy = plan.inputs.roads.energy
    reach_km = 0.9 * energy.usable_kwh[0, 0, 0] / (energy.draw_kwh[0, 0, 0] / 25.0)
    assert plan.solution.proof.objective > 0
    few = int(np.ceil(500.0 / reach_km)) - 2
    short = planned(road_instance(tutorial, num_stations=max(few, 0), winter_weight=1.0))
    assert short.solution.proof.objective == 0.0
    assert len(short.tables.unserved.query("season == 'winter'")) == 1
    broken = short.tables.unserved.iloc[0]
    assert broken["short_kwh"] > 0
    assert broken["leg_km"] > reach_km - 25.0
    assert broken["why"] == "no station opened here"


def test_cities_without_stations_do_not_count_as_open(tutorial: Instance):
    none = planned(road_instance(tutorial, apart_km=60.0, num_stations=0), stations=())
    both = planned(road_instance(tutorial, apart_km=60.0, num_stations=0))
    assert none.solution.proof.objective == 0.0
    assert both.tables.summary["refuelled_frac"].tolist() == [1.0] * 4


@pytest.mark.parametrize(
    "setting", [{"reserve_frac": 0.0}, {"soak_frac": 0.0}, {"num_stations": 4}]
)
def test_more_range_or_stations_never_lower_the_objective(tutorial: Instance, setting):
    lesser = planned(road_instance(tutorial, num_stations=2, winter_weight=1.0))
    more = planned(road_instance(tutorial, **{"num_stations": 2, "winter_weight": 1.0, **setting}))
    assert more.solution.proof.objective >= lesser.solution.proof.objective - 1e-9


def test_gravity_trips_take_the_stated_share_of_all_swaps(tutorial: Instance):
    instance = road_instance(tutorial, swap_share_frac=0.25)
    inputs = planned(instance).inputs
    fleet = operate_fleet(instance, city_climate(instance))
    swaps = planned_swaps(instance, fleet)
    packs_each = 2 * (inputs.roads.energy.draw_kwh / inputs.roads.energy.usable_kwh).sum(axis=-1)
    on_road = 0.5 * (inputs.vehicles_per_day[..., 0, :].sum(axis=-1) * packs_each).sum()
    assert on_road == pytest.approx(0.25 * swaps)


def _three_cities(tutorial: Instance, **corridors: object) -> Instance:
    """West and middle of one province, east of another: 100 and 200 km along one road."""
    instance = road_instance(tutorial, **corridors)
    cities = pd.concat([instance.cities.iloc[[0]]] * 3, ignore_index=True).assign(
        city_id=["west", "middle", "east"], lon=[0.0, 1.25, 3.75], lat=45.0,
        province=["P", "P", "Q"], population=[1e6, 2e6, 3e6],
    )  # fmt: skip
    climate = instance.climate[instance.climate["city_id"] == "west"]
    return replace(
        instance,
        cities=cities,
        climate=pd.concat([climate.assign(city_id=name) for name in cities["city_id"]]),
        road_nodes=pd.DataFrame({"node_id": [0, 1, 2], "lon": cities["lon"], "lat": 45.0}),
        roads=pd.DataFrame(
            {"from_node": [0, 1], "to_node": [1, 2], "length_km": [100.0, 200.0],
             "speed_kmh": 100.0}
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("exponent", "factor"), [(1.75, 2.0), (1.0, 1.0), (2.0, 3.0)])
def test_gravity_by_hand(tutorial: Instance, exponent: float, factor: float):
    instance = _three_cities(tutorial, distance_exponent=exponent, same_province_factor=factor)
    trips = planned(instance, ("west", "middle", "east")).inputs.vehicles_per_day[1, 0, :, 0]
    # From the first city of each pair on, all with as many vehicles: residents of the other end.
    residents = np.array([2e6, 3e6, 3e6])  # west-middle, west-east, middle-east
    pull = residents * np.array([factor, 1, 1]) / np.array([100.0, 300.0, 200.0]) ** exponent
    assert trips / trips.sum() == pytest.approx(pull / pull.sum())


def test_figures_of_the_flows_by_hand(tutorial: Instance):
    instance = _three_cities(tutorial, distance_exponent=2.0, same_province_factor=2.0)
    lon = instance.cities["lon"].to_numpy()
    km = 1.26 * great_circle_km(lon[[0, 0, 1]], 45.0, lon[[1, 2, 2]], 45.0)
    trips = np.array([2 * 1 * 2, 1 * 3, 2 * 3]) / km**2
    figures = flow_figures(instance)
    assert figures["mean_trip_km"] == pytest.approx((trips * km).sum() / trips.sum())
    assert figures["same_province_frac"] == pytest.approx(trips[0] / trips.sum())
    alone = flow_figures(replace(instance, cities=instance.cities[:1]))
    assert np.isnan(list(alone.values())).all()
    with pytest.raises(InputError, match="population"):
        flow_figures(replace(instance, cities=instance.cities.drop(columns="population")))


def test_winter_may_have_fewer_trips(tutorial: Instance):
    inputs = planned(road_instance(tutorial, winter_trips_factor=0.5)).inputs
    winter, summer = inputs.vehicles_per_day.sum(axis=(1, 2, 3))
    assert winter == pytest.approx(0.5 * summer)


def planned_swaps(instance: Instance, fleet) -> float:
    pack = pd.Index(instance.packs["pack_id"]).get_indexer(instance.vehicles["default_pack_id"])
    return sum(
        float(fleet.vehicles[0, :, vehicle] @ fleet.yearly_swaps_per_day[:, vehicle, pack[vehicle]])
        for vehicle in range(len(pack))
    )


def test_stated_flows_replace_the_gravity_model(tutorial: Instance):
    flows = pd.DataFrame(
        [("west", "east", "winter", 10.0), ("east", "west", "winter", 5.0),
         ("west", "east", "summer", 7.0)],
        columns=["from_city_id", "to_city_id", "season", "vehicles_per_day"],
    )  # fmt: skip
    inputs = planned(road_instance(tutorial, flows=flows)).inputs
    assert inputs.roads.energy.profiles["pack_id"].iloc[0] == "lfp_25"
    assert inputs.vehicles_per_day[:, 0, 0].tolist() == [[10.0, 5.0], [7.0, 0.0]]


def test_unknown_packs_and_cities_are_named(tutorial: Instance):
    instance = road_instance(tutorial)
    packs = packs_of(instance).assign(pack_id="no_such_pack")
    climate = city_climate(instance)
    fleet = operate_fleet(instance, climate)
    roads = prepare_roads(instance, fleet, climate)
    stations = instance.cities[["city_id", "lon", "lat"]].assign(city_id="nowhere")
    with pytest.raises(InputError) as error:
        prepare_corridors(instance, fleet, roads, packs, stations)
    assert {fault.value for fault in error.value.faults} == {"no_such_pack", "nowhere"}


def test_faster_roads_take_more_energy(tutorial: Instance):
    energies = []
    for speed in (70.0, 110.0):
        instance = road_instance(tutorial, speed_kmh=speed)
        network = build_intercity_network(instance, max_trip_km=900, spacing_km=25)
        energies.append(
            road_energy(instance, city_climate(instance), network, packs_of(instance)).draw_kwh
        )
    assert (energies[1] > energies[0])[1].all()  # in summer no cabin heat weighs against it
    paths = find_trip_paths(network, max_trip_km=900)
    assert pair_of_path(paths).tolist() == [0]


def test_capacity_turns_away_what_a_station_cannot_do(tutorial: Instance):
    free = planned(road_instance(tutorial, swap_share_frac=1.0))
    limited = planned(road_instance(tutorial, swap_share_frac=1.0, limit_capacity=True))
    assert limited.solution.proof.objective < free.solution.proof.objective
    assert limited.solution.proof.objective <= limited.solution.proof.bound
    busiest = limited.tables.stations["holiday_swaps_per_hour"].max()
    assert busiest < free.tables.stations["holiday_swaps_per_hour"].max()
