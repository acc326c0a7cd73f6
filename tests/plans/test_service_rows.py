"""The simulated days' tables against sums written out vehicle class by vehicle class."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.instance import HOLIDAY, SEGMENTS, WORKDAY, Instance
from planner.physics.climate import city_climate
from planner.plans.fleet_rows import bay_columns, fleet_rates, turn_columns, winter_rates
from planner.plans.service_rows import day_shares, lane_s, service_tables
from planner.units import DAYS_PER_MONTH

CLASSES = {"private": "private_ab", "taxi": "taxi_ab", "ride_hailing": "ride_hailing_ab"}
VEHICLES = {
    ("private_ab", "lfp_25"): 300.0, ("private_ab", "na_25"): 100.0,
    ("taxi_ab", "na_25"): 20.0, ("ride_hailing_ab", "lfp_25"): 10.0,
}  # fmt: skip
PEAK_DAY, ON_HOLIDAY, WINTER_WEIGHT = 1.5, 3.0, 0.25


@pytest.fixture(scope="module")
def town(tutorial: Instance) -> Instance:
    """With hours of each segment, and factors that differ."""
    shape = {"private": [18, 19], "taxi": [6, 12, 18], "ride_hailing": [9]}
    hours = pd.DataFrame(
        [
            (
                segment,
                hour,
                (0.5 / len(shape[segment]) if hour in shape[segment] else 0.0) + 0.5 / 24,
            )
            for segment in SEGMENTS
            for hour in range(24)
        ],
        columns=["segment", "hour", "day_frac"],
    )
    scenario = tutorial.scenario.model_copy(
        update={
            "demand": tutorial.scenario.demand.model_copy(update={"peak_day_factor": PEAK_DAY}),
            "corridors": tutorial.scenario.corridors.model_copy(
                update={"holiday_factor": ON_HOLIDAY, "winter_weight": WINTER_WEIGHT}
            ),
        }
    )
    return replace(tutorial, hour_profile=hours, scenario=scenario)


def _rates(instance: Instance) -> tuple[pd.DataFrame, pd.DataFrame]:
    climate = city_climate(instance)
    rates = fleet_rates(instance, climate)
    return rates, winter_rates(instance, rates, climate)


def _tables(town: Instance) -> Mapping[str, pd.DataFrame]:
    packs = pd.DataFrame(
        [("town", *key, number) for key, number in VEHICLES.items()],
        columns=["city_id", "vehicle_id", "pack_id", "vehicles"],
    )
    zones = pd.DataFrame({"city_id": ["town"] * 3, "peak_swaps_per_hour": [10.0, 20.0, 10.0]})
    stations = pd.DataFrame(
        {
            "site_id": ["B", "A"], "city_id": "town", "station_type_id": ["choco_30", "choco_14"],
            "peak_swaps_per_hour": [20.0, 5.0],
        }
    )  # fmt: skip
    onward = pd.DataFrame(
        {"station_id": ["A", "B"], "next_station_id": ["B", None], "next_min": [4.0, np.nan]}
    )
    road = pd.DataFrame(
        {"corridor_station_id": ["R"], "near_city_id": "town", "station_type_id": "choco_30"}
    )
    road_packs = pd.DataFrame(
        [
            ("winter", "R", "private_ab", "lfp_25", 8.0),
            ("winter", "R", "taxi_ab", "lfp_25", 4.0),
            ("winter", "R", "private_ab", "na_25", 2.0),
            ("summer", "R", "private_ab", "na_25", 6.0),
        ],
        columns=["season", "corridor_station_id", "vehicle_id", "pack_id", "swaps_per_day"],
    )  # fmt: skip
    return service_tables(town, *_rates(town), packs, zones, stations, onward, road, road_packs)


@pytest.fixture(scope="module")
def tables(town: Instance) -> Mapping[str, pd.DataFrame]:
    return _tables(town)


def _rate(tables: Mapping[str, pd.DataFrame], day: str, mix: str, pack: str, hour: int) -> float:
    rows = tables["mix_hour"].set_index(["day", "mix_id", "pack_id", "hour"])["swaps_per_hour"]
    return float(rows.loc[day, mix, pack, hour])


@pytest.mark.parametrize(
    ("day", "column", "factor"),
    [
        ("winter_peak", "design_swaps_per_vehicle_day", PEAK_DAY),
        ("winter_design", "design_swaps_per_vehicle_day", 1.0),
        ("holiday", "swaps_per_vehicle_day", PEAK_DAY),
        ("mean", "swaps_per_vehicle_day", 1.0),
    ],
)
def test_rates_of_a_city_are_sums_over_its_classes(
    town: Instance, tables: Mapping[str, pd.DataFrame], day: str, column: str, factor: float
) -> None:
    _, winter = _rates(town)
    by_class = winter.set_index(["vehicle_id", "pack_id"])[column]
    share = town.hour_profile.set_index(["segment", "hour"])["day_frac"]
    segment = {name: key for key, name in CLASSES.items()}
    for pack in ("lfp_25", "na_25"):
        for hour in (0, 6, 18):
            expected = factor * sum(
                number * by_class[vehicle, which] * share[segment[vehicle], hour]
                for (vehicle, which), number in VEHICLES.items()
                if which == pack
            )
            assert _rate(tables, day, "town", pack, hour) == pytest.approx(expected)


def test_rates_on_the_road_have_the_seasons_and_the_holiday(
    town: Instance, tables: Mapping[str, pd.DataFrame]
) -> None:
    share = town.hour_profile.set_index(["segment", "hour"])["day_frac"]
    for hour in (6, 19):
        private, taxi = share["private", hour], share["taxi", hour]
        cold = {"lfp_25": 8 * private + 4 * taxi, "na_25": 2 * private}
        mean = {
            "lfp_25": WINTER_WEIGHT * cold["lfp_25"],
            "na_25": (WINTER_WEIGHT * 2 + (1 - WINTER_WEIGHT) * 6) * private,
        }
        for pack in ("lfp_25", "na_25"):
            for day, expected in (
                ("winter_peak", ON_HOLIDAY * cold[pack]), ("winter_design", cold[pack]),
                ("holiday", ON_HOLIDAY * mean[pack]), ("mean", mean[pack]),
            ):  # fmt: skip
                assert _rate(tables, day, "R", pack, hour) == pytest.approx(expected)


def test_what_spreads_is_the_part_of_classes_with_a_spread(
    town: Instance, tables: Mapping[str, pd.DataFrame]
) -> None:
    """In cities and on roads, and on no day that is the busiest already."""
    spread = town.vehicles["vehicle_id"].map({"private_ab": 0.3, "taxi_ab": 0.0})
    vehicles = town.vehicles.assign(day_spread_frac=spread)
    found = _tables(replace(town, vehicles=vehicles))
    assert "mix_spread" not in tables
    for name, frame in tables.items():
        assert found[name].equals(frame), name
    rows = found["mix_spread"]
    assert set(rows["day"]) == {"winter_design", "mean"}
    assert set(rows["segment"]) == {"private"}
    assert set(rows["day_spread_frac"]) == {0.3}
    part = rows.set_index(["day", "mix_id", "pack_id", "hour"])["swaps_per_hour"]
    share = town.hour_profile.set_index(["segment", "hour"])["day_frac"]["private", 18]
    by_class = _rates(town)[1].set_index(["vehicle_id", "pack_id"])
    swaps = by_class.loc[("private_ab", "lfp_25"), "swaps_per_vehicle_day"]
    assert part["mean", "town", "lfp_25", 18] == pytest.approx(300 * swaps * share)
    assert part["mean", "R", "lfp_25", 18] == pytest.approx(WINTER_WEIGHT * 8 * share)
    # Here none but private cars take na_25 on the road: all of them spread.
    assert part["winter_design", "R", "na_25", 18] == pytest.approx(
        _rate(tables, "winter_design", "R", "na_25", 18)
    )
    nobody = _tables(replace(town, vehicles=vehicles.assign(day_spread_frac=0.0)))
    assert "mix_spread" not in nobody


def test_turns_of_a_winter_day_are_means_over_swaps_and_keep_the_energy(
    town: Instance, tables: Mapping[str, pd.DataFrame]
) -> None:
    _, winter = _rates(town)
    key = ["day", "mix_id", "station_type_id", "pack_id"]
    turns = tables["mix_turn"].set_index(key)
    handling_h = town.stations.set_index("station_type_id")["handling_s"] / 3600
    rows = winter.set_index(["vehicle_id", "pack_id"])
    for type_id in town.stations["station_type_id"]:
        turn_h, grid_kwh = (rows[name] for name in turn_columns(type_id))
        for pack in ("lfp_25", "na_25"):
            swaps = {
                each: number * rows.loc[each, "design_swaps_per_vehicle_day"]
                for each, number in VEHICLES.items()
                if each[1] == pack
            }
            total = sum(swaps.values())
            at = turns.loc["winter_peak", "town", type_id, pack]
            mean_h = sum(turn_h[each] * part for each, part in swaps.items()) / total
            mean_kwh = sum(grid_kwh[each] * part for each, part in swaps.items()) / total
            assert handling_h[type_id] + at["heat_h"] + at["charge_h"] == pytest.approx(mean_h)
            drawn = at["heat_h"] * at["heat_kw"] + at["charge_h"] * at["charge_kw"]
            assert drawn == pytest.approx(mean_kwh)
            assert at["heat_kw"] == town.scenario.physics.bay_heater_kw
            assert turns.loc["winter_design", "town", type_id, pack].equals(at)


def test_turns_of_a_mean_day_are_means_over_the_year(
    town: Instance, tables: Mapping[str, pd.DataFrame]
) -> None:
    rates, _ = _rates(town)
    turns = tables["mix_turn"].set_index(["day", "mix_id", "station_type_id", "pack_id"])
    heat, charge, _ = bay_columns("choco_14")
    weight = np.array(DAYS_PER_MONTH)
    for pack in ("lfp_25", "na_25"):
        total = heat_h = charge_h = 0.0
        for (vehicle, which), number in VEHICLES.items():
            if which == pack:
                rows = rates[(rates["vehicle_id"] == vehicle) & (rates["pack_id"] == pack)]
                rows = rows.sort_values("month")
                swaps = number * weight * rows["swaps_per_vehicle_day"].to_numpy()
                total += swaps.sum()
                heat_h += (swaps * rows[heat].to_numpy()).sum()
                charge_h += (swaps * rows[charge].to_numpy()).sum()
        at = turns.loc["mean", "town", "choco_14", pack]
        assert at["heat_h"] == pytest.approx(heat_h / total)
        assert at["charge_h"] == pytest.approx(charge_h / total)
    assert (
        turns.loc["winter_design", "town", "choco_14", "lfp_25"]["heat_h"]
        > turns.loc["mean", "town", "choco_14", "lfp_25"]["heat_h"]
    )


def test_what_stations_have_and_which_share_comes(
    town: Instance, tables: Mapping[str, pd.DataFrame]
) -> None:
    service = tables["station_service"].set_index("station_id")
    assert service.index.tolist() == ["B", "A", "R"]
    assert service["share_frac"].tolist() == [0.5, 0.125, 1.0]
    assert service["mix_id"].tolist() == ["town", "town", "R"]
    assert service["city_id"].isna().tolist() == [False, False, True]
    types = town.stations.set_index("station_type_id").loc[service["station_type_id"]]
    assert (service["bays"].to_numpy() == types["bays"].to_numpy()).all()
    assert (service["lane_s"].to_numpy() == types["seconds_per_swap"].to_numpy()).all()
    assert (service["grid_kw"].to_numpy() == types["grid_kw"].to_numpy()).all()
    assert service["handling_h"].to_numpy() == pytest.approx(types["handling_s"].to_numpy() / 3600)
    assert service.loc["A", "next_station_id"] == "B"
    assert service.loc["A", "next_min"] == 4.0
    assert service.loc[["B", "R"], ["next_station_id", "next_min"]].isna().all(axis=None)
    wide = types.assign(lane_s=[180.0, 150.0, 180.0])
    assert lane_s(wide).tolist() == [180.0, 150.0, 180.0]


def test_days_add_up_with_and_without_hours(tutorial: Instance, town: Instance) -> None:
    assert day_shares(town, WORKDAY).sum(axis=1).to_numpy() == pytest.approx(1.0)
    shares = day_shares(tutorial, WORKDAY)  # 8 % in the busiest hour: 12 of it, and half of it
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)
    taxi = shares.loc["taxi"]
    assert taxi.loc[7:18].to_numpy() == pytest.approx(0.08)
    assert taxi.loc[19] == pytest.approx(0.04)
    assert (taxi.drop(range(7, 20)) == 0).all()
    demand = tutorial.scenario.demand.model_copy(update={"peak_hour_frac": 0.05})
    flat = replace(tutorial, scenario=tutorial.scenario.model_copy(update={"demand": demand}))
    late = day_shares(flat, HOLIDAY).loc["private"]  # 20 hours from 7:00 on, until 3:00
    assert late.loc[[*range(7, 24), 0, 1, 2]].to_numpy() == pytest.approx(0.05)
    assert late.loc[3:6].to_numpy() == pytest.approx(0.0)


def test_a_nation_without_vehicles_has_no_rates(town: Instance) -> None:
    packs = pd.DataFrame(
        {"city_id": ["town"], "vehicle_id": "private_ab", "pack_id": "lfp_25", "vehicles": 0.0}
    )
    stations = pd.DataFrame(
        {"site_id": ["A"], "city_id": "town", "station_type_id": "choco_14",
         "peak_swaps_per_hour": 0.0}
    )  # fmt: skip
    onward = pd.DataFrame({"station_id": ["A"], "next_station_id": [None], "next_min": [np.nan]})
    zones = pd.DataFrame({"city_id": ["town"], "peak_swaps_per_hour": [0.0]})
    tables = service_tables(town, *_rates(town), packs, zones, stations, onward)
    assert tables["station_service"]["share_frac"].tolist() == [0.0]
    assert tables["mix_hour"].empty
    assert tables["mix_turn"].empty
    assert list(tables["mix_hour"]) == ["day", "mix_id", "hour", "pack_id", "swaps_per_hour"]
