"""What a run leaves says which question was asked: sense, unit and bound alike everywhere."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from planner.cli import main
from planner.compliance.tables import compliance_tables
from planner.errors import InputError
from planner.instance import read_instance
from planner.outputs.chemistries import Chemistries
from planner.outputs.compare import compare_runs
from planner.outputs.compare.page import finding as compared
from planner.outputs.kpi import describe_kpi, known_kpis
from planner.planning.pipeline import plan
from planner.plans.question import OBJECTIVES, judge_of, judge_of_run, measure_of_run
from tests.curve_sets import with_curve_sets
from tests.made_up_passports import DECLARATIONS, GATES, MARKET_QUARTER, SUPPLY_FLOW
from tests.markets import two_markets
from tests.phased_tutorial import phased_tutorial
from tests.two_towns import two_towns

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "instances" / "tutorial"
RUNS = {
    "max_coverage": ("max", "swaps/day", "swaps_per_day"),
    "p_median": ("min", "swap-min/day", "swap_min_per_day"),
    "set_cover": ("min", "CNY", "cny"),
    "facility_location": ("min", "CNY/year", "cny_per_year"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of the command for each named scenario."""
    home = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        for name in RUNS:
            scenario = [] if name == "max_coverage" else ["--scenario", name]
            patch.setattr(
                sys, "argv", ["planner", "run", str(TUTORIAL), *scenario, "--out", str(home / name)]
            )
            main()
    return {name: home / name for name in RUNS}


def _run(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("objective", RUNS)
def test_run_json_names_sense_and_unit(folders: dict[str, Path], objective: str) -> None:
    run = _run(folders[objective])
    sense, unit, suffix = RUNS[objective]
    assert (run["sense"], run["objective_unit"], run["status"]) == (sense, unit, "OPTIMAL")
    siting = run["models"]["siting"]
    assert (siting["sense"], siting["unit"]) == (sense, unit)
    assert run["question"] == objective
    assert run["objective"] == pytest.approx(run["kpi"][measure_of_run(run).figure])
    assert run["bound"] == pytest.approx(run["objective"])
    assert run["gap_frac"] == pytest.approx(0.0, abs=1e-9)
    info = pd.read_parquet(folders[objective] / "tables" / "run_info.parquet")
    said = dict(zip(info["key"], info["value"], strict=True))
    assert said["siting_objective"] == objective
    assert float(said[f"objective_{suffix}"]) == pytest.approx(run["objective"], rel=1e-4)
    assert f"bound_{suffix}" in said


@pytest.mark.parametrize("objective", RUNS)
def test_progress_has_the_gap_of_its_sense(folders: dict[str, Path], objective: str) -> None:
    lines = (folders[objective] / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    last = [
        row for row in map(json.loads, lines)
        if row["stage"].startswith("siting:") and row["gap_frac"] is not None
    ][-1]  # fmt: skip
    assert last["incumbent"] == pytest.approx(_run(folders[objective])["objective"], rel=1e-6)
    assert last["gap_frac"] == pytest.approx(0.0, abs=1e-9)


FINDINGS = {
    "max_coverage": "2 stations serve 79.0 % of all swaps asked for; no plan within the same "
    "limits serves more.",
    "p_median": "With 2 stations the way to the nearest one is 1.03 min on average, swaps beyond "
    "reach counted in; no plan within the same limits makes it shorter.",
    "set_cover": "3 stations of the cheapest size, 9.00 M CNY, cover 100.0 % of all swaps asked "
    "for; no plan within the same limits does with less.",
    "facility_location": "1 station, the drives to it and swaps not served cost 3.11 M CNY a "
    "year; no plan within the same limits costs less.",
}


@pytest.mark.parametrize("objective", RUNS)
def test_the_page_reads_right(folders: dict[str, Path], objective: str) -> None:
    page = (folders[objective] / "report.html").read_text(encoding="utf-8")
    assert f'<p class="finding">{FINDINGS[objective]}</p>' in page
    assert ("proven limit: " in page) == (objective == "max_coverage")
    assert ("no plan serves more than" in page) == (objective == "max_coverage")
    shades = (
        "Way to the nearest station" if objective == "p_median" else "Swaps served in the zones"
    )
    assert f'"cell_title":"{shades}"' in page


PROOFS = {
    "max_coverage": "Proven optimal: this plan serves 215 swaps per day; no plan within the same "
    "limits serves more than that.",
    "p_median": "Proven optimal: this plan takes 281 minutes of driving per day; no plan within "
    "the same limits takes less than that.",
    "set_cover": "Proven optimal: this plan takes 9,000,000 CNY for stations of the cheapest size; "
    "no plan within the same limits takes less than that.",
    "facility_location": "Proven optimal: this plan costs 3,113,000 CNY a year; no plan within the "
    "same limits costs less than that.",
}


@pytest.mark.parametrize("objective", RUNS)
def test_the_workbook_reads_right(folders: dict[str, Path], objective: str) -> None:
    page = openpyxl.load_workbook(folders[objective] / "workbook.xlsx")["overview"]
    assert page["A2"].value == PROOFS[objective]
    sense = RUNS[objective][0]
    assert sense == _run(folders[objective])["sense"]


def test_runs_that_ask_different_questions_are_not_judged(folders: dict[str, Path]) -> None:
    unlike = compare_runs(folders["max_coverage"], folders["p_median"])
    assert unlike.verdict == "different questions"
    assert unlike.tables["models"].set_index("model")["change_objective"].isna()["siting"]
    # Waits of the same simulated day are judged by their intervals, whatever sites were asked.
    simulated = set(unlike.tables["kpi"]["name"]) & _simulated(folders["p_median"])
    kpi = unlike.tables["kpi"]
    assert kpi[~kpi["name"].isin(simulated)]["verdict"].eq("").all()
    assert "serves 215 swaps per day" in compared(unlike)
    assert "takes 281 minutes of driving per day" in compared(unlike)
    assert any("different questions" in note for note in unlike.notes)
    same = compare_runs(folders["p_median"], folders["p_median"])
    assert same.verdict == "equal"
    judged = same.tables["kpi"].set_index("name")["verdict"]
    assert set(judged[judged != ""].index) - _simulated(folders["p_median"]) == {
        "swap_min_per_day", "mean_counted_min"
    }  # fmt: skip


def _simulated(folder: Path) -> set[str]:
    return set(pd.read_parquet(folder / "tables" / "simulation_figure.parquet")["figure"])


def test_kpi_csv_knows_every_figure_of_a_run_and_no_other(folders: dict[str, Path]) -> None:
    nothing = Chemistries({})
    corridors = {"funding": "own", "num_stations": 3}
    towns = two_towns(read_instance(TUTORIAL, overrides={"corridors": corridors}))
    written = {name for folder in folders.values() for name in _run(folder)["kpi"]}
    written |= set(plan(with_curve_sets(towns, harsh=0.3)).evaluation.kpi)
    written |= set(phased_tutorial().check().kpi)
    written |= set(plan(two_markets(read_instance(TUTORIAL))).evaluation.kpi)
    with_passports = replace(read_instance(TUTORIAL), gates=GATES, declarations=DECLARATIONS)
    written |= set(compliance_tables(with_passports, MARKET_QUARTER, SUPPLY_FLOW)[0])
    described = {name: describe_kpi(name, nothing) for name in written}
    assert [name for name, about in described.items() if not about.description] == []
    left = [kpi.name for kpi in known_kpis() if not any(map(kpi.stands_for, written))]
    assert left == []
    table = pd.read_parquet(folders["p_median"] / "tables" / "kpi.parquet").set_index("name")
    assert table.at["swap_min_per_day", "unit"] == "swap-min/day"
    assert table.at["vehicles_sodium_ion", "title"] == "Vehicles on sodium-ion"


def test_runs_without_a_question_served_swaps() -> None:
    assert judge_of_run({}) is judge_of("max_coverage")
    assert measure_of_run({}).unit == "swaps/day"


@pytest.mark.parametrize(
    "run", [{"question": "p-median"}, {"question": "p_median", "objective_unit": "CNY"}]
)
def test_runs_of_unknown_questions_are_refused(run: dict[str, str]) -> None:
    with pytest.raises(InputError, match="plan again with this version"):
        measure_of_run(run)


def test_the_bound_holds_for_the_figure_that_is_the_objective() -> None:
    assert set(RUNS) == set(OBJECTIVES)
    for objective in OBJECTIVES:
        for measure in judge_of(objective).measures:
            assert measure.figure in measure.bounded
