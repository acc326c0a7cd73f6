"""Costs against a plan that was not improved, and what moves between two plans."""

import math

import numpy as np
import pytest

from planner.models.allocation.solve import Allocation
from planner.models.reasons.result import SiteReasons, Stations
from planner.planning.reasons.moved import what_moves
from planner.planning.reasons.stations import against_plan


def _reasons(improved: Stations | None) -> SiteReasons:
    """Sites 0 and 2 open, 1 and 3 closed."""
    return SiteReasons(
        open_site_idx=np.array([0, 2]),
        replacement_cost=np.array([5.0, 2.0]),
        replacement_low=np.array([4.0, 1.0]),
        next_best_idx=np.array([1, 3]),
        moved=np.zeros(2),
        closed_site_idx=np.array([1, 3]),
        force_in_cost=np.array([3.0, math.nan]),
        force_in_low=np.array([2.0, math.nan]),
        leaving_idx=np.array([2, -1]),
        applied=0 if improved is None else 1,
        improved=improved,
    )


def test_costs_against_the_plan_itself_stand() -> None:
    told = against_plan(_reasons(None), np.array([0, 2]), 4)
    assert told.replacement_low.tolist() == [4.0, 1.0]
    assert told.next_best_idx.tolist() == [1, 3]
    assert told.leaving_idx.tolist() == [2, -1]
    assert told.left == 0


def test_a_plan_that_could_be_improved_has_no_lower_ends() -> None:
    # The plan has 1 where the better one has 2.
    told = against_plan(_reasons(Stations(np.array([0, 2]), None)), np.array([0, 1]), 4)
    assert told.replacement_cost.tolist() == [5.0, 0.0]  # without 1: the better plan
    assert told.replacement_low.tolist() == [0.0, 0.0]
    assert told.next_best_idx.tolist() == [-1, -1]  # 1 is open in this plan
    assert told.closed_site_idx.tolist() == [2, 3]
    np.testing.assert_equal(told.force_in_cost, [0.0, math.nan])
    assert told.leaving_idx.tolist() == [-1, -1]
    assert told.left == 1


def _allocation(*parts: tuple[int, int, float, float]) -> Allocation:
    zone, station, share, minutes = (np.array(each) for each in zip(*parts, strict=True))
    return Allocation(zone, station, share.astype(float), minutes.astype(float), np.zeros(2))


def test_what_moves_is_told_zone_by_zone() -> None:
    value = np.array([10.0, 20.0, 30.0, 40.0])
    before = _allocation((0, 0, 1, 2), (1, 0, 1, 3), (2, 1, 1, 1))
    after = _allocation((1, 0, 1, 5), (2, 1, 1, 1), (3, 0, 0.5, 2))
    # Station 0 is at site 0, then at site 7: zone 0 is lost, zone 1 moves, half of zone 3 is won.
    moved = what_moves(value, (np.array([0, 4]), before), (np.array([7, 4]), after))
    # `after` numbers stations 0 -> site 7, 1 -> site 4.
    assert (moved.lost_zones, moved.gained_zones, moved.kept_zones) == (1, 1, 1)
    assert moved.lost_swaps_per_day == pytest.approx(10.0)
    assert moved.moved_swaps_per_day == pytest.approx(20.0)
    assert moved.minutes_added == pytest.approx(2.0)


def test_nothing_moves_between_equal_plans() -> None:
    same = np.array([0, 4]), _allocation((0, 0, 1, 2), (2, 1, 1, 1))
    moved = what_moves(np.array([10.0, 20.0, 30.0]), same, same)
    assert moved[:5] == (0, 0, 0, 0.0, 0.0)
    assert math.isnan(moved.minutes_added)
