"""A run folder and its instance give back the question of the run, and its answer."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from planner.errors import InputError
from planner.instance import read_instance
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.pipeline import plan
from planner.planning.reasons.sited import sited_of_run
from planner.planning.result import Planned

QUESTIONS = ("p_median", "set_cover", "facility_location")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, planned_tutorial: Planned) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("sited") / "town", Outputs.TABLES)


def test_the_objective_recomputed_is_that_of_the_run(
    run_folder: Path, planned_tutorial: Planned
) -> None:
    sited = sited_of_run(run_folder)
    stated = planned_tutorial.plan.models[0]
    assert sited.siting.objective == stated.objective
    served = np.bincount(
        sited.allocation.zone_idx, sited.allocation.share_frac, len(sited.instance.zones)
    )
    assert served @ sited.task.problem.coverage.value == pytest.approx(stated.objective, rel=1e-9)
    opened = sited.instance.sites["site_id"].to_numpy()[sited.siting.open_site_idx]
    assert opened.tolist() == planned_tutorial.evaluation.stations["site_id"].tolist()
    assert sited.siting.type_idx is None  # no budget: sizes cost nothing
    assert len(sited.place_of_site) == len(sited.instance.sites)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_rebuilt(question: str, tutorial_copy: Path, tmp_path: Path) -> None:
    planned = plan(read_instance(tutorial_copy, scenario_name=question))
    run = write_run(planned, tmp_path / "run", Outputs.TABLES)
    sited = sited_of_run(run)
    assert sited.instance.scenario == planned.instance.scenario
    assert sited.siting.objective == planned.plan.models[0].objective
    assert {"replacement_cost", "next_best_site_id"} <= set(planned.evaluation.stations)
    assert not [each for each in planned.clock.left_out if each.name == "reasons"]


def test_changed_inputs_are_named(run_folder: Path, tmp_path: Path, tutorial_copy: Path) -> None:
    with (tutorial_copy / "zones.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(InputError, match=r"zones\.csv: is not what the run was made of"):
        sited_of_run(run_folder, tutorial_copy)


def test_an_instance_that_is_gone_is_asked_for(run_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run_folder, tmp_path / "copy"))
    run = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    run["instance"] = str(tmp_path / "nowhere")
    (copy / "run.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(InputError, match="give its folder with --instance"):
        sited_of_run(copy)


def test_a_run_of_other_figures_is_refused(run_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run_folder, tmp_path / "copy"))
    run = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    run["models"]["siting"]["objective"] += 1.0
    (copy / "run.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(InputError, match="its stations come to"):
        sited_of_run(copy)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a finished run"):
        sited_of_run(tmp_path)
