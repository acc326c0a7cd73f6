"""The plan written by hand, over time, with corridors and packs by quarter, and its project."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from planner.outputs.layers import RunContent
from planner.outputs.project import write_project
from tests.outputs.layers.conftest import Writer, content, evaluation, phased, write

__all__ = ["content", "evaluation", "phased", "write"]

collect_ignore = ["open_project.py"]  # needs the system's Python

CITY_QUARTER = pd.DataFrame(
    [
        (quarter, city, lfp + sodium, lfp, sodium, 0.0)
        for quarter, lfp, sodium in (("2026Q4", 80.0, 0.0), ("2027Q1", 60.0, 40.0),
                                     ("2027Q2", 70.0, 230.0))
        for city in ("230100", "x1")
    ],
    columns=["quarter", "city_id", "vehicles", "vehicles_lfp", "vehicles_sodium_ion",
             "vehicles_without_pack"],
)  # fmt: skip


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, write: Writer, phased: RunContent) -> Path:
    folder = tmp_path_factory.mktemp("run") / "quarters"
    tables = {**phased.tables, "city_quarter": CITY_QUARTER}
    of_run = {"run_id": "tiny-12ab", "run_date": "2026-11-27T10:00:00Z"}
    write(folder, replace(phased, tables=tables, run_info={**phased.run_info, **of_run}))
    (folder / "DONE").touch()
    return folder


@pytest.fixture(scope="session")
def project_folder(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(run_folder / "plan.gpkg", folder)
    write_project(folder / "plan.gpkg")
    return folder
