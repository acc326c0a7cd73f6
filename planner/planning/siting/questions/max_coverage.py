"""Most swaps served: the national siting model, with all that shares its limits."""

import math

from planner.models.national.solve import solve_national
from planner.planning.siting.question import Ask, Siting, SitingTask
from planner.plans.question import measure_asked


def _solve(task: SitingTask) -> Siting:
    found = solve_national(
        task.problem,
        task.options,
        claimants=task.claimants,
        start=None if task.earlier is None else task.earlier.end,
        on_progress=task.on_progress,
        stop=task.stop,
        executor=task.executor,
    )
    prices = dict(zip(found.resources, found.price.tolist(), strict=True))
    measure = measure_asked(task.instance.scenario)
    return Siting(
        sense=measure.sense,
        unit=measure.unit,
        status=found.proof.status,
        open_site_idx=found.open_site_idx,
        type_idx=found.type_idx if math.isfinite(task.problem.rules.budget) else None,
        objective=found.proof.objective,
        bound=found.proof.bound,
        gap_frac=found.proof.gap_frac,
        prices={f"{name}_swaps_per_day": price for name, price in prices.items()},
        wall_s=found.proof.wall_s,
        resource_price=prices,
        claimed=found.claimed,
        end=found.end,
    )


ASK = Ask(solve=_solve, depends_on_packs=True, counts_served=True)
