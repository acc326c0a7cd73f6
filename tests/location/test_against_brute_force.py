import math
from collections.abc import Callable

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.solving.status import Status
from tests.location.brute_force import (
    Question,
    covering_question,
    facility_question,
    p_median_question,
    set_cover_question,
)

CASES = 60


@pytest.mark.parametrize(
    "make", [p_median_question, set_cover_question, covering_question, facility_question]
)
def test_tiny_questions_are_answered_as_by_hand(make: Callable[[np.random.Generator], Question]):
    wrong = []
    for seed in range(CASES):
        ask, best = make(np.random.default_rng(seed))
        try:
            result = ask()
            found, status = result.objective, result.status
        except InfeasibleError:
            found, status = math.inf, Status.INFEASIBLE
        expected = Status.OPTIMAL if math.isfinite(best) else Status.INFEASIBLE
        if status is not expected or not math.isclose(found, abs(best), rel_tol=1e-7):
            wrong.append((seed, status, found, best))
    assert not wrong
