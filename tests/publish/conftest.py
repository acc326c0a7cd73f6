"""A database for each test, and a run to publish."""

from pathlib import Path

import pytest

from planner.outputs.run_folder import write_run
from planner.planning.result import Planned
from planner.publish.statements import Destination
from tests.postgres import database, server

__all__ = ["database", "server"]


@pytest.fixture
def to() -> Destination:
    return Destination()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, planned_tutorial: Planned) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("run") / "tutorial")
