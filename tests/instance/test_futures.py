"""Futures are made from the tables together, and say by name what they cannot change."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import Instance, read_instance
from planner.instance.futures import check_futures, futures_of

LATE = {"name": "late", "weight": 0.4}


def _read(folder: Path, **uncertainty: Any) -> Instance:
    return read_instance(folder, overrides={"uncertainty": uncertainty})


def _future(folder: Path, **changes: Any) -> Instance:
    (future,) = futures_of(_read(folder, futures=[{"name": "it", "weight": 1.0} | changes]))
    return future.instance


def test_no_futures_leave_all_as_it_is(tutorial_copy: Path) -> None:
    instance = read_instance(tutorial_copy)
    assert not instance.scenario.uncertainty.planned
    assert futures_of(instance) == ()


def test_a_future_without_changes_is_the_instance_itself(tutorial_copy: Path) -> None:
    instance = _read(tutorial_copy, futures=[{"name": "base", "weight": 1.0}])
    (base,) = futures_of(instance)
    assert base.instance is instance
    assert base.words == "as the tables say"


def test_columns_are_multiplied(tutorial_copy: Path) -> None:
    taxis = {"table": "cities", "column": "vehicles_taxi", "factor": 3.0}
    changed = _future(tutorial_copy, scale=[taxis])
    assert changed.cities["vehicles_taxi"].tolist() == [300.0]
    assert changed.cities["vehicles_private"].tolist() == [1000.0]


def test_late_supply_is_that_of_an_earlier_quarter(tutorial_copy: Path) -> None:
    late = _future(tutorial_copy, supply_delay_quarters={"sodium_ion": 1})
    assert late.supply["gwh"].tolist() == [0.0, 0.02, 0.04]
    none = _future(tutorial_copy, supply_delay_quarters={"sodium_ion": 3})
    assert none.supply["gwh"].tolist() == [0.0, 0.0, 0.0]


def test_late_certificates_open_later_and_closed_ones_stay_closed(tutorial_copy: Path) -> None:
    path = tutorial_copy / "gates.csv"
    row = "CN,sodium_ion,never,,true,invented\n"
    path.write_text(path.read_text(encoding="utf-8") + row, encoding="utf-8")
    gates = _future(tutorial_copy, certificate_delay_quarters={"sodium_ion": 3}).gates
    opens = dict(zip(gates["certificate"], gates["opens"], strict=True))
    assert opens["GB 38031-2025"] == "2027Q2"
    assert opens["GB/T 40032-2021"] == "2021Q4"
    assert pd.isna(opens["never"])


def test_a_colder_winter_shifts_three_months_and_the_design_day(tutorial_copy: Path) -> None:
    usual = read_instance(tutorial_copy)
    cold = _future(tutorial_copy, winter_shift_c=-4.0)
    shift = cold.climate["mean_c"] - usual.climate["mean_c"]
    assert usual.climate["month"][shift < 0].tolist() == [1, 2, 12]
    assert np.allclose(shift[shift < 0], -4.0)
    assert cold.cities["winter_design_c"].tolist() == [-24.0]


def test_a_winter_that_has_been(tutorial_copy: Path) -> None:
    (tutorial_copy / "winters.csv").write_text(
        "winter,city_id,shift_c,winter_design_c,source\n2012-13,town,-3.7,-25,invented\n"
        "2015-16,town,-1,,invented\n",
        encoding="utf-8",
    )
    first = _future(tutorial_copy, winter="2012-13")
    assert first.cities["winter_design_c"].tolist() == [-25.0]
    second = _future(tutorial_copy, winter="2015-16")
    assert second.cities["winter_design_c"].tolist() == [-21.0]
    assert second.climate["mean_c"].min() == -15.0


def test_samples_share_what_the_stated_futures_leave(tutorial_copy: Path) -> None:
    factors = [
        {"name": "taxis", "low": 0.5, "high": 2.0,
         "factor_of": {"table": "cities", "column": "vehicles_taxi"}},
        {"name": "supply", "low": 0.0, "high": 3.0, "supply_delay_of": "sodium_ion"},
        {"name": "cold", "low": -6.0, "high": 0.0, "quantity": "winter_shift_c"},
    ]  # fmt: skip
    stated = [{"name": "base", "weight": 0.2}]
    instance = _read(tutorial_copy, futures=stated, samples=8, factors=factors, seed=3)
    futures = futures_of(instance)
    assert [future.name for future in futures][:2] == ["base", "sample_1"]
    assert sum(future.weight for future in futures) == pytest.approx(1.0)
    assert [future.weight for future in futures[1:]] == pytest.approx([0.1] * 8)
    taxis = sorted(future.instance.cities["vehicles_taxi"].iloc[0] for future in futures[1:])
    # Each eighth of the range is drawn from once.
    eighth = (200.0 - 50.0) / 8
    edges = 50.0 + eighth * np.arange(9)
    assert ((np.array(taxis) >= edges[:-1] - 1e-3) & (np.array(taxis) <= edges[1:] + 1e-3)).all()
    delays = {tuple(future.instance.supply["gwh"]) for future in futures[1:]}
    assert len(delays) == 4  # 0 to 3 quarters, all equally likely
    again = futures_of(_read(tutorial_copy, futures=stated, samples=8, factors=factors, seed=3))
    assert [future.words for future in again] == [future.words for future in futures]


@pytest.mark.parametrize(
    ("uncertainty", "told"),
    [
        ({"futures": [LATE, {"name": "early", "weight": 0.5}]}, "add up to 0.9, not 1"),
        ({"futures": [LATE, LATE | {"weight": 0.6}]}, "two futures have the name late"),
        ({"samples": 5}, "give factors"),
        ({"futures": [LATE | {"weight": 1.0, "winter": "1962-63"}]}, "no winter 1962-63"),
        (
            {"futures": [LATE | {"weight": 1.0, "supply_delay_quarters": {"sodium": 1}}]},
            "did you mean sodium_ion",
        ),
        (
            {"futures": [LATE | {"weight": 1.0, "scale": [
                {"table": "citis", "column": "vehicles_taxi", "factor": 2.0}]}]},
            "did you mean cities",
        ),
        (
            {"futures": [LATE | {"weight": 1.0, "scale": [
                {"table": "vehicles", "column": "segment_frac", "factor": 2.0}]}]},
            "future late",
        ),
        (
            {"futures": [LATE | {"weight": 1.0}], "news_quarter": "2027Q1"},
            "uncertainty.news_quarter 2027Q1",
        ),
        (
            {"samples": 3, "factors": [{"name": "w", "quantity": "winter"}]},
            "there is no table winters",
        ),
        (
            {"samples": 3, "factors": [{"name": "w", "quantity": "winter_shift_c"}]},
            "give low and high",
        ),
    ],
)  # fmt: skip
def test_faults_are_named(tutorial_copy: Path, uncertainty: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        check_futures(_read(tutorial_copy, **uncertainty))
    assert told in str(caught.value)


def test_other_objectives_are_not_hedged(tutorial_copy: Path) -> None:
    with pytest.raises(InputError, match="max_coverage"):
        read_instance(
            tutorial_copy,
            scenario_name="p_median",
            overrides={"uncertainty": {"futures": [{"name": "base", "weight": 1.0}]}},
        )


def test_other_objectives_of_phasing_are_not_hedged(tutorial_copy: Path) -> None:
    phasing = {"first_quarter": "2027Q1", "objective": "earliest_share", "share_frac": 0.5}
    futures = {"futures": [{"name": "base", "weight": 1.0}]}
    with pytest.raises(InputError, match="discounted_swaps"):
        read_instance(tutorial_copy, overrides={"phasing": phasing, "uncertainty": futures})
