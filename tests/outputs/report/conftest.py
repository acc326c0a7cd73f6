"""The made-up run, with and without the tables that only some runs bring."""

from pathlib import Path

import pytest

from planner.outputs.report import write_report
from tests.outputs.report.made_up_run import write_run_folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write_run_folder(tmp_path / "run", with_optional=True)


@pytest.fixture
def bare_folder(tmp_path: Path) -> Path:
    return write_run_folder(tmp_path / "bare", with_optional=False)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(
        write_run_folder(tmp_path_factory.mktemp("report") / "run", with_optional=True)
    )


@pytest.fixture(scope="session")
def bare_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(
        write_run_folder(tmp_path_factory.mktemp("report") / "bare", with_optional=False)
    )
