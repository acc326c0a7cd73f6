"""Packs beside the limits of their envelopes."""

from dataclasses import replace

import pandas as pd
import pytest

from planner.compliance.bid_sheet import bid_sheet
from planner.instance import Instance
from tests.made_up_passports import LFP, NA


def _with_limits(town: Instance, **limits: float | None) -> pd.DataFrame:
    envelopes = pd.DataFrame([{"envelope": "#25", **limits}])
    return bid_sheet(replace(town, envelopes=envelopes)).set_index("pack_id")


def test_figures_are_those_of_the_tables(town: Instance) -> None:
    sheet = _with_limits(town, max_mass_kg=450.0, min_v=200.0, max_v=500.0)
    row = sheet.loc[NA]
    assert row["wh_per_kg"] == pytest.approx(45_000 / 410)
    assert (row["cell_v"], row["min_v"], row["max_v"]) == (3.0, 240.0, 460.0)
    assert (row["max_mass_kg"], row["envelope_min_v"], row["envelope_max_v"]) == (450, 200, 500)
    assert (row["verdict"], row["missing"]) == ("fits", "")


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ({"max_mass_kg": 400.0, "min_v": 200.0, "max_v": 500.0}, "too heavy by 10 kg"),
        ({"max_mass_kg": 410.0, "min_v": 240.0, "max_v": 460.0}, "fits"),
        ({"max_mass_kg": 450.0, "min_v": 250.5, "max_v": 500.0}, "voltage below by 10.5 V"),
        (
            {"max_mass_kg": 400.0, "min_v": 200.0, "max_v": 450.0},
            "too heavy by 10 kg; voltage above by 10 V",
        ),
        ({"max_mass_kg": 400.0}, "too heavy by 10 kg"),
        ({"max_mass_kg": 450.0}, "not known"),
    ],
)
def test_verdict(town: Instance, limits: dict[str, float], verdict: str) -> None:
    assert _with_limits(town, **limits).loc[NA, "verdict"] == verdict


def test_missing_figures_are_named(town: Instance) -> None:
    row = _with_limits(town, max_mass_kg=450.0, min_v=200.0, max_v=None).loc[LFP]
    assert row["verdict"] == "not known"
    assert row["missing"] == "packs.min_v, packs.max_v, envelopes.max_v"


def test_a_nominal_voltage_out_of_the_window_breaks_it(town: Instance) -> None:
    packs = town.packs.drop(columns=["min_v", "max_v"])
    sheet = _with_limits(replace(town, packs=packs), max_mass_kg=450.0, min_v=370.0, max_v=500.0)
    assert sheet.loc[NA, "verdict"] == "voltage below by 10 V"


def test_nothing_is_known_of_bare_packs(tutorial: Instance) -> None:
    sheet = bid_sheet(tutorial)
    assert set(sheet["verdict"]) == {"not known"}
    assert sheet["wh_per_kg"].isna().all()
    assert set(sheet.dtypes[["mass_kg", "min_v", "wh_per_kg"]].astype(str)) == {"float64"}
