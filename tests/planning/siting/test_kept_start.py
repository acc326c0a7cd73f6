"""What the siting search of a second scenario takes from the first one's."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.instance import Instance, read_instance
from planner.planning.array_cache import ArrayCache, kept_files
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.planning.siting.kept_start import KeptStart
from tests.conftest import TUTORIAL
from tests.scenarios import with_settings

TAKEN = "keptstart"


@pytest.fixture
def instance() -> Instance:
    return with_settings(read_instance(TUTORIAL), solver={"deterministic": False, "workers": 1})


def _others(instance: Instance) -> dict[str, Instance]:
    """The same question; only ``demand`` asks for other values, loads and capacities."""
    cities, stations = instance.cities, instance.stations
    vehicles = [name for name in cities if name.startswith("vehicles_")]
    closed = instance.sites["status"].where(instance.sites.index != 0, "forbidden")
    return {
        "demand": replace(instance, cities=cities.assign(**{n: 0.7 * cities[n] for n in vehicles})),
        "costs": replace(instance, stations=stations.assign(capex_cny=2 * stations["capex_cny"])),
        "seed": with_settings(instance, solver={"seed": 5}),
        "number": with_settings(instance, siting={"num_stations": 1}),
        "reach": with_settings(instance, siting={"drive_time_min": 3.0}),
        "site": replace(instance, sites=instance.sites.assign(status=closed)),
        "objective": with_settings(instance, siting={"objective": "p_median"}),
    }


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planned]:
    """A folder that a first run filled."""
    first = with_settings(read_instance(TUTORIAL), solver={"deterministic": False, "workers": 1})
    folder = tmp_path_factory.mktemp("kept") / "code"
    return folder, plan(first, cache=ArrayCache(folder))


def _copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def _said(planned: Planned) -> list[str]:
    return [progress.message for progress in planned.clock.history]


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        ("demand", True), ("costs", True), ("seed", True), ("number", False), ("reach", False),
        ("site", False), ("objective", False),
    ],
)  # fmt: skip
def test_a_second_scenario_of_the_same_covering_starts_from_the_first(
    instance: Instance, kept: tuple[Path, Planned], tmp_path: Path, change: str, is_taken: bool
) -> None:
    other = _others(instance)[change]
    folder = _copy(kept[0], tmp_path / "code")
    second = plan(other, cache=ArrayCache(folder))
    assert (TAKEN in second.from_cache) == is_taken
    assert ("prices and plan of an earlier run" in _said(second)) == is_taken
    assert TAKEN not in kept[1].from_cache
    cold = plan(other)
    assert cold.from_cache == ()
    one, two = second.plan.models[0], cold.plan.models[0]
    assert one.status == two.status == "OPTIMAL"
    # Each plan keeps within the other's bound: both are proven.
    sign = 1 if one.sense == "max" else -1
    assert sign * (one.bound - two.objective) >= -1e-6 * abs(two.objective)
    assert sign * (two.bound - one.objective) >= -1e-6 * abs(one.objective)


def test_a_deterministic_run_does_not_depend_on_what_is_kept(
    instance: Instance, kept: tuple[Path, Planned], tmp_path: Path
) -> None:
    sure = with_settings(_others(instance)["demand"], solver={"deterministic": True})
    folder = _copy(kept[0], tmp_path / "code")
    plan(_others(instance)["demand"], cache=ArrayCache(folder))
    with_cache, without = plan(sure, cache=ArrayCache(folder)), plan(sure)
    assert TAKEN not in with_cache.from_cache
    assert {"roadgraph", "reach", "keptpacks"} <= set(with_cache.from_cache)
    for name, table in without.tables.items():
        assert with_cache.tables[name].equals(table), name
    assert with_cache.evaluation.stations.equals(without.evaluation.stations)
    one, two = with_cache.plan.models[0], without.plan.models[0]
    assert (one.objective, one.bound, one.prices) == (two.objective, two.bound, two.prices)


def _poisoned(start: KeptStart, poison: str) -> KeptStart:
    nothing = np.empty(0, np.int64)
    changes: dict[str, dict[str, Any]] = {
        "prices": {"price": start.price * 1e9},
        "negative": {"price": -np.ones_like(start.price)},
        "unknown": {"price": np.full_like(start.price, np.nan)},
        "shares": {"share": np.full_like(start.share, 7.0)},
        "shapes": {"share": start.share[:-1], "multiplier": np.ones(99)},
        "sites": {"site_idx": start.site_idx + 10**6},
        "types": {"type_idx": start.type_idx + 10**6},
        "no sites": {"site_idx": nothing, "type_idx": nothing},
        "value": {"value": np.zeros(1)},
        "no value": {"value": np.full(1, np.nan)},
        "infinite": {"value": np.full(1, 1e-320)},
    }
    return replace(start, **changes[poison])


@pytest.mark.parametrize(
    "poison",
    [
        "prices", "negative", "unknown", "shares", "shapes", "sites", "types", "no sites", "value",
        "no value", "infinite", "damaged",
    ],
)  # fmt: skip
def test_what_a_file_holds_changes_no_proof(
    instance: Instance, kept: tuple[Path, Planned], tmp_path: Path, poison: str
) -> None:
    folder, cache = _copy(kept[0], tmp_path / "code"), ArrayCache(tmp_path / "code")
    (path,) = folder.glob(f"{TAKEN}-*")
    if poison == "damaged":
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    else:
        key = path.stem.partition("-")[2]
        start = ArrayCache(folder).take(KeptStart, key)
        assert start is not None
        cache.keep(key, _poisoned(start, poison))
    second = plan(_others(instance)["demand"], cache=cache).plan.models[0]
    cold = plan(_others(instance)["demand"]).plan.models[0]
    assert second.bound >= cold.objective * (1 - 1e-9)
    assert cold.bound >= second.objective * (1 - 1e-9)
    assert second.status == "OPTIMAL"
    # The run leaves a sound start for the next one.
    left = ArrayCache(folder).take(KeptStart, path.stem.partition("-")[2])
    assert left is not None
    assert all(np.isfinite(getattr(left, field.name)).all() for field in fields(left))


def test_one_start_is_kept_for_a_covering_within_the_limit_of_size(
    instance: Instance, kept: tuple[Path, Planned], tmp_path: Path
) -> None:
    folder = _copy(kept[0], tmp_path / "code")
    limit = sum(path.stat().st_size for path in folder.iterdir())
    for change in ("demand", "costs", "seed"):
        plan(_others(instance)[change], cache=ArrayCache(folder, limit))
        assert len(list(folder.glob(f"{TAKEN}-*"))) <= 1
        assert sum(path.stat().st_size for path in kept_files(tmp_path)) <= limit
