import numpy as np
import pytest

from planner.arrays import Lists
from planner.solving.areas import AreaAnswer, gain_by_areas, halved_areas


def ladder(num_rows: int) -> Lists:
    """Rows in a line, each within reach of its own site and the next two."""
    return Lists.of([[row, row + 1, row + 2] for row in range(num_rows)])


def test_a_line_is_cut_where_half_the_weight_is():
    weight = np.ones(64)
    weight[:8] = 6.9  # with row 8 or without, half of 111.2
    area = halved_areas(ladder(64), 66, weight, 1)
    assert len(set(area[:8].tolist())) == 1
    assert len(set(area[9:].tolist())) == 1
    assert area[0] != area[-1]


def test_halves_of_halves_share_their_first_digits():
    once, twice = (halved_areas(ladder(80), 82, np.ones(80), halvings) for halvings in (1, 2))
    assert (twice >> 1).tolist() == once.tolist()
    assert np.bincount(twice, minlength=4).min() >= 18


def test_rows_that_share_no_sites_are_parted_and_few_rows_as_they_come():
    apart = Lists.of([[row % 2 * 10 + (row // 2) % 10] for row in range(40)])
    assert np.bincount(halved_areas(apart, 20, np.ones(40), 1)).tolist() == [20, 20]
    assert halved_areas(Lists.of([[0], [0], [0], [0]]), 1, np.zeros(4), 1).tolist() == [0, 0, 1, 1]


def test_only_areas_solved_to_the_end_are_joined():
    area_of_row = np.arange(4)
    asked: list[tuple[list[int], float]] = []

    def answer(rows, share):
        members = np.flatnonzero(rows).tolist()
        asked.append((members, share))
        return AreaAnswer(float(len(members)) ** 2, exact=members != [3])

    assert gain_by_areas(area_of_row, 2, answer, lambda: True) == 4.0 + 2.0
    assert [members for members, _ in asked] == [[0], [1], [2], [3], [0, 1]]
    assert asked[0][1] == pytest.approx(0.125)


def test_what_is_known_is_told_when_time_is_over():
    left = iter([True, True, False])
    gain = gain_by_areas(
        np.arange(4), 2, lambda rows, share: AreaAnswer(1.5, True), lambda: next(left)
    )
    assert gain == 3.0
