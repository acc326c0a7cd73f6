"""What follows a plan may fail; the plan is written, and the run says what it goes without."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest

import planner.planning.station_answer as station_answer
from planner.errors import NoPlanError
from planner.instance import Instance
from planner.outputs.run_folder import write_run
from planner.outputs.run_json import read_run_json
from planner.planning.pipeline import plan


def _read_strictly(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{path.name} holds {constant}")

    found: dict[str, Any] = json.loads(path.read_text(), parse_constant=refuse)
    return found


@pytest.mark.parametrize(
    ("where", "name", "missing"),
    [
        ("planner.outputs.report.write_report", "report", "report.html"),
        ("planner.outputs.workbook.write_workbook", "workbook", "workbook.xlsx"),
        ("planner.planning.pipeline.range_curves", "curves", "tables/range_curve.parquet"),
    ],
)
def test_a_run_goes_without_what_fails(
    tutorial: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    where: str, name: str, missing: str,
) -> None:  # fmt: skip
    def fail(*_: object, **__: object) -> NoReturn:
        raise ValueError("broken on purpose")

    monkeypatch.setattr(where, fail)
    folder = write_run(plan(tutorial), tmp_path / "run")
    run = _read_strictly(folder / "run.json")
    assert run["left_out"] == [{"name": name, "reason": "ValueError: broken on purpose"}]
    assert (folder / "DONE").is_file()
    assert not (folder / missing).exists()
    assert (folder / "layers/stations.parquet").is_file()


def test_a_what_if_without_time_is_unknown(
    tutorial: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = pd.DataFrame(
        {
            "market": tutorial.cities["market"],
            "chemistry": "sodium_ion", "certificate": "GB", "binding": True,
            "opens": pd.Series([None], dtype="string"), "source": "made up",
        }
    )  # fmt: skip

    def out_of_time(*arguments: Any) -> Any:
        raise NoPlanError("no time")

    monkeypatch.setattr("planner.planning.earlier_gates.solve_pack_assignment", out_of_time)
    planned = plan(replace(tutorial, gates=gates))
    assert planned.tables["gate_value"]["saving_cny"].isna().all()
    assert [each.name for each in planned.clock.left_out] == ["gates"]
    folder = write_run(planned, tmp_path / "run")
    assert (folder / "report.html").is_file()
    assert (folder / "workbook.xlsx").is_file()


def test_packs_that_cannot_be_planned_again_leave_the_plan(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_again(*_arguments: Any) -> NoReturn:
        raise NoPlanError("no time")

    monkeypatch.setattr(station_answer, "plan_packs_from", not_again)
    planned = plan(tutorial)
    assert planned.plan.stations["site_id"].tolist() == ["A", "B"]
    unknown = planned.tables["coupling"][["vehicles_changing_frac", "saving_frac"]]
    assert unknown.isna().to_numpy().tolist() == [[True, True]]
    # Packs of the first round are kept, and those in stations are paid for all the same.
    assert planned.plan.station_packs["packs"].sum() > 0
    assert [each.name for each in planned.clock.left_out] == ["packs"]


def test_a_bound_that_nothing_proved_is_infinite_again(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    model = {"sense": "min", "bound": None, "gap_frac": None}
    path.write_text(json.dumps({"sense": "max", "bound": None, "models": {"siting": model}}))
    run = read_run_json(path)
    assert run["bound"] == float("inf")
    assert run["models"]["siting"] == {
        "sense": "min", "bound": float("-inf"), "gap_frac": float("inf")
    }  # fmt: skip
