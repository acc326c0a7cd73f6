"""A class is split over the models on sale; what they refuse follows from tables, by hand here."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.instance import Instance
from planner.instance.car_models import acceptance, accepting_frac, split_models
from tests.cars import LFP, SODIUM, in_quarters, models, refusals, table

PRIVATE, TAXI = 0, 2
"""Rows of the tutorial's vehicles, sorted by id: private_ab, ride_hailing_ab, taxi_ab."""


@pytest.fixture(scope="module")
def town(tutorial: Instance) -> Instance:
    assert tutorial.vehicles["vehicle_id"].tolist() == ["private_ab", "ride_hailing_ab", "taxi_ab"]
    return in_quarters(tutorial, "2026Q4", "2027Q4")


def _shares(instance: Instance, quarter: str, vehicle: int = PRIVATE) -> dict[str, float]:
    split = split_models(instance)
    shares = split.share_frac[instance.scenario.quarters.index(quarter), 0, vehicle]
    return {
        model: round(float(share), 9)
        for model, share in zip(split.models["model"], shares, strict=True)
    }


def _accepted(instance: Instance, quarter: str, chemistry: str, vehicle: int = PRIVATE) -> float:
    found = accepting_frac(instance)
    chemistries = sorted(instance.packs["chemistry"].unique())
    place = instance.scenario.quarters.index(quarter), 0, vehicle, chemistries.index(chemistry)
    return float(found[place])


def test_cars_are_those_sold_since_the_swap_version_came(town: Instance) -> None:
    cars = models(
        ("Old", "A", None, None, "2026Q1", 100.0),  # 2026Q1 to 2027Q1: 5 quarters
        ("New", "A", None, None, "2027Q1", 250.0),
        ("Late", "B", None, None, "2027Q3", 900.0),
        ("Never", "B", None, None, None, 900.0),
    )
    town = replace(town, car_models=cars)
    assert _shares(town, "2026Q4") == {"Old": 1.0, "New": 0.0, "Late": 0.0, "Never": 0.0}
    first = _shares(town, "2027Q1")
    assert first == {"Old": round(2 / 3, 9), "New": round(1 / 3, 9), "Late": 0.0, "Never": 0.0}
    # 700, 750 and 900 cars.
    assert _shares(town, "2027Q3")["Late"] == round(900 / 2350, 9)


def test_a_model_without_sales_sells_the_mean_of_the_others_of_its_class(town: Instance) -> None:
    cars = models(
        ("Little", "A", None, "private", "2027Q1", 100.0),
        ("Much", "A", None, "private", "2027Q1", 500.0),
        ("Unknown", "B", None, None, "2026Q4", None),
        ("Taxi", "B", None, "taxi", "2027Q1", 40.0),
    )
    town = replace(town, car_models=cars)
    # Private: 300 a quarter over two quarters.
    assert _shares(town, "2027Q1") == {
        "Little": round(100 / 1200, 9), "Much": round(500 / 1200, 9), "Unknown": 0.5, "Taxi": 0.0,
    }  # fmt: skip
    # Among taxis 40 a quarter, over two quarters, beside one of 40.
    assert _shares(town, "2027Q1", TAXI)["Unknown"] == round(80 / 120, 9)
    # Before the others come, nothing is known.
    assert _shares(town, "2026Q4")["Unknown"] == 1.0


def test_where_no_sales_are_known_only_time_counts(town: Instance) -> None:
    cars = models(
        ("A1", "A", None, None, "2026Q4", None), ("A2", "A", None, None, "2027Q1", None)
    )  # fmt: skip
    shares = _shares(replace(town, car_models=cars), "2027Q2")
    assert shares == {"A1": 0.6, "A2": 0.4}


def test_a_model_that_sells_nothing_has_no_cars(town: Instance) -> None:
    cars = models(("Empty", "A", None, None, "2026Q1", 0.0))
    town = replace(town, car_models=cars, model_chemistries=refusals(("Empty", SODIUM, None)))
    assert _shares(town, "2027Q1") == {"Empty": 0.0}
    assert _accepted(town, "2027Q1", SODIUM) == 1.0


def test_only_swap_cars_of_the_envelope_and_market_count(town: Instance) -> None:
    cars = models(
        ("Here", "A", "CN", None, "2026Q1", 10.0),
        ("There", "A", "HK", None, "2026Q1", 10.0),
        ("Both", "A", None, None, "2026Q1", 10.0),
        ("Both", "A", "CN", None, "2026Q1", 30.0),
        ("Small", "A", None, None, "2026Q1", 10.0),
        ("Fixed", "A", None, None, "2026Q1", 10.0),
    )
    cars.loc[4, "envelope"] = "#20"
    cars.loc[5, "application"] = "fixed_car"
    split = split_models(replace(town, car_models=cars))
    assert split.models["model"].tolist() == ["Here", "There", "Both", "Both", "Small"]
    # The market's own row stands for the model there.
    assert split.share_frac[0, 0, PRIVATE].tolist() == [0.25, 0.0, 0.0, 0.75, 0.0]


def test_two_markets_have_models_of_their_own(town: Instance) -> None:
    other = town.cities.assign(city_id="port", market="HK")
    cities = pd.concat([other, town.cities], ignore_index=True)
    cars = models(
        ("C", "A", "CN", None, "2026Q1", 10.0), ("H", "A", "HK", None, "2026Q1", 10.0)
    )  # fmt: skip
    town = replace(
        town, cities=cities, car_models=cars, model_chemistries=refusals(("H", SODIUM, None))
    )
    found = accepting_frac(town)
    assert found.shape == (5, 2, 3, 2)
    assert found[0, :, PRIVATE].tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_without_models_nothing_is_refused(town: Instance) -> None:
    assert len(town.car_models) == 0
    assert (accepting_frac(town) == 1).all()
    assert accepting_frac(town).shape == (5, 1, 3, 2)
    # Refusals of models that no row describes have nothing to act on.
    town = replace(town, model_chemistries=refusals(("Ghost", SODIUM, None)))
    assert (accepting_frac(town) == 1).all()


def test_columns_that_may_be_left_out_are_not_missed(town: Instance) -> None:
    cars = table("car_models", "model brand application", [("M", "A", "swap_car")])
    town = replace(
        town, car_models=cars,
        model_chemistries=table("model_chemistries", "model chemistry", [("M", SODIUM)]),
    )  # fmt: skip
    assert (accepting_frac(town) == 1).all()  # its envelope and its date are not known
    assert acceptance(town, "M", "A", SODIUM) == (None, "")


def test_a_chemistry_is_taken_from_its_quarter_on(town: Instance) -> None:
    cars = models(
        ("Ready", "A", None, None, "2026Q4", 30.0),
        ("Soon", "A", None, None, "2026Q4", 50.0),
        ("Never", "B", None, None, "2026Q4", 20.0),
    )
    refused = refusals(("Soon", SODIUM, "2027Q2"), ("Never", SODIUM, None))
    town = replace(town, car_models=cars, model_chemistries=refused)
    told = [_accepted(town, quarter, SODIUM) for quarter in town.scenario.quarters]
    assert told == pytest.approx([0.3, 0.3, 0.8, 0.8, 0.8])
    assert all(_accepted(town, quarter, LFP) == 1 for quarter in town.scenario.quarters)


SUPPLY = "quarter gwh supplier application kind chemistry"
LATER = ("2027Q2", 1.0, "S", None, None)


@pytest.mark.parametrize(
    ("rows", "supplied"),
    [
        ([("2026Q4", 1.0, "S", None, None)], "2026Q4"),
        ([("2027Q3", 1.0, "S", None, None), LATER], "2027Q2"),
        ([("2026Q4", 9.0, "Other", None, None), LATER], "2027Q2"),
        ([("2026Q4", 1.0, "S", None, "pilot"), LATER], "2027Q2"),
        ([("2026Q4", 1.0, "S", "ess", "series"), LATER], "2027Q2"),
        ([("2026Q4", 0.0, "S", None, None), LATER], "2027Q2"),
        ([("2027Q1", 1.0, "S", "swap_car", "series"), LATER], "2027Q1"),
        # Who is not named may be he.
        ([("2026Q4", 9.0, "Other", None, None), ("2027Q1", 1.0, None, None, None)], "2027Q1"),
        ([("2026Q4", 1.0, "S", "ess", None), ("2026Q4", 1.0, "S", None, "pilot")], None),
        ([("2026Q4", 1.0, "Other", None, None)], None),
        # A chemistry without rows is not limited, whoever sells it.
        ([], ""),
    ],
)
def test_an_exclusive_supplier_has_to_make_it_first(
    town: Instance, rows: list[tuple[Any, ...]], supplied: str | None
) -> None:
    buys = "brand chemistry supplier exclusive"
    town = replace(
        town,
        car_models=models(("M", "Tied", None, None, "2026Q4", 1.0)),
        brand_suppliers=table("brand_suppliers", buys, [("Tied", SODIUM, "S", True)]),
        supply=table("supply", SUPPLY, [(*row, SODIUM) for row in rows] + [(*LATER, LFP)]),
    )
    assert acceptance(town, "M", "Tied", SODIUM) == ("", supplied)
    accepted = [_accepted(town, quarter, SODIUM) for quarter in town.scenario.quarters]
    expected = [
        float(supplied is not None and supplied <= quarter) for quarter in town.scenario.quarters
    ]
    assert accepted == expected
    # Exclusive is the brand: others buy from whom they like, the supplier's cells included.
    assert acceptance(town, "M", "Free", SODIUM) == ("", "")
    open_to_all = table("brand_suppliers", buys, [("Tied", SODIUM, "S", False)])
    assert (accepting_frac(replace(town, brand_suppliers=open_to_all)) == 1).all()


@given(
    sales=st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=6),
    starts=st.lists(
        st.sampled_from([None, "2025Q1", "2026Q4", "2027Q2", "2028Q1"]), min_size=6, max_size=6
    ),
    refused=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_shares_add_up_and_acceptance_is_a_share(
    town: Instance, sales: list[float | None], starts: list[str | None], refused: list[bool]
) -> None:
    names = [f"M{number}" for number in range(len(sales))]
    rows = zip(names, starts, sales, strict=False)
    cars = models(*((name, "A", None, None, start, sold) for name, start, sold in rows))
    no = [(name, SODIUM, None) for name, is_no in zip(names, refused, strict=False) if is_no]
    town = replace(town, car_models=cars, model_chemistries=refusals(*no))
    split = split_models(town)
    total = split.share_frac.sum(axis=-1)
    assert (np.isclose(total, 1) | (total == 0)).all()
    accepted = accepting_frac(town)
    assert ((accepted >= 0) & (accepted <= 1)).all()
    assert (accepted[..., 0] == 1).all()  # nobody refuses the first of the chemistries
    refusing = np.array([is_no for _, is_no in zip(names, refused, strict=False)])
    by_hand = (split.share_frac * ~refusing).sum(axis=-1)[:, [0]]
    expected = np.where(total[:, [0]] > 0, by_hand, 1.0)
    assert accepted[..., 1] == pytest.approx(expected)
