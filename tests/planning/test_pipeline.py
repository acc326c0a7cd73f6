"""The whole way on small instances: brute force, hand calculation, invariants."""

import itertools
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import InfeasibleError
from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning import rounds
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.planning.siting.question import Siting, SitingTask
from planner.planning.station_answer import OtherPacks
from planner.plans.derived import derive
from planner.plans.fleet_rows import fleet_rates, peak_shares, winter_rates


def _served(instance: Instance, sites: tuple[str, ...], most_each: float) -> float:
    """Households that sites serve within 1.5 km of the tutorial's straight road.

    Each serves so many at most: the least cut (Ford and Fulkerson 1956), of all sets of full sites.
    """
    km_per_degree = 1.0 / 0.012888
    site_lon = instance.sites.set_index("site_id").loc[list(sites), "lon"].to_numpy()
    apart_km = np.abs(instance.zones["lon"].to_numpy()[:, None] - site_lon) * km_per_degree
    near = apart_km <= 1.5
    households = instance.zones["car_owning_households"].to_numpy()
    cuts = []
    for full in itertools.product([False, True], repeat=len(sites)):
        others = near[:, ~np.array(full, dtype=np.bool_)].any(axis=1)
        cuts.append(sum(full) * most_each + float(households[others].sum()))
    return min(cuts)


@pytest.mark.parametrize("num_stations", [0, 1, 2, 3, 4])
def test_tutorial_equals_brute_force(tutorial: Instance, num_stations: int) -> None:
    siting = tutorial.scenario.siting.model_copy(update={"num_stations": num_stations})
    instance = replace(tutorial, scenario=tutorial.scenario.model_copy(update={"siting": siting}))
    planned = plan(instance)
    kpi = planned.evaluation.kpi
    per_household = kpi["peak_swaps_per_hour"] / kpi["car_owning_households"]
    most_each = planned.plan.capacity["swaps_per_hour"].max() / per_household
    best = max(
        _served(tutorial, chosen, most_each)
        for count in range(num_stations + 1)
        for chosen in itertools.combinations("ABCD", count)
    )
    assert planned.plan.models[0].status == "OPTIMAL"
    assert kpi["households_served_frac"] * kpi["car_owning_households"] == pytest.approx(best)


def test_tutorial_by_hand(planned_tutorial: Planned) -> None:
    """The figures that docs/tutorial.md works out."""
    assert planned_tutorial.plan.stations["site_id"].tolist() == ["A", "B"]
    kpi = planned_tutorial.evaluation.kpi
    assert kpi["households_served_frac"] == pytest.approx(4900 / 6200)
    packs = planned_tutorial.evaluation.packs.set_index(["vehicle_id", "pack_id"])
    # Private car at -20 C: traction 0.1235 + (3.6 + 0.3) kW / 33 km/h = 0.2417 kWh/km.
    consumption = 0.109 * (0.35 * 293.15 / 253.15 + 0.65 * 1.12) + 3.9 / 33
    sodium_kwh = 45 * 0.8 * (0.93 + 0.07 * 10 / 55)
    lfp_kwh = 56 * 0.8 * 0.70
    private = packs.loc["private_ab"]
    assert private.loc["na_25", "design_range_km"] == pytest.approx(sodium_kwh / consumption)
    assert private.loc["lfp_25", "design_range_km"] == pytest.approx(lfp_kwh / consumption)
    assert private.loc["na_25", "design_range_km"] > private.loc["lfp_25", "design_range_km"]
    # 0.03 GWh are available: 0.5 of 0.02 + 0.04. Packs in stations are whole: less than one is
    # left. Taxis, station-warm, keep LFP.
    assert 0.03 - 45e-6 < kpi["packs_sodium_ion_gwh"] <= 0.03 * (1 + 1e-9)
    assert packs.loc[("taxi_ab", "lfp_25"), "vehicles"] == pytest.approx(100)
    assert kpi["vehicles_without_pack"] == pytest.approx(0, abs=1e-6)


def test_demand_and_check_agree_on_rates(tutorial: Instance) -> None:
    instance = _with_hours(tutorial)
    fleet = operate_fleet(instance, city_climate(instance))
    climate = city_climate(instance)
    rates = fleet_rates(instance, climate)
    assert len(rates) == (~np.isnan(fleet.swaps_per_day)).sum() == 3 * 2 * 12
    for row in rates.itertuples():
        where = (
            0,
            instance.vehicles["vehicle_id"].tolist().index(row.vehicle_id),
            instance.packs["pack_id"].tolist().index(row.pack_id),
            row.month - 1,
        )
        assert row.swaps_per_vehicle_day == pytest.approx(fleet.swaps_per_day[where])
        assert row.mean_range_km == pytest.approx(fleet.mean_range_km[where])
        assert row.design_range_km == pytest.approx(fleet.design_range_km[where])
        assert row.design_energy_kwh == pytest.approx(fleet.design_energy_kwh[where])
        assert row.grid_kwh_per_vehicle_day == pytest.approx(fleet.grid_kwh_per_day[where])
        turns = fleet.design_turn_h[where[:3]][:, where[3]]
        assert row.design_turn_h == pytest.approx(turns.max())
    winter = winter_rates(instance, rates, climate)
    shares = peak_shares(instance, winter, derive(instance, climate).planned_fleet)
    segments = instance.vehicles["segment"]
    assert [shares["town", name] for name in segments] == pytest.approx(fleet.peak_hour_frac[0])
    # 100 taxis swap three times a day, 1,000 private cars every eighth day: four o'clock wins.
    assert fleet.peak_hour.tolist() == [4]


def _with_hours(instance: Instance) -> Instance:
    """Private cars swap at six and taxis at four, each with the rest of the day even."""
    rows = [
        {
            "segment": segment,
            "hour": hour,
            "day_frac": 0.31 if hour == peak else 0.03,
            "source": "?",
        }
        for segment, peak in (("private", 6), ("taxi", 4), ("ride_hailing", 4))
        for hour in range(24)
    ]
    return replace(instance, hour_profile=pd.DataFrame(rows))


def test_station_hours_peak_at_the_stations_load(tutorial: Instance) -> None:
    planned = plan(_with_hours(tutorial))
    hours = planned.tables["station_hour"]
    stations = planned.evaluation.stations.set_index("site_id")
    peak = hours.groupby("site_id")["swaps_per_hour"].max()
    assert peak.to_dict() == pytest.approx(stations["peak_swaps_per_hour"].to_dict())
    assert (hours["swaps_per_hour"] <= hours["capacity_swaps_per_hour"] + 1e-6).all()
    assert hours.loc[hours.groupby("site_id")["swaps_per_hour"].idxmax(), "hour"].eq(4).all()


def _with_holiday(instance: Instance) -> Instance:
    """The hours of `_with_hours` on workdays; on a holiday all swap most at ten."""
    workday = _with_hours(instance).hour_profile.assign(day_kind="workday")
    frac = np.where(workday["hour"] == 10, 0.54, 0.02)
    hours = pd.concat([workday, workday.assign(day_kind="holiday", day_frac=frac)])
    return replace(instance, hour_profile=hours.reset_index(drop=True))


def test_the_busiest_day_has_a_holidays_hours(tutorial: Instance) -> None:
    """In the plan, in its check and in the simulated day; other days are workdays."""
    instance = _with_holiday(tutorial)
    climate = city_climate(instance)
    fleet = operate_fleet(instance, climate)
    assert fleet.peak_hour.tolist() == [10]
    assert fleet.peak_hour_frac == pytest.approx(0.54)
    rates = fleet_rates(instance, climate)
    winter = winter_rates(instance, rates, climate)
    shares = peak_shares(instance, winter, derive(instance, climate).planned_fleet)
    assert shares.to_numpy() == pytest.approx(0.54)
    planned = plan(instance)
    hours = planned.tables["station_hour"]
    assert hours.loc[hours.groupby("site_id")["swaps_per_hour"].idxmax(), "hour"].eq(10).all()
    mix = planned.tables["mix_hour"]
    by_hour = mix.groupby(["day", "hour"])["swaps_per_hour"].sum().unstack("day")
    busiest = {"winter_peak": 10, "holiday": 10, "winter_design": 4, "mean": 4}
    assert by_hour.idxmax().to_dict() == busiest
    factor = instance.scenario.demand.peak_day_factor
    assert by_hour["winter_peak"].sum() == pytest.approx(factor * by_hour["winter_design"].sum())
    stations = planned.evaluation.stations.set_index("site_id")["peak_swaps_per_hour"]
    service = planned.tables["station_service"].set_index("station_id")["share_frac"]
    simulated = service * by_hour.loc[10, "winter_peak"]
    assert simulated.to_dict() == pytest.approx(stations.to_dict())


def _two_cities(tutorial: Instance, *, second_design_c: float) -> Instance:
    """The tutorial town and a twin 2 degrees east with another winter."""
    shift = 2.0

    def twin(frame: pd.DataFrame, *ids: str) -> pd.DataFrame:
        other = frame.copy()
        for name in ids:
            if frame[name].dtype == "int64":
                other[name] = frame[name] + 100
            else:
                other[name] = "twin_" + frame[name]
        if "lon" in other:
            other["lon"] += shift
        return pd.concat([frame, other], ignore_index=True)

    cities = twin(tutorial.cities, "city_id")
    cities.loc[1, "winter_design_c"] = second_design_c
    return replace(
        tutorial,
        cities=cities,
        zones=twin(tutorial.zones, "zone_id", "city_id"),
        sites=twin(tutorial.sites, "site_id", "city_id"),
        road_nodes=twin(tutorial.road_nodes, "node_id"),
        roads=twin(tutorial.roads, "from_node", "to_node"),
        climate=twin(tutorial.climate, "city_id"),
    )


def test_the_colder_city_gets_sodium_first(tutorial: Instance) -> None:
    for design_c in (-10.0, -30.0):
        planned = plan(_two_cities(tutorial, second_design_c=design_c))
        sodium = planned.evaluation.cities.set_index("city_id")["sodium_ion_frac"]
        colder, milder = ("town", "twin_town") if design_c > -20 else ("twin_town", "town")
        assert sodium[colder] > 0.5
        assert sodium[milder] < 0.1


def test_temperatures_outside_a_curve_are_listed(tutorial: Instance) -> None:
    planned = plan(_two_cities(tutorial, second_design_c=-38.0))
    rows = planned.assumptions.set_index("item")
    assert "coldest pack -38 C" in rows.loc["usable energy of lfp outside its curve", "value"]
    assert "usable energy of sodium_ion outside its curve" not in rows.index


def test_shuffled_rows_change_nothing(tutorial: Instance, planned_tutorial: Planned) -> None:
    rng = np.random.default_rng(1)
    names = ("zones", "sites", "roads", "road_nodes", "climate", "packs", "vehicles", "stations")
    shuffled = replace(
        tutorial,
        **{
            name: frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
            for name in names
            for frame in [getattr(tutorial, name)]
        },
    )
    again = plan(shuffled)
    # Z3 is as near to A as to B: which of them serves it, and so the simulated day, may change.
    simulated = set(planned_tutorial.tables["simulation_figure"]["figure"]) - {"station_packs"}

    def planned_kpi(planned: Planned) -> dict[str, float]:
        return {name: v for name, v in planned.evaluation.kpi.items() if name not in simulated}

    assert planned_kpi(again) == pytest.approx(planned_kpi(planned_tutorial))
    assert set(again.plan.stations["site_id"]) == set(planned_tutorial.plan.stations["site_id"])


def test_order_of_packs_changes_no_simulated_day(
    tutorial: Instance, planned_tutorial: Planned
) -> None:
    backwards = {
        name: getattr(tutorial, name).iloc[::-1].reset_index(drop=True)
        for name in ("packs", "vehicles", "stations", "climate")
    }
    again = plan(replace(tutorial, **backwards))
    assert again.evaluation.kpi == pytest.approx(planned_tutorial.evaluation.kpi)


def test_too_many_forced_sites_are_named(tutorial: Instance) -> None:
    sites = tutorial.sites.assign(status="committed")
    with pytest.raises(InfeasibleError, match=r"at most 2 stations\n.*any 3 of the 5 committed"):
        plan(replace(tutorial, sites=sites))


def test_closed_gates_keep_sodium_out(tutorial: Instance) -> None:
    gates = tutorial.gates.assign(opens=[None, None])
    planned = plan(replace(tutorial, gates=gates))
    assert planned.evaluation.kpi["vehicles_sodium_ion"] == 0
    assert planned.evaluation.kpi["vehicles_without_pack"] == 0


def _over_quarters(tutorial: Instance, **settings: object) -> Instance:
    """Five quarters from 2026Q4; the fleet doubles, and 560 cars have their LFP pack already."""
    quarters = ("2026Q4", "2027Q1", "2027Q2", "2027Q3", "2027Q4")
    horizon = tutorial.scenario.horizon.model_copy(
        update={"first_quarter": quarters[0], "last_quarter": quarters[-1]}
    )
    scenario = tutorial.scenario.model_copy(
        update={
            "horizon": horizon,
            "packs": tutorial.scenario.packs.model_copy(update=settings),
        }
    )
    adoption = [
        {"city_id": "town", "segment": segment, "quarter": quarter, "swap_capable_frac": frac}
        for segment in ("private", "taxi", "ride_hailing")
        for quarter, frac in zip(quarters, (0.5, 0.6, 0.7, 0.8, 1.0), strict=True)
    ]
    stock = [{"city_id": "town", "pack_id": "lfp_25", "packs": 560, "retires": "2027Q3"}]
    return replace(
        tutorial,
        scenario=scenario,
        adoption=pd.DataFrame(adoption),
        pack_stock=pd.DataFrame(stock),
    )


def test_packs_without_an_end_do_not_end_others_early(tutorial: Instance) -> None:
    instance = _over_quarters(tutorial)
    stock = pd.DataFrame(
        {
            "city_id": "town",
            "pack_id": ["na_25", "lfp_25"],
            "packs": [100.0, 560.0],
            # Nothing is shorter than the quarter below it in the column.
            "retires": pd.Series([None, "2027Q3"], dtype="string"),
        }
    )
    planned = plan(replace(instance, pack_stock=stock))
    table = planned.tables["city_quarter"]
    assert table["retired_lfp"].tolist() == pytest.approx([0, 0, 0, 560, 0])
    assert table["retired_sodium_ion"].tolist() == pytest.approx([0, 0, 0, 0, 0])


def test_packs_over_quarters(tutorial: Instance) -> None:
    planned = plan(_over_quarters(tutorial))
    table = planned.tables["city_quarter"].set_index("quarter")
    assert table["vehicles"].tolist() == [550, 660, 770, 880, 1100]
    with_pack = table["vehicles_lfp"] + table["vehicles_sodium_ion"]
    assert with_pack.to_numpy() == pytest.approx(table["vehicles"].to_numpy())
    # What was there at first leaves in 2027Q3, all at once.
    assert table["retired_lfp"].tolist() == pytest.approx([0, 0, 0, 560, 0])
    supply = planned.tables["supply_value"]
    assert (supply["used_gwh"] <= supply["available_gwh"] * (1 + 1e-9)).all()
    assert supply["available_gwh"].tolist() == pytest.approx([0.01, 0.03, 0.07, 0.07, 0.07])
    # A kilowatt-hour sooner is worth no less than one later.
    assert (np.diff(supply["value_cny_per_kwh"]) <= 1e-9).all()
    packs = planned.plan.models[1]
    assert packs.status == "OPTIMAL"
    assert planned.evaluation.pack_cost_cny == pytest.approx(packs.objective)


def test_an_earlier_certificate_is_worth_what_it_saves(tutorial: Instance) -> None:
    over = _over_quarters(tutorial)
    costs = []
    for opens in ("2027Q2", "2027Q1"):
        gates = over.gates.assign(
            opens=over.gates["opens"].where(over.gates["chemistry"] != "sodium_ion", opens)
        )
        instance = replace(over, gates=gates)
        single = instance.scenario.coupling.model_copy(update={"max_rounds": 1})
        planned = plan(
            replace(instance, scenario=instance.scenario.model_copy(update={"coupling": single}))
        )
        table = planned.tables["city_quarter"].set_index("quarter")
        closed = table.index < opens
        shut = table.loc[closed, ["vehicles_sodium_ion", "delivered_sodium_ion"]]
        assert shut.eq(0).all(axis=None)
        assert table.loc[~closed, "vehicles_sodium_ion"].max() > 0
        # As the round planned them, before packs in stations are made whole.
        cost_cny = planned.tables["coupling"]["pack_cost_cny"].iloc[-1]
        costs.append((cost_cny, planned.tables["gate_value"]))
    gate = costs[0][1].iloc[0]
    assert (gate["market"], gate["opens"], gate["opens_earlier"]) == ("CN", "2027Q2", "2027Q1")
    assert gate["saving_cny"] == pytest.approx(costs[0][0] - costs[1][0])
    assert gate["saving_cny"] > 0


def test_a_promise_kept_is_a_promise(tutorial: Instance) -> None:
    """Nothing keeps 160 km at -20 C, so nothing is given out in winter; penalties would."""
    kept = plan(_over_quarters(tutorial, promise="constraint", promised_range_km=160.0))
    table = kept.tables["city_quarter"].set_index("quarter")
    assert table.loc["2027Q1", "vehicles_without_pack"] == 660
    assert table.loc["2027Q3", "vehicles_without_pack"] == pytest.approx(0, abs=1e-6)
    paid = plan(_over_quarters(tutorial, promised_range_km=160.0))
    assert paid.tables["city_quarter"]["vehicles_without_pack"].max() == pytest.approx(0, abs=1e-6)


def test_rounds_end_where_packs_and_stations_fit(tutorial: Instance) -> None:
    coupling = tutorial.scenario.coupling
    told = plan(_over_quarters(tutorial)).tables["coupling"]
    assert told["saving_frac"].iloc[-1] <= coupling.tolerance_frac
    assert told["vehicles_changing_frac"].iloc[-1] <= 0.002
    assert told["round"].tolist() == list(range(1, len(told) + 1))
    assert len(told) < coupling.max_rounds


def test_packs_settle_at_a_rounds_stations_before_the_next(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left to save there is within the tolerance, or four turns did not suffice."""
    savings: list[list[float]] = []
    choose, again = rounds.choose_stations, rounds.plan_packs_again

    def choose_stations(task: SitingTask) -> Siting:
        savings.append([])
        return choose(task)

    def plan_packs_again(*args: Any) -> OtherPacks:
        found = again(*args)
        savings[-1].append(found.saving_frac)
        return found

    monkeypatch.setattr(rounds, "choose_stations", choose_stations)
    monkeypatch.setattr(rounds, "plan_packs_again", plan_packs_again)
    told = plan(_over_quarters(tutorial)).tables["coupling"]
    tolerance = tutorial.scenario.coupling.tolerance_frac
    # The first answer of a round is what its row tells; the last round's after exchanges again.
    assert [each[0] for each in savings[:-1]] == told["saving_frac"].tolist()[:-1]
    assert savings[-1][-1] == told["saving_frac"].iloc[-1]
    for turns in savings[:-1]:
        assert turns[-1] <= tolerance or len(turns) == 1 + rounds.MOST_TURNS
        assert all(saving > tolerance for saving in turns[1:-1])
    assert len(savings[0]) > 1


def test_rounds_search_for_reasons_and_less_money_once(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each round from the second goes to the gap asked for, since any may be the last."""
    gaps, searched = [], []
    choose, find, spend = rounds.choose_stations, rounds.find_reasons, rounds.spend_least

    def choose_stations(task: SitingTask) -> Siting:
        gaps.append(task.options.gap_frac)
        return choose(task)

    def find_reasons(*args: Any) -> Any:
        searched.append("reasons")
        return find(*args)

    def spend_least(*args: Any, **kwargs: Any) -> Any:
        searched.append("money")
        return spend(*args, **kwargs)

    monkeypatch.setattr(rounds, "choose_stations", choose_stations)
    monkeypatch.setattr(rounds, "find_reasons", find_reasons)
    monkeypatch.setattr(rounds, "spend_least", spend_least)
    planned = plan(_over_quarters(tutorial))
    asked = tutorial.scenario.solver.gap_frac
    assert gaps == [0.02, *[asked] * (len(planned.tables["coupling"]) - 1)]
    assert searched == ["reasons", "money"]
    told = planned.tables["coupling"].iloc[-1]
    assert told["swaps_per_day_served"] == pytest.approx(
        planned.evaluation.kpi["swaps_per_day_served"]
    )


def test_full_stations_price_the_load(tutorial: Instance) -> None:
    """Where bays are full another swap costs service, and packs are planned for less of it."""
    full = replace(tutorial, sites=tutorial.sites.assign(max_bays=14))
    planned = plan(full)
    free = plan(tutorial)
    assert planned.plan.station_prices["capacity_cny"].gt(0).all()
    assert free.plan.station_prices["capacity_cny"].eq(0).all()
    key = ["quarter", "city_id", "pack_id"]
    kept, kept_free = (
        each.plan.packs_per_turning.set_index(key)["in_city"] for each in (planned, free)
    )
    assert kept.lt(kept_free).all()


def test_small_sites_bound_the_load(tutorial: Instance, planned_tutorial: Planned) -> None:
    """With room for 14 bays only, stations fill up, zones are served in part, and it is proven."""
    planned = plan(replace(tutorial, sites=tutorial.sites.assign(max_bays=14)))
    siting = planned.plan.models[0]
    assert siting.status == "OPTIMAL"
    assert siting.objective < planned_tutorial.plan.models[0].objective
    stations = planned.evaluation.stations
    assert stations["utilisation_frac"].to_numpy() == pytest.approx(1.0)
    assert planned.plan.allocation["share_frac"].between(0, 1 - 1e-6).any()
    zones = planned.evaluation.zones
    assert zones["served_frac"].max() <= 1 + 1e-9
    assert (zones["swaps_per_day"] * zones["served_frac"]).sum() == pytest.approx(siting.objective)


def test_money_buys_fewer_or_smaller_stations(tutorial: Instance) -> None:
    """8 M CNY pay for one large and one small station, 6 M for two small ones."""
    served = []
    for budget_cny in (2e6, 3e6, 6e6, 8e6, 10e6):
        siting = tutorial.scenario.siting.model_copy(
            update={"num_stations": None, "budget_cny": budget_cny}
        )
        scenario = tutorial.scenario.model_copy(update={"siting": siting})
        planned = plan(replace(tutorial, scenario=scenario))
        assert planned.evaluation.kpi["capex_cny"] <= budget_cny
        assert planned.plan.models[0].status == "OPTIMAL"
        served.append(planned.evaluation.kpi["swaps_per_day_served"])
    assert served[0] == 0
    assert served == sorted(served)
    assert len(set(served)) == len(served)


def test_city_limits_are_kept(tutorial: Instance) -> None:
    cities = tutorial.cities.assign(max_stations=1)
    planned = plan(replace(tutorial, cities=cities))
    assert planned.evaluation.kpi["num_stations"] == 1
    both = _two_cities(tutorial, second_design_c=-20.0)
    uneven = replace(both, cities=both.cities.assign(max_stations=[2, 2], min_stations=[0, 2]))
    built = plan(uneven).evaluation.cities.set_index("city_id")["num_stations"]
    assert built.to_dict() == {"town": 0, "twin_town": 2}


def test_a_stopped_search_keeps_its_round(tutorial: Instance) -> None:
    stop = threading.Event()
    stop.set()
    planned = plan(_over_quarters(tutorial), stop=stop)
    assert len(planned.tables["coupling"]) == 1
    assert planned.evaluation.kpi["num_stations"] > 0
