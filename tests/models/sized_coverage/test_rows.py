from planner.models.sized_coverage.rows import merge_sized_rows
from tests.models.sized_coverage.sized_cases import (
    sized_problem,
)


def test_rows_merge_zones_alike_in_reach_and_ratio_only():
    problem = sized_problem(
        [1.0, 2.0, 1.0, 0.0, 1.0], [0.5, 1.0, 1.0, 1.0, 0.5],
        [[0, 1, 2, 3], [4]], [[2.0, 9.0], [0.2, 0.3]], [[1.0, 2.0]] * 2,
    )  # fmt: skip
    rows = merge_sized_rows(problem)
    assert rows.row_of_zone.tolist() == [0, 0, 1, -1, 2]
    assert rows.value.tolist() == [3.0, 1.0, 1.0]
    assert rows.load.tolist() == [1.5, 1.0, 0.5]
    # More than what is within reach is never used.
    assert rows.capacity.tolist() == [2.0, 2.5, 0.2, 0.3]


def test_load_is_forgotten_where_no_station_can_be_full():
    problem = sized_problem(
        [1.0, 2.0, 1.0], [0.5, 0.1, 1.0], [[0, 1], [2]], [[0.6], [0.9]], [[1.0], [1.0]]
    )
    rows = merge_sized_rows(problem)
    assert rows.row_of_zone.tolist() == [0, 0, 1]
    assert rows.load.tolist() == [0.0, 1.0]


def test_dominated_types_are_dropped():
    problem = sized_problem(
        [1.0], [1.0], [[0], [0]], [[1.0, 5.0, 0.5], [0.0, 5.0, 0.5]], [[2.0, 3.0, 3.0]] * 2
    )
    rows = merge_sized_rows(problem)
    assert list(zip(rows.option_site.tolist(), rows.option_type.tolist(), strict=True)) == [
        (0, 0),
        (1, 1),
    ]
    free = merge_sized_rows(problem, money_matters=False)
    assert free.option_type.tolist() == [0, 1]
