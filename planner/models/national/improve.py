"""The incumbent of a nation improved as a whole: cheaper than solving any city.

Takes the search's incumbent, gives it one that serves more if annealing finds it; prices and bounds
stay. Where a relaxation is known, only sites that it opens in part are looked at: with all others
too the plan is no better for the same time. Leaves out plans of claimants, and limits other than
stations and money.
"""

from collections.abc import Callable

import numpy as np

from planner.arrays import FloatArray
from planner.models.exchanges.anneal import Effort, annealed
from planner.models.exchanges.placed import Ground, ground_of, place
from planner.models.national.first_plan import plans_by_city
from planner.models.national.state import NationalSearch, offer_chosen

FIRST_EFFORT = Effort(moves_per_site=120, hot_frac=0.2, cold_frac=4e-3)
"""On the sites that a relaxation opens, from a greedy plan; later the usual effort."""
LEAST_OPENING = 1e-3
"""Sites that a relaxation opens for less are not looked at."""


def improver(search: NationalSearch, opening: FloatArray | None) -> Callable[[], None]:
    """What improves the incumbent of a search whenever it is called and there is a new one.

    Parameters
    ----------
    search : NationalSearch
    opening : float array, shape (num_sites,), optional
        How far a relaxation opens each site; looked at the first time only.
    """
    grounds: list[Ground] = []
    known = -np.inf

    def improve() -> None:
        nonlocal known, opening
        if search.objective <= known or not search.unfinished():
            return
        if not grounds:
            grounds.append(ground_of(search.problem))
        found = annealed(
            place(grounds[0], search.sites, search.types),
            search.may_go_on,
            seed=search.options.seed,
            effort=Effort() if opening is None else FIRST_EFFORT,
            wanted=None if opening is None else opening > LEAST_OPENING,
        )
        opening = None
        plans = [search.add(plan) for plan in plans_by_city(search, found.site_idx, found.type_idx)]
        if offer_chosen(search, plans):
            search.chosen, search.settled = plans, True
        known = search.objective
        search.report("national", "stations moved all over the nation")

    return improve if _may_improve(search) else lambda: None


def _may_improve(search: NationalSearch) -> bool:
    """Whether the nation is worth it, and all that limits it is known to the annealing."""
    return (
        not search.claimants
        and search.problem.coverage.reach.num_entries > search.tuning.whole_arcs
        and set(search.resources.names) <= {"stations", "money"}
    )
