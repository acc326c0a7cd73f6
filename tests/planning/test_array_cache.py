"""Shared arrays: equal to computed ones, whatever happens to their files."""

import os
import sys
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
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning import first_round
from planner.planning.array_cache import (
    ArrayCache,
    content_key,
    kept_files,
    user_cache,
    user_cache_folder,
)
from planner.planning.first_round import first_capacity, first_packs
from planner.planning.joined_network import reach_on_network
from planner.solving.options import SolveOptions

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


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    """Of all versions together; a result that was asked for again is not the oldest any more."""
    size = 1000
    ArrayCache(tmp_path / "old").once(Squares, "a" * 64, lambda: _squares(size))
    one = next((tmp_path / "old").iterdir()).stat().st_size
    cache = ArrayCache(tmp_path / "new", limit_bytes=3 * one)
    for age, key in enumerate("cb"):
        cache.once(Squares, key * 64, lambda: _squares(size))
        path = cache.folder / f"squares-{key * 32}.npz"
        os.utime(path, ns=(0, 10**9 * (2 - age)))
    os.utime(tmp_path / "old" / f"squares-{'a' * 32}.npz", ns=(0, 5 * 10**8))
    cache.once(Squares, "b" * 64, _never)
    cache.once(Squares, "d" * 64, lambda: _squares(size))
    assert {path.stem[-1] for path in kept_files(tmp_path)} == {"b", "c", "d"}
    cache.once(Squares, "e" * 64, lambda: _squares(size))
    assert {path.stem[-1] for path in kept_files(tmp_path)} == {"b", "d", "e"}


def test_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLANNER_CACHE", "")
    assert user_cache("1") is None
    monkeypatch.setenv("PLANNER_CACHE", str(tmp_path))
    kept = user_cache("1")
    assert kept is not None
    assert kept.folder == tmp_path / "1"
    monkeypatch.delenv("PLANNER_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert user_cache_folder() == tmp_path / "caches" / "planner"


def test_a_second_scenario_begins_with_the_same_packs(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of stations changes neither them nor what stations take with them."""
    fleet = operate_fleet(instance, city_climate(instance))
    scenario = instance.scenario
    options = SolveOptions(gap_frac=0.0, time_limit_s=60.0, seed=1)
    cache = ArrayCache(tmp_path)
    packs = first_packs(instance, fleet, options, cache)
    rates = first_capacity(instance, fleet, packs.planned, cache)
    siting = scenario.siting.model_copy(update={"num_stations": 2})
    other = replace(instance, scenario=scenario.model_copy(update={"siting": siting}))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(first_round, "solve_pack_assignment", never)
        patch.setattr(first_round, "station_capacity", never)
        again = first_packs(other, fleet, options, cache)
        same = first_capacity(other, fleet, again.planned, cache)
    assert again.solution.proof == packs.solution.proof
    assert again.solution.basis == packs.solution.basis
    np.testing.assert_array_equal(again.vehicles, packs.vehicles)
    np.testing.assert_array_equal(again.solution.pack_value, packs.solution.pack_value)
    np.testing.assert_array_equal(same.swaps_per_hour, rates.swaps_per_hour)

    stricter = scenario.service.model_copy(update={"wait_min": 1.0})
    changed = replace(instance, scenario=scenario.model_copy(update={"service": stricter}))
    slower = first_capacity(changed, fleet, packs.planned, cache)
    assert (slower.swaps_per_hour < rates.swaps_per_hour).any()
