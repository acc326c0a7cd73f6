"""Shared arrays: equal to computed ones, whatever happens to their files."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from planner.instance import Instance, read_instance
from planner.planning.array_cache import ArrayCache, content_key
from planner.planning.joined_network import reach_on_network

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Squares:
    number: NDArray[np.int64]
    square: NDArray[np.float64]


def _squares(size: int) -> Squares:
    number = np.arange(size)
    return Squares(number, number.astype(float) ** 2)


def _never() -> Squares:
    raise AssertionError("computed again")


@pytest.fixture
def instance() -> Instance:
    return read_instance(ROOT / "instances" / "tutorial")


def test_kept_arrays_equal_computed_ones(tmp_path: Path) -> None:
    made = ArrayCache(tmp_path).once(Squares, "a" * 64, lambda: _squares(5))
    kept = ArrayCache(tmp_path).once(Squares, "a" * 64, _never)
    for name in ("number", "square"):
        assert getattr(kept, name).dtype == getattr(made, name).dtype
        np.testing.assert_array_equal(getattr(kept, name), getattr(made, name))


@pytest.mark.parametrize("position", [0, 40, -30])
def test_damaged_files_are_computed_again(tmp_path: Path, position: int) -> None:
    cache = ArrayCache(tmp_path)
    cache.once(Squares, "a" * 64, lambda: _squares(5))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[position] ^= 1
    for content in (bytes(damaged), whole[:-10], b""):
        file.write_bytes(content)
        again = cache.once(Squares, "a" * 64, lambda: _squares(5))
        np.testing.assert_array_equal(again.square, _squares(5).square)
        assert len(file.read_bytes()) == len(whole)


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    cache = ArrayCache(tmp_path / "cache")
    assert cache.once(Squares, "a" * 64, lambda: _squares(3)).number.tolist() == [0, 1, 2]


def _fill(folder: Path) -> float:
    cache = ArrayCache(folder)
    return sum(
        float(cache.once(Squares, content_key(size), lambda size=size: _squares(size)).square.sum())  # type: ignore[misc]
        for size in range(1, 60)
    )


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        sums = list(pool.map(_fill, [tmp_path] * 4))
    assert sums == [sum(float(_squares(size).square.sum()) for size in range(1, 60))] * 4
    assert len(list(tmp_path.iterdir())) == 59


def test_content_key_tells_rows_order_and_names_apart() -> None:
    table = pd.DataFrame({"lon": [1.0, 2.0], "name": ["a", "b"]})
    keys = {
        content_key(table),
        content_key(table.iloc[::-1]),
        content_key(table.rename(columns={"lon": "lat"})),
        content_key(table.assign(name=["a", "c"])),
        content_key(table, 1),
        content_key(1, table),
    }
    assert len(keys) == 6
    assert content_key(table.set_axis([5, 6])) == content_key(table)


def _network(instance: Instance, cache: ArrayCache | None) -> tuple[Any, ...]:
    """Graph, accesses of sites and zones, and reach."""
    network, reach = reach_on_network(instance, cache)
    assert network is not None
    return *network, reach


def test_network_is_the_same_from_the_cache(tmp_path: Path, instance: Instance) -> None:
    computed = _network(instance, None)
    for _ in range(2):
        for one, other in zip(computed, _network(instance, ArrayCache(tmp_path)), strict=True):
            for field in fields(one):
                np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("change", "num_shared"),
    [
        ("drive_time", 3),  # graph and both accesses
        ("access_speed", 1),
        ("a_zone", 1),  # where zones are tells which roads lead to a site
        ("a_road", 0),
        ("households", 4),  # of no concern to roads
    ],
)
def test_only_what_depends_on_a_change_is_computed_again(
    tmp_path: Path, instance: Instance, change: str, num_shared: int
) -> None:
    _network(instance, ArrayCache(tmp_path))
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    scenario = instance.scenario
    zones, roads = instance.zones, instance.roads
    changed = {
        "drive_time": lambda: replace(
            instance,
            scenario=scenario.model_copy(
                update={"siting": scenario.siting.model_copy(update={"drive_time_min": 2.0})}
            ),
        ),
        "access_speed": lambda: replace(
            instance,
            scenario=scenario.model_copy(
                update={"network": scenario.network.model_copy(update={"access_speed_kmh": 9.0})}
            ),
        ),
        "a_zone": lambda: replace(instance, zones=zones.assign(lon=zones["lon"] + 1e-6)),
        "a_road": lambda: replace(instance, roads=roads.assign(speed_kmh=50.0)),
        "households": lambda: replace(instance, zones=zones.assign(car_owning_households=1.0)),
    }[change]()
    found = _network(changed, ArrayCache(tmp_path))
    assert len(list(tmp_path.iterdir())) == 8 - num_shared
    assert before.items() <= {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}.items()
    for one, other in zip(found, _network(changed, None), strict=True):
        for field in fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
