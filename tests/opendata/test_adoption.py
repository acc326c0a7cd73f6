import numpy as np
import pandas as pd
import pytest

from planner.instance.tables import quarters_between
from planner.opendata.adoption import make_adoption, make_pack_stock, station_ramp

CITIES = pd.Series(["a", "b"])


def test_ramp_goes_through_both_points_and_on() -> None:
    quarters = quarters_between("2025Q4", "2028Q1")
    ramp = station_ramp(quarters, ("2025Q4", 1020.0), ("2027Q4", 3000.0))
    assert ramp[0] == 1020
    assert ramp[8] == 3000
    assert np.diff(ramp) == pytest.approx([247.5] * 9)


def test_adoption_gives_the_swap_vehicles_again() -> None:
    vehicles = {name: np.array([4_000_000.0, 0.0]) for name in ("private", "taxi", "ride_hailing")}
    swap = {name: np.array([12_345.0, 0.0]) for name in vehicles}
    table = make_adoption(CITIES, vehicles, swap, ("2027Q3", "2027Q4"), np.array([0.5, 1.0]))
    assert len(table) == 2 * 3 * 2
    row = table[(table["city_id"] == "a") & (table["quarter"] == "2027Q4")].iloc[0]
    assert round(row["swap_capable_frac"] * 4_000_000) == 12_345
    assert table.loc[table["city_id"] == "b", "swap_capable_frac"].eq(0).all()
    assert table["swap_capable_frac"].max() <= 1


def test_stock_is_a_pack_per_vehicle_and_its_share_of_the_stations() -> None:
    classes = pd.DataFrame(
        {
            "segment": ["private", "private", "taxi", "ride_hailing"],
            "segment_frac": ["0.3", "0.7", "1", "1"],
            "default_pack_id": ["lfp_20", "lfp_25", "lfp_25", "lfp_25"],
        }
    )
    swap = {
        "private": np.array([1000.0, 0.0]),
        "taxi": np.array([100.0, 0.0]),
        "ride_hailing": np.array([0.0, 0.0]),
    }
    stock = make_pack_stock(CITIES, swap, classes, 1.1).set_index("pack_id")
    assert stock["city_id"].unique().tolist() == ["a"]
    assert stock["packs"].to_dict() == {"lfp_20": 330, "lfp_25": 880}
