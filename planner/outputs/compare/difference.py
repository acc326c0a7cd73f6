"""All that differs between two runs, as tables.

The first run is the base, the second the other; a change is other minus base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.outputs.compare.phases import (
    compare_openings,
    keys_over_time,
    over_time_notes,
)
from planner.outputs.compare.read import FinishedRun, read_finished_run
from planner.outputs.compare.reasons import compare_reasons, have_reasons, reason_notes
from planner.outputs.compare.stations import (
    GAINED,
    LOST,
    MOVED,
    RESIZED,
    compare_corridor_stations,
    compare_stations,
)
from planner.outputs.compare.verdict import BEYOND, EQUAL, UNLIKE, verdict
from planner.outputs.compare.waits import compare_waits, judge_waits
from planner.outputs.markets import MARKET_QUARTER
from planner.plans.question import judge_of_run, measure_of_run

SITING = "siting"
SERVED = "swaps_per_day_served"

_CITY_VALUES = ("num_stations", "num_bays", "swaps_per_day", "swaps_served_frac", "vehicles")
_NAMES = ["city_id", "name_en", "province", "lon", "lat"]
_SIMULATED_COUNTS = ("num_stations_refuted", "num_stations_unclear")  # not 0, but not known
_UNNAMED = ("title", "attribution")  # tell of a run without deciding anything


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes
    ----------
    base, other : FinishedRun
        The runs.
    notes : tuple of str
        What limits the comparison.
    tables : mapping of name to DataFrame
        `models, kpi, stations_change, cities_change, packs_by_city, packs_by_quarter,
        supply_value, gate_value, prices, settings, inputs`, if both tell of markets
        `market_change`, and if both runs planned corridors
        `corridor_summary, corridor_stations_change`, if both were simulated `verdicts_change`,
        `station_packs_change`, if both planned openings `openings_change, phase_change`, if both
        were made for several futures `future_change, measure_change`, if both told what stations
        cost to replace, by one question, `reasons_change`. Values stand in columns
        that start with ``base_``, ``other_`` and ``change_``.
    """

    base: FinishedRun
    other: FinishedRun
    notes: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]

    @property
    def verdict(self) -> str:
        """Whether the siting's objectives differ by more than the proven gaps leave open."""
        models = self.tables["models"].set_index("model")["verdict"]
        return str(models[SITING])

    def count(self, change: str, table: str = "stations_change") -> int:
        """Stations that were gained, lost, moved, resized or kept."""
        return int((self.tables[table]["change"] == change).sum())


def compare_runs(base_folder: Path, other_folder: Path) -> Comparison:
    """Compare two finished runs.

    Parameters
    ----------
    base_folder, other_folder : Path
        Run folders. Runs of different instances are compared for the cities that both have.

    Raises
    ------
    InputError
        If one of them is not a finished run, or was changed since.
    """
    base, other = read_finished_run(base_folder), read_finished_run(other_folder)
    shared = set(base.tables["cities"]["city_id"]) & set(other.tables["cities"]["city_id"])
    base_rows, other_rows = _of_cities(base, shared), _of_cities(other, shared)
    names = base_rows["cities"].set_index("city_id")["name_en"]
    stations = compare_stations(base_rows["stations"], other_rows["stations"])
    stations.insert(4, "name_en", stations["city_id"].map(names).astype("string"))
    models = _models(base, other)
    changes = {"stations_change": stations, **_corridors(base, other)}
    tables = {
        "models": models,
        "kpi": judge_waits(_kpi(base, other, models), base, other),
        "stations_change": stations,
        "cities_change": _cities(base_rows["cities"], other_rows["cities"], stations),
        "packs_by_city": _packs_by_city(base_rows["packs"], other_rows["packs"], names),
        "packs_by_quarter": _side_by_side(
            (_by_quarter(base_rows), _by_quarter(other_rows)),
            ["quarter", "chemistry"], ["vehicles", "stock_packs"],
        ),
        "supply_value": _side_by_side(
            (_optional(base, "supply_value"), _optional(other, "supply_value")),
            ["quarter", "chemistry"], ["available_gwh", "used_gwh", "value_cny_per_kwh"],
        ),
        "gate_value": _side_by_side(
            (_optional(base, "gate_value"), _optional(other, "gate_value")),
            ["market", "application", "chemistry", "certificate"], ["saving_cny"],
        ),
        **_markets(base, other),
        "prices": _side_by_side((_prices(base), _prices(other)), ["model", "price"], ["value"]),
        "settings": _unlike(_flat(base.scenario), _flat(other.scenario), "setting"),
        "inputs": _unlike(_inputs(base), _inputs(other), "file"),
        **changes,
        **compare_waits(changes, base_rows, other_rows),
        **_over_time(stations, base_rows, other_rows),
        **_reasons(stations, base_rows, other_rows, alike=_asks_alike(base, other)),
    }  # fmt: skip
    return Comparison(base, other, tuple(_notes(base, other, shared, tables)), tables)


def _markets(base: FinishedRun, other: FinishedRun) -> dict[str, pd.DataFrame]:
    """What each market is delivered of each chemistry in all quarters, if both runs tell it."""
    if not all(MARKET_QUARTER in run.tables for run in (base, other)):
        return {}
    keys, values = ["market", "chemistry"], ["delivered_packs", "delivered_gwh"]
    sums = [
        run.tables[MARKET_QUARTER].groupby(keys)[values].sum().reset_index()
        for run in (base, other)
    ]
    return {"market_change": _side_by_side((sums[0], sums[1]), keys, values, missing=0.0)}


def _over_time(
    stations: pd.DataFrame, base: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Openings, periods and futures, if both runs planned them."""
    found = {
        name: _side_by_side((base[table], other[table]), keys, values)
        for name, (table, keys, values) in keys_over_time(base, other).items()
    }
    if "phase_change" not in found:
        return found
    openings = compare_openings(stations, base["stations"], other["stations"])
    return {"openings_change": openings, **found}


def _reasons(
    stations: pd.DataFrame,
    base: Mapping[str, pd.DataFrame],
    other: Mapping[str, pd.DataFrame],
    *,
    alike: bool,
) -> dict[str, pd.DataFrame]:
    """What stations cost to replace, if both runs told it in the same terms."""
    if not alike or not have_reasons(base, other):
        return {}
    return {"reasons_change": compare_reasons(stations, base["stations"], other["stations"])}


def rank_cities(cities: pd.DataFrame) -> pd.DataFrame:
    """Cities with stations that change, those where most change first."""
    changes = cities[["num_gained", "num_lost", "num_moved", "num_resized"]].sum(axis=1)
    ranked = cities.assign(changes=changes).sort_values(
        ["changes", "city_id"], ascending=[False, True]
    )
    return ranked[ranked["changes"] > 0].drop(columns="changes")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dicts by column name."""
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False)]


def _of_cities(run: FinishedRun, shared: set[str]) -> dict[str, pd.DataFrame]:
    return {
        name: frame[frame["city_id"].isin(shared)] if "city_id" in frame else frame
        for name, frame in run.tables.items()
    }


def _side_by_side(
    runs: tuple[pd.DataFrame, pd.DataFrame],
    keys: list[str],
    values: Sequence[str],
    *,
    missing: float = np.nan,
) -> pd.DataFrame:
    """Values of both runs and their change, a row per key that one of them has."""
    values = [name for name in values if any(name in frame for frame in runs)]
    sides = []
    for frame in runs:
        named = frame.reindex(columns=[*keys, *values])
        sides.append(
            named.astype(dict.fromkeys(keys, "string") | dict.fromkeys(values, "float64"))
            .set_index(keys)
        )  # fmt: skip
    index = sides[0].index.union(sides[1].index)
    left, right = (side.reindex(index).fillna(missing) for side in sides)
    columns: dict[str, Any] = {}
    for name in values:
        columns |= {
            f"base_{name}": left[name],
            f"other_{name}": right[name],
            f"change_{name}": right[name] - left[name],
        }
    return pd.DataFrame(columns, index=index).reset_index()


def _models(base_run: FinishedRun, other_run: FinishedRun) -> pd.DataFrame:
    base, other = base_run.run["models"], other_run.run["models"]
    rows = []
    for name in [*base, *(name for name in other if name not in base)]:
        if name not in base or name not in other:
            known = base.get(name) or other[name]
            side = "base" if name in base else "other"
            row = {"verdict": f"only in the {side}", "unit": known["unit"]}
        else:
            units = [each[name]["unit"] for each in (base, other)]
            alike = units[0] == units[1] and (name != SITING or _asks_alike(base_run, other_run))
            judged = verdict(base[name], other[name]) if alike else UNLIKE
            row = {"verdict": judged, "unit": " and ".join(dict.fromkeys(units))}
        for side, found in (("base", base.get(name, {})), ("other", other.get(name, {}))):
            row[f"{side}_status"] = found.get("status", "")
            for key in ("objective", "bound", "gap_frac"):
                row[f"{side}_{key}"] = found.get(key, np.nan)
        row["change_objective"] = row["other_objective"] - row["base_objective"]
        if row["verdict"] == UNLIKE:
            row["change_objective"] = np.nan
        rows.append({"model": name, **row})
    columns = [
        "model", "unit", "verdict", "base_status", "other_status", "base_objective",
        "other_objective", "change_objective", "base_bound", "other_bound", "base_gap_frac",
        "other_gap_frac",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(columns[:5], "string"))


def _asks_alike(base: FinishedRun, other: FinishedRun) -> bool:
    is_same = judge_of_run(base.run) is judge_of_run(other.run)
    is_same &= measure_of_run(base.run).unit == measure_of_run(other.run).unit
    return is_same and base.counts_trips == other.counts_trips


def _kpi(base_run: FinishedRun, other_run: FinishedRun, models: pd.DataFrame) -> pd.DataFrame:
    base, other = base_run.tables["kpi"], other_run.tables["kpi"]
    both = _side_by_side((base, other), ["name"], ["value"])
    # Counts of station types name only those that occur.
    sides = ["base_value", "other_value"]
    is_count = both["name"].str.startswith("num_") & ~both["name"].isin(_SIMULATED_COUNTS)
    both.loc[is_count, sides] = both.loc[is_count, sides].fillna(0.0)
    both["change_value"] = both["other_value"] - both["base_value"]
    order = [*base["name"], *(name for name in other["name"] if name not in set(base["name"]))]
    found = both.set_index("name").reindex(order).rename_axis("name").reset_index()
    units = dict(zip(other["name"], other["unit"], strict=True)) | dict(
        zip(base["name"], base["unit"], strict=True)
    )
    found["change_frac"] = (
        found["change_value"] / found["base_value"].abs().where(found["base_value"] != 0)
    ).astype(float)
    found["unit"] = found["name"].map(units).astype("string")
    siting = models.set_index("model").reindex([SITING]).iloc[0]
    asked_alike = pd.notna(siting["unit"]) and siting["verdict"] != UNLIKE
    # No figure is the objective where that counts trips between cities too.
    is_figure = asked_alike and not base_run.counts_trips
    judged = measure_of_run(base_run.run).bounded if is_figure else ()
    found["verdict"] = np.where(found["name"].isin(judged), siting["verdict"], "")
    found["verdict"] = found["verdict"].astype("string")
    return found


def _cities(base: pd.DataFrame, other: pd.DataFrame, stations: pd.DataFrame) -> pd.DataFrame:
    vehicles = {name for name in (*base, *other) if name.startswith("vehicles_")}
    both = _side_by_side((base, other), ["city_id"], [*_CITY_VALUES, *sorted(vehicles)])
    counts = (
        pd.crosstab(stations["city_id"], stations["change"])
        .reindex(index=both["city_id"], columns=[GAINED, LOST, MOVED, RESIZED], fill_value=0)
        .add_prefix("num_")
        .astype("int64")
        .reset_index(drop=True)
    )
    named = other[_NAMES].astype({"city_id": "string"})
    return named.merge(pd.concat([both, counts], axis=1), on="city_id").sort_values(
        "city_id", ignore_index=True
    )


def _packs_by_city(
    base: pd.DataFrame, other: pd.DataFrame, names: "pd.Series[Any]"
) -> pd.DataFrame:
    values = ["vehicles", "station_packs", "energy_kwh"]
    base, other = (
        frame.groupby(["city_id", "chemistry"], as_index=False)[values].sum()
        for frame in (base, other)
    )
    found = _side_by_side((base, other), ["city_id", "chemistry"], values, missing=0.0)
    found.insert(1, "name_en", found["city_id"].map(names).astype("string"))
    return found


def _by_quarter(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Vehicles and packs of the nation by quarter and chemistry."""
    table = tables.get("city_quarter", pd.DataFrame({"quarter": []}))
    head = "stock_"
    parts = [
        pd.DataFrame(
            {
                "quarter": table["quarter"],
                "chemistry": column.removeprefix(head),
                "vehicles": table[f"vehicles_{column.removeprefix(head)}"],
                "stock_packs": table[column],
            }
        )
        for column in table.columns
        if column.startswith(head)
    ]
    if not parts:
        return pd.DataFrame(columns=["quarter", "chemistry", "vehicles", "stock_packs"])
    return pd.concat(parts).groupby(["quarter", "chemistry"], as_index=False).sum()


def _corridors(base: FinishedRun, other: FinishedRun) -> dict[str, pd.DataFrame]:
    """Trips and stations between cities, if both runs planned them."""
    if not (base.has_corridors and other.has_corridors):
        return {}
    summary = _side_by_side(
        (base.tables["corridor_summary"], other.tables["corridor_summary"]),
        ["season", "chemistry"],
        ["trips_per_day", "refuelled_frac", "by_cities_frac", "at_most_frac"],
    )
    stations = compare_corridor_stations(
        base.tables["corridor_stations"], other.tables["corridor_stations"]
    )
    cities = pd.concat([base.tables["cities"], other.tables["cities"]]).drop_duplicates("city_id")
    names = cities.set_index("city_id")["name_en"]
    stations.insert(3, "name_en", stations["near_city_id"].map(names).astype("string"))
    return {"corridor_summary": summary, "corridor_stations_change": stations}


def _optional(run: FinishedRun, name: str) -> pd.DataFrame:
    return run.tables.get(name, pd.DataFrame())


def _prices(run: FinishedRun) -> pd.DataFrame:
    rows = [
        (name, price, value)
        for name, model in run.run["models"].items()
        for price, value in model.get("prices", {}).items()
    ]
    return pd.DataFrame(rows, columns=["model", "price", "value"])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif prefix or key not in _UNNAMED:
            found[f"{prefix}{key}"] = str(value)
    return found


def _inputs(run: FinishedRun) -> dict[str, str]:
    return {file["path"]: file["sha256"] for file in run.run["inputs"]}


def _unlike(base: Mapping[str, str], other: Mapping[str, str], key: str) -> pd.DataFrame:
    """What only one run has, or both have but not alike; empty where a run has none."""
    names = [*base, *(name for name in other if name not in base)]
    rows = [
        (name, base.get(name, ""), other.get(name, ""))
        for name in names
        if base.get(name) != other.get(name)
    ]
    return pd.DataFrame(rows, columns=[key, "base_value", "other_value"], dtype="string")


def _notes(
    base: FinishedRun, other: FinishedRun, shared: set[str], tables: Mapping[str, pd.DataFrame]
) -> list[str]:
    notes = []
    if base.run["name"] != other.run["name"]:
        notes.append(
            f"The runs plan different instances, {base.run['name']} and {other.run['name']}: "
            "figures of the whole plan are not alike in what they sum over."
        )
    if not shared:
        notes.append("The runs have no city in common: only figures of whole plans are compared.")
    for side, run in (("base", base), ("other run", other)):
        single = set(run.tables["cities"]["city_id"]) - shared
        if single and shared:
            left_out = int(run.tables["stations"]["city_id"].isin(single).sum())
            cities = "1 city" if len(single) == 1 else f"{len(single):,} cities"
            notes.append(
                f"{cities} with {left_out:,} stations only in the {side}: stations, cities and "
                "packs are compared for the others alone."
            )
    quarters = [run.scenario.get("planning_quarter") for run in (base, other)]
    if quarters[0] != quarters[1]:
        notes.append(f"The planning quarters differ: {quarters[0]} and {quarters[1]}.")
    judged = tables["models"].set_index("model")["verdict"].get(SITING, "")
    if judged == UNLIKE:
        notes.append(
            "The runs ask different questions of the stations (siting.objective, "
            "corridors.funding): what one is proven to be best at, the other did not try."
        )
    elif judged == BEYOND:
        notes.append(
            "Bounds hold for each run's own problem, its packs given; figures without a verdict "
            "have no bound."
        )
    elif judged != EQUAL:
        notes.append(
            "The siting's objectives differ by less than the proven gaps leave open: that "
            "difference, and where stations stand, may come from the search alone."
        )
    if base.counts_trips and other.counts_trips:
        notes.append("The siting's objectives count swaps on trips between cities too.")
    if base.has_corridors != other.has_corridors:
        side, run = ("base", base) if base.has_corridors else ("other run", other)
        notes.append(
            f"Only the {side} planned trips between cities: its "
            f"{len(run.tables['corridor_stations']):,} corridor stations have nothing to be "
            "compared with."
        )
    days = [run.simulated_day for run in (base, other)]
    if all(days) and days[0] != days[1]:
        notes.append(
            f"The runs simulate different days, {days[0]} and {days[1]}: their waits are not "
            "judged, and verdicts on stations speak of unlike days."
        )
    elif any(days) and not all(days):
        side = "base" if days[0] else "other run"
        notes.append(f"Only the {side} was simulated: its waits have nothing to be compared with.")
    notes += over_time_notes(base, other)
    notes += reason_notes(base, other, alike=_asks_alike(base, other))
    if tables["settings"].empty and tables["inputs"].empty:
        notes.append("Settings and input files are the same.")
    return notes
