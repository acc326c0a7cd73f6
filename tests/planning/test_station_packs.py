"""Whole packs of stations keep the level, fit bays and stock, and capacity is its largest rate."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import NoPlanError
from planner.instance import SEGMENTS, Instance
from planner.models.packs.problem import PackAssignment
from planner.physics.climate import city_climate
from planner.physics.fleet import FleetOperation, operate_fleet
from planner.planning import paid_packs
from planner.planning.packs import StationAnswer
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.planning.service import city_mix, station_capacity, station_day
from planner.planning.siting.standing import station_types_by_size
from planner.planning.station_packs import (
    CityService,
    OpenStations,
    answer_of_stock,
    keep_within_stock,
    stock_stations,
    sums_by_city,
)
from planner.service.day import busiest_hours
from planner.service.waits import on_time
from planner.solving.proof import Proof
from planner.solving.status import Status
from tests.scenarios import with_settings


@pytest.fixture(scope="module")
def fleet(tutorial: Instance) -> FleetOperation:
    return operate_fleet(tutorial, city_climate(tutorial))


@pytest.fixture(scope="module")
def vehicles(tutorial: Instance, fleet: FleetOperation) -> np.ndarray:
    """Half of every class on each of its packs, in the one quarter."""
    fits = ~np.isnan(fleet.design_range_km[..., 0])
    return (fleet.vehicles[0][..., None] * fits / fits.sum(axis=2, keepdims=True))[None]


def _stations(
    tutorial: Instance,
    fleet: FleetOperation,
    vehicles: np.ndarray,
    peaks: list[float],
    kind: int = 1,
) -> OpenStations:
    """Stations of the one city and quarter with these swaps in the peak hour."""
    number, packs = len(peaks), len(tutorial.packs)
    of_city = city_mix(tutorial, fleet, vehicles[0], fleet.coldest_month).peak_per_hour[0]
    return OpenStations(
        np.array([f"s{place}" for place in range(number)]),
        np.zeros(number, dtype=np.int64),
        np.full((1, number), kind),
        np.array([peaks]) / of_city,
        np.full((number, packs), np.nan),
    )


def test_fewest_packs_keep_the_level(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    """With them the share is what is planned for; with one fewer of any type it is not."""
    instance = with_settings(tutorial, service={"late_swap_cny": 0.0})
    level = instance.scenario.service
    stations = _stations(instance, fleet, vehicles, [2.0, 5.0, 9.0])
    packs = stock_stations(instance, fleet, vehicles, stations, instance.scenario.quarters)[0]
    mix = city_mix(instance, fleet, vehicles[0], fleet.coldest_month)
    day = station_day(
        instance, mix, stations.station_id, stations.city_idx, stations.type_idx[0],
        np.array([2.0, 5.0, 9.0]),
    )  # fmt: skip
    hours = busiest_hours(day.swaps_per_hour, level.busy_hours)

    def share(held: np.ndarray) -> np.ndarray:
        return on_time(replace(day, packs=held), hours, level.wait_min).share

    assert (np.diff(packs.sum(axis=1)) > 0).all()
    assert (share(packs) >= level.planned_frac).all()
    for kind in range(packs.shape[1]):
        fewer = packs.copy()
        fewer[:, kind] -= 1
        assert (share(fewer) < level.planned_frac).all()


def test_a_pack_that_nobody_has_is_no_cheaper_than_it_was_assumed(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    """Or than all packs are together; where vehicles have it, it is what stations keep."""
    everywhere = StationAnswer.everywhere(tutorial)
    service = CityService(everywhere.served_frac, everywhere.capacity_cny)
    some = vehicles.copy()
    some[..., 1:] = 0
    stations, quarters = _stations(tutorial, fleet, some, [4.0, 6.0]), tutorial.scenario.quarters
    stock = stock_stations(tutorial, fleet, some, stations, quarters)
    found = {}
    for least in (0.0, 50.0):
        assumed = replace(everywhere, per_turning=np.full_like(everywhere.per_turning, least))
        found[least] = answer_of_stock(
            tutorial, fleet, some, stock, stations, quarters, service,
            everywhere.road_kwh_per_day, assumed,
        ).per_turning[0, 0]  # fmt: skip
    assert 0 < found[0.0][0] < 50
    assert found[50.0].tolist() == [found[0.0][0], *[50.0] * (len(found[0.0]) - 1)]
    assert found[0.0] == pytest.approx(found[0.0][0])


def test_further_packs_stand_where_late_drivers_cost_more(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    stations, quarters = _stations(tutorial, fleet, vehicles, [9.0]), tutorial.scenario.quarters
    held = [
        stock_stations(
            with_settings(tutorial, service={"late_swap_cny": cny}), fleet, vehicles, stations,
            quarters,
        ).sum()
        for cny in (0.0, 9.0, 900.0)
    ]  # fmt: skip
    assert held[0] <= held[1] < held[2] <= 30


def test_further_packs_are_those_that_workdays_pay_for(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    """The same holiday, before workdays that are even or have all their drivers in four hours."""
    stations, quarters = _stations(tutorial, fleet, vehicles, [4.0]), tutorial.scenario.quarters
    held = {}
    for crowded in (False, True):
        rows = [
            (segment, hour, kind, 0.25 * (hour < 4) if is_crowded else 1 / 24)
            for segment in SEGMENTS
            for hour in range(24)
            for kind, is_crowded in (("holiday", False), ("workday", crowded))
        ]
        columns = ["segment", "hour", "day_kind", "day_frac"]
        instance = replace(tutorial, hour_profile=pd.DataFrame(rows, columns=columns))
        hours = operate_fleet(instance, city_climate(instance))
        held[crowded] = [
            stock_stations(
                with_settings(instance, service={"late_swap_cny": cny}), hours, vehicles, stations,
                quarters,
            ).sum()
            for cny in (0.0, 9.0)
        ]  # fmt: skip
    assert held[True][0] == held[False][0]
    assert held[True][1] > held[False][1]


def test_capacity_is_the_largest_rate_that_the_bays_keep(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    instance = with_settings(tutorial, service={"late_swap_cny": 0.0})
    level = instance.scenario.service
    capacity = station_capacity(instance, fleet, vehicles[0]).swaps_per_hour[0]
    types = pd.Index(instance.stations["station_type_id"])
    for size, kind in enumerate(station_types_by_size(instance)["station_type_id"]):
        for factor, keeps in ((1.0, True), (1.001, False)):
            stations = _stations(
                instance, fleet, vehicles, [capacity[size] * factor], types.get_loc(kind)
            )
            packs = stock_stations(instance, fleet, vehicles, stations, instance.scenario.quarters)[
                0
            ]
            mix = city_mix(instance, fleet, vehicles[0], fleet.coldest_month)
            day = station_day(
                instance, mix, stations.station_id, stations.city_idx, stations.type_idx[0],
                np.array([capacity[size] * factor]),
            )  # fmt: skip
            hours = busiest_hours(day.swaps_per_hour, level.busy_hours)
            share = on_time(replace(day, packs=packs), hours, level.wait_min).share[0]
            assert (share >= level.planned_frac) == keeps


def test_capacity_again_is_the_same(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    """What was found for another mix only saves steps."""
    before = station_capacity(tutorial, fleet, vehicles[0])
    other = vehicles[0].copy()
    other[0, :, 0], other[0, :, 1] = other[0].sum(axis=1) * 0.9, other[0].sum(axis=1) * 0.1
    fresh = station_capacity(tutorial, fleet, other).swaps_per_hour
    assert not np.allclose(fresh, before.swaps_per_hour, rtol=1e-3)
    again = station_capacity(tutorial, fleet, other, before).swaps_per_hour
    assert again == pytest.approx(fresh, rel=3e-6)
    same = station_capacity(tutorial, fleet, vehicles[0], before).swaps_per_hour
    assert np.array_equal(same, before.swaps_per_hour)


def test_stated_utilisation_takes_the_place_of_the_level(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    half, full = (
        station_capacity(
            with_settings(tutorial, throughput={"utilisation_frac": frac}), fleet, vehicles[0]
        ).swaps_per_hour
        for frac in (0.5, 1.0)
    )
    assert half == pytest.approx(full / 2)
    mix = city_mix(tutorial, fleet, vehicles[0], fleet.coldest_month)
    weight = mix.swaps_per_hour[0].sum(axis=1)
    turn_h = (weight[:, None] * mix.turn_h[0]).sum(axis=0) / weight.sum()
    types = tutorial.stations
    nameplate = np.minimum(types["bays"] / turn_h, 3600 / types["seconds_per_swap"])
    assert np.sort(full[0]) == pytest.approx(np.sort(nameplate))  # the grid does not bind


def test_stations_give_packs_back_where_stock_is_short(
    tutorial: Instance, fleet: FleetOperation, vehicles: np.ndarray
) -> None:
    """From the station that has most of the pack, one by one."""
    stations = _stations(tutorial, fleet, vehicles, [1.0, 1.0, 1.0])
    packs = np.array([[[5, 1], [4, 2], [1, 1]]])
    vehicles = np.full((1, 1, 1, 2), 10.0)
    proof = Proof(Status.OPTIMAL, 0.0, 0.0, 0.0, "min")
    stock = np.array([[[17.5, 14.0]]])
    nothing = np.zeros_like(stock)
    solution = PackAssignment(
        proof, vehicles[0, 0], np.zeros((1, 1)), stock, nothing, nothing, nothing, nothing,
        made=nothing, supply_flow=nothing, buyer_served=nothing, order_open=nothing > 0,
        supply_value=nothing, application_value=nothing, material_value=nothing,
        carbon_value=0.0, pack_value=nothing,
    )  # fmt: skip
    kept = keep_within_stock(packs, stations, vehicles, solution)
    assert kept[0].tolist() == [[3, 1], [3, 2], [1, 1]]
    assert sums_by_city(kept, stations, 1)[0, 0].tolist() == [7, 4]


def test_supply_reaches_for_vehicles_and_stations(tutorial: Instance) -> None:
    """Where sodium-ion is scarce vehicles take LFP; stations hold whole packs, all bought."""
    planned = plan(tutorial)
    flows, held = planned.plan.pack_flows, planned.plan.station_packs
    assert planned.evaluation.kpi["vehicles_without_pack"] == pytest.approx(0, abs=1e-6)
    assert (held["packs"] % 1 == 0).all()
    in_vehicles = planned.plan.packs.groupby("pack_id")["vehicles"].sum()
    need = in_vehicles + held.groupby("pack_id")["packs"].sum()
    stock = flows.set_index("pack_id")["stock"]
    assert (stock.reindex(need.index) >= need - 1e-6).all()
    # Nothing is bought that nobody needs.
    assert stock.reindex(need.index).to_numpy() == pytest.approx(need.to_numpy(), abs=1.0)


def test_a_run_confirms_its_stations(planned_tutorial: Planned) -> None:
    wait = planned_tutorial.tables["station_wait"]
    assert set(wait["verdict"]) <= {"confirmed", "unclear"}
    kpi = planned_tutorial.evaluation.kpi
    assert kpi["station_packs"] == planned_tutorial.plan.station_packs["packs"].sum()
    assert kpi["within_5min_frac"] > 0.95
    target = planned_tutorial.instance.scenario.service.within_frac
    assert (wait["expected_on_time_frac"] >= target).all()


def test_a_scenario_may_leave_the_simulation_out(tutorial: Instance) -> None:
    planned = plan(with_settings(tutorial, simulation={"replications": 0}))
    assert "station_wait" not in planned.tables
    assert "within_5min_frac" not in planned.evaluation.kpi
    assert "mix_hour" in planned.tables  # `planner simulate` may still ask


def test_a_last_purchase_cut_by_time_leaves_a_checked_plan(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packs as balanced stand, at the costs they were balanced with; stations get what is left."""
    solve = paid_packs._solve_with_stock

    def cut_short(*args: Any, may_change: bool) -> PackAssignment:
        if not may_change:
            raise NoPlanError("time limit")
        return solve(*args, may_change=may_change)

    monkeypatch.setattr(paid_packs, "_solve_with_stock", cut_short)
    held = plan(tutorial).plan.station_packs  # checked: the packs' cost is that of the plan
    assert (held["packs"] > 0).all()
