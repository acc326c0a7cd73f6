from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.solving.rules import CityLimits
from tests.models.refuelling.test_solve import flow_problem


def small() -> FlowRefuellingProblem:
    return flow_problem([(3.0, 0, [[0], [1]]), (2.0, 1, [[1]])], 2, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: {"value": -p.value}, "value must be finite and >= 0"),
        (lambda p: {"flow_idx": p.flow_idx[:1]}, "flow_idx must have one entry per path"),
        (lambda p: {"capacity": p.capacity[:1]}, "one entry per site"),
        (lambda p: {"capacity": -p.capacity}, "capacity and budget must be >= 0"),
        (lambda p: {"rules": replace(p.rules, budget=-1.0)}, "capacity and budget must be >= 0"),
        (lambda p: {"rules": replace(p.rules, least=1)}, "neither a least number"),
        (
            lambda p: {
                "rules": replace(
                    p.rules,
                    cities=CityLimits(np.zeros(2, dtype=np.int32), np.array([0]), np.array([1])),
                )
            },
            "neither a least number",
        ),
        (lambda p: {"needs": Lists.of([[0, 9], [1]])}, r"needs: entries must lie in \[0, 3\)"),
        (lambda p: {"members": Lists.of([[0], [1], [2]])}, r"members: entries .* \[0, 2\)"),
        (lambda p: {"is_return": p.is_return[:1]}, "one entry per member of a set"),
    ],
)
def test_malformed_problems_are_refused(
    change: Callable[[FlowRefuellingProblem], dict[str, object]], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(small(), **change(small()))


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        small().members.idx[0] = 1
