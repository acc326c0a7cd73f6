"""All runs of a study as one table: what varied, how each ended, its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from planner.batch.run import STUDY_FILE
from planner.batch.store import Record, RunStore, State, read_json
from planner.errors import Fault, InputError
from planner.files import replaced_file
from planner.instance import suggest
from planner.outputs.layers.tables import write_table

CATALOGUE_FILE, CATALOGUE_TABLE = "catalogue.parquet", "catalogue.csv"
_TEXT = ("scenario", "state", "status", "reason", "objective_unit", "sense", "differences", "key",
         "folder")  # fmt: skip
_NUMBERS = ("objective", "bound", "gap_frac", "wall_s", "peak_rss_mb")


def write_catalogue(store: RunStore, records: Mapping[str, Record] | None = None) -> Path:
    """Write the catalogue of a study anew from what its folder holds.

    Parameters
    ----------
    store : RunStore
        A folder that `planner batch` made.
    records : mapping of run key to Record, optional
        How runs ended that the folder may not tell, because the disk was full.

    Returns
    -------
    Path
        A Parquet file, with a CSV file of the same beside it: a row per scenario, in the study's
        order, then one per earlier run
        that the study does not ask for any more (``in_study`` false: other settings, inputs or
        code). Columns: ``scenario, in_study, state, status, reason, attempts``, what varies
        (``siting.num_stations`` and the like), ``objective, bound, gap_frac, objective_unit,
        sense`` (max or min), the run's ``kpi``, ``wall_s, peak_rss_mb, differences, key, folder``.

    Raises
    ------
    InputError
        If the folder is not a study's.
    """
    rows = _rows(store, records or {})
    frame = pd.DataFrame(rows)
    for name in _TEXT:
        frame[name] = frame[name].astype("str")
    for name in _NUMBERS:
        frame[name] = frame[name].astype(float)
    for name in frame.columns:
        if frame[name].dtype.name != "object":
            continue
        # What varies may be of several kinds: a Parquet column has one.
        if not frame[name].dropna().map(lambda value: isinstance(value, bool)).all():
            frame[name] = frame[name].map(str, na_action="ignore").astype("str")
    last = ["wall_s", "peak_rss_mb", "differences", "key", "folder"]
    frame = frame[[*(name for name in frame.columns if name not in last), *last]]
    path = store.folder / CATALOGUE_FILE
    with replaced_file(path) as partial:
        frame.to_parquet(partial, index=False)
    with replaced_file(store.folder / CATALOGUE_TABLE) as partial:
        write_table(partial, frame)
    return path


def _rows(store: RunStore, records: Mapping[str, Record]) -> list[dict[str, Any]]:
    study = read_json(store.folder / STUDY_FILE)
    if study is None:
        remedy = "no study stands here; give the folder that `planner batch` wrote to"
        raise InputError([Fault(str(store.folder), None, "", "", remedy)])
    rows = []
    for scenario in study["scenarios"]:
        key = scenario["key"]
        record = records.get(key) or store.read_record(key)
        differences = "; ".join(scenario["differences"])
        rows.append(_row(store, key, scenario["name"], record, differences, scenario["varied"]))
    asked = {scenario["key"] for scenario in study["scenarios"]}
    for key in store.ended_keys():
        if key not in asked:
            name = key.rpartition("-")[0]
            rows.append(_row(store, key, name, store.read_record(key), "", {}))
            rows[-1]["in_study"] = False
    return rows


def _row(
    store: RunStore,
    key: str,
    scenario: str,
    record: Record | None,
    differences: str,
    varied: Mapping[str, Any],
) -> dict[str, Any]:
    state = _state(store, key, record)
    folder = {State.DONE: store.run_folder(key), State.STOPPED: store.stopped_folder(key)}.get(
        state
    )
    run = (read_json(folder / "run.json") if folder else None) or {}
    has_failed = state is State.FAILED and record is not None
    own = record if record is not None and record.state is state else None
    return {
        "scenario": scenario,
        "in_study": True,
        "state": str(state),
        "status": run.get("status", record.status if has_failed and record else ""),
        "reason": record.reason if has_failed and record else "",
        "attempts": own.attempts if own else 0,
        **varied,
        **{name: run.get(name) for name in ("objective", "bound", "gap_frac")},
        **{name: run.get(name, "") for name in ("objective_unit", "sense")},
        **run.get("kpi", {}),
        "wall_s": own.wall_s if own else run.get("wall_s"),
        "peak_rss_mb": own.peak_rss_mb if own else run.get("peak_rss_mb"),
        "differences": differences,
        "key": key,
        "folder": folder.relative_to(store.folder).as_posix() if folder else "",
    }


def _state(store: RunStore, key: str, record: Record | None) -> State:
    if store.is_done(key):
        return State.DONE
    if store.is_locked(key):
        return State.RUNNING
    if (store.stopped_folder(key) / "DONE").is_file():
        return State.STOPPED
    return State.FAILED if record is not None and record.state is State.FAILED else State.WAITING


def status_rows(store: RunStore) -> list[dict[str, Any]]:
    """How far each scenario of a study is; what is running now included."""
    columns = "scenario, state, status, reason, attempts, wall_s, peak_rss_mb, objective, gap_frac"
    return _query(store, f"SELECT {columns} FROM runs WHERE in_study")


def best_rows(
    store: RunStore, by: str, *, lowest: bool = False, top: int = 10
) -> list[dict[str, Any]]:
    """The finished scenarios that are best by one figure.

    Parameters
    ----------
    store : RunStore
    by : str
        A number column of the catalogue: a KPI, ``objective`` and the like.
    lowest : bool
        Whether less is better.
    top : int
        Rows at most, >= 1.

    Raises
    ------
    InputError
        If no such figure is there.
    """
    import pyarrow.parquet as pq

    path = write_catalogue(store)
    kinds = {field.name: str(field.type) for field in pq.read_schema(path)}
    numbers = [name for name, kind in kinds.items() if kind in ("double", "int64", "bool")]
    if by not in numbers:
        raise InputError([Fault(path.name, None, "--by", by, suggest(by, sorted(numbers)))])
    study = read_json(store.folder / STUDY_FILE)
    varied = [name for name in study["scenarios"][0]["varied"] if name in kinds]
    unit = ["objective_unit"] if by in ("objective", "bound") else []
    shown = ", ".join(_quoted(name) for name in dict.fromkeys(
        ["scenario", by, *unit, "status", "gap_frac", *varied, "folder"]))  # fmt: skip
    order = "ASC" if lowest else "DESC"
    return _query(
        store,
        f"SELECT {shown} FROM runs WHERE in_study AND state = 'done' AND {_quoted(by)} IS NOT NULL "
        f"ORDER BY {_quoted(by)} {order}, scenario LIMIT {int(top)}",
        path,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _query(store: RunStore, query: str, path: Path | None = None) -> list[dict[str, Any]]:
    import duckdb

    path = path or write_catalogue(store)
    with duckdb.connect() as connection:
        connection.read_parquet(str(path)).create_view("runs")
        found = connection.sql(query)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
