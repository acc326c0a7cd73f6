import math

import pytest

from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.search import SearchState
from planner.solving.status import Status, gap_frac


@pytest.mark.parametrize(
    "wrong",
    [
        {"gap_frac": -0.1},
        {"gap_frac": 1.5},
        {"gap_frac": math.nan},
        {"time_limit_s": 0.0},
        {"time_limit_s": -1.0},
        {"time_limit_s": math.nan},
        {"seed": -1},
        {"seed": 2**31},
        {"workers": 0},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, float]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SolveOptions(**wrong)


def test_default_options_are_valid():
    assert SolveOptions().gap_frac == 0.01
    assert SolveOptions(time_limit_s=math.inf).time_limit_s == math.inf


@pytest.mark.parametrize(
    ("objective", "bound", "sense", "expected"),
    [
        (99.0, 100.0, "max", 0.01),
        (110.0, 100.0, "min", 0.1),
        (100.0, 100.0, "max", 0.0),
        (100.1, 100.0, "max", 0.0),
        (99.9, 100.0, "min", 0.0),
        (0.0, 0.0, "max", 0.0),
        (0.0, 5.0, "max", 1.0),
        (-2.0, -1.0, "max", 1.0),
        (-1.0, 0.0, "max", math.inf),
        (1.0, 0.0, "min", math.inf),
        (None, 1.0, "max", math.inf),
        (1.0, None, "max", math.inf),
        (1.0, math.inf, "max", math.inf),
        (math.nan, 1.0, "max", math.inf),
    ],
)
def test_gap(objective, bound, sense, expected):
    assert gap_frac(objective, bound, sense=sense) == pytest.approx(expected)


def test_progress_knows_its_gap():
    assert Progress("bound", 99.0, 100.0, 1.0, "").gap_frac == pytest.approx(0.01)
    assert Progress("greedy", 99.0, None, 1.0, "").gap_frac == math.inf


def test_status_reads_as_its_name():
    assert f"{Status.NO_SOLUTION}" == "NO_SOLUTION"


class _Search(SearchState):
    best_objective = 1.0
    best_bound = 2.0


def test_report_ends_without_a_colon_where_a_solver_said_nothing():
    search = _Search(options=SolveOptions())
    search.report("exact", "4 sites, 12 pairs: ")
    search.report("exact", "4 sites, 12 pairs: optimal")
    assert [each.message for each in search.history] == [
        "4 sites, 12 pairs", "4 sites, 12 pairs: optimal",
    ]  # fmt: skip
