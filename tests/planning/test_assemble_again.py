"""The pack problem for other stations is the one that would be assembled anew."""

from dataclasses import replace

import numpy as np
import pytest

from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.packs import StationAnswer, assemble_again, assemble_pack_assignment
from tests.markets import QUARTERS, buyers, two_markets


def _without_contracts(instance: Instance) -> Instance:
    asked = ("grid", None, "ess", QUARTERS[1], 1.0, "price", 90.0)
    return replace(instance, other_buyers=buyers(asked))


def _out_of_reach(instance: Instance) -> Instance:
    """A contract that no source can serve."""
    asked = ("grid", None, "ess", QUARTERS[0], 1.0, "contract", None)
    return replace(instance, supply=instance.supply.iloc[:0], other_buyers=buyers(asked))


@pytest.mark.parametrize("changed", [lambda towns: towns, _without_contracts, _out_of_reach, None])
def test_every_number_is_that_of_the_problem_assembled_anew(
    tutorial: Instance, changed: object
) -> None:
    instance = changed(two_markets(tutorial)) if callable(changed) else tutorial
    fleet = operate_fleet(instance, city_climate(instance))
    before = StationAnswer.everywhere(instance)
    random = np.random.default_rng(7)
    other = StationAnswer(
        served_frac=0.5 * before.served_frac,
        capacity_cny=random.uniform(0, 900, before.capacity_cny.shape),
        road_kwh_per_day=random.uniform(0, 3, before.road_kwh_per_day.shape),
        per_turning=random.uniform(0.5, 9, before.per_turning.shape),
        per_turning_on_road=random.uniform(0.5, 9, before.per_turning_on_road.shape),
    )
    problem, labels = assemble_pack_assignment(instance, fleet, before)
    again = assemble_again(instance, fleet, other, problem, labels)
    # And once more, from a problem that was itself made so: no price of a contract is left over.
    back = assemble_again(instance, fleet, before, again, labels)
    for found, stations in ((again, other), (back, before)):
        anew, _ = assemble_pack_assignment(instance, fleet, stations)
        for name, values in vars(anew).items():
            if name != "supply":
                np.testing.assert_array_equal(getattr(found, name), values, name)
        for name, values in vars(anew.supply).items():
            np.testing.assert_array_equal(getattr(found.supply, name), values, name)
