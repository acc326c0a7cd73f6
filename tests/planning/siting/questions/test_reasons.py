"""What each question says of its stations, on the tutorial, against the question asked anew."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.instance import Instance
from planner.models.reasons.parts import changed_locks
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.clock import StageClock
from planner.planning.joined_network import reach_on_network
from planner.planning.rounds import fit_packs_and_stations
from planner.planning.siting.question import SitingTask, ask_of
from planner.solving.options import SolveOptions

EXACT = SolveOptions(gap_frac=0.0, time_limit_s=60.0)
NONE = np.empty(0, np.int64)


def asking(instance: Instance, **siting: Any) -> Instance:
    changed = type(instance.scenario.siting).model_validate(
        {**instance.scenario.siting.model_dump(exclude={"unserved_min"}), **siting}
    )
    return replace(instance, scenario=instance.scenario.model_copy(update={"siting": changed}))


@pytest.mark.parametrize(
    "siting",
    [
        {"objective": "p_median", "num_stations": 2},
        {"objective": "set_cover", "num_stations": None, "cover_share_frac": 0.7},
        {"objective": "facility_location", "num_stations": 3, "budget_cny": 10e6},
    ],
    ids=lambda siting: siting["objective"],
)
def test_costs_are_those_of_the_question_asked_anew(
    tutorial: Instance, siting: dict[str, Any]
) -> None:
    instance = asking(tutorial, **siting)
    _, reach = reach_on_network(instance)
    fleet = operate_fleet(instance, city_climate(instance))
    fitted = fit_packs_and_stations(instance, fleet, reach, EXACT, StageClock())
    task = SitingTask(instance, fitted.siting_problem, reach, EXACT)
    ask, problem = ask_of(instance), fitted.siting_problem
    answer = ask.solve(task)
    found = ask.reasons(task, answer, fitted.allocation)
    assert found.open_site_idx.tolist() == answer.open_site_idx.tolist()
    compared = 0
    for sites, highs, lows, locked, is_removed in (
        (found.open_site_idx, found.replacement_cost, found.replacement_low, "forced", True),
        (found.closed_site_idx, found.force_in_cost, found.force_in_low, "forbidden", False),
    ):
        for site, high, low in zip(sites.tolist(), highs.tolist(), lows.tolist(), strict=True):
            if getattr(problem.rules, locked)[site]:
                assert math.isnan(high + low)
                continue
            assert 0.0 <= low <= high
            if math.isinf(high):
                continue
            locks = (np.array([site]), NONE) if is_removed else (NONE, np.array([site]))
            rules = changed_locks(problem.rules, *locks)
            coverage = replace(problem.coverage, rules=rules)
            anew = ask.solve(replace(task, problem=replace(problem, coverage=coverage)))
            loss = max(anew.objective - answer.objective, 0.0)
            close = 1e-6 * max(answer.objective, 1.0)
            exact = ask.without(task, answer, *locks)
            assert exact.high == pytest.approx(loss, abs=close)
            assert exact.low == pytest.approx(loss, abs=close)
            assert low - close <= loss <= high + close
            compared += 1
    assert compared > 0
