"""A kept instance is the one that reading gives, whatever changed since."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import TABLES, Instance, read_instance
from planner.planning import kept_instance
from planner.planning.array_cache import ArrayCache
from planner.planning.kept_instance import KeptInstance, read_kept

INSTANCES = Path(__file__).parents[2] / "instances"


def assert_same(one: Instance, other: Instance) -> None:
    for field in fields(Instance):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, pd.DataFrame):
            pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
        else:
            assert mine == theirs, field.name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(copytree(INSTANCES / "tutorial", tmp_path / "tutorial"))


@pytest.mark.parametrize("name", ["tutorial", "nordic-export"])
def test_a_second_scenario_of_the_same_files_need_not_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = INSTANCES / name
    read_kept(folder, ArrayCache(tmp_path))
    overrides = {"siting": {"drive_time_min": 4.0}, "solver": {"seed": 7}}
    fresh = read_instance(folder, overrides=overrides)

    def never(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("planner.instance.read._read_tables", never)
    cache = ArrayCache(tmp_path)
    assert_same(read_kept(folder, cache, overrides=overrides), fresh)
    assert cache.taken == ["keptinstance"]
    monkeypatch.chdir(folder.parent)  # the same folder by another name
    relative = read_kept(Path(name), ArrayCache(tmp_path), overrides=overrides)
    assert relative.folder == Path(name)
    assert relative.input_files == fresh.input_files


def _replace(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "overrides"),
    [
        (lambda folder: _replace(folder, "supply.csv", "0.04", "0.05"), {}),
        (lambda folder: _replace(folder, "supply.csv", "0.04", "much"), {}),
        (lambda folder: _replace(folder, "scenario.toml", "num_stations", "num_station"), {}),
        (lambda folder: (folder / "supply.csv").unlink(), {}),
        (lambda _: None, {"parameter_set": "low"}),
        (lambda _: None, {"demand": {"vehicles_per_station": 50.0}}),
    ],
)  # fmt: skip
def test_whatever_changed_is_read_again(
    tmp_path: Path, folder: Path, change: Callable[[Path], object], overrides: dict[str, Any]
) -> None:
    read_kept(folder, ArrayCache(tmp_path / "kept"))
    change(folder)
    found: list[Any] = []
    cache = ArrayCache(tmp_path / "kept")
    for read in (
        lambda: read_instance(folder, overrides=overrides),
        lambda: read_kept(folder, cache, overrides=overrides),
    ):
        try:
            found.append(read())
        except InputError as error:
            found.append(str(error))
    if isinstance(found[0], Instance):
        assert_same(found[1], found[0])
    else:
        assert found[1] == found[0]
    assert cache.taken == []


@pytest.mark.parametrize(
    "changes",
    [
        {"told": np.frombuffer(b"{}", np.uint8)},
        {"told": np.frombuffer(b"\xff{", np.uint8)},
        {"ends": np.arange(5)},
        {"streams": np.zeros(400, np.uint8)},
    ],
)
def test_what_is_no_instance_is_read_again(
    tmp_path: Path, folder: Path, changes: dict[str, Any]
) -> None:
    cache = ArrayCache(tmp_path / "kept")
    fresh = read_kept(folder, cache)
    (path,) = cache.folder.iterdir()
    key = path.stem.partition("-")[2]
    kept = cache.take(KeptInstance, key)
    assert kept is not None
    cache.keep(key, KeptInstance(**{**vars(kept), **changes}))
    again = ArrayCache(tmp_path / "kept")
    assert_same(read_kept(folder, again), fresh)
    assert again.taken == []
    read_kept(folder, again)
    assert again.taken == ["keptinstance"]


def test_a_column_that_would_come_back_otherwise_is_not_kept(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_instance(folder)
    mixed = read.sites.assign(mixed=pd.Series([(1, 2)] * len(read.sites), dtype=object))
    changed = {**{name: getattr(read, name) for name in TABLES}, "sites": mixed}
    other = Instance(**{**vars(read), **changed})
    monkeypatch.setattr(kept_instance, "read_instance", lambda *_, **__: other)
    read_kept(folder, ArrayCache(tmp_path / "kept"))
    assert not (tmp_path / "kept").exists()
