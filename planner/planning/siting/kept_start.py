"""Where the siting search of one run ended, kept as the start of the next one of the same covering.

Takes the problem of a run's first round and the answer of its last, gives a start whose prices are
scaled to what is asked for now. A start only has to be near: any prices prove a bound, which the
search computes anew, as it does what the stations serve.
"""

import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.models.national.state import NationalStart
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.planning.array_cache import ArrayCache, content_key
from planner.planning.siting.question import Siting

NEAR_GAP_FRAC = 0.0075
"""Kept prices are taken up to this gap between their bound and what the kept stations serve; own
first prices are sought otherwise. Scenarios of china-140 that ask for much the same stay below it,
with a bound as good as that of own first prices (0.38 and 0.58 %); where another mix of vehicles
asks elsewhere (0.97 and 2.6 %), own first prices are better by 0.6 % and more."""


@dataclass(frozen=True)
class KeptStart:
    """A `NationalStart` without what only a search of the same values could trust.

    Attributes
    ----------
    site_idx, type_idx : int arrays, shape (num_open,)
    price, multiplier, share : float arrays
    value : float array, shape (1,)
        Sum over all zones, to which prices and multipliers belong.
    """

    site_idx: IntArray
    type_idx: IntArray
    price: FloatArray
    multiplier: FloatArray
    share: FloatArray
    value: FloatArray


def kept_start(
    instance: Instance, problem: SizedCoverageProblem, cache: ArrayCache
) -> NationalStart | None:
    """Where an earlier run of the same question and covering ended, if one is kept.

    Parameters
    ----------
    instance : Instance
        Its scenario has the question.
    problem : SizedCoverageProblem
    cache : ArrayCache
    """
    kept = cache.take(KeptStart, _key(instance, problem))
    if kept is None:
        return None
    cache.record(KeptStart)
    now, then = math.fsum(problem.coverage.value), float(kept.value.sum())
    scale = now / then if then > 0 else 1.0
    return NationalStart(
        site_idx=kept.site_idx,
        type_idx=kept.type_idx,
        best_site_idx=np.empty(0, np.int64),
        best_type_idx=np.empty(0, np.int64),
        claimed=(),
        price=kept.price * scale,
        multiplier=kept.multiplier * scale,
        share=np.clip(kept.share, 0.0, 1.0),
        cover_bound=np.empty(0),
        covering=b"",
        of="an earlier run",
        most_gap_frac=NEAR_GAP_FRAC,
    )


def keep_start(
    instance: Instance, problem: SizedCoverageProblem, siting: Siting, cache: ArrayCache
) -> None:
    """Keep where a run's search ended, with its final stations, in place of an earlier one.

    Parameters
    ----------
    instance : Instance
    problem, siting : SizedCoverageProblem, Siting
        Of the last round; nothing is kept of a search without prices, nor of one that shared its
        limits with others.
    cache : ArrayCache
    """
    end, sites = siting.end, siting.open_site_idx.astype(np.int64)
    if end is None or siting.claimed:
        return
    types = siting.type_idx
    if types is None:  # sizes cost nothing: the largest that fits
        types = problem.capacity[sites].argmax(axis=1)
    cache.keep(
        _key(instance, problem),
        KeptStart(
            site_idx=sites,
            type_idx=types.astype(np.int64),
            price=end.price,
            multiplier=end.multiplier,
            share=end.share,
            value=np.array([math.fsum(problem.coverage.value)]),
        ),
    )


def _key(instance: Instance, problem: SizedCoverageProblem) -> str:
    """Of who reaches whom, which stations fit where, and how many: not of loads, values, costs."""
    reach, rules = problem.coverage.reach, problem.rules
    cities = rules.cities_or_one()
    return content_key(
        "start", instance.scenario.siting.objective, problem.coverage.num_zones, reach.ptr,
        reach.idx, problem.capacity > 0, rules.forced, rules.forbidden, rules.most, rules.budget,
        cities.city_idx, cities.min_stations, cities.max_stations,
    )  # fmt: skip
