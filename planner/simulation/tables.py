"""A day of stations from the tables that a run leaves, or everything that is wrong with them."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.service.day import StationDay
from planner.simulation.day_spread import DaySpread
from planner.units import HOURS_PER_DAY

INPUTS = {
    "station_service": (
        ["station_id"],
        ["mix_id", "station_type_id", "bays", "lane_s", "grid_kw", "handling_h", "share_frac",
         "next_station_id", "next_min"],
    ),
    "mix_hour": (["day", "mix_id", "hour", "pack_id"], ["swaps_per_hour"]),
    "mix_turn": (
        ["day", "mix_id", "station_type_id", "pack_id"],
        ["heat_h", "heat_kw", "charge_h", "charge_kw"],
    ),
    "station_packs": (["quarter", "station_id", "pack_id"], ["packs"]),
    "pack_type": (["pack_id"], ["envelope"]),
}  # fmt: skip
"""Tables that a day is read from: their key and their other columns."""
SPREAD_INPUT = "mix_spread"
"""Table that a run has where its drivers spread from day to day."""
_SPREAD_KEY = ["day", "mix_id", "hour", "pack_id", "segment", "day_spread_frac"]
_TABLES = INPUTS | {SPREAD_INPUT: (_SPREAD_KEY, ["swaps_per_hour"])}
_UNUSED_CHARGE_H = 1.0
"""Where nobody brings a pack of the type, its turn does not matter."""
_MOST_NAMED = 5
_REMEDY = "plan again: the tables of the run do not fit each other"


def read_day(
    station_service: pd.DataFrame,
    mix_hour: pd.DataFrame,
    mix_turn: pd.DataFrame,
    station_packs: pd.DataFrame,
    pack_type: pd.DataFrame,
    day: str,
    quarter: str,
) -> StationDay:
    """Put a plan's tables together to one day at its stations.

    Parameters
    ----------
    station_service : DataFrame
        ``station_id, mix_id, station_type_id, bays, lane_s, grid_kw, handling_h, share_frac,
        next_station_id, next_min``: what each station has, its share of a mix, where drivers go on.
    mix_hour : DataFrame
        ``day, mix_id, hour, pack_id, swaps_per_hour`` of the whole mix; hours and packs without a
        row have none.
    mix_turn : DataFrame
        ``day, mix_id, station_type_id, pack_id, heat_h, heat_kw, charge_h, charge_kw``.
    station_packs : DataFrame
        ``quarter, station_id, pack_id, packs``; no row, no packs.
    pack_type : DataFrame
        ``pack_id, envelope``; the day's pack types are in this order.
    day : str
        Kind of day, as in the tables.
    quarter : str
        Whose packs the stations have.

    Returns
    -------
    StationDay
        Stations in the order of ``station_service``.

    Raises
    ------
    InputError
        With every fault found: a column, the day or the quarter is missing; labels are unknown or
        repeated; more packs than bays; drivers whose pack has no turn, or one longer than a day.
    """
    tables = {
        "station_service": station_service, "mix_hour": mix_hour, "mix_turn": mix_turn,
        "station_packs": station_packs, "pack_type": pack_type,
    }  # fmt: skip
    _raise(_shape_faults(tables))
    _raise(_choice_faults(tables, day, quarter))
    tables["mix_hour"] = mix_hour[mix_hour["day"] == day]
    tables["mix_turn"] = mix_turn[mix_turn["day"] == day]
    tables["station_packs"] = station_packs[station_packs["quarter"] == quarter]
    _raise(_label_faults(tables))
    _raise(_value_faults(tables))
    service, index = station_service, _Indexes(tables)
    rates = _rates(tables["mix_hour"], index.mix, index.pack)[index.mix_of_station]
    swaps = rates * service["share_frac"].to_numpy(float)[:, None, None]
    packs = np.zeros((len(service), len(pack_type)), dtype=np.int64)
    rows = tables["station_packs"]
    packs[index.station(rows["station_id"]), index.pack(rows["pack_id"])] = rows["packs"]
    turns, has_turn = _turns(tables["mix_turn"], index)
    turns = turns[:, index.mix_of_station, index.type_of_station]
    has_turn = has_turn[index.mix_of_station, index.type_of_station]
    used = swaps.sum(axis=2) > 0
    heat_h, heat_kw, charge_h, charge_kw = np.where(
        has_turn, turns, np.array([0.0, 0.0, _UNUSED_CHARGE_H, 1.0])[:, None, None]
    )
    turn_h = service["handling_h"].to_numpy(float)[:, None] + heat_h + charge_h
    _raise(
        [
            *_pair_faults(service, pack_type, used & ~has_turn, "no turn of the pack that comes"),
            *_pair_faults(
                service, pack_type, ~(turn_h <= HOURS_PER_DAY), "a turn takes longer than a day"
            ),
            *_room_faults(service, packs),
        ]
    )
    has_next = service["next_station_id"].notna().to_numpy()
    return StationDay(
        station_id=service["station_id"].to_numpy().astype(np.str_),
        pack_id=pack_type["pack_id"].to_numpy().astype(np.str_),
        envelope_idx=pd.factorize(pack_type["envelope"])[0].astype(np.int64),
        group_idx=index.mix_of_station,
        swaps_per_hour=swaps,
        packs=packs,
        bays=service["bays"].to_numpy(np.int64),
        lane_s=service["lane_s"].to_numpy(float),
        grid_kw=service["grid_kw"].to_numpy(float),
        handling_h=service["handling_h"].to_numpy(float),
        heat_h=heat_h,
        heat_kw=heat_kw,
        charge_h=charge_h,
        charge_kw=charge_kw,
        next_idx=np.where(has_next, index.station(service["next_station_id"]), -1),
        next_min=np.where(has_next, service["next_min"].to_numpy(float), 0.0),
    )


def read_spread(
    day: StationDay,
    station_service: pd.DataFrame,
    mix_spread: pd.DataFrame | None,
    day_kind: str,
) -> DaySpread:
    """The part of a day's drivers of whom more come on some days than on others.

    Parameters
    ----------
    day : StationDay
        From `read_day`.
    station_service : DataFrame
        As there.
    mix_spread : DataFrame, optional
        ``day, mix_id, hour, pack_id, segment, day_spread_frac, swaps_per_hour`` of the whole mix.
    day_kind : str
        Kind of day, as in the tables.

    Returns
    -------
    DaySpread
        Without parts where the table has no rows of the day.

    Raises
    ------
    InputError
        As of `read_day`.
    """
    if mix_spread is None:
        return DaySpread.none(day)
    _raise(_shape_faults({SPREAD_INPUT: mix_spread}))
    rows = mix_spread[mix_spread["day"] == day_kind]
    mixes, packs = _Positions(station_service["mix_id"]), _Positions(pd.Series(day.pack_id))
    _raise(
        [
            *_repeated_faults(SPREAD_INPUT, rows),
            *_unknown_faults(SPREAD_INPUT, rows, "pack_id", pd.Series(day.pack_id)),
            *_number_faults(SPREAD_INPUT, rows, "swaps_per_hour", 0, False),
            *_number_faults(SPREAD_INPUT, rows, "day_spread_frac", 0, True),
            *_hour_faults(SPREAD_INPUT, rows),
        ]
    )
    parts = [*rows.groupby(["segment", "day_spread_frac"])]
    share = station_service["share_frac"].to_numpy(float)[:, None, None]
    of_station = mixes(station_service["mix_id"])
    rates = [_rates(each, mixes, packs)[of_station] * share for _, each in parts]
    return DaySpread(
        segment=np.array([segment for (segment, _), _ in parts], dtype=np.str_),
        spread_frac=np.array([spread for (_, spread), _ in parts], dtype=np.float64),
        swaps_per_hour=np.array(rates).reshape(len(parts), *day.swaps_per_hour.shape),
    )


class _Indexes:
    """Positions of labels, -1 for those not known."""

    def __init__(self, tables: dict[str, pd.DataFrame]) -> None:
        service = tables["station_service"]
        self.station = _Positions(service["station_id"])
        self.pack = _Positions(tables["pack_type"]["pack_id"])
        self.mix, self.type = _Positions(service["mix_id"]), _Positions(service["station_type_id"])
        self.mix_of_station = self.mix(service["mix_id"])
        self.type_of_station = self.type(service["station_type_id"])
        self.shape = (len(self.mix), len(self.type), len(self.pack))


class _Positions:
    """Positions of labels of one kind, in the order in which they first stand."""

    def __init__(self, labels: "pd.Series[str]") -> None:
        self._index = pd.Index(labels.unique())

    def __len__(self) -> int:
        return len(self._index)

    def __call__(self, labels: "pd.Series[str]") -> IntArray:
        return np.asarray(self._index.get_indexer(pd.Index(labels)), dtype=np.int64)


def _rates(mix_hour: pd.DataFrame, mixes: _Positions, packs: _Positions) -> FloatArray:
    """Swaps an hour, shape (num_mixes, num_packs, 24); mixes without a station are left out."""
    rates = np.zeros((len(mixes), len(packs), HOURS_PER_DAY))
    rows = mix_hour[mixes(mix_hour["mix_id"]) >= 0]
    at = mixes(rows["mix_id"]), packs(rows["pack_id"]), rows["hour"].to_numpy(np.int64)
    rates[at] = rows["swaps_per_hour"].to_numpy(float)
    return rates


def _turns(mix_turn: pd.DataFrame, index: _Indexes) -> tuple[FloatArray, BoolArray]:
    """Parts of turns, shape (4, num_mixes, num_types, num_packs), and where there are any."""
    turns, has_turn = np.zeros((4, *index.shape)), np.zeros(index.shape, dtype=np.bool_)
    is_used = (index.mix(mix_turn["mix_id"]) >= 0) & (index.type(mix_turn["station_type_id"]) >= 0)
    rows = mix_turn[is_used]
    at = index.mix(rows["mix_id"]), index.type(rows["station_type_id"]), index.pack(rows["pack_id"])
    for part, name in enumerate(("heat_h", "heat_kw", "charge_h", "charge_kw")):
        turns[part][at] = rows[name].to_numpy(float)
    has_turn[at] = True
    return turns, has_turn


def _raise(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise InputError(found)


def _shape_faults(tables: dict[str, pd.DataFrame]) -> Iterator[Fault]:
    for name, frame in tables.items():
        for column in itertools.chain(*_TABLES[name]):
            if column not in frame.columns:
                yield Fault(name, None, column, "", "the table lacks this column; plan again")


def _choice_faults(tables: dict[str, pd.DataFrame], day: str, quarter: str) -> Iterator[Fault]:
    for name, column, wanted in (
        ("mix_hour", "day", day), ("mix_turn", "day", day), ("station_packs", "quarter", quarter),
    ):  # fmt: skip
        known = tables[name][column].unique().tolist()
        if known and wanted not in known:
            yield Fault(name, None, column, wanted, f"choose one of: {', '.join(sorted(known))}")


def _label_faults(tables: dict[str, pd.DataFrame]) -> Iterator[Fault]:
    for name in INPUTS:
        yield from _repeated_faults(name, tables[name])
    stations = tables["station_service"]["station_id"]
    packs = tables["pack_type"]["pack_id"]
    onward = tables["station_service"][["next_station_id"]].dropna()
    for name, frame, column, known in (
        ("station_packs", tables["station_packs"], "station_id", stations),
        ("station_service", onward, "next_station_id", stations),
        ("station_packs", tables["station_packs"], "pack_id", packs),
        ("mix_hour", tables["mix_hour"], "pack_id", packs),
        ("mix_turn", tables["mix_turn"], "pack_id", packs),
    ):
        yield from _unknown_faults(name, frame, column, known)


def _repeated_faults(name: str, frame: pd.DataFrame) -> Iterator[Fault]:
    key, _ = _TABLES[name]
    repeated = frame.duplicated(key)
    if repeated.any():
        yield Fault(name, None, ", ".join(key), _named(frame.loc[repeated, key]),
                    f"is there twice; {_REMEDY}")  # fmt: skip


def _unknown_faults(
    name: str, frame: pd.DataFrame, column: str, known: "pd.Series[str]"
) -> Iterator[Fault]:
    unknown = frame.loc[~frame[column].isin(known), [column]].drop_duplicates()
    if len(unknown):
        yield Fault(name, None, column, _named(unknown), f"is not known; {_REMEDY}")


def _value_faults(tables: dict[str, pd.DataFrame]) -> Iterator[Fault]:
    onward = tables["station_service"].dropna(subset="next_station_id")
    for name, column, least, is_above in (
        ("station_service", "lane_s", 0, True),
        ("station_service", "grid_kw", 0, True),
        ("station_service", "handling_h", 0, False),
        ("station_service", "share_frac", 0, False),
        ("mix_hour", "swaps_per_hour", 0, False),
        ("mix_turn", "heat_h", 0, False),
        ("mix_turn", "heat_kw", 0, False),
        ("mix_turn", "charge_h", 0, True),
        ("mix_turn", "charge_kw", 0, True),
        ("station_packs", "packs", 0, False),
        ("next station", "next_min", 0, False),
    ):
        frame = onward if name == "next station" else tables[name]
        yield from _number_faults(name, frame, column, least, is_above)
    packs = tables["station_packs"]
    broken = packs["packs"] % 1 != 0
    if broken.any():
        yield Fault("station_packs", None, "packs", _named(packs.loc[broken, ["station_id"]]),
                    f"must be whole; {_REMEDY}")  # fmt: skip
    yield from _hour_faults("mix_hour", tables["mix_hour"])


def _number_faults(
    name: str, frame: pd.DataFrame, column: str, least: float, is_above: bool
) -> Iterator[Fault]:
    key = _TABLES[name][0] if name in _TABLES else ["station_id"]
    values = frame[column].to_numpy(float)
    right = np.isfinite(values) & ((values > least) if is_above else (values >= least))
    if not right.all():
        must = "above 0" if is_above else "0 or more"
        yield Fault(name, None, column, _named(frame.loc[~right, key]),
                    f"must be a number {must}; {_REMEDY}")  # fmt: skip


def _hour_faults(name: str, frame: pd.DataFrame) -> Iterator[Fault]:
    outside = ~frame["hour"].isin(range(HOURS_PER_DAY))
    if outside.any():
        yield Fault(name, None, "hour", _named(frame.loc[outside, ["hour"]]),
                    f"must be 0 to 23; {_REMEDY}")  # fmt: skip


def _pair_faults(
    service: pd.DataFrame, pack_type: pd.DataFrame, wrong: BoolArray, why: str
) -> Iterator[Fault]:
    """A fault for all stations and pack types that are marked."""
    station, pack = np.nonzero(wrong)
    if len(station):
        pairs = pd.DataFrame(
            {
                "station_id": service["station_id"].to_numpy()[station],
                "pack_id": pack_type["pack_id"].to_numpy()[pack],
            }
        )
        yield Fault("mix_turn", None, "station_id, pack_id", _named(pairs), f"{why}; {_REMEDY}")


def _room_faults(service: pd.DataFrame, packs: IntArray) -> Iterator[Fault]:
    full = packs.sum(axis=1) > service["bays"].to_numpy()
    if full.any():
        yield Fault("station_packs", None, "packs", _named(service.loc[full, ["station_id"]]),
                    f"more packs than bays; {_REMEDY}")  # fmt: skip


def _named(rows: pd.DataFrame) -> str:
    """The first labels of some rows, and how many there are."""
    shown = ["/".join(map(str, row)) for row in rows.head(_MOST_NAMED).to_numpy().tolist()]
    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    return ", ".join(shown) + more
