"""The files of a run folder, as the report needs them (docs/run-folder.md)."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.language import Language, language_of
from planner.outputs.run_json import read_run_json
from planner.outputs.station_reasons import FORCE_IN, FORCE_IN_LOW, LEAVES, has_reasons
from planner.outputs.whole import whole_kpi, whole_table

ZONE_COLUMNS = ("zone_id", "lon", "lat", "car_owning_households", "swaps_per_day", "served_frac")
_REQUIRED = {
    "layers/stations.parquet": (
        "site_id", "city_id", "lon", "lat", "station_type_id", "bays", "num_zones",
        "swaps_per_day", "peak_swaps_per_hour", "capacity_swaps_per_hour", "mean_drive_min"),
    "layers/cities.parquet": (
        "city_id", "name_en", "province", "lon", "lat", "winter_design_c", "coldest_mean_c",
        "hottest_mean_c", "num_stations", "swaps_per_day", "swaps_served_frac",
        "households_served_frac", "vehicles", "vehicles_without_pack"),
    "layers/zones.parquet": ZONE_COLUMNS,
    "tables/packs.parquet": ("city_id", "vehicle_id", "pack_id", "chemistry", "vehicles"),
    "tables/assumptions.parquet": ("item", "value", "mark", "source"),
    "tables/chemistries.parquet": ("chemistry", "name", "nickname", "colour"),
}  # fmt: skip
_OPTIONAL = {
    "city_month": ("city_id", "month", "mean_c"),
    "city_quarter": ("quarter", "city_id", "vehicles_without_pack"),
    "supply_value": ("quarter", "chemistry", "available_gwh", "used_gwh", "value_cny_per_kwh"),
    "gate_value": ("market", "chemistry", "certificate", "saving_cny"),
    "supply_flow": ("quarter", "chemistry", "application", "gwh"),
    "supply_source": (
        "quarter",
        "chemistry",
        "supplier",
        "plant",
        "made_for",
        "kind",
        "capacity_gwh",
        "made_gwh",
        "used_gwh",
    ),
    "buyer_quarter": (
        "quarter",
        "buyer",
        "market",
        "application",
        "chemistry",
        "basis",
        "asked_gwh",
        "served_gwh",
        "short_gwh",
        "limited_by",
    ),
    "material_quarter": ("quarter", "material", "available_t", "used_t", "value_cny_per_kg"),
    "market_quarter": ("quarter", "market", "chemistry", "delivered_packs", "delivered_gwh"),
    "offer": ("market", "pack_id"),
    "passport_flow": (
        "market",
        "pack_id",
        "quarter",
        "packs",
        "category",
        "asked",
        "num_points",
        "num_filled",
        "num_supplier",
        "num_unknown",
        "num_not_asked",
        "declared_frac",
    ),
    "passport_point": ("market", "pack_id", "quarter", "point", "status"),
    "bid_sheet": ("pack_id",),
    "declaration_status": ("pack_id", "market", "item", "status"),
    "brand_quarter": (
        "quarter",
        "brand",
        "group",
        "model",
        "market",
        "chemistry",
        "vehicles",
        "accepts",
    ),
    "car_model": ("model", "brand", "state"),
    "launch": ("model", "market", "quarter", "packs_short", "at_risk"),
    "coupling": ("round",),
    "station_hour": ("site_id", "hour", "swaps_per_hour", "capacity_swaps_per_hour"),
    "range_curve": ("vehicle_id", "pack_id", "ambient_c", "range_km", "is_outside_domain"),
    "no_pack_type": ("pack_id", "drivers_per_day", "no_pack_frac", "low", "high"),
    "future_opening": ("future", "quarter"),
}
"""Tables that a run may lack, with the columns that the report relies on."""

_SEASONAL = ("season", "vehicle_id", "pack_id", "chemistry")
_CORRIDORS = {
    "tables/corridor_summary.parquet": (
        "season", "chemistry", "trips_per_day", "refuelled_frac", "by_cities_frac",
        "at_most_frac"),
    "tables/corridor_unconnected.parquet": ("city_id", "name_en", "why"),
    "layers/corridor_stations.parquet": (
        "corridor_station_id", "lon", "lat", "site_status", "near_city_id", "station_type_id",
        "capex_cny", "winter_swaps_per_day", "summer_swaps_per_day", "winter_trips_per_day",
        "summer_trips_per_day", "holiday_swaps_per_hour", "capacity_per_hour"),
    "layers/corridor_roads.parquet": (
        "from_lon", "from_lat", "to_lon", "to_lat", "km", "is_ferry", "winter_c",
        "winter_trips_per_day", "winter_refuelled_frac", "summer_c", "summer_trips_per_day",
        "summer_refuelled_frac"),
    "layers/corridor_legs.parquet": (
        *_SEASONAL, "from_stop", "to_stop", "km", "trips_per_day", "margin_km", "temperature_c"),
    "layers/corridor_unserved.parquet": (
        *_SEASONAL, "from_city_id", "to_city_id", "km", "trips_per_day", "breaks_from",
        "breaks_to", "leg_km", "short_kwh", "temperature_c", "why"),
}  # fmt: skip
"""Files of a run that planned corridors: all or none; the first shows whether it did."""

_WAITS = {
    "tables/station_wait.parquet": (
        "station_id", "day", "drivers_per_day", "within_5min_frac", "on_time_frac",
        "expected_on_time_frac", "p95_wait_min", "verdict", "lacks", "disagrees"),
    "tables/simulation_figure.parquet": ("figure", "value", "low", "high", "expected"),
    "tables/wait_histogram.parquet": ("from_min", "to_min", "drivers_frac", "expected_frac"),
    "tables/no_pack_hour.parquet": ("city_id", "hour", "drivers_per_hour", "no_pack_frac"),
}  # fmt: skip
"""Files of a run that was simulated: all or none; the first shows whether it was."""

_CURVES = {
    "tables/curve_case.parquet": (
        "curve_set", "is_chosen", "pack_cost_cny", "regret_cny", "mean_regret_cny",
        "cities_extreme"),
    "tables/curve_cost.parquet": ("planned_for", "true_set", "cost_cny"),
    "tables/curve_city.parquet": ("city_id", "curve_set", "main_chemistry", "is_contested"),
}  # fmt: skip
"""Files of a run whose instance has contested curves: all or none; the first shows whether."""

_PHASES = {
    "tables/phase.parquet": (
        "quarter", "last_quarter", "stations", "opened", "enlarged", "openings_most", "spent_cny",
        "budget_cny", "discounted_swaps", "discounted_swaps_served", "swaps_per_day",
        "swaps_per_day_served", "served_frac", "opening_value", "money_value", "own_bound_frac",
        "nested_loss_frac"),
    "layers/station_phases.parquet": (
        "site_id", "quarter", "change", "station_type_id", "swaps_per_day"),
    "layers/city_phases.parquet": ("city_id", "quarter", "stations", "served_frac"),
}  # fmt: skip
"""Files of a run whose openings were planned by period: all or none; the first shows whether."""

_FUTURES = {
    "tables/future.parquet": (
        "future", "weight", "changes", "swaps_per_day_asked", "swaps_per_day_served",
        "served_frac", "best_lower", "best_upper", "regret_low_frac", "regret_high_frac"),
    "tables/measure.parquet": ("measure", "low", "high", "unit", "meaning"),
    "layers/future_sites.parquet": ("site_id", "in_plan", "chosen_frac"),
}  # fmt: skip
"""Files of a run that was planned for several futures: all or none; the first shows whether."""

_REASONS = ("site_id", "city_id", FORCE_IN, FORCE_IN_LOW, LEAVES)
"""Of the sites without a station, in runs that told what each costs."""

_RUN_KEYS = ("status", "objective", "bound", "gap_frac", "kpi", "models", "options")
_REMEDY = "not a run folder of this version; plan again with `planner run`"


@dataclass(frozen=True)
class RunFiles:
    """What a run left, vehicles and packs in whole numbers.

    Attributes
    ----------
    run, scenario : dict
        `run.json` and `scenario.resolved.toml`.
    progress : tuple of dict
        The lines of `progress.jsonl`.
    stations, cities, zones, packs, assumptions : DataFrame
        As `planner.outputs.layers.columns` describes them; of zones only `ZONE_COLUMNS`, and
        ``nearest_min`` if the run has it.
    chemistries : Chemistries
        Names and colours of the instance's cell chemistries.
    optional : mapping of name to DataFrame
        The tables that some runs bring and this one has, those of corridors with their layers,
        those of waits, those of contested curves, those over time and of futures with theirs,
        and sites without a station where the run told what they cost.
    zones_are_cells : bool
        Whether the run drew its zones as H3 cells.
    """

    run: dict[str, Any]
    scenario: dict[str, Any]
    progress: tuple[dict[str, Any], ...]
    stations: pd.DataFrame
    cities: pd.DataFrame
    zones: pd.DataFrame
    packs: pd.DataFrame
    assumptions: pd.DataFrame
    chemistries: Chemistries
    optional: Mapping[str, pd.DataFrame]
    zones_are_cells: bool = False

    @property
    def language(self) -> Language:
        """Language that names, legends and headings of the run were asked for in."""
        return language_of(self.run)

    @property
    def chemistry_ids(self) -> list[str]:
        """Ids of the chemistries that vehicles of the plan may take, in alphabetical order."""
        head = "vehicles_"
        return sorted(
            column.removeprefix(head)
            for column in self.cities.columns
            if column.startswith(head) and column != "vehicles_without_pack"
        )

    @property
    def pack_ids(self) -> list[str]:
        """Packs whose winter range the cities tell, in alphabetical order."""
        head, tail = "design_range_", "_km"
        return sorted(
            column.removeprefix(head).removesuffix(tail)
            for column in self.cities.columns
            if column.startswith(head) and column.endswith(tail)
        )

    @property
    def has_corridors(self) -> bool:
        """Whether trips between cities were planned."""
        return "corridor_summary" in self.optional

    @property
    def has_waits(self) -> bool:
        """Whether the stations were simulated."""
        return "station_wait" in self.optional

    @property
    def has_curves(self) -> bool:
        """Whether packs were planned anew under contested curves."""
        return "curve_case" in self.optional

    @property
    def has_phases(self) -> bool:
        """Whether openings were planned by period."""
        return "phase" in self.optional

    @property
    def has_futures(self) -> bool:
        """Whether the plan was made for several futures."""
        return "future" in self.optional

    @property
    def has_reasons(self) -> bool:
        """Whether the run told what each station costs to replace."""
        return has_reasons(self.stations)

    @property
    def counts_trips(self) -> bool:
        """Whether the siting's objective counts swaps on trips between cities too."""
        funding: str = self.scenario.get("corridors", {}).get("funding", "none")
        return funding == "national"

    @property
    def chemistry_by_pack(self) -> dict[str, str]:
        """Chemistry of the packs that the plan uses."""
        pairs = self.packs[["pack_id", "chemistry"]].drop_duplicates()
        return dict(zip(pairs["pack_id"], pairs["chemistry"], strict=True))


def read_run(folder: Path) -> RunFiles:
    """Read what the report shows of a run folder.

    Raises
    ------
    InputError
        With every file that is missing or broken, and every column that a file lacks.
    """
    faults: list[Fault] = []

    def read(name: str, load: Callable[[Path], Any], keys: tuple[str, ...] = ()) -> Any:
        path = folder / name
        try:
            found = load(path)
        except (OSError, ValueError) as error:  # ValueError: what all parsers raise
            faults.append(Fault(str(path), None, "", str(error).split("\n")[0], _REMEDY))
            return None
        faults.extend(
            Fault(str(path), None, key, "", f"is missing; {_REMEDY}")
            for key in keys
            if key not in found
        )
        return found

    frames = {
        Path(name).stem: read(name, _zones if name == "layers/zones.parquet" else _table, columns)
        for name, columns in _REQUIRED.items()
    }
    optional = {
        name: read(f"tables/{name}.parquet", _table, columns)
        for name, columns in _OPTIONAL.items()
        if (folder / f"tables/{name}.parquet").is_file()
    }
    for group in (_CORRIDORS, _WAITS, _CURVES, _PHASES, _FUTURES):
        if (folder / next(iter(group))).is_file():
            optional |= {
                Path(name).stem: read(name, _table, columns) for name, columns in group.items()
            }
    stations = frames["stations"]
    if stations is not None and has_reasons(stations):
        optional["candidates"] = read("layers/candidates.parquet", _reasons, _REASONS)
    run = read("run.json", read_run_json, _RUN_KEYS)
    scenario = read(
        "scenario.resolved.toml", lambda path: tomllib.loads(path.read_text(encoding="utf-8"))
    )
    progress = read(
        "progress.jsonl",
        lambda path: tuple(map(json.loads, path.read_text(encoding="utf-8").splitlines())),
    )
    if faults:
        raise InputError(faults, source=str(folder))
    frames |= {name: whole_table(name, frames[name]) for name in ("cities", "packs")}
    optional = {name: whole_table(name, frame) for name, frame in optional.items()}
    run["kpi"] = whole_kpi(run["kpi"])
    frames["chemistries"] = read_chemistries(frames["chemistries"])
    return RunFiles(
        run=run, scenario=scenario, progress=progress, optional=optional,
        zones_are_cells=_has_polygons(folder / "layers/zones.parquet"), **frames,
    )  # fmt: skip


def _table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).drop(columns=["geometry", "bbox"], errors="ignore")


def _reasons(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, columns=list(_REASONS))


def _zones(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    optional = [name for name in ("nearest_min",) if name in pq.read_schema(path).names]
    return pd.read_parquet(path, columns=[*ZONE_COLUMNS, *optional])


def _has_polygons(path: Path) -> bool:
    """Whether a layer's shapes are polygons, as GeoParquet tells of a file."""
    import pyarrow.parquet as pq

    about = json.loads((pq.read_schema(path).metadata or {}).get(b"geo", b"{}"))
    column = about.get("columns", {}).get("geometry", {})
    return any("Polygon" in kind for kind in column.get("geometry_types", []))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as dicts by column name."""
    columns = (frame[name].tolist() for name in frame.columns)  # a step per cell is dear in Arrow
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def sum_by(frame: pd.DataFrame, keys: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """Sums of values over the rows with the same keys, as columns, sorted by the keys."""
    return pd.DataFrame(frame.groupby(list(keys))[list(values)].sum().reset_index())


def largest_by(frame: pd.DataFrame, column: str) -> dict[str, Any]:
    """The row with the largest value of a column, the first among equals."""
    order = frame.sort_values(column, ascending=False, kind="stable")
    return records(order.head(1))[0]
