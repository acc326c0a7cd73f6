import pytest

from planner.instance.tables import TABLES
from planner.opendata.china.facts import read_facts
from planner.opendata.market_tables import DERIVED_TABLES
from planner.opendata.parameters import BRAND_TABLES, COPIED_TABLES, read_parameters, read_table


@pytest.fixture(scope="module")
def facts():
    return read_facts(140, 100.0)


def test_names_and_seats_are_corrected(facts):
    cities = facts.cities.set_index("city_id")
    assert len(cities) == 140
    assert cities["name_en"].is_unique
    assert cities["name_en"].str.isascii().all()
    assert cities.loc["131000", "name_en"] == "Langfang"
    assert cities.loc["330700", "name_en"] == "Jinhua"
    assert cities.loc["532500", "name_en"] == "Honghe"
    assert cities.loc["610800", "name_en"] == "Yulin (Shaanxi)"
    assert cities.loc["320500", "name_en"] == "Suzhou (Jiangsu)"
    yuncheng = cities.loc["140800"]
    assert (yuncheng["name_en"], yuncheng["lon"], yuncheng["lat"]) == (
        "Yuncheng",
        pytest.approx(111.0, abs=0.02),
        pytest.approx(35.02, abs=0.02),
    )
    assert yuncheng["t01_mean_c"] == -0.2


def test_counties_governed_by_a_province_belong_to_no_city(facts):
    counties = facts.counties.set_index("county_id")
    assert not counties.loc["429004", "planned"]  # Xiantao, listed with Wuhan
    assert not counties.loc["469002", "planned"]  # Qionghai, listed with Haikou
    assert counties.loc["500229", "planned"]  # Chengkou, a county of Chongqing


def test_households_of_development_zones_complete_their_city(facts):
    counties = facts.counties[facts.counties["city_id"] == "220200"]
    cities = facts.cities.set_index("city_id")
    assert counties["households"].sum() == pytest.approx(cities.loc["220200", "households"])
    zone = counties.set_index("county_id").loc["220272"]
    assert 2 < zone["residents"] / zone["households"] < 4.6


def test_what_was_filled_in_is_listed(facts):
    assert "220272" in set(facts.filled["county_id"])
    assert set(facts.filled.loc[facts.filled["residents"] == 0, "county_id"]) == {"350527"}
    assert not facts.counties.set_index("county_id").loc["350527", "planned"]


def test_every_parameter_has_a_mark_and_a_source():
    parameters = read_parameters()
    assert parameters["num_stations"].value * parameters["vehicles_per_station"].value == 450_000
    for parameter in parameters.values():
        assert parameter.mark in ("MC", "M", "PR", "AN", "INF", "?"), parameter.name
        assert len(parameter.source) > 10, parameter.name


@pytest.mark.parametrize("name", [*COPIED_TABLES, *DERIVED_TABLES, *BRAND_TABLES])
def test_copied_tables_have_the_columns_of_their_specification(name):
    frame = read_table(name)
    accepted = [column.name for column in TABLES[name].accepted]
    assert list(frame.columns) == [name for name in accepted if name in frame.columns]
    needed = {column.name for column in TABLES[name].columns if column.required}
    assert needed <= set(frame.columns)
    assert (frame["source"].str.len() > 0).all()


def test_provinces_cover_all_cities(facts):
    provinces = read_table("provinces")
    assert set(facts.cities["city_id"].str[:2]) <= set(provinces["code"])
    counted = provinces["public_charging_points"] != ""
    assert counted.sum() == 10
    assert ((provinces["remainder_weight"] != "") == ~counted).all()
