"""The tutorial's town in a market with passports."""

from dataclasses import replace

import pytest

from planner.instance import Instance
from tests.made_up_passports import DECLARATIONS, GATES, MATERIALS, PACKS


@pytest.fixture
def town(tutorial: Instance) -> Instance:
    return replace(
        tutorial,
        packs=tutorial.packs.merge(PACKS, on="pack_id"),
        gates=GATES.assign(source="by hand"),
        materials=MATERIALS.assign(source="by hand"),
        declarations=DECLARATIONS.assign(source="by hand"),
    )
