"""The check holds corridor stations to their capacity, however vehicles spread their swaps."""

import numpy as np
import pandas as pd
import pytest

from planner.errors import CheckError
from planner.instance import Instance
from planner.planning.corridors.check import check_corridors
from planner.planning.corridors.drive import drive, station_use
from planner.planning.corridors.station_load import overloads
from planner.plans import ModelResult
from planner.solving.status import Status
from tests.planning.corridors.test_corridors import Found, planned, road_instance


@pytest.fixture(scope="module")
def crowded(tutorial: Instance) -> tuple[Instance, Found]:
    instance = road_instance(tutorial, swap_share_frac=1.0, limit_capacity=True)
    return instance, planned(instance)


def stated(objective: float) -> ModelResult:
    return ModelResult(
        "corridors", "max", "vehicles/day", Status.OPTIMAL, objective, objective, 0.0, 0.0
    )


def check(instance: Instance, found: Found, driven_frac: np.ndarray) -> None:
    inputs, plan = found.inputs, found.solution
    names = pd.Series([inputs.roads.site_id[site] for site in plan.open_site_idx.tolist()])
    objective = float(driven_frac @ inputs.problem.value)
    check_corridors(instance, inputs, names, driven_frac, stated(objective))


def test_vehicles_may_swap_at_different_stations(crowded: tuple[Instance, Found]):
    instance, found = crowded
    driven_frac = found.solution.driven_frac
    assert driven_frac is not None
    driven = drive(instance, found.inputs, found.solution.open_site_idx, driven_frac)
    busiest = instance.scenario.corridors.holiday_factor * instance.scenario.demand.peak_hour_frac
    # All at the last station that they reach, they would fill it thrice over.
    assert (station_use(driven)[0] * busiest > 2 * found.inputs.roads.capacity).any()
    assert overloads(instance, driven) == []
    check(instance, found, driven_frac)


def test_more_trips_than_the_stations_can_do_fail_the_check(crowded: tuple[Instance, Found]):
    instance, found = crowded
    driven_frac = found.solution.driven_frac
    assert driven_frac is not None
    assert (driven_frac < 1).any()  # capacity binds
    capacity = found.inputs.roads.capacity[0]
    message = (
        r"corridor station R\S+ is to do \S+ swaps an hour in winter, its capacity is "
        rf"{capacity:.6g}"
    )
    for claimed in (np.minimum(1.001 * driven_frac, 1.0), np.ones(len(driven_frac))):
        with pytest.raises(CheckError, match=message):
            check(instance, found, claimed)


def test_seasons_do_not_load_a_station_together(crowded: tuple[Instance, Found]):
    instance, found = crowded
    driven_frac, season = found.solution.driven_frac, found.inputs.labels.season_idx
    assert driven_frac is not None
    beyond = np.where(season == 0, 1.0, driven_frac)  # winter claims too much, summer does not
    driven = drive(instance, found.inputs, found.solution.open_site_idx, beyond)
    assert {each.season for each in overloads(instance, driven)} == {"winter"}
