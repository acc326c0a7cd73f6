"""Corridors in the whole plan: funding, packs on the road, the check."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.errors import CheckError, InfeasibleError, InputError
from planner.instance import Instance, read_instance
from planner.physics.climate import city_climate
from planner.planning import pipeline
from planner.planning.check_plan import check_plan
from planner.planning.joined_network import join_network, next_stations
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.planning.rounds import Fitted
from planner.plans.fleet_rows import fleet_rates, winter_rates
from planner.plans.service_rows import service_tables
from planner.simulation.tables import read_day
from tests.two_towns import APART_KM, two_towns

TUTORIAL = Path(__file__).parents[3] / "instances" / "tutorial"


@pytest.fixture(scope="module")
def own(tutorial: Instance) -> Planned:
    return plan(with_corridors(two_towns(tutorial), funding="own", num_stations=3))


def with_corridors(instance: Instance, **settings: object) -> Instance:
    scenario = instance.scenario
    corridors = scenario.corridors.model_copy(update=settings)
    return replace(instance, scenario=scenario.model_copy(update={"corridors": corridors}))


def test_without_funding_nothing_changes(tutorial: Instance) -> None:
    planned = plan(two_towns(tutorial))
    assert not any(name.startswith("corridor") for name in planned.tables)
    assert [model.name for model in planned.plan.models] == [
        "siting", "pack_assignment", "least_money",
    ]  # fmt: skip
    assert planned.plan.road_use.empty


def test_three_stations_carry_every_trip(own: Planned) -> None:
    kpi = own.evaluation.kpi
    assert kpi["num_corridor_stations"] == 3
    assert kpi["trips_refuelled_winter_frac"] == kpi["trips_refuelled_summer_frac"] == 1.0
    legs = own.tables["corridor_legs"]
    winter = legs[(legs["season"] == "winter") & (legs["pack_id"] == "na_25")]
    assert winter["km"].sum() == pytest.approx(2 * APART_KM)
    assert (legs["margin_kwh"] >= 0).all()
    assert set(legs["from_stop"]) == {"town", "town_e", *own.plan.corridor_stations.iloc[:, 0]}
    assert own.tables["corridor_unserved"].empty
    roads = own.tables["corridor_roads"]
    assert roads["km"].sum() == pytest.approx(APART_KM)
    assert roads["winter_trips_per_day"].unique() == pytest.approx([kpi["trips_per_day_winter"]])


def test_swaps_on_the_road_need_packs_there(own: Planned, tutorial: Instance) -> None:
    without = plan(two_towns(tutorial))
    assert own.evaluation.pack_cost_cny > without.evaluation.pack_cost_cny
    station_packs = [
        sum(value for name, value in each.evaluation.kpi.items() if name.startswith("station_p"))
        for each in (own, without)
    ]
    assert station_packs[0] > station_packs[1]
    # Energy inputs on the road: all that legs draw which end with a swap there.
    legs = own.tables["corridor_legs"]
    winter = legs[(legs["season"] == "winter") & legs["to_stop"].str.startswith("R")]
    on_road_kwh = (winter["drawn_kwh"] * winter["trips_per_day"]).sum()
    private = own.instance.cities["vehicles_private"].sum()
    counted = own.plan.road_use
    assert counted["road_kwh_per_day"].to_numpy() == pytest.approx(on_road_kwh / private, rel=0.05)


def test_corridor_stations_are_simulated_with_their_own_mix(own: Planned) -> None:
    instance, evaluation = own.instance, own.evaluation
    climate = city_climate(instance)
    rates = fleet_rates(instance, climate)
    stations = evaluation.stations
    on_road = own.tables["corridor_stations"]
    tables = service_tables(
        instance, rates, winter_rates(instance, rates, climate), evaluation.packs,
        evaluation.zones, stations, next_stations(instance, join_network(instance), stations),
        on_road, own.tables["corridor_station_packs"],
    )  # fmt: skip
    packs = own.plan.station_packs
    for kind, factor in (("winter_design", 1.0), ("winter_peak", 4.0)):
        day = read_day(
            **tables, station_packs=packs, day=kind, quarter=instance.scenario.planning_quarter
        )
        by_station = dict(zip(day.station_id, day.swaps_per_hour.sum(axis=(1, 2)), strict=True))
        for row in on_road.itertuples():
            expected = factor * row.winter_swaps_per_day
            assert by_station[row.corridor_station_id] == pytest.approx(expected)
        peak = day.swaps_per_hour.sum(axis=1).max(axis=1)
        for name, rate in zip(day.station_id, peak, strict=True):
            if kind == "winter_peak" and name in set(stations["site_id"]):
                planned = stations.set_index("site_id").loc[name, "peak_swaps_per_hour"]
                assert rate == pytest.approx(planned)
    assert (day.next_idx[np.isin(day.station_id, on_road["corridor_station_id"])] == -1).all()
    assert not np.isnan(day.turn_h).any()


def test_the_public_check_agrees(own: Planned) -> None:
    again = check_plan(own.instance, own.plan)
    stated = own.evaluation.kpi  # with figures that the simulation alone knows
    assert again.kpi == pytest.approx({name: stated[name] for name in again.kpi})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda names: names[1:], "worth"),
        (lambda names: [*names, "R+45.750+200.000"], "not known"),
        (lambda names: [*names, names[0]], "named twice"),
    ],
)
def test_a_wrong_corridor_plan_fails_the_check(own: Planned, change, complaint: str) -> None:
    names = change(own.plan.corridor_stations["corridor_station_id"].tolist())
    stations = pd.DataFrame({"corridor_station_id": names})
    with pytest.raises(CheckError, match=complaint):
        check_plan(own.instance, replace(own.plan, corridor_stations=stations))


def test_the_planner_checks_its_labels_not_the_problem_it_solved(
    own: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A corridor problem that counts every trip twice is believed by nobody but its own model."""
    fit = pipeline.fit_packs_and_stations

    def count_twice(*args: object) -> Fitted:
        fitted = fit(*args)  # type: ignore[arg-type]
        corridors = fitted.corridors
        assert corridors is not None
        problem = corridors.inputs.problem
        inputs = replace(corridors.inputs, problem=replace(problem, value=2.0 * problem.value))
        objective, bound = 2.0 * corridors.proof.objective, 2.0 * corridors.proof.bound
        proof = replace(corridors.proof, objective=objective, bound=bound)
        return replace(fitted, corridors=replace(corridors, inputs=inputs, proof=proof))

    monkeypatch.setattr(pipeline, "fit_packs_and_stations", count_twice)
    with pytest.raises(CheckError, match="trips are worth"):
        plan(own.instance)


def test_too_many_stations_fail_the_check(own: Planned) -> None:
    with pytest.raises(CheckError, match="limit is 2"):
        check_plan(with_corridors(own.instance, num_stations=2), own.plan)


def test_packs_that_did_not_count_on_the_road_fail_the_check(own: Planned) -> None:
    with pytest.raises(CheckError, match="cost"):
        check_plan(own.instance, replace(own.plan, road_use=own.plan.road_use.iloc[:0]))


def test_cheapest_corridor_for_a_wanted_share(tutorial: Instance) -> None:
    planned = plan(with_corridors(two_towns(tutorial), funding="own", wanted_frac=1.0))
    corridors = planned.plan.models[2]
    assert (corridors.sense, corridors.unit, corridors.status) == ("min", "CNY", "OPTIMAL")
    assert corridors.objective == planned.evaluation.kpi["corridor_capex_cny"] == 15e6
    assert planned.evaluation.kpi["trips_refuelled_winter_frac"] == 1.0


def test_a_wanted_share_out_of_reach_is_explained(tutorial: Instance) -> None:
    asked = with_corridors(two_towns(tutorial), funding="own", wanted_frac=1.0, num_stations=1)
    with pytest.raises(InfeasibleError) as refused:
        plan(asked)
    assert refused.value.conflict == (
        "corridors: 100 % of the worth of trips refuelled",
        "corridors: at most 1 station",
    )
    assert refused.value.repair[0] == "corridors: allow 3 stations instead of 1"
    assert refused.value.repair[1].startswith("ask for ")


@pytest.mark.parametrize("share", [0.1, pytest.param(3.0, marks=pytest.mark.slow)])
def test_national_funding_equals_the_best_split(tutorial: Instance, share: float) -> None:
    """More trips make the road worth more; every split of five stations is tried."""
    instance = with_corridors(two_towns(tutorial, num_stations=5), swap_share_frac=share)
    planned = plan(with_corridors(instance, funding="national"))
    siting, kpi = planned.plan.models[0], planned.evaluation.kpi
    splits = []
    for number in range(4):
        apart = with_corridors(instance, funding="own", num_stations=number)
        scenario = apart.scenario
        cities = scenario.siting.model_copy(update={"num_stations": 5 - number})
        apart = replace(apart, scenario=scenario.model_copy(update={"siting": cities}))
        found = plan(apart).evaluation.kpi
        splits.append(found["swaps_per_day_served"] + found["corridor_swaps_per_day"])
    assert siting.objective == pytest.approx(
        kpi["swaps_per_day_served"] + kpi["corridor_swaps_per_day"]
    )
    assert siting.objective == pytest.approx(max(splits), rel=2e-3)
    assert siting.bound >= max(splits) * (1 - 2e-3)
    assert kpi["num_stations"] + kpi["num_corridor_stations"] <= 5


def test_a_dearer_road_swap_moves_stations_there(tutorial: Instance) -> None:
    instance = with_corridors(two_towns(tutorial, num_stations=5), funding="national")
    numbers = [
        plan(with_corridors(instance, trip_swap_weight=weight)).evaluation.kpi[
            "num_corridor_stations"
        ]
        for weight in (0.01, 100.0)
    ]
    assert numbers == [0, 3]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"corridors": {"funding": "own"}}, "give num_stations, budget_cny or wanted_frac"),
        ({"corridors": {"funding": "national", "objective": "vehicles"}}, "set objective swaps"),
        ({"corridors": {"funding": "national", "wanted_frac": 0.5}}, "wanted_frac needs funding"),
        ({"corridors": {"funding": "national"}, "siting": {"objective": "p_median"}},
         "set siting.objective max_coverage"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other(settings, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        read_instance(TUTORIAL, overrides=settings)
    assert complaint in str(error.value)


def test_capacities_and_funding_go_together(tutorial: Instance) -> None:
    crowded = {"swap_share_frac": 3.0, "trip_swap_weight": 10.0, "limit_capacity": True}
    instance = with_corridors(two_towns(tutorial, num_stations=5), **crowded)
    planned = plan(with_corridors(instance, funding="national"))
    stations = planned.tables["corridor_stations"]
    kpi = planned.evaluation.kpi
    assert len(stations) > 0
    assert 0 < kpi["trips_refuelled_winter_frac"] < 1
    assert (stations["holiday_swaps_per_hour"] <= stations["capacity_per_hour"] * 1.01).all()
    assert "its stations are full" in set(planned.tables["corridor_unserved"]["why"])


def test_a_stop_keeps_a_plan_that_passes_the_check(tutorial: Instance) -> None:
    stop = threading.Event()
    stop.set()
    planned = plan(with_corridors(two_towns(tutorial), funding="national"), stop=stop)
    assert planned.evaluation.kpi["num_stations"] <= 4


def test_corridor_stations_are_of_the_type_stated(tutorial: Instance, own: Planned) -> None:
    planned = plan(with_corridors(own.instance, station_type="choco_14"))
    stations = planned.tables["corridor_stations"]
    assert set(stations["station_type_id"]) == {"choco_14"}
    assert planned.evaluation.kpi["corridor_capex_cny"] == 3e6 * len(stations)
    largest = own.tables["corridor_stations"]["capacity_per_hour"].max()
    assert stations["capacity_per_hour"].max() < largest
    item = "type of corridor stations"
    assert item not in set(planned.assumptions["item"])
    assumed = own.assumptions.set_index("item").loc[item]
    assert assumed["value"] == "choco_30"
    with pytest.raises(InputError, match=r"choco_41.*did you mean choco_14\?"):
        plan(with_corridors(own.instance, station_type="choco_41"))


def test_an_unknown_type_of_corridor_stations_is_a_fault_of_the_input() -> None:
    wrong = {"corridors": {"station_type": "choco_41"}}
    with pytest.raises(InputError, match=r"choco_41.*did you mean choco_14\?"):
        read_instance(TUTORIAL, overrides=wrong)
    with pytest.raises(InputError, match=r"corridors\.station_type"):
        read_instance(TUTORIAL, overrides=wrong, like=read_instance(TUTORIAL))
    stated = read_instance(TUTORIAL, overrides={"corridors": {"station_type": "choco_14"}})
    assert stated.scenario.corridors.station_type == "choco_14"


def test_one_town_has_no_trips(tutorial: Instance) -> None:
    planned = plan(with_corridors(tutorial, funding="national"))
    alone = plan(tutorial)
    assert planned.plan.models[0].objective == alone.plan.models[0].objective
    assert planned.tables["corridor_stations"].empty


def test_existing_sites_of_the_table_are_kept(tutorial: Instance) -> None:
    columns = ["corridor_site_id", "lon", "lat", "status"]
    sites = pd.DataFrame([("rest_area", 129.538, 45.75, "existing")], columns=columns)
    instance = with_corridors(two_towns(tutorial), funding="own", num_stations=2)
    planned = plan(replace(instance, corridor_sites=sites))
    stations = planned.tables["corridor_stations"].set_index("corridor_station_id")
    assert stations["site_status"]["rest_area"] == "existing"
    with pytest.raises(InfeasibleError, match="at most 0 stations\n  - existing station rest_area"):
        plan(replace(with_corridors(instance, num_stations=0), corridor_sites=sites))
    far = sites.assign(lat=50.0)
    with pytest.raises(InputError, match="from the next road"):
        plan(replace(instance, corridor_sites=far))
    doubled = pd.concat([sites, sites.assign(corridor_site_id="other", status="candidate")])
    planned = plan(replace(instance, corridor_sites=doubled.reset_index(drop=True)))
    assert "corridor site other" in set(planned.assumptions["item"])


def test_forbidden_sites_stay_empty(tutorial: Instance, own: Planned) -> None:
    chosen = own.tables["corridor_stations"].iloc[0]
    sites = pd.DataFrame(
        {"corridor_site_id": ["no"], "lon": [chosen["lon"]], "lat": [chosen["lat"]],
         "status": ["forbidden"]}
    )  # fmt: skip
    planned = plan(replace(own.instance, corridor_sites=sites))
    assert "no" not in set(planned.plan.corridor_stations["corridor_station_id"])
    place = planned.tables["corridor_stations"][["lon", "lat"]].to_numpy()
    assert not (place == chosen[["lon", "lat"]].to_numpy(float)).all(axis=1).any()
