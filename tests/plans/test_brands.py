"""Packs by brand: sums are the plan's, refused packs go elsewhere, and each model says why not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.instance import Instance
from planner.instance.car_models import accepting_frac
from planner.plans.brands import brand_tables
from tests.cars import LFP, SODIUM, brands, in_quarters, models, refusals

NO_DELIVERIES = pd.DataFrame(columns=["quarter", "market", "pack_id", "delivered_packs"])
PACK = {"lfp_25": LFP, "na_25": SODIUM}
MODELS = models(
    ("Ready", "A", None, None, "2026Q4", 30.0),
    ("Soon", "A", None, None, "2026Q4", 50.0),
    ("Never", "B", None, "private", "2027Q1", 40.0),
)


@pytest.fixture(scope="module")
def town(tutorial: Instance) -> Instance:
    return replace(
        in_quarters(tutorial, "2026Q4", "2027Q2", planning="2027Q1"),
        brands=brands(("A", "Alpha"), ("B", None)),
        car_models=MODELS,
        model_chemistries=refusals(("Soon", SODIUM, "2027Q2"), ("Never", SODIUM, None)),
    )


def _packs(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["quarter", "vehicle_id", "pack_id", "vehicles"]).assign(
        city_id="town"
    )


def _fleet(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["quarter", "vehicle_id", "vehicles"]).assign(city_id="town")


def _cars(rows: pd.DataFrame, quarter: str) -> dict[tuple[str, str], float]:
    rows = rows[rows["quarter"] == quarter]
    return {
        (model, chemistry): round(float(vehicles), 6)
        for model, chemistry, vehicles in zip(
            rows["model"], rows["chemistry"], rows["vehicles"], strict=True
        )
    }


def test_by_hand(town: Instance) -> None:
    # In 2027Q1 60, 100 and 40 cars were sold: 30 %, 50 % and 20 % of 1,000.
    fleet = _fleet(("2027Q1", "private_ab", 1000), ("2027Q1", "taxi_ab", 80))
    packs = _packs(
        ("2027Q1", "private_ab", "na_25", 200.0), ("2027Q1", "private_ab", "lfp_25", 400.0),
        ("2027Q1", "taxi_ab", "na_25", 30.0),
    )  # fmt: skip
    figures, tables = brand_tables(town, packs, fleet, NO_DELIVERIES)
    # Sodium-ion to Ready alone; LFP over the 100, 500 and 200 that are left; then 50, 250, 100.
    # Of the taxis 30 are Ready and 50 Soon: they have a pack, those none.
    assert _cars(tables["brand_quarter"], "2027Q1") == {
        ("Ready", SODIUM): 230.0, ("Ready", LFP): 50.0, ("Ready", ""): 50.0,
        ("Soon", LFP): 250.0, ("Soon", ""): 300.0,
        ("Never", LFP): 100.0, ("Never", ""): 100.0,
    }  # fmt: skip
    rows = tables["brand_quarter"]
    assert list(rows.columns) == [
        "quarter", "brand", "group", "model", "market", "chemistry", "vehicles", "accepts",
    ]  # fmt: skip
    assert rows["accepts"].all()
    assert set(zip(rows["brand"], rows["group"], strict=True)) == {("A", "Alpha"), ("B", "")}
    assert figures == {
        "brands": 2, "car_models": 3, "cars_without_model": 0.0, "cars_misplaced": 0.0,
    }  # fmt: skip


def test_cars_whose_class_has_no_model_have_no_brand(town: Instance) -> None:
    town = replace(town, car_models=MODELS[MODELS["model"] == "Never"])
    fleet = _fleet(("2027Q1", "private_ab", 10), ("2027Q1", "taxi_ab", 80))
    packs = _packs(("2027Q1", "taxi_ab", "na_25", 30.0), ("2027Q1", "private_ab", "lfp_25", 10.0))
    figures, tables = brand_tables(town, packs, fleet, NO_DELIVERIES)
    assert _cars(tables["brand_quarter"], "2027Q1") == {
        ("", SODIUM): 30.0, ("", ""): 50.0, ("Never", LFP): 10.0,
    }  # fmt: skip
    assert figures["cars_without_model"] == 80
    assert figures["brands"] == 1


def test_packs_that_no_model_takes_are_told(town: Instance) -> None:
    town = replace(town, model_chemistries=refusals(("Never", SODIUM, None), ("Never", LFP, None)))
    town = replace(town, car_models=MODELS[MODELS["model"] == "Never"])
    packs = _packs(("2027Q1", "private_ab", "na_25", 4.0))
    fleet = _fleet(("2027Q1", "private_ab", 10))
    figures, tables = brand_tables(town, packs, fleet, NO_DELIVERIES)
    rows = tables["brand_quarter"].set_index("chemistry")
    assert rows["vehicles"].to_dict() == {SODIUM: 4.0, "": 6.0}
    assert rows["accepts"].to_dict() == {SODIUM: False, "": True}
    assert figures["cars_misplaced"] == 4.0


def test_without_models_there_are_no_tables(tutorial: Instance) -> None:
    assert brand_tables(tutorial, _packs(), _fleet(), NO_DELIVERIES) == ({}, {})


def test_an_empty_plan_leaves_all_cars_without(town: Instance) -> None:
    fleet = _fleet(("2027Q1", "private_ab", 10))
    _, tables = brand_tables(town, _packs(), fleet, NO_DELIVERIES)
    assert _cars(tables["brand_quarter"], "2027Q1") == {
        ("Ready", ""): 3.0, ("Soon", ""): 5.0, ("Never", ""): 2.0,
    }  # fmt: skip


def test_every_model_says_why_it_has_no_cars(town: Instance) -> None:
    cars = models(
        ("In", "A", None, None, "2026Q4", None),
        ("Unannounced", "A", None, None, None, 5.0),
        ("Large", "A", None, None, "2026Q4", 5.0),
        ("Abroad", "A", "HK", None, "2026Q4", 5.0),
        ("Replaced", "A", None, None, "2026Q4", 5.0),
        ("Replaced", "A", "CN", None, "2026Q4", 5.0),
        ("Late", "A", None, None, "2028Q1", 5.0),
        ("Unsold", "A", None, None, "2026Q4", 0.0),
        ("Fixed", "A", None, None, "2026Q4", 5.0),
    )
    cars.loc[2, "envelope"] = "#75"
    cars.loc[8, "application"] = "fixed_car"
    town = replace(town, car_models=cars)
    fleet = _fleet(("2027Q1", "private_ab", 10))
    states = brand_tables(town, _packs(), fleet, NO_DELIVERIES)[1]["car_model"]
    assert list(zip(states["model"], states["state"], strict=True)) == [
        ("In", "in the plan"),
        ("Unannounced", "swap version not announced"),
        ("Large", "no class in this instance"),
        ("Abroad", "no city in its market"),
        ("Replaced", "no city in its market"),
        ("Replaced", "in the plan"),
        ("Late", "on sale after the plan's last quarter"),
        ("Unsold", "no sales"),
        ("Fixed", "fixed pack"),
    ]
    assert states["group"].tolist() == ["Alpha"] * 9


@given(
    wanted=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=6, max_size=6),
    sizes=st.lists(st.integers(0, 10_000), min_size=6, max_size=6),
    is_over=st.booleans(),
)
def test_sums_over_models_are_the_plans(
    town: Instance, wanted: list[tuple[float, float]], sizes: list[int], is_over: bool
) -> None:
    cities = pd.concat([town.cities, town.cities.assign(city_id="village")], ignore_index=True)
    town = replace(town, cities=cities)
    accepted = accepting_frac(town)
    places = [(city, vehicle) for city in ("town", "village") for vehicle in range(3)]
    names = town.vehicles["vehicle_id"]
    fleet, packs = [], []
    for (city, vehicle), size, (sodium, lfp) in zip(places, sizes, wanted, strict=True):
        city_idx = town.cities["city_id"].tolist().index(city)
        # As the solver keeps its rows: to 1e-9, here and there beyond the whole cars.
        of_sodium = size * min(sodium, accepted[1, city_idx, vehicle, 1])
        of_lfp = (size - of_sodium) * (1 + 1e-9 * is_over if lfp > 0.5 else lfp)
        fleet.append(("2027Q1", city, names[vehicle], size))
        packs += [
            ("2027Q1", city, names[vehicle], pack_id, amount)
            for pack_id, amount in (("na_25", of_sodium), ("lfp_25", of_lfp))
            if amount > 0
        ]
    columns = ["quarter", "city_id", "vehicle_id", "pack_id", "vehicles"]
    plan = pd.DataFrame(packs, columns=columns)
    there = pd.DataFrame(fleet, columns=[name for name in columns if name != "pack_id"])
    figures, tables = brand_tables(town, plan, there, NO_DELIVERIES)
    rows = tables["brand_quarter"]
    by_chemistry = rows.groupby("chemistry")["vehicles"].sum()
    for pack_id, chemistry in PACK.items():
        expected = plan.loc[plan["pack_id"] == pack_id, "vehicles"].sum()
        assert by_chemistry.get(chemistry, 0.0) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert rows["vehicles"].sum() == pytest.approx(sum(sizes), rel=1e-8)
    assert (rows["vehicles"] > 0).all()
    assert figures["cars_misplaced"] == 0
    refused = (rows["chemistry"] == SODIUM) & rows["model"].isin(["Soon", "Never"])
    assert not refused.any()
    # Nobody has more packs than cars: those of each model are its share of each class.
    of_model = rows.groupby("model")["vehicles"].sum()
    private = there[there["vehicle_id"] == "private_ab"]["vehicles"].sum()
    others = sum(sizes) - private
    cars = {"Ready": 0.3 * private + 0.375 * others, "Soon": 0.5 * private + 0.625 * others,
            "Never": 0.2 * private}  # fmt: skip
    for model, number in cars.items():
        assert of_model.get(model, 0.0) == pytest.approx(number, rel=1e-6, abs=1e-6)


def test_tables_are_the_same_each_time(town: Instance) -> None:
    fleet = _fleet(("2027Q1", "private_ab", 997))
    packs = _packs(
        ("2027Q1", "private_ab", "na_25", 123.456), ("2027Q1", "private_ab", "lfp_25", 7)
    )
    first, second = (brand_tables(town, packs, fleet, NO_DELIVERIES)[1] for _ in range(2))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name], check_exact=True)
    assert np.isfinite(first["brand_quarter"]["vehicles"]).all()
