"""A day from tables: by hand, in any order of rows, and every fault by name."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError
from planner.service.day import StationDay
from planner.simulation.tables import read_day

Tables = dict[str, pd.DataFrame]


def make_tables() -> Tables:
    """Two stations of a town, one that stands by a road; two pack types."""
    hours = [
        (day, mix, hour, pack, factor * rate)
        for day, factor in (("mean", 1.0), ("winter_peak", 2.0))
        for mix, hour, pack, rate in (
            ("town", 8, "a", 6.0), ("town", 8, "b", 2.0), ("town", 9, "a", 4.0), ("R", 8, "b", 1.0),
            ("away", 8, "a", 9.0),
        )
    ]  # fmt: skip
    turns = [
        (day, mix, kind, pack, 0.25, 6.0, charge, 40.0)
        for day in ("mean", "winter_peak")
        for mix, kind, pack, charge in (
            ("town", "small", "a", 0.5), ("town", "small", "b", 0.75), ("town", "large", "a", 1.0),
            ("town", "large", "b", 1.25), ("R", "large", "b", 1.5), ("away", "small", "a", 1.0),
        )
    ]  # fmt: skip
    return {
        "station_service": pd.DataFrame(
            {
                "station_id": ["S1", "S2", "R"],
                "mix_id": ["town", "town", "R"],
                "city_id": ["town", "town", None],
                "station_type_id": ["small", "large", "large"],
                "bays": [4, 8, 8],
                "lane_s": [100.0, 120.0, 120.0],
                "grid_kw": [200.0, 400.0, 400.0],
                "handling_h": 0.1,
                "share_frac": [0.25, 0.5, 1.0],
                "next_station_id": ["S2", "S1", None],
                "next_min": [3.0, 4.0, np.nan],
            }
        ),
        "mix_hour": pd.DataFrame(
            hours, columns=["day", "mix_id", "hour", "pack_id", "swaps_per_hour"]
        ),
        "mix_turn": pd.DataFrame(
            turns,
            columns=["day", "mix_id", "station_type_id", "pack_id", "heat_h", "heat_kw",
                     "charge_h", "charge_kw"],
        ),
        "station_packs": pd.DataFrame(
            [
                ("2027Q1", "S1", "a", 3), ("2027Q1", "S1", "b", 1), ("2027Q1", "S2", "b", 5),
                ("2027Q1", "R", "b", 2), ("2027Q2", "S1", "a", 4),
            ],
            columns=["quarter", "station_id", "pack_id", "packs"],
        ),
        "pack_type": pd.DataFrame({"pack_id": ["b", "a", "c"], "envelope": ["#1", "#2", "#1"]}),
    }  # fmt: skip


def _read(tables: Tables, day: str = "winter_peak", quarter: str = "2027Q1") -> StationDay:
    return read_day(**tables, day=day, quarter=quarter)


def test_a_day_by_hand() -> None:
    day = _read(make_tables())
    assert day.station_id.tolist() == ["S1", "S2", "R"]
    assert day.pack_id.tolist() == ["b", "a", "c"]
    assert day.envelope_idx.tolist() == [0, 1, 0]
    assert day.packs.tolist() == [[1, 3, 0], [5, 0, 0], [2, 0, 0]]
    rates = day.swaps_per_hour
    assert rates[0, :, 8].tolist() == [2 * 0.25 * 2.0, 2 * 0.25 * 6.0, 0.0]
    assert rates[1, :, 9].tolist() == [0.0, 2 * 0.5 * 4.0, 0.0]
    assert rates[2, :, 8].tolist() == [2.0, 0.0, 0.0]
    assert rates.sum() == pytest.approx(2 * (0.75 * 12 + 1))
    assert day.charge_h[0].tolist() == [0.75, 0.5, 1.0]
    assert day.charge_h[1, :2].tolist() == [1.25, 1.0]
    assert day.heat_h[0].tolist() == [0.25, 0.25, 0.0]
    assert day.next_idx.tolist() == [1, 0, -1]
    assert day.next_min.tolist() == [3.0, 4.0, 0.0]
    assert len(set(day.group_idx[:2])) == 1
    assert day.group_idx[2] != day.group_idx[0]
    assert _read(make_tables(), "mean").swaps_per_hour.sum() == pytest.approx(rates.sum() / 2)
    assert _read(make_tables(), quarter="2027Q2").packs.sum() == 4


def test_rows_may_come_in_any_order() -> None:
    tables = make_tables()
    day = _read(tables)
    for name in ("mix_hour", "mix_turn", "station_packs"):
        tables[name] = tables[name].sample(frac=1.0, random_state=4)
    again = _read(tables)
    for name in vars(day):
        assert (getattr(day, name) == getattr(again, name)).all()


def _set(name: str, column: str, row: int, value: object) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        frame = tables[name].astype({column: object})
        frame.loc[row, column] = value
        tables[name] = frame.infer_objects()

    return change


def _drop(name: str, chosen: str) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[name] = tables[name].query(f"not ({chosen})")

    return change


def _twice(tables: Tables) -> None:
    tables["station_packs"] = pd.concat([tables["station_packs"]] * 2)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda tables: tables["mix_turn"].pop("heat_h"), "mix_turn, heat_h: the table lacks"),
        (_drop("mix_hour", "day == 'winter_peak'"), "mix_hour, day: winter_peak: choose one of: m"),
        (_drop("station_packs", "quarter == '2027Q1'"), "2027Q1: choose one of: 2027Q2"),
        (_twice, "station_packs, .*2027Q1/S1/a.*: is there twice"),
        (_set("station_packs", "station_id", 0, "X"), "station_packs, station_id: X: is not known"),
        (_set("mix_hour", "pack_id", 5, "X"), "mix_hour, pack_id: X: is not known"),
        (_set("station_service", "next_station_id", 0, "X"), "next_station_id: X: is not known"),
        (_set("station_service", "grid_kw", 1, 0.0), "grid_kw: S2: must be a number above 0"),
        (_set("station_service", "lane_s", 1, np.nan), "lane_s: S2: must be a number above 0"),
        (_set("station_service", "next_min", 0, -1.0), "next_min: S1: must be a number 0 or more"),
        (_set("mix_hour", "swaps_per_hour", 5, -1.0), "swaps_per_hour: winter_peak/town/8/a: must"),
        (_set("mix_hour", "hour", 5, 24), "mix_hour, hour: 24: must be 0 to 23"),
        (_set("station_packs", "packs", 0, 2.5), "packs: S1: must be whole"),
        (_set("station_packs", "packs", 0, 4), "station_packs, packs: S1: more packs than bays"),
        (_drop("mix_turn", "mix_id == 'R'"), "mix_turn, .*: R/b: no turn of the pack that comes"),
        (_set("mix_turn", "charge_h", 6, 24.0), "S1/a: a turn takes longer than a day"),
        (_set("mix_turn", "charge_kw", 6, 0.0), "charge_kw: winter_peak/town/small/a: must be"),
    ],
)
def test_each_fault_says_where(change: Callable[[Tables], None], expected: str) -> None:
    tables = make_tables()
    change(tables)
    with pytest.raises(InputError, match=expected):
        _read(tables)


def test_all_faults_of_a_kind_are_told_at_once() -> None:
    tables = make_tables()
    for change in (_set("station_service", "grid_kw", 1, 0.0), _set("mix_hour", "hour", 5, 24)):
        change(tables)
    with pytest.raises(InputError) as found:
        _read(tables)
    assert len(found.value.faults) == 2


def test_a_plan_without_stations_is_an_empty_day() -> None:
    tables = {name: frame.iloc[:0] for name, frame in make_tables().items()}
    day = _read(tables)
    assert len(day.station_id) == 0
    assert day.swaps_per_hour.shape == (0, 0, 24)
