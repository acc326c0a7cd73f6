"""What a search over futures knows so far: payoffs of plans, cuts, each future's best."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import FloatArray
from planner.limits import within
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.solution import PhasedPlan, PhasedStart
from planner.models.robust.futures import Futures
from planner.models.robust.measure import Interval, Measure, bound_of_cut, score, share_of_best
from planner.models.robust.payoff import Payoff, payoff_of
from planner.models.robust.program import Cut, cut_weights
from planner.models.robust.tuning import Tuning
from planner.solving.search import SearchState

SAME_WEIGHT = 1e-9


@dataclass(kw_only=True)
class RobustSearch(SearchState):
    """The only state that changes during a search.

    Attributes
    ----------
    problem : PhasedProblem
    futures : Futures
    measure : Measure
    tuning : Tuning
    lower, upper : float arrays, shape (num_futures,)
        V*_s lies between.
    payoffs : list of Payoff
        All plans met.
    cuts : list of Cut
    ends : list of PhasedStart
        Where the solve behind each cut ended.
    mean : Payoff, optional
        The plan for mean values; on a tree with what is best after the news.
    of_mean : Interval, optional
        What it serves on average, and on a tree what no plan with its openings before the news
        passes.
    """

    problem: PhasedProblem
    futures: Futures
    measure: Measure
    tuning: Tuning
    lower: FloatArray
    upper: FloatArray
    payoffs: list[Payoff] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    ends: list[PhasedStart] = field(default_factory=list)
    mean: Payoff | None = None
    of_mean: Interval | None = None

    @property
    def best_objective(self) -> float | None:
        """Score that the best plan is proven to have."""
        if not self.payoffs:
            return None
        proven = self.score_interval(self.measure, self.payoffs[self.best_position]).low
        return proven if math.isfinite(proven) else None

    @property
    def best_bound(self) -> float:
        """No plan scores more."""
        return self.bound_of(self.measure)

    @property
    def not_known(self) -> float:
        """Width of the score, as a share of it; of the mean value if regret is a value."""
        if self.measure.kind != "regret" or self.measure.relative or not self.payoffs:
            return self.gap_frac
        missing = self.best_bound - (self.best_objective or 0.0)
        mean = math.fsum(self.futures.probability * self.lower)
        return missing / mean if mean > 0.0 else 0.0

    def unfinished(self) -> bool:
        """Whether the clock, the caller and the gap ask for more."""
        return self.not_known > self.options.gap_frac and self.may_go_on()

    def add(self, plan: PhasedPlan) -> Payoff | None:
        """What a plan of the search serves in every future; None if it breaks a limit."""
        for known in self.payoffs:
            if np.array_equal(known.plan.site_idx, plan.site_idx) and np.array_equal(
                known.plan.size, plan.size
            ):
                return known
        payoff = payoff_of(self.problem, self.futures, plan)
        available = np.array([each.available(self.problem.tree) for each in self.problem.limits])
        if not within(payoff.city_use.sum(axis=0), available).all():
            return None
        self.payoffs.append(payoff)
        self.lower = np.maximum(self.lower, payoff.value)
        return payoff

    def take_mean(self, plan: PhasedPlan, bound: float | None) -> None:
        """The plan for mean values, and the most that one with its first openings serves."""
        self.mean = self.add(plan)
        if self.mean is not None:
            served = math.fsum(self.futures.probability * self.mean.value)
            self.of_mean = Interval(served, served if bound is None else max(bound, served))

    def add_cut(self, weight: FloatArray, bound: float, end: PhasedStart) -> None:
        """A bound of the problem with weighted futures; weights add up to 1."""
        self.cuts.append(Cut(weight, bound))
        self.ends.append(end)
        counts = weight > 0.0
        most = np.divide(bound, weight, out=np.full(len(weight), math.inf), where=counts)
        self.upper = np.minimum(self.upper, most)

    @property
    def known_bests(self) -> tuple[FloatArray, FloatArray]:
        """Ends of V*_s; crossed by rounding they are one."""
        return self.lower, np.maximum(self.upper, self.lower)

    def score_interval(self, measure: Measure, payoff: Payoff) -> Interval:
        """Score of a plan: known to lie between."""
        lower, upper = self.known_bests
        probability = self.futures.probability
        return Interval(
            score(measure, payoff.value, probability, upper),
            score(measure, payoff.value, probability, lower),
        )

    @property
    def best_position(self) -> int:
        """The plan that is proven to score most, then on average; next, that comes nearest."""
        _, upper = self.known_bests
        probability = self.futures.probability

        def rank(position: int) -> tuple[float, float, float]:
            value = self.payoffs[position].value
            proven = score(self.measure, value, probability, upper)
            nearest = float(share_of_best(value, upper).min()) if math.isinf(proven) else 0.0
            return proven, nearest, math.fsum(probability * value)

        return max(range(len(self.payoffs)), key=rank)

    def best_at(self, weight: FloatArray) -> Payoff:
        """The plan known that serves most at these weights."""
        return max(self.payoffs, key=lambda payoff: float(payoff.value @ weight))

    def combined(self, measure: Measure) -> Cut | None:
        """The sum of all cuts that bounds a measure best; its weights add up to 1."""
        if not self.cuts:
            return None
        lower, upper = self.known_bests
        shares = cut_weights(measure, self.cuts, self.futures.probability, lower, upper)
        weight = np.array([cut.weight for cut in self.cuts]).T @ shares
        total = math.fsum(weight)
        if not total > 0.0:
            return None
        bound = math.fsum(share * cut.bound for share, cut in zip(shares, self.cuts, strict=True))
        return Cut(weight, bound)

    def bound_of(self, measure: Measure) -> float:
        """No plan has a greater score: by the cuts together and one by one."""
        lower, upper = self.known_bests
        joint = self.combined(measure)
        candidates = [*self.cuts, *([joint] if joint is not None else [])]
        bounds = [
            bound_of_cut(measure, cut.weight, cut.bound, self.futures.probability, lower, upper)
            for cut in candidates
        ]
        greatest = score(measure, upper, self.futures.probability, lower)
        if measure.kind == "regret":
            greatest = 1.0 if measure.relative else 0.0
        return min([*bounds, greatest])

    def start_for(self, weight: FloatArray) -> PhasedStart | None:
        """What a solve at these weights starts from: the best plan there, the nearest prices."""
        if not self.ends:
            return None
        far = [float(np.abs(cut.weight - weight).sum()) for cut in self.cuts]
        return replace(self.ends[int(np.argmin(far))], plan=self.best_at(weight).plan)

    def is_closed(self, weight: FloatArray) -> bool:
        """Whether nothing is left to learn at these weights."""
        known = float(self.best_at(weight).value @ weight)
        return any(
            float(np.abs(cut.weight - weight).sum()) <= SAME_WEIGHT
            and cut.bound <= known * (1.0 + self.options.gap_frac * self.tuning.gap_share + 1e-9)
            for cut in self.cuts
        )
