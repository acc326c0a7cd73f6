"""The tutorial instance, read once, and copies of its folder to be broken."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from planner.instance import Instance, read_instance
from planner.planning.pipeline import plan
from planner.planning.result import Planned

ROOT = Path(__file__).parents[1]
# Runs keep nothing for each other, and leave the user's kept arrays alone.
os.environ["PLANNER_CACHE"] = ""
# A busy machine is no fault of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
TUTORIAL = ROOT / "instances" / "tutorial"

# Several folders have one; as modules with doctests they would be taken for each other.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


@pytest.fixture(scope="session")
def tutorial() -> Instance:
    return read_instance(TUTORIAL)


@pytest.fixture(scope="session")
def planned_tutorial(tutorial: Instance) -> Planned:
    return plan(tutorial)


@pytest.fixture
def tutorial_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TUTORIAL, tmp_path / "tutorial"))
