import pandas as pd
import pytest

from planner.opendata.china.electric import charging_points, electric_weight
from planner.opendata.china.facts import read_all_cities, read_facts
from planner.opendata.parameters import read_parameters, read_table

TOTAL = read_parameters()["charging_points"].value


def test_counted_provinces_keep_their_points_and_the_others_share_the_rest():
    points = charging_points(TOTAL)
    provinces = read_table("provinces").set_index("code")
    counted = pd.to_numeric(provinces["public_charging_points"]).dropna()
    assert points[counted.index].tolist() == counted.tolist()
    assert points.sum() == pytest.approx(TOTAL)
    others = points.drop(counted.index)
    assert others.max() == counted.min() == 140_000  # Hebei would have more by its households
    assert (others > 0).all()


def test_the_rest_follows_car_owning_households_and_less_so_in_the_cold():
    points = charging_points(TOTAL)
    cities = read_all_cities()
    owning = cities["households"] * cities["car_owning_households_frac"]
    per_household = points / owning.groupby(cities["city_id"].str[:2]).sum()
    # Shaanxi and Yunnan alike; Heilongjiang and Gansu 0.45 of them; Hebei has as many as it may.
    assert per_household["61"] == pytest.approx(per_household["53"])
    assert per_household[["23", "62"]].tolist() == pytest.approx([0.45 * per_household["61"]] * 2)
    assert per_household["13"] < per_household["61"]


def test_cities_share_the_points_of_their_province_with_those_not_planned():
    cities = read_facts(140, 100.0).cities
    weight = pd.Series(electric_weight(cities["city_id"], TOTAL), index=cities["city_id"])
    points = charging_points(TOTAL)
    assert weight["310100"] == points["31"]
    by_province = weight.groupby(weight.index.str[:2]).sum()
    assert (by_province <= points[by_province.index] * (1 + 1e-9)).all()
    assert by_province["32"] == pytest.approx(points["32"])  # all of Jiangsu's cities are planned
    assert by_province["23"] < 0.7 * points["23"]


def test_cold_cities_hold_their_share_of_the_points_and_city_sales_are_near():
    cities = read_facts(140, 100.0).cities.set_index("city_id")
    weight = pd.Series(electric_weight(cities.index.to_series(), TOTAL), index=cities.index)
    suspect = cities["station_suspect"]
    design_c = cities["winter_design_c_fit"].where(suspect, cities["winter_design_c_station"])
    assert weight[design_c < -10].sum() / weight.sum() == pytest.approx(0.066, abs=0.0005)
    # Not fitted: new-energy cars sold in Guangzhou over those in Suzhou, 365,964 / 190,000.
    assert weight["440100"] / weight["320500"] == pytest.approx(1.93, rel=0.2)
    # Not fitted: NIO's swaps in Shanghai, Beijing and Hangzhou, 6.7, 3.4 and 2.7 %.
    share = weight[["310100", "110100", "330100"]] / weight.sum()
    assert share.tolist() == pytest.approx([0.067, 0.034, 0.027], abs=0.012)
