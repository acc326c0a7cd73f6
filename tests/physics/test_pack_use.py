"""Real use, starts, snow, heat and the driver's window: by hand, by rule, and as the check says."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.physics.pack_use import PackUse, driver_windows, use_packs
from planner.physics.vehicle_range import consumption_kwh_per_km, heat_pump_cop
from planner.plans.fleet_rows import fleet_rates

START_HEAT = pd.DataFrame(
    {
        "chemistry": "lfp", "quantity": "start_heat", "temperature_c": [-35.0, 5.0, 45.0],
        "value_frac": [0.08, 0.0, 0.0], "source": "a pack is heated to 5 C",
    }
)  # fmt: skip


def _heated(instance: Instance) -> Instance:
    """The instance with LFP packs that vehicles heat to 5 C at each start."""
    return replace(instance, curves=pd.concat([instance.curves, START_HEAT], ignore_index=True))


def _private(instance: Instance, **figures: object) -> Instance:
    """One class only, private, with other figures; None for an empty cell."""
    row = instance.vehicles[instance.vehicles["segment"] == "private"]
    return replace(instance, vehicles=row.assign(**figures).reset_index(drop=True))


def _use(instance: Instance, ambient_c: object, **shares: object) -> PackUse:
    return use_packs(instance, instance.vehicles, instance.packs, ambient_c, **shares)


def test_a_class_by_hand(tutorial: Instance) -> None:
    # Mild: (0.12 + 0.3 kW / 30 km/h) x 30 km = 3.9 kWh a day. The driver's window is such that 12
    # starts of 2 a day, six days, take it: 23.4 kWh of 56 x 0.96.
    window = 23.4 / (56 * 0.96)
    instance = _private(
        _heated(tutorial), consumption_kwh_per_km=0.10, real_use_factor=1.2, drag_frac=0.0,
        speed_kmh=30.0, km_per_day=30.0, swap_energy_frac=1.0, trips_per_day=2.0,
        soak_frac=np.nan, cabin_loss_kw_per_k=0.09, heating="resistive", auxiliary_kw=0.3,
        soc_window_frac=window,
    )  # fmt: skip
    use = _use(instance, [-10.0])
    lfp = instance.packs["pack_id"].tolist().index("lfp_25")

    # 30 K below 20 C: tyres 9 % stiffer; 2.7 kW of heat and 0.3 kW at 30 km/h.
    warm = 0.12 * 1.09 + 3.0 / 30
    # Drives half an hour, stands 11.5; loses a share 1 - q of its warmth from start to start.
    tau_h = 0.002 / 0.00015
    a, b = math.exp(-0.5 / tau_h), math.exp(-11.5 / tau_h)
    q = a * b
    own_k = 0.05 * warm * 30 / (0.00015 * 56) * (1 - a) * b / (1 - q)
    # Each start heats the pack to 5 C (0.08 of its energy for 40 K); a share q of that is left.
    left = q / (1 - q)
    settled_k = (own_k + left * 15.0) / (1 + left)
    pack_c = -10 + settled_k + (30 - settled_k) * (1 - q**12) / (12 * (1 - q))
    assert -10 < pack_c < 5
    assert use.pack_c[0, lfp, 0] == pytest.approx(pack_c)
    # The cabin cools to 11.5 / (11.5 + 0.075 / 0.09) of the way, the heater has 0.5 h to warm it.
    cabin_kwh = 0.075 * 30 * 11.5 / (11.5 + 0.075 / 0.09)
    assert cabin_kwh < 0.5 * (7.0 - 2.7)
    per_km = warm + 2 / 30 * (cabin_kwh + 0.002 * (5 - pack_c) * 56)
    assert use.kwh_per_km[0, lfp, 0] == pytest.approx(per_km)
    usable_frac = np.interp(pack_c, [-20, 0, 25], [0.70, 0.80, 1.0])
    assert use.energy_kwh[0, lfp, 0] == pytest.approx(56 * window * usable_frac)
    assert use.swaps_per_day[0, lfp, 0] == pytest.approx(30 * per_km / (56 * window * usable_frac))


def test_columns_that_are_left_out_change_nothing_without_heat(tutorial: Instance) -> None:
    """Range as before there were starts, snow, real use and cooling."""
    fleet = operate_fleet(tutorial, city_climate(tutorial))
    months = city_climate(tutorial).month_design_c[0]
    physics = tutorial.scenario.physics
    assert months.max() < physics.cooling_from_c
    for vehicle, row in enumerate(tutorial.vehicles.to_dict("records")):
        consumption = consumption_kwh_per_km(
            months, base_kwh_per_km=row["consumption_kwh_per_km"], drag_frac=row["drag_frac"],
            speed_kmh=row["speed_kmh"], cabin_loss_kw_per_k=row["cabin_loss_kw_per_k"],
            heating_cop=heat_pump_cop(
                months, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
            ),
            auxiliary_kw=row["auxiliary_kw"], cabin_c=physics.cabin_temperature_c,
            tyre_loss_per_k=physics.tyre_loss_per_k,
        )  # fmt: skip
        assert row["heating"] == "heat_pump"
        for pack, kwh in enumerate(tutorial.packs["nominal_kwh"]):
            curve = tutorial.curves[
                (tutorial.curves["chemistry"] == tutorial.packs["chemistry"].iloc[pack])
                & (tutorial.curves["quantity"] == "usable_energy")
            ]
            pack_c = 20 + row["soak_frac"] * (months - 20)
            energy = kwh * 0.8 * np.interp(pack_c, curve["temperature_c"], curve["value_frac"])
            assert fleet.design_energy_kwh[0, vehicle, pack] == pytest.approx(energy, rel=1e-12)
            assert fleet.design_range_km[0, vehicle, pack] == pytest.approx(
                energy / consumption, rel=1e-12
            )


def test_empty_cells_are_columns_left_out(tutorial: Instance) -> None:
    empty = dict.fromkeys(
        ("real_use_factor", "rated_speed_kmh", "trips_per_day", "soc_window_frac"), np.nan
    )
    stated = replace(
        tutorial,
        vehicles=tutorial.vehicles.assign(**empty),
        climate=tutorial.climate.assign(snow_days=np.nan, wet_days=np.nan),
    )
    left_out, given = (operate_fleet(each, city_climate(each)) for each in (tutorial, stated))
    assert np.array_equal(given.design_range_km, left_out.design_range_km, equal_nan=True)
    assert np.array_equal(given.swaps_per_day, left_out.swaps_per_day, equal_nan=True)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=12, deadline=None)
def test_the_check_says_the_same(tutorial: Instance, seed: int) -> None:
    """Fleet and independent check, on random figures of all columns, some of them empty."""
    instance = _random(tutorial, np.random.default_rng(seed))
    climate = city_climate(instance)
    fleet, rates = operate_fleet(instance, climate), fleet_rates(instance, climate)
    assert len(rates) == (~np.isnan(fleet.swaps_per_day)).sum() > 0
    ids = [pd.Index(frame[name]).get_indexer(pd.Index(rates[name])) for frame, name in (
        (instance.cities, "city_id"), (instance.vehicles, "vehicle_id"),
        (instance.packs, "pack_id"))]  # fmt: skip
    where = (*ids, rates["month"].to_numpy() - 1)
    for column, values in (
        ("swaps_per_vehicle_day", fleet.swaps_per_day),
        ("grid_kwh_per_vehicle_day", fleet.grid_kwh_per_day),
        ("mean_range_km", fleet.mean_range_km),
        ("design_range_km", fleet.design_range_km),
        ("design_energy_kwh", fleet.design_energy_kwh),
        ("design_swaps_per_vehicle_day", fleet.design_swaps_per_day),
        ("design_turn_h", fleet.design_turn_h.max(axis=3)),
    ):
        assert rates[column].to_numpy() == pytest.approx(values[where], rel=1e-9, abs=1e-12), column
    windows = driver_windows(instance.vehicles, instance.packs)[where[1], where[2]]
    assert rates["window_frac"].to_numpy() == pytest.approx(windows)


def _random(tutorial: Instance, rng: np.random.Generator) -> Instance:
    size, months = len(tutorial.vehicles), len(tutorial.climate)

    def some(low: float, high: float, number: int = size) -> np.ndarray:
        return np.where(rng.random(number) < 0.3, np.nan, rng.uniform(low, high, number))

    trips = some(0.5, 30)
    soak = np.where(np.isnan(trips), rng.uniform(0, 1, size), some(0, 1))
    vehicles = tutorial.vehicles.assign(
        real_use_factor=some(0.8, 1.4), rated_speed_kmh=some(30, 90), trips_per_day=trips,
        soak_frac=soak, soc_window_frac=some(0.2, 0.9),
        km_per_day=np.where(rng.random(size) < 0.2, 0.0, rng.uniform(5, 600, size)),
        swap_energy_frac=rng.choice([0.0, 0.5, 1.0], size),
        heating=rng.choice(["resistive", "heat_pump"], size),
    )  # fmt: skip
    vehicles = vehicles.drop(columns=rng.choice(
        ["real_use_factor", "rated_speed_kmh", "soc_window_frac"], rng.integers(0, 3), False
    ))  # fmt: skip
    climate = tutorial.climate.assign(
        mean_c=tutorial.climate["mean_c"] + rng.uniform(-10, 12),
        snow_days=some(0, 31, months), wet_days=some(0, 31, months),
    )  # fmt: skip
    instance = replace(tutorial, vehicles=vehicles, climate=climate)
    return _heated(instance) if rng.random() < 0.5 else instance


@given(trips=st.floats(0.5, 20), more=st.floats(0, 20), soak=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_more_trips_never_raise_range(
    tutorial: Instance, trips: float, more: float, soak: float
) -> None:
    air_c = np.linspace(-40, 40, 33)
    few, many = (
        _use(_private(_heated(tutorial), trips_per_day=each, soak_frac=soak), air_c)
        for each in (trips, trips + more)
    )
    assert (few.energy_kwh == many.energy_kwh).all()
    assert (few.kwh_per_km <= many.kwh_per_km * (1 + 1e-12)).all()


@given(window=st.floats(0.1, 1.0), other=st.floats(0.1, 1.0))
@settings(max_examples=20, deadline=None)
def test_energy_per_swap_follows_the_drivers_window(
    tutorial: Instance, window: float, other: float
) -> None:
    air_c = np.linspace(-20, 35, 12)
    one, two = (_use(_private(tutorial, soc_window_frac=each), air_c) for each in (window, other))
    assert two.energy_kwh == pytest.approx(one.energy_kwh * other / window)
    assert two.swaps_per_day == pytest.approx(one.swaps_per_day * window / other)


def test_each_element_costs_range_where_it_should(tutorial: Instance) -> None:
    air_c = np.array([-20.0, 10.0, 35.0])
    plain = _use(_private(tutorial), air_c)
    lfp = tutorial.packs["pack_id"].tolist().index("lfp_25")
    physics = tutorial.scenario.physics

    def growth(use: PackUse) -> np.ndarray:
        return (use.kwh_per_km / plain.kwh_per_km)[0, lfp]

    assert growth(_use(_private(tutorial), air_c, snow_frac=1.0)) == pytest.approx(
        1
        + physics.snow_road_loss_frac
        * 0.65
        * 0.109
        * np.array([1.12, 1.03, 1.0])
        / plain.kwh_per_km[0, lfp]
    )
    starts = growth(_use(_private(tutorial, trips_per_day=2.0), air_c))
    assert starts[0] > starts[1] > starts[2] == 1.0
    heated = growth(_use(_private(_heated(tutorial), trips_per_day=2.0), air_c))
    assert heated[0] > starts[0]
    assert heated[1:] == pytest.approx(starts[1:])
    assert (growth(_use(_private(tutorial, real_use_factor=1.15), air_c)) > 1.05).all()
    assert (growth(_use(_private(tutorial, rated_speed_kmh=66.0), air_c)) < 1.0).all()
