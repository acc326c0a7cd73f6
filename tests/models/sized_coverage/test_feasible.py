import pytest

from planner.errors import InfeasibleError
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.solve import solve_sized_coverage
from planner.solving.options import SolveOptions
from tests.models.sized_coverage.sized_cases import sized_problem


def three_sites(**limits: object) -> SizedCoverageProblem:
    return sized_problem(
        [1.0, 2.0], [1.0, 1.0], [[0], [0, 1], [1]], [[1.0, 2.0]] * 3,
        [[30e6, 40e6], [32e6, 40e6], [50e6, 60e6]], **limits,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"num_stations": -1}, r"-1 stations, below zero"),
        ({"budget": -5e6}, r"budget is -5 M, below zero"),
        ({"forced": {0, 1}, "num_stations": 1}, r"2 sites are forced open.*allows 1 stations"),
        ({"forced": {0, 1}, "budget": 50e6}, r"committed stations cost 62 M, budget 50 M"),
        (
            {"city": [0, 0, 1], "minima": [1, 1], "budget": 70e6},
            r"forced sites and city minima cost 80 M, budget 70 M",
        ),
        ({"minima": [4]}, r"city 0: minimum 4 exceeds its 3 usable sites"),
        ({"minima": [2], "forbidden": {0, 1}}, r"city 0: minimum 2 exceeds its 1 usable sites"),
        ({"minima": [2], "maxima": [1]}, r"city 0: minimum 2 exceeds maximum 1"),
        ({"forced": {0, 1}, "maxima": [1]}, r"city 0: 2 sites are forced open, its maximum is 1"),
        (
            {"city": [0, 0, 1], "minima": [1, 1], "num_stations": 1},
            r"take 2 stations, but the budget allows 1",
        ),
    ],
)
def test_reason_of_infeasibility_is_named(limits: dict[str, object], reason: str):
    with pytest.raises(InfeasibleError, match=reason):
        solve_sized_coverage(three_sites(**limits), SolveOptions())


def test_forced_site_that_no_type_fits_is_named():
    problem = sized_problem([1.0], [1.0], [[0], [0]], [[0.0], [1.0]], [[1.0], [1.0]], forced={0})
    with pytest.raises(InfeasibleError, match=r"no station type fits site 0, which is forced"):
        solve_sized_coverage(problem, SolveOptions())
