"""Mix, vehicles per station and opening packs are scaled together, or say why they cannot be."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import TABLES, Instance, read_instance
from planner.physics.fleet import vehicles_by_class

QUARTERS = ("2026Q4", "2027Q1", "2027Q2")
CAPABLE = {"private": (0.01, 0.02, 0.04), "taxi": (0.2, 0.4, 0.8), "ride_hailing": (0.05, 0.1, 0.1)}
SEGMENTS = tuple(CAPABLE)
MIX = {"private": 0.25, "taxi": 0.25, "ride_hailing": 0.5}


def _write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    frame.to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture
def two_cities(tutorial_copy: Path) -> Path:
    """The tutorial with a second city, a ramp, opening packs and trips from one to the other."""
    frames = {name: pd.read_csv(tutorial_copy / f"{name}.csv") for name in
              ("cities", "zones", "climate", "vehicles", "packs")}  # fmt: skip
    cities = pd.concat([frames["cities"], frames["cities"].assign(city_id="port", lon=126.73)])
    cities["vehicles_private"], cities["vehicles_taxi"] = [100_000, 50_000], [2000, 500]
    cities["vehicles_ride_hailing"] = [1000, 3000]
    _write(tutorial_copy, "cities", cities)
    port = frames["zones"].assign(city_id="port", zone_id="P" + frames["zones"]["zone_id"])
    port["lat"] += 0.001
    _write(tutorial_copy, "zones", pd.concat([frames["zones"], port]))
    climate = frames["climate"]
    _write(tutorial_copy, "climate", pd.concat([climate, climate.assign(city_id="port")]))
    # Ride-hailing cars take a pack of their own.
    pack = frames["packs"].query("pack_id == 'lfp_25'").assign(pack_id="lfp_other")
    _write(tutorial_copy, "packs", pd.concat([frames["packs"], pack]))
    is_hailed = frames["vehicles"]["segment"] == "ride_hailing"
    default = frames["vehicles"]["default_pack_id"].mask(is_hailed, "lfp_other")
    _write(tutorial_copy, "vehicles", frames["vehicles"].assign(default_pack_id=default))
    _write(tutorial_copy, "adoption", pd.DataFrame(
        [(city, segment, quarter, share) for city in ("town", "port")
         for segment, shares in CAPABLE.items()
         for quarter, share in zip(QUARTERS, shares, strict=True)],
        columns=["city_id", "segment", "quarter", "swap_capable_frac"],
    ))  # fmt: skip
    _write(tutorial_copy, "pack_stock", pd.DataFrame(
        [("town", "lfp_25", 1540.0, None), ("town", "lfp_other", 55.0, None),
         ("port", "lfp_25", 660.0, None), ("port", "na_25", 10.0, None)],
        columns=["city_id", "pack_id", "packs", "retires"],
    ))  # fmt: skip
    _write(tutorial_copy, "flows", pd.DataFrame(
        [("town", "port", "winter", 10.0), ("port", "town", "winter", 10.0)],
        columns=["from_city_id", "to_city_id", "season", "vehicles_per_day"],
    ))  # fmt: skip
    path = tutorial_copy / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    horizon = f'\n[horizon]\nfirst_quarter = "{QUARTERS[0]}"\nlast_quarter = "{QUARTERS[-1]}"\n'
    path.write_text(text.replace("\n[siting]", f"{horizon}\n[siting]", 1), encoding="utf-8")
    return tutorial_copy


def _read(folder: Path, **demand: Any) -> Instance:
    return read_instance(folder, overrides={"demand": demand})


def _fleet(instance: Instance, quarter: str) -> pd.DataFrame:
    """Whole vehicles by city and segment; the tutorial has one class of each."""
    return pd.DataFrame(
        vehicles_by_class(instance, quarter),
        index=instance.cities["city_id"], columns=instance.vehicles["segment"],
    )  # fmt: skip


def test_mix_and_total_are_met_and_cities_keep_their_shares(two_cities: Path) -> None:
    before, after = _read(two_cities), _read(two_cities, fleet_mix=MIX, vehicles_per_station=2000.0)
    fleet = _fleet(after, "2027Q1")
    for segment, share in MIX.items():  # 2 stations
        assert fleet[segment].sum() == pytest.approx(4000 * share, abs=1)
    own = _fleet(before, "2027Q1")
    shares, shares_before = (each / each.sum() for each in (fleet, own))
    pd.testing.assert_frame_equal(shares, shares_before, atol=1e-3)
    # The ramp of every segment is kept, though 5 times the ride-hailing cars swap as before: in the
    # last quarter of the port 1,500 of 3,000, and nowhere more than there are.
    for quarter, factor in (("2026Q4", 0.5), ("2027Q2", 2.0)):
        ratio = _fleet(after, quarter)["taxi"] / fleet["taxi"]
        assert ratio.to_numpy() == pytest.approx(factor, abs=0.01)
    assert after.adoption["swap_capable_frac"].max() <= 1.0
    noted = after.assumptions.set_index("item")["value"]
    assert noted["swap vehicles in 2027Q1, scaled"] == (
        "private 3,000 to 1,000, taxi 1,000 to 1,000, ride_hailing 400 to 2,000"
    )
    assert "cities: vehicles, raised" not in noted
    assert not before.assumptions["item"].str.contains("scaled").any()


def test_more_swap_than_there_were_and_the_table_of_vehicles_follows(two_cities: Path) -> None:
    taxis = _read(two_cities, fleet_mix={"private": 0.2, "taxi": 0.8}, vehicles_per_station=2000.0)
    fleet = _fleet(taxis, "2027Q1")
    assert fleet.sum().to_dict() == {"private": 800, "taxi": 3200, "ride_hailing": 0}
    # 3.2 x 0.8 of the taxis of 2027Q2: raised by 2.56, and all of them swap then.
    assert taxis.cities.set_index("city_id")["vehicles_taxi"].to_dict() == {
        "town": pytest.approx(5120), "port": pytest.approx(1280)
    }  # fmt: skip
    assert _fleet(taxis, "2027Q2")["taxi"].to_dict() == {"town": 5120, "port": 1280}
    noted = taxis.assumptions.set_index("item")["value"]
    assert noted["cities: vehicles, raised"] == "vehicles_taxi in 2 cities"


def test_opening_packs_and_trips_follow_class_by_class(two_cities: Path) -> None:
    """In 2026Q4 the town has 1,000 private cars, 400 taxis and 50 ride-hailing ones on packs."""
    after = _read(two_cities, fleet_mix=MIX, vehicles_per_station=2000.0)
    stock = after.pack_stock.set_index(["city_id", "pack_id"])["packs"]
    # Factors: private 1/3, taxis 1, ride-hailing cars 5; the port has 500, 100 and 150.
    assert stock["town", "lfp_25"] == pytest.approx(1540 * (1000 / 3 + 400) / 1400)
    assert stock["port", "lfp_25"] == pytest.approx(660 * (500 / 3 + 100) / 600)
    assert stock["town", "lfp_other"] == pytest.approx(55 * 5)
    # No class's default: all that take it.
    assert stock["port", "na_25"] == pytest.approx(10 * (500 / 3 + 100 + 750) / 750)
    flows = after.flows.set_index("from_city_id")["vehicles_per_day"]
    assert flows["town"] == pytest.approx(10 * (2000 / 3 + 800 + 500) / 2900)
    assert flows["port"] == pytest.approx(10 * (1000 / 3 + 200 + 1500) / 1500)


def test_one_axis_leaves_the_other_as_the_tables_say(two_cities: Path) -> None:
    more = _fleet(_read(two_cities, vehicles_per_station=4400.0), "2027Q1")
    assert more.sum().to_dict() == {"private": 6000, "taxi": 2000, "ride_hailing": 800}
    mixed = _fleet(_read(two_cities, fleet_mix=MIX), "2027Q1")
    assert mixed.sum().to_dict() == {"private": 1100, "taxi": 1100, "ride_hailing": 2200}


def test_without_a_table_of_adoption_the_vehicles_are_scaled(tutorial_copy: Path) -> None:
    scaled = _read(
        tutorial_copy, fleet_mix={"private": 0.4, "taxi": 0.6}, vehicles_per_station=100.0
    )
    assert _fleet(scaled, "2027Q1").loc["town"].to_dict() == {
        "private": 80, "taxi": 120, "ride_hailing": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("demand", "siting", "expected"),
    [
        ({"fleet_mix": {"private": 0.4, "taxi": 0.5}}, {}, "add up to 0.9; make them add up to 1"),
        ({"fleet_mix": {"private": 1.4, "taxi": -0.4}}, {}, r"demand\.fleet_mix\.taxi"),
        ({"fleet_mix": {"private": 0.4, "taxis": 0.6}}, {}, r"demand\.fleet_mix\.taxis"),
        ({"fleet_mix": {"taxi": 0.5, "ride_hailing": 0.5}}, {},
         r"cities\.csv, vehicles_ride_hailing: none of them swaps in 2027Q1.*share of 0\.5"),
        ({"vehicles_per_station": 100.0}, {"num_stations": None, "budget_cny": 1e7},
         r"vehicles_per_station needs siting\.num_stations"),
        ({"vehicles_per_station": 0.0}, {}, r"demand\.vehicles_per_station"),
    ],
)  # fmt: skip
def test_axes_that_cannot_be_met_are_told(
    tutorial_copy: Path, demand: dict[str, Any], siting: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial_copy, overrides={"demand": demand, "siting": siting})


def test_nothing_to_scale_is_told(tutorial_copy: Path) -> None:
    cities = pd.read_csv(tutorial_copy / "cities.csv")
    _write(tutorial_copy, "cities", cities.assign(vehicles_private=0, vehicles_taxi=0))
    with pytest.raises(InputError, match=r"no vehicle swaps in 2027Q1.*vehicles_per_station"):
        _read(tutorial_copy, vehicles_per_station=100.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"siting": {"num_stations": 3}},
        {"demand": {"vehicles_per_station": 90.0}},
        {"demand": {"fleet_mix": {"taxi": 1.0}}},
    ],
)
def test_tables_read_before_are_scaled_anew(two_cities: Path, changes: dict[str, Any]) -> None:
    base = {"demand": {"vehicles_per_station": 150.0}}
    before = read_instance(two_cities, overrides=base)
    wanted = {"siting": {}, **changes, "demand": base["demand"] | changes.get("demand", {})}
    shared = read_instance(two_cities, overrides=wanted, like=before)
    fresh = read_instance(two_cities, overrides=wanted)
    assert all(getattr(shared, name).equals(getattr(fresh, name)) for name in TABLES)
    plain = read_instance(two_cities, like=before)
    assert plain.adoption.equals(read_instance(two_cities).adoption)
