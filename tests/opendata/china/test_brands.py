"""What must hold of the tables of brands: as committed, with marks, pointing at each other."""

import re
from pathlib import Path

import pandas as pd
import pytest

from planner.opendata.parameters import BRAND_TABLES, read_table
from planner.opendata.writing import write_csv

FOLDER = Path(__file__).parents[3] / "instances" / "china-140"
MARK = re.compile(r"(^|\W)(MC|M|PR|AN|INF|\?)(:| )")


@pytest.mark.parametrize("name", BRAND_TABLES)
def test_the_instance_holds_them_as_the_recipe_writes_them(name: str, tmp_path: Path) -> None:
    write_csv(read_table(name), tmp_path, name)
    assert (tmp_path / f"{name}.csv").read_bytes() == (FOLDER / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("name", BRAND_TABLES)
def test_every_row_has_a_mark(name: str) -> None:
    for source in read_table(name)["source"]:
        assert MARK.search(source), source


def test_tables_point_at_each_other() -> None:
    tables = {name: read_table(name) for name in BRAND_TABLES}
    cars, brands = tables["car_models"], set(tables["brands"]["brand"])
    assert set(cars["brand"]) | set(tables["brand_suppliers"]["brand"]) <= brands
    assert all(model.startswith(brand) for model, brand in zip(cars.model, cars.brand, strict=True))
    assert set(cars["envelope"]) - {""} <= set(tables["envelopes"]["envelope"])
    for name in ("model_chemistries", "launches"):
        assert set(tables[name]["model"]) <= set(cars["model"])
    assert set(tables["model_chemistries"]["model"]) == set(cars["model"])
    # A car with a fixed pack has no envelope; one that swaps has.
    fixed = cars["application"] == "fixed_car"
    assert (cars.loc[fixed, "envelope"] == "").all()
    assert (cars.loc[~fixed, "envelope"] != "").all()


def test_every_class_of_the_instance_has_models_whose_sales_are_known() -> None:
    cars = read_table("car_models")
    known = cars[(cars["sales_per_quarter"] != "") & (cars["market"] == "CN")]
    assert set(read_table("vehicles")["envelope"]) <= set(known["envelope"])
    ends = known[["sales_per_quarter_low", "sales_per_quarter", "sales_per_quarter_high"]]
    ends = ends[ends["sales_per_quarter_low"] != ""].astype(float)
    assert len(ends) >= 4
    assert (ends.diff(axis=1).iloc[:, 1:] > 0).to_numpy().all()


def test_sales_taken_from_a_brands_follow_from_its_published_ones() -> None:
    cars = read_table("car_models").set_index("model")["sales_per_quarter"]
    sold = {"Nevo": 98_236, "Deepal": 120_710}
    share = {brand: number / 8 * 3 * 0.10 for brand, number in sold.items()}
    assert float(cars["Deepal SL03"]) == pytest.approx(share["Deepal"], abs=1)
    nevo = pd.to_numeric(cars[["Nevo A05", "Nevo A07"]])
    assert nevo.tolist() == pytest.approx([share["Nevo"] / 2] * 2, abs=1)


def test_only_brands_are_bound_to_the_supplier_and_he_serves_others() -> None:
    buys = read_table("brand_suppliers")
    owners = read_table("brands").set_index("brand")["group"]
    bound = buys[buys["exclusive"] == "true"]
    assert set(bound["brand"].map(owners)) == {"Changan Automobile"}
    assert set(bound["chemistry"]) == {"sodium_ion"}
    (supplier,) = set(bound["supplier"])
    served = buys[(buys["supplier"] == supplier) & (buys["exclusive"] == "false")]
    assert set(served.loc[served["chemistry"] == "sodium_ion", "brand"]) == {"Aion", "JAC"}
