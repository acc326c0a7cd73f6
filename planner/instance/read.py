"""Read an instance folder into a frozen `Instance`, or say everything that is wrong with it."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from planner.errors import Fault, InputError
from planner.instance.check_across import check_across_tables
from planner.instance.check_table import check_table
from planner.instance.scenario import Scenario
from planner.instance.tables import TABLES, Table

SCENARIO_FILE = "scenario.toml"
_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class InputFile:
    """A file that was read, and what it held."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Instance:
    """Everything an instance folder says, validated; read-only by convention.

    Each table is a DataFrame sorted by its key with a fresh index; columns and units stand
    in `docs/instance-format.md`. Columns that may be left out are absent if left out, but
    for the zones' ``lon`` and ``lat``, which follow from the H3 index.
    """

    folder: Path
    scenario: Scenario
    cities: pd.DataFrame
    zones: pd.DataFrame
    sites: pd.DataFrame
    road_nodes: pd.DataFrame
    roads: pd.DataFrame
    climate: pd.DataFrame
    vehicles: pd.DataFrame
    packs: pd.DataFrame
    curves: pd.DataFrame
    stations: pd.DataFrame
    supply: pd.DataFrame
    gates: pd.DataFrame
    adoption: pd.DataFrame
    hour_profile: pd.DataFrame
    pack_stock: pd.DataFrame
    assumptions: pd.DataFrame
    input_files: tuple[InputFile, ...]


def read_instance(
    folder: str | Path,
    *,
    scenario_name: str | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Instance:
    """Read and validate an instance folder.

    Parameters
    ----------
    folder : path
        Folder with ``scenario.toml`` and the tables of `docs/instance-format.md`.
    scenario_name : str, optional
        Named variant in the scenario file's ``[scenarios]``; its settings replace the base's.
    overrides : mapping of section to mapping of setting to value, optional
        Settings that replace those of the file, e.g. ``{"solver": {"seed": 7}}``.

    Returns
    -------
    Instance
        All tables, with every reference between them checked.

    Raises
    ------
    InputError
        With all faults found, each with file, row, column, value and remedy.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError([Fault(str(folder), None, "", "", "no such folder; give an instance")])
    scenario, faults = _read_scenario(folder / SCENARIO_FILE, scenario_name, overrides or {})
    frames: dict[str, pd.DataFrame] = {}
    paths = [folder / SCENARIO_FILE]
    for table in TABLES.values():
        path, path_faults = _find_table(folder, table)
        faults += path_faults
        if path is None:
            if table.optional:
                frames[table.name] = _empty_frame(table)
            continue
        paths.append(path)
        frame, table_faults = _read_table(path, table)
        faults += table_faults
        if frame is not None:
            frames[table.name] = frame
    faults += check_across_tables(frames, {path.stem: path.name for path in paths})
    if faults or scenario is None:
        raise InputError(faults, source=str(folder))
    frames["zones"] = _with_centres(frames["zones"])
    frames = {
        name: _of_parameter_set(frame, TABLES[name], scenario.parameter_set)
        for name, frame in frames.items()
    }
    return Instance(
        folder=folder,
        scenario=scenario,
        input_files=tuple(InputFile(path.name, _sha256(path)) for path in paths),
        **{
            name: frame.sort_values(list(TABLES[name].key), kind="stable", ignore_index=True)
            for name, frame in frames.items()
        },
    )


def _read_scenario(
    path: Path, scenario_name: str | None, overrides: Mapping[str, Mapping[str, Any]]
) -> tuple[Scenario | None, list[Fault]]:
    if not path.is_file():
        return None, [Fault(path.name, None, "", "", "file is missing; every instance needs one")]
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"line (\d+)", str(error))
        row = int(line.group(1)) if line else None
        return None, [Fault(path.name, row, "", str(error), "write valid UTF-8 TOML")]
    variants = settings.get("scenarios", {})
    faults = []
    names = list(variants) if isinstance(variants, dict) else []
    for name in names:
        if isinstance(variants[name], dict):
            prefix = f"scenarios.{name}."
            faults += _validate(path.name, _merge(settings, variants[name]), prefix)[1]
    if scenario_name is not None and scenario_name not in names:
        remedy = f"no such scenario; choose one of: {', '.join(names) or 'none is defined'}"
        faults.append(Fault(path.name, None, "scenarios", scenario_name, remedy))
    elif scenario_name is not None:
        settings = _merge(settings, variants[scenario_name])
    scenario, base_faults = _validate(path.name, _merge(settings, overrides), "")
    seen = {fault.column for fault in base_faults}
    repeated = [fault for fault in faults if fault.column.split(".", 2)[-1] in seen]
    return scenario, base_faults + [fault for fault in faults if fault not in repeated]


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merge(old, value) if nested else value  # type: ignore[arg-type]
    return merged


def _validate(
    file: str, settings: Mapping[str, Any], prefix: str
) -> tuple[Scenario | None, list[Fault]]:
    try:
        return Scenario.model_validate(settings), []
    except ValidationError as error:
        faults = []
        for detail in error.errors():
            where = prefix + ".".join(str(part) for part in detail["loc"])
            value = "" if detail["type"] == "missing" else repr(detail["input"])
            faults.append(Fault(file, None, where, value, _setting_remedy(detail)))
        return None, faults


def _setting_remedy(detail: Any) -> str:
    if detail["type"] == "missing":
        return "setting is missing; add it"
    if detail["type"] != "extra_forbidden":
        return str(detail["msg"])
    *sections, unknown = (str(part) for part in detail["loc"])
    model: Any = Scenario
    for section in sections:
        model = model.model_fields[section].annotation
    return "unknown key; " + suggest(unknown, list(model.model_fields))


def suggest(unknown: str, known: list[str]) -> str:
    """Tell what to do about a name that is not known.

    >>> suggest("num_station", ["num_stations", "near_km"])
    'did you mean num_stations?'
    """
    close = get_close_matches(unknown, known, n=1)
    return f"did you mean {close[0]}?" if close else f"remove it, or use one of: {', '.join(known)}"


def _find_table(folder: Path, table: Table) -> tuple[Path | None, list[Fault]]:
    found = [path for suffix in _SUFFIXES if (path := folder / (table.name + suffix)).is_file()]
    if len(found) == 1:
        return found[0], []
    names = " or ".join(table.name + suffix for suffix in _SUFFIXES)
    if found:
        remedy = "the table stands here twice; keep one of the files"
        return None, [Fault(names, None, "", "", remedy)]
    if table.optional:
        return None, []
    return None, [Fault(names, None, "", "", f"table is missing; one row per {table.row}")]


def _read_table(path: Path, table: Table) -> tuple[pd.DataFrame | None, list[Fault]]:
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(
                path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig",
                skip_blank_lines=False,
            )  # fmt: skip
    except (OSError, ValueError, UnicodeError) as error:
        return None, [Fault(path.name, None, "", str(error), "file cannot be read as a table")]
    first_row = 1 if path.suffix == ".parquet" else 2
    return check_table(frame, table, path.name, first_row)


def _empty_frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame({column.name: pd.Series(dtype=str) for column in table.columns})


def _of_parameter_set(frame: pd.DataFrame, table: Table, parameter_set: str) -> pd.DataFrame:
    """Take a parameter set's figures where they stand, and leave the companions away."""
    taken = frame.copy(deep=False)
    for column in table.columns:
        companion = f"{column.name}_{parameter_set}"
        if column.by_set and companion in frame.columns:
            taken[column.name] = frame[companion].fillna(frame[column.name])
    named = {column.name for column in table.columns}
    return taken[[name for name in taken.columns if name in named]]


def _with_centres(zones: pd.DataFrame) -> pd.DataFrame:
    if {"lon", "lat"} <= set(zones.columns):
        return zones
    from h3.api import basic_int

    cells = [int(cell, 16) for cell in zones["zone_id"]]
    centres = [basic_int.cell_to_latlng(cell) for cell in cells]
    return zones.assign(
        lon=[round(lon, 6) for _, lon in centres], lat=[round(lat, 6) for lat, _ in centres]
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
