"""The tutorial with capacities that can be worked out by hand."""

import pytest

from planner.instance import Instance, read_instance
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from tests.conftest import TUTORIAL
from tests.scenarios import BY_HAND


@pytest.fixture(scope="session")
def tutorial() -> Instance:
    return read_instance(TUTORIAL, overrides=BY_HAND)


@pytest.fixture(scope="session")
def planned_tutorial(tutorial: Instance) -> Planned:
    return plan(tutorial)
