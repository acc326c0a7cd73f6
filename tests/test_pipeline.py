"""The whole way on small instances: brute force, hand calculation, invariants."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.climate import city_climate
from planner.demand import operate_fleet
from planner.errors import InfeasibleError
from planner.instance import Instance
from planner.pipeline import Planned, plan
from planner.plans.rates import fleet_rates


def _served(instance: Instance, sites: tuple[str, ...]) -> float:
    """Households within 1.5 km of a site along the tutorial's straight road."""
    km_per_degree = 1.0 / 0.012888
    site_lon = instance.sites.set_index("site_id").loc[list(sites), "lon"].to_numpy()
    apart_km = np.abs(instance.zones["lon"].to_numpy()[:, None] - site_lon) * km_per_degree
    near = (apart_km <= 1.5).any(axis=1)
    return float(instance.zones["car_owning_households"].to_numpy()[near].sum())


@pytest.mark.parametrize("num_stations", [0, 1, 2, 3, 4])
def test_tutorial_equals_brute_force(tutorial: Instance, num_stations: int) -> None:
    siting = tutorial.scenario.siting.model_copy(update={"num_stations": num_stations})
    instance = replace(tutorial, scenario=tutorial.scenario.model_copy(update={"siting": siting}))
    planned = plan(instance)
    best = max(
        _served(tutorial, chosen)
        for count in range(num_stations + 1)
        for chosen in itertools.combinations("ABCD", count)
    )
    kpi = planned.evaluation.kpi
    assert planned.plan.models[0].status == "OPTIMAL"
    assert kpi["households_served_frac"] * kpi["car_owning_households"] == pytest.approx(best)


def test_tutorial_by_hand(planned_tutorial: Planned) -> None:
    """The figures that docs/tutorial.md works out."""
    assert planned_tutorial.plan.stations["site_id"].tolist() == ["A", "B"]
    kpi = planned_tutorial.evaluation.kpi
    assert kpi["households_served_frac"] == pytest.approx(4900 / 6200)
    packs = planned_tutorial.evaluation.packs.set_index(["vehicle_id", "pack_id"])
    # Private car at -20 C: traction 0.1196 + (3.6 + 0.3) kW / 33 km/h = 0.2378 kWh/km.
    consumption = 0.109 * (0.35 * 293.15 / 253.15 + 0.65 * 1.08) + 3.9 / 33
    sodium_kwh = 45 * 0.8 * (0.93 + 0.07 * 10 / 55)
    lfp_kwh = 56 * 0.8 * 0.70
    private = packs.loc["private_ab"]
    assert private.loc["na_25", "design_range_km"] == pytest.approx(sodium_kwh / consumption)
    assert private.loc["lfp_25", "design_range_km"] == pytest.approx(lfp_kwh / consumption)
    assert private.loc["na_25", "design_range_km"] > private.loc["lfp_25", "design_range_km"]
    # 0.03 GWh are to be had: 0.5 of 0.02 + 0.04. Taxis, station-warm, keep LFP.
    assert kpi["packs_sodium_ion_gwh"] == pytest.approx(0.03, rel=2e-3)
    assert kpi["packs_sodium_ion_gwh"] <= 0.03
    assert packs.loc[("taxi_ab", "lfp_25"), "vehicles"] == 100
    assert kpi["vehicles_without_pack"] == 0


def test_demand_and_check_agree_on_rates(tutorial: Instance) -> None:
    climate = city_climate(tutorial)
    fleet = operate_fleet(tutorial, climate.monthly_mean_c, climate.winter_design_c)
    rates = fleet_rates(tutorial)
    for row in rates.itertuples():
        where = (
            0,
            tutorial.vehicles["vehicle_id"].tolist().index(row.vehicle_id),
            tutorial.packs["pack_id"].tolist().index(row.pack_id),
        )
        assert row.swaps_per_vehicle_day == pytest.approx(fleet.swaps_per_day[where])
        assert row.design_range_km == pytest.approx(fleet.design_range_km[where])
        assert row.design_energy_kwh == pytest.approx(fleet.design_energy_kwh[where])


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
    assert again.evaluation.kpi == pytest.approx(planned_tutorial.evaluation.kpi)
    assert set(again.plan.stations["site_id"]) == set(planned_tutorial.plan.stations["site_id"])


def test_too_many_forced_sites_are_named(tutorial: Instance) -> None:
    sites = tutorial.sites.assign(status="committed")
    with pytest.raises(InfeasibleError, match=r"5 sites are forced open .*2"):
        plan(replace(tutorial, sites=sites))


def test_closed_gates_keep_sodium_out(tutorial: Instance) -> None:
    gates = tutorial.gates.assign(opens=[None, None])
    planned = plan(replace(tutorial, gates=gates))
    assert planned.evaluation.kpi["vehicles_sodium_ion"] == 0
    assert planned.evaluation.kpi["vehicles_without_pack"] == 0


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
