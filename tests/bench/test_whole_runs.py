"""Whole runs by size and by release: the cuts, the exponents, the ratios, the pages."""

import json
import math
import tomllib
from dataclasses import replace
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from planner.bench import growth, releases, second, whole_run
from planner.bench.cut_instance import MOST_PARTS, cut_instance, split_zones
from planner.bench.growth import BY_CITIES, BY_ZONES, COLUMNS, cuts, exponents
from planner.bench.growth_page import growth_chart, growth_table, write_growth
from planner.bench.history import add_to_history
from planner.bench.releases import compare_releases, ratios, write_releases
from planner.bench.second import AFTER, ALONE, FIRST
from planner.bench.whole_run import (
    WHOLE,
    Release,
    Took,
    WholeRun,
    other_release,
    run_whole,
    this_release,
)
from planner.cli import cli
from planner.errors import InputError, PlannerError
from planner.instance import read_instance

NORDIC = Path(__file__).parents[2] / "instances" / "nordic-export"
TUTORIAL = NORDIC.with_name("tutorial")


def test_a_cut_holds_some_cities_with_their_share_of_stations_and_supply(tmp_path: Path) -> None:
    cut_instance(NORDIC, tmp_path / "cut", num_cities=4)
    whole, cut = read_instance(NORDIC), read_instance(tmp_path / "cut")
    assert len(cut.cities) == 4
    assert set(cut.cities["city_id"]) < set(whole.cities["city_id"])
    kept = whole.zones["city_id"].isin(cut.cities["city_id"])
    pd.testing.assert_frame_equal(cut.zones, whole.zones[kept].reset_index(drop=True))
    share = whole.zones["car_owning_households"][kept].sum()
    share /= whole.zones["car_owning_households"].sum()
    assert 0 < share < 1
    assert whole.scenario.siting.num_stations is not None
    assert cut.scenario.siting.num_stations == round(whole.scenario.siting.num_stations * share)
    np.testing.assert_allclose(cut.supply["gwh"], whole.supply["gwh"] * share)
    assert 0 < len(cut.roads) < len(whole.roads)


def test_a_whole_cut_in_finer_zones_has_the_same_people(tmp_path: Path) -> None:
    cut_instance(NORDIC, tmp_path / "finer", parts=2)
    whole, finer = read_instance(NORDIC), read_instance(tmp_path / "finer")
    assert len(finer.zones) == 2 * len(whole.zones)
    for name in ("car_owning_households", "commercial_weight"):
        by_city = [each.zones.groupby("city_id")[name].sum() for each in (whole, finer)]
        np.testing.assert_allclose(by_city[1], by_city[0])
    assert finer.scenario.siting.num_stations == whole.scenario.siting.num_stations


def test_parts_of_a_zone_are_children_of_its_cell() -> None:
    cell = h3.latlng_to_cell(31.2, 121.5, 8)
    zones = pd.DataFrame(
        {"zone_id": [cell], "city_id": ["a"], "car_owning_households": [12.0],
         "commercial_weight": [3.0], "lon": [121.5], "lat": [31.2]}
    )  # fmt: skip
    finer = split_zones(zones, MOST_PARTS)
    assert finer["zone_id"].nunique() == MOST_PARTS
    assert {h3.cell_to_parent(child, 8) for child in finer["zone_id"]} == {cell}
    assert finer["car_owning_households"].tolist() == [2.0] * MOST_PARTS
    assert finer["commercial_weight"].tolist() == [0.5] * MOST_PARTS
    assert list(finer.columns) == list(zones.columns[:4])
    assert split_zones(zones, 1) is zones


def test_what_cannot_be_cut_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as many as"):
        cut_instance(NORDIC, tmp_path / "cut", num_cities=10_000)
    with pytest.raises(InputError, match="zones"):
        cut_instance(tmp_path, tmp_path / "cut", num_cities=1)


def test_cuts_are_nested_and_the_finer_ones_are_of_the_fewest_cities() -> None:
    assert [(cut.cities, cut.parts) for cut in cuts(6, quick=True)] == [
        (4, 1), (6, 1), (6, 1), (4, 2), (4, 4),
    ]  # fmt: skip


def _measured(date: str, power: float) -> pd.DataFrame:
    """Rows whose seconds grow as zones to a power, stage by stage; a tiny stage does not."""
    rows = []
    for series, cities in ((BY_CITIES, (10, 20, 40)), (BY_ZONES, (10, 10, 10))):
        for size, num_cities in zip((1_000, 2_000, 4_000), cities, strict=True):
            for stage, first_s in ((WHOLE, 3.0), ("siting", 2.0), ("tiny", 1e-3)):
                took_s = first_s * (size / 1_000) ** power
                rows.append(
                    (date, "0.1.0 (abc)", 2, "made-up", series, num_cities, size, 0.0031, stage,
                     took_s / 2, took_s, 500.0 + size)
                )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_exponent_is_the_power_that_seconds_grow_by() -> None:
    rows = _measured("2026-01-01T00:00Z", 1.3)
    found = exponents(rows[rows["series"] == BY_CITIES], "cpu_s", 0.5)
    assert list(found.index) == [WHOLE, "siting"]
    np.testing.assert_allclose(found, 1.3)
    assert exponents(rows[rows["zones"] == 1_000], "cpu_s").empty


def test_growth_page_tells_the_last_measurement_and_all_before(tmp_path: Path) -> None:
    write_growth(_measured("2026-01-01T00:00Z", 1.3), 0.0035, tmp_path)
    written = write_growth(_measured("2026-02-01T00:00Z", 0.9), 0.0035, tmp_path)
    assert {path.name for path in written} == {"growth.md", "growth.csv", "growth.svg"}
    page = (tmp_path / "growth.md").read_text(encoding="utf-8")
    assert "Last measured 2026-02-01T00:00Z" in page
    assert page.count("| 2026-0") == 2
    (siting, *_) = [line for line in page.splitlines() if line.startswith("| siting")]
    assert siting == (
        "| siting | 2.0 | 3.7 | 7.0 | 0.90 | 1.0 | 1.9 | 3.5 | 0.90 | 1.50 | 2.50 | 4.50 |"
    )
    assert "1.30 | 1.30 |" in page
    assert "growth.svg" in page
    assert len(pd.read_csv(tmp_path / "growth.csv")) == 36


def test_a_measurement_without_cpu_seconds_has_no_chart_and_no_figures() -> None:
    rows = _measured("2026-01-01T00:00Z", 1.0).assign(cpu_s=math.nan)
    assert growth_chart(rows).spec is None
    assert growth_table(rows[rows["series"] == BY_CITIES])[2].startswith("| all | - | - | - | - |")


def test_history_keeps_what_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    first = pd.DataFrame({"date": ["a"], "wall_s": [1.23456]})
    assert add_to_history(path, first)["wall_s"].tolist() == [1.235]
    before = path.read_text(encoding="utf-8")
    add_to_history(path, first.assign(date="b"))
    assert path.read_text(encoding="utf-8").startswith(before)


def _run(seconds: dict[str, float], cpu: bool = True) -> WholeRun:
    took = [Took(stage, wall_s, 2 * wall_s if cpu else None, 800.0)
            for stage, wall_s in seconds.items()]  # fmt: skip
    return WholeRun("OPTIMAL", 0.003, tuple(took))


def test_ratios_are_those_of_runs_made_in_turn() -> None:
    own = [_run({WHOLE: 10.0, "check": 2.0}), _run({WHOLE: 30.0, "check": 6.0})]
    other = [_run({WHOLE: 20.0, "check": 8.0, "old": 1.0}, cpu=False),
             _run({WHOLE: 60.0, "check": 24.0, "old": 1.0}, cpu=False)]  # fmt: skip
    found = ratios(own, other).set_index("stage")
    assert list(found.index) == [WHOLE, "check", "old"]
    assert found.loc[WHOLE, "wall_ratio"] == 0.5
    assert found.loc["check", "wall_ratio"] == 0.25
    assert found.loc["check", "other_wall_s"] == 16.0
    assert found.loc[WHOLE, "cpu_s"] == 40.0
    assert found[["cpu_ratio", "other_cpu_s"]].isna().all(axis=None)
    assert math.isnan(float(found.loc["old", "wall_ratio"]))


def test_neither_a_checkout_nor_an_environment_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="virtual environment"):
        other_release(tmp_path)
    assert other_release(TUTORIAL.parents[1]) == this_release()


def test_a_run_that_fails_says_whose_and_why(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="no such folder"):
        run_whole(this_release(), tmp_path / "nowhere", gap=0.1, time_limit_s=1.0)


def test_a_whole_run_is_told_by_stage() -> None:
    run = run_whole(this_release(), TUTORIAL, gap=0.0, time_limit_s=30.0)
    assert (run.status, run.gap_frac) == ("OPTIMAL", 0.0)
    whole, *stages = run.took
    names = [took.stage for took in stages]
    assert whole.stage == WHOLE
    assert len(names) == len(set(names))
    assert {"read", "siting", "layers"} <= set(names)
    assert all(took.cpu_s is not None and took.peak_rss_mb is not None for took in run.took)
    assert whole.cpu_s is not None
    assert sum(took.cpu_s or 0.0 for took in stages) < whole.cpu_s
    assert sum(took.wall_s for took in stages) < whole.wall_s


def _quickly(release: Release, instance: Path, *, gap: float, time_limit_s: float) -> WholeRun:
    """A run that is not made: a millisecond a zone, twice that by another release."""
    assert (gap, time_limit_s) == (0.02, 120.0)
    zones = len(read_instance(instance).zones)
    took_s = zones / 1e3 * (1 if release == this_release() else 2)
    return _run({WHOLE: took_s, "siting": took_s / 2})


def test_commands_measure_write_and_go_on_from_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "run_whole", _quickly)
    monkeypatch.setattr(releases, "run_whole", _quickly)
    monkeypatch.setattr(whole_run, "other_release", lambda _: Release("0.0.9", "python", None))
    options = ["--quick", "--gap", "0.02", "--write", str(tmp_path)]
    for _ in range(2):
        done = CliRunner().invoke(cli, ["bench", "national", str(NORDIC), *options])
        assert done.exit_code == 0, done.output
    rows = pd.read_csv(tmp_path / "growth.csv")
    assert len(rows) == 2 * 2 * 6
    assert sorted(rows["cities"].unique()) == [4, 8, 16]
    assert "| all |" in done.output
    page = (tmp_path / "growth.md").read_text(encoding="utf-8")
    assert "1.00 | 1.00 |" in page
    done = CliRunner().invoke(cli, ["bench", "releases", "elsewhere", str(NORDIC), *options])
    assert done.exit_code == 0, done.output
    assert pd.read_csv(tmp_path / "releases.csv")["wall_ratio"].tolist() == [0.5, 0.5]
    assert "beside 0.0.9" in (tmp_path / "releases.md").read_text(encoding="utf-8")


def test_second_scenarios_begin_with_what_the_base_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, bool]] = []

    def run(
        _release: Release, instance: Path, *, gap: float, time_limit_s: float, scenario: str = "",
        cache: Path | None = None,
    ) -> WholeRun:  # fmt: skip
        read_instance(instance, scenario_name=scenario or None)
        left = cache is not None and (cache / "left").exists()
        heard.append((scenario, left))
        if cache is not None:
            (cache / "left").write_text(scenario, encoding="utf-8")
        made = _run({WHOLE: 4.0 if left else 8.0, "network": 0.0 if left else 2.0})
        return replace(made, from_cache=("reach", "keptstart") if left else ())

    monkeypatch.setattr(second, "run_whole", run)
    words = ["bench", "second", str(NORDIC), "--quick", "--write", str(tmp_path)]
    words += ["--scenario", "CARBON", "--scenario", "OTHER"]
    names = list(tomllib.loads((NORDIC / "scenario.toml").read_text("utf-8"))["scenarios"])[:2]
    words = [word.replace("CARBON", names[0]).replace("OTHER", names[1]) for word in words]
    for _ in range(2):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    assert heard[: len(heard) // 2] == [
        ("", False), ("", False), (names[0], False), (names[0], True), (names[1], False),
        (names[1], True),
    ]  # fmt: skip
    rows = pd.read_csv(tmp_path / "second.csv")
    assert rows["run"].drop_duplicates().tolist() == [FIRST, ALONE, AFTER]
    assert len(rows) == 2 * 5 * 2
    page = (tmp_path / "second.md").read_text(encoding="utf-8")
    assert "| all | 16.0 | 16.0 | 8.0 | 0.50 | 8.0 | 8.0 | 4.0 | 0.50 |" in page
    assert "Taken from the base: `reach`, `keptstart`" in page
    assert page.count("| 8.0 | 4.0 | 0.50 | 0.30 % |") == 4


def test_a_run_keeps_where_it_is_told(tmp_path: Path) -> None:
    for number in range(2):
        run = run_whole(
            this_release(), TUTORIAL, gap=0.0, time_limit_s=30.0, cache=tmp_path / "kept"
        )
        assert ("keptstart" in run.from_cache) == (number == 1)


def test_a_folder_that_is_not_there_is_told_before_anything_is_run(tmp_path: Path) -> None:
    words = ["bench", "national", str(NORDIC), "--write", str(tmp_path / "none")]
    assert isinstance(CliRunner().invoke(cli, words).exception, InputError)


@pytest.mark.slow
def test_this_release_beside_itself(tmp_path: Path) -> None:
    heard: list[str] = []
    rows = compare_releases(
        other_release(TUTORIAL.parents[1]), NORDIC, gap=0.05, time_limit_s=20.0, pairs=1,
        num_cities=2, on_start=heard.append,
    )  # fmt: skip
    assert len(heard) == 4
    assert rows["cities"].eq(2).all()
    written = write_releases(rows, tmp_path)
    page = (tmp_path / "releases.md").read_text(encoding="utf-8")
    assert json.dumps(sorted(path.name for path in written)) == '["releases.csv", "releases.md"]'
    assert page.count("| all |") == 1
    assert "2 cities" in page
