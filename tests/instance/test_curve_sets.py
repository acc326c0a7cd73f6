"""Named sets of curves: which rows count, and what is wrong with a set."""

from pathlib import Path

import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import curve_rows, curve_sets, read_instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.plans.derived import derive

_COLUMNS = ["chemistry", "quantity", "curve_set", "temperature_c", "value_frac", "source"]
_DRIVEN = [
    ("lfp", "usable_energy", "driven", "-35", "0.9", "made up"),
    ("lfp", "usable_energy", "driven", "25", "1.0", "made up"),
    ("lfp", "start_heat", "driven", "-20", "0.05", "made up"),
    ("lfp", "start_heat", "driven", "10", "0", "made up"),
]


def _add(folder: Path, rows: list[tuple[str, ...]]) -> None:
    path = folder / "curves.csv"
    curves = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.concat([curves, pd.DataFrame(rows, columns=_COLUMNS)]).to_csv(path, index=False)


def _faults(folder: Path, **physics: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_instance(folder, overrides={"physics": physics} if physics else None)
    return [str(fault) for fault in caught.value.faults]


def test_rows_of_the_set_stand_in_place_of_the_base_rows(tutorial_copy: Path) -> None:
    _add(tutorial_copy, _DRIVEN)
    instance = read_instance(tutorial_copy, overrides={"physics": {"curve_set": "driven"}})
    assert instance.scenario.physics.curve_set == "driven"
    base = instance.curves["curve_set"].isna()
    assert (~base).sum() == len(_DRIVEN)  # all are kept
    assert len(curve_rows(instance.curves, "", "lfp", "charge_power")) == 3
    assert curve_sets(instance.curves) == ("driven",)

    def values(curve_set: str, chemistry: str, quantity: str) -> list[float]:
        return curve_rows(instance.curves, curve_set, chemistry, quantity)["value_frac"].tolist()

    assert values("driven", "lfp", "usable_energy") == [0.9, 1.0]
    assert values("", "lfp", "usable_energy") == [0.625, 0.7, 0.8, 1.0, 1.0]
    # What the set says nothing of is the base's.
    assert values("driven", "lfp", "charge_power") == [0.0, 1.0, 1.0]
    assert values("driven", "sodium_ion", "usable_energy") == [0.9, 0.93, 1.0, 1.0]
    assert values("driven", "lfp", "start_heat") == [0.05, 0.0]
    assert values("", "lfp", "start_heat") == []


def test_plan_and_check_take_the_chosen_set(tutorial_copy: Path) -> None:
    """Range grows with the usable energy of the set alone, in both data flows."""
    _add(tutorial_copy, _DRIVEN[:2])
    base = read_instance(tutorial_copy)
    driven = read_instance(tutorial_copy, overrides={"physics": {"curve_set": "driven"}}, like=base)
    climate = city_climate(base)
    ranges = [operate_fleet(each, climate).design_range_km for each in (base, driven)]
    is_lfp = (base.packs["chemistry"] == "lfp").to_numpy()
    ratio = ranges[1] / ranges[0]
    assert (ratio[:, :, is_lfp][~pd.isna(ratio[:, :, is_lfp])] > 1).all()
    rest = ratio[:, :, ~is_lfp]
    assert rest[~pd.isna(rest)] == pytest.approx(1.0)
    rows = [derive(each, climate).rates.set_index(["city_id", "vehicle_id", "pack_id", "month"])
            for each in (base, driven)]  # fmt: skip
    change = rows[1]["design_range_km"] / rows[0]["design_range_km"]
    of_lfp = rows[0]["chemistry"] == "lfp"
    assert change[~of_lfp].to_numpy() == pytest.approx(1.0)
    expected = ratio[0, 2][is_lfp][0]
    assert change[of_lfp].loc["town", "taxi_ab", "lfp_25"].to_numpy() == pytest.approx(expected)


def test_an_unknown_set_is_told_with_the_known_ones(tutorial_copy: Path) -> None:
    where = "scenario.toml, physics.curve_set: "
    assert _faults(tutorial_copy, curve_set="driven") == [
        where + "driven: the table curves has no curve_set; add its rows there, "
        "or remove the setting"
    ]
    _add(tutorial_copy, _DRIVEN)
    assert _faults(tutorial_copy, curve_set="drivn") == [
        where + "drivn: no row of the table curves belongs to it; did you mean driven?"
    ]
    base = read_instance(tutorial_copy)
    with pytest.raises(InputError, match="use one of: driven"):
        read_instance(tutorial_copy, overrides={"physics": {"curve_set": "x"}}, like=base)


def test_what_is_wrong_with_a_set_is_told_at_once(tutorial_copy: Path) -> None:
    _add(
        tutorial_copy,
        [
            *_DRIVEN[:3],  # a single point of start_heat
            ("lfp", "usable_energy", "driven", "25", "0.99", "made up"),
            ("lpf", "usable_energy", "driven", "0", "0.9", "made up"),
            ("lpf", "usable_energy", "driven", "25", "1", "made up"),
            ("lfp", "usable_energy", "base", "0", "0.9", "made up"),
            ("lfp", "usable_energy", "base", "25", "1", "made up"),
        ],
    )
    key = "chemistry + quantity + curve_set + temperature_c"
    faults = "\n".join(_faults(tutorial_copy))
    assert f"{key}: lfp / usable_energy / driven / 25.0: stands in an earlier row" in faults
    assert "lfp start_heat of curve_set driven: needs at least two points" in faults
    assert "lpf: no such chemistry; did you mean lfp?" in faults
    assert faults.count("base: is what rows without a set are called") == 2


def test_base_rows_are_told_apart_with_and_without_the_column(tutorial_copy: Path) -> None:
    twice = ("lfp", "usable_energy", "", "25", "0.9", "made up")
    _add(tutorial_copy, [*_DRIVEN, twice])
    (fault,) = _faults(tutorial_copy)
    assert "lfp / usable_energy / 25.0: stands in an earlier row already" in fault
