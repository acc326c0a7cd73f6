"""What two runs' simulations tell apart: figures within their intervals, verdicts, packs moved."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.outputs.compare.read import FinishedRun
from planner.outputs.compare.stations import GAINED, LOST
from planner.outputs.compare.verdict import UNLIKE, simulated_verdict
from planner.outputs.waits import PACKS_HEAD

_ENDS = ("value", "low", "high")
_STATION_VALUES = ("within_5min_frac", "on_time_frac", "station_packs")
_INTERVAL_COLUMNS = ["change_low_value", "change_high_value"]


def judge_waits(kpi: pd.DataFrame, base: FinishedRun, other: FinishedRun) -> pd.DataFrame:
    """Figures of the plan with a verdict on those that were simulated.

    Parameters
    ----------
    kpi : DataFrame
        ``name`` and ``verdict``, which is kept where it says something.
    base, other : FinishedRun
        The runs; nothing is judged unless both were simulated.

    Returns
    -------
    DataFrame
        With ``change_low_value`` and ``change_high_value``, the interval of the difference, if
        both were simulated. Runs of unlike days ask different questions.
    """
    if not (base.simulated_day and other.simulated_day):
        return kpi
    sides = [
        run.tables["simulation_figure"].set_index("figure")[list(_ENDS)].dropna()
        for run in (base, other)
    ]
    is_alike = base.simulated_day == other.simulated_day
    judged = {}
    for name in sides[0].index.intersection(sides[1].index):
        values = [tuple(side.loc[name].astype(float).tolist()) for side in sides]
        judged[name] = (
            simulated_verdict(values[0], values[1]) if is_alike else (UNLIKE, np.nan, np.nan)
        )
    nothing = ("", np.nan, np.nan)
    verdicts, low, high = zip(*(judged.get(name, nothing) for name in kpi["name"]), strict=True)
    told = kpi["verdict"].where(kpi["verdict"] != "", pd.Series(verdicts, kpi.index, "string"))
    return kpi.assign(change_low_value=low, change_high_value=high, verdict=told)[
        [*(name for name in kpi if name != "verdict"), *_INTERVAL_COLUMNS, "verdict"]
    ]


def compare_waits(
    changes: Mapping[str, pd.DataFrame],
    base: Mapping[str, pd.DataFrame],
    other: Mapping[str, pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    """Tables ``verdicts_change`` and ``station_packs_change``, as far as both runs have them.

    Parameters
    ----------
    changes : mapping of name to DataFrame
        ``stations_change`` and, where both runs planned corridors, ``corridor_stations_change``.
    base, other : mapping of name to DataFrame
        The runs' tables.
    """
    pairs = _all_pairs(changes)
    sides = [_all_stations(tables) for tables in (base, other)]
    tables = {}
    if all("verdict" in side for side in sides):
        tables["verdicts_change"] = verdict_changes(pairs, *sides)
    if all("station_packs" in side for side in sides):
        tables["station_packs_change"] = pack_changes(pairs, *sides)
    return tables


def _all_pairs(changes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    columns = ["site_id", "base_site_id", "city_id", "name_en", "lon", "lat"]
    cities = changes["stations_change"]
    cities = cities.assign(site_id=cities["site_id"].where(cities["change"] != LOST))
    if "corridor_stations_change" not in changes:
        return cities[columns]
    between = changes["corridor_stations_change"]
    ids = between["corridor_station_id"]
    between = between.assign(
        site_id=ids.where(between["change"] != LOST),
        base_site_id=ids.where(between["change"] != GAINED),
        city_id=between["near_city_id"],
    )
    return pd.concat([cities[columns], between[columns]], ignore_index=True)


def _all_stations(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    stations = tables["stations"]
    if "corridor_stations" not in tables:
        return stations
    between = tables["corridor_stations"].rename(columns={"corridor_station_id": "site_id"})
    kept = [name for name in between if name in stations]
    return pd.concat([stations, between[kept]], ignore_index=True)


def verdict_changes(pairs: pd.DataFrame, base: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Stations of both runs whose verdict differs, by the pair of verdicts.

    Parameters
    ----------
    pairs : DataFrame
        A row per station: ``base_site_id`` and ``site_id``, empty where a run has none there.
    base, other : DataFrame
        Stations of the runs with ``site_id, verdict, lacks`` and what else was simulated.

    Returns
    -------
    DataFrame
        ``pairs`` with ``base_verdict, other_verdict, other_lacks`` and ``base_``, ``other_`` and
        ``change_`` of the values; those that got worse first.
    """
    found = pairs.dropna(subset=["base_site_id", "site_id"]).reset_index(drop=True)
    sides = {
        side: frame.set_index("site_id").reindex(found[column]).reset_index(drop=True)
        for side, frame, column in (("base", base, "base_site_id"), ("other", other, "site_id"))
    }
    for side, frame in sides.items():
        found[f"{side}_verdict"] = frame["verdict"].astype("string")
    found["other_lacks"] = sides["other"]["lacks"].astype("string")
    for name in _STATION_VALUES:
        if all(name in frame for frame in sides.values()):
            for side, frame in sides.items():
                found[f"{side}_{name}"] = frame[name].astype(float)
            found[f"change_{name}"] = found[f"other_{name}"] - found[f"base_{name}"]
    both = found["base_verdict"].notna() & found["other_verdict"].notna()
    return (
        found[both & (found["base_verdict"] != found["other_verdict"])]
        .sort_values(["change_on_time_frac", "site_id"], ignore_index=True)
    )  # fmt: skip


def pack_changes(pairs: pd.DataFrame, base: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Packs of all stations by type, and how many stand elsewhere than in the base.

    Parameters
    ----------
    pairs : DataFrame
        As for `verdict_changes`.
    base, other : DataFrame
        Stations with ``site_id`` and ``packs_<pack_id>``.

    Returns
    -------
    DataFrame
        ``pack_id, base_packs, other_packs, change_packs``, ``more_packs`` and ``fewer_packs``:
        sums over the stations with more and with fewer; ``moved_packs``: the smaller of the two.
    """
    names = {str(name) for frame in (base, other) for name in frame.columns}
    kinds = sorted(name for name in names if name.startswith(PACKS_HEAD))
    left, right = (
        frame.set_index("site_id")
        .reindex(index=pairs[column], columns=kinds)
        .fillna(0)
        .to_numpy(float)
        for frame, column in ((base, "base_site_id"), (other, "site_id"))
    )
    change = right - left
    more, fewer = change.clip(min=0).sum(axis=0), (-change).clip(min=0).sum(axis=0)
    return pd.DataFrame(
        {
            "pack_id": pd.Series([kind.removeprefix(PACKS_HEAD) for kind in kinds], dtype="string"),
            "base_packs": left.sum(axis=0),
            "other_packs": right.sum(axis=0),
            "change_packs": change.sum(axis=0),
            "more_packs": more,
            "fewer_packs": fewer,
            "moved_packs": np.minimum(more, fewer),
        }
    )


def count_verdict_changes(changes: pd.DataFrame) -> str:
    """How many stations went from which verdict to which, the most frequent first."""
    if changes.empty:
        return "no station has another verdict"
    counts = Counter(zip(changes["base_verdict"], changes["other_verdict"], strict=True))
    return ", ".join(
        f"{count:,} from {before} to {after}" for (before, after), count in counts.most_common()
    )
