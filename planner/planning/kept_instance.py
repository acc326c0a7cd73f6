"""An instance's checked tables, kept so that the next scenario need not read the same files.

Takes a folder and a cache, gives what `read_instance` gives. Whether reading would give the same
tables is decided by `read_instance` itself, from the checksums of all files and from the scenario;
tables are kept only if they come back equal, column by column.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from planner.arrays import IntArray
from planner.instance import TABLES, InputFile, Instance, read_instance
from planner.instance.notes import Note
from planner.instance.settings.scenario import Scenario
from planner.planning.array_cache import ArrayCache, content_key


@dataclass(frozen=True)
class KeptInstance:
    """An `Instance` without polygons, as arrays alone.

    Attributes
    ----------
    streams : uint8 array
        Tables as Arrow streams, one after the other in the order of `TABLES`.
    ends : int array, shape (num_tables,)
        Where each ends.
    told : uint8 array
        All else, as JSON.
    """

    streams: NDArray[np.uint8]
    ends: IntArray
    told: NDArray[np.uint8]


def read_kept(
    folder: Path,
    cache: ArrayCache | None,
    *,
    scenario_name: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Instance:
    """Read an instance folder, from what is kept of it where its files are the same.

    Parameters
    ----------
    folder, scenario_name, overrides
        As of `read_instance`.
    cache : ArrayCache, optional
        Keeps the tables that were read last.

    Raises
    ------
    InputError
        With all faults found.
    """
    like = None
    if cache is not None:
        key = content_key("instance", folder.resolve().as_posix(), pd.__version__)
        kept = cache.take(KeptInstance, key)
        like = None if kept is None else _given(kept, folder)
    read = read_instance(folder, scenario_name=scenario_name, overrides=overrides, like=like)
    if cache is not None:
        if like is not None and read.zones is like.zones:
            cache.record(KeptInstance)
        elif read.zone_shapes is None:
            made = _keep(read)
            if made is not None:
                cache.keep(key, made)
    return read


def _keep(read: Instance) -> KeptInstance | None:
    """An instance as arrays; None if some column would not come back as it is."""
    tables: dict[str, pd.DataFrame] = {name: getattr(read, name) for name in TABLES}
    streams = []
    for table in tables.values():
        rows, sink = pa.Table.from_pandas(table), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        streams.append(np.frombuffer(sink.getvalue(), np.uint8))
    told = {
        "scenario": read.scenario.model_dump(mode="json"),
        "input_files": [asdict(file) for file in read.input_files],
        "given_references": dict(read.given_references),
        "notes": [asdict(note) for note in read.notes],
        "is_osm": read.is_osm,
    }
    made = KeptInstance(
        np.concatenate(streams),
        np.cumsum([len(stream) for stream in streams]),
        np.frombuffer(json.dumps(told).encode(), np.uint8),
    )
    back = _given(made, read.folder)
    same = back is not None and back.scenario == read.scenario
    return made if same and all(_equal(getattr(back, n), t) for n, t in tables.items()) else None


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.equals(other) and bool((one.dtypes == other.dtypes).all())


def _given(kept: KeptInstance, folder: Path) -> Instance | None:
    """The instance that was kept; None if it is no such thing."""
    try:
        told = json.loads(kept.told.tobytes())
        streams = np.split(kept.streams, kept.ends[:-1])
        tables = {
            name: pa.ipc.open_stream(pa.py_buffer(stream)).read_all().to_pandas()
            for name, stream in zip(TABLES, streams, strict=True)
        }
        return Instance(
            folder=folder,
            scenario=Scenario.model_validate(told["scenario"]),
            input_files=tuple(InputFile(**file) for file in told["input_files"]),
            given_references=told["given_references"],
            notes=tuple(Note(**note) for note in told["notes"]),
            is_osm=told["is_osm"],
            **tables,
        )
    except (ValueError, KeyError, TypeError, pa.ArrowException):
        return None
