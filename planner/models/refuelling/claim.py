"""What corridors offer for stations and money at national prices.

At prices pi_j of the stations at the sites (of a station, and of its money) corridors solve

    max  sum_r v_r u_r - sum_j pi_j y_j     within (1) to (3) of `planner.models.refuelling.solve`,

whose relaxation tells about how many stations the prices ask for, p. Multipliers found at any
prices bound it at all others: with m_j and L_r of ``planner.models.refuelling.dual``

    (A)  U(pi) = sum_q max(0, max_{r of q} v_r - L_r) + max {sum_j (m_j - pi_j) y_j: (3)},

the least over all multipliers known. Plans come from annealing at p and numbers near it. With
capacities a plan counts what its stations can really serve; the bound leaves capacities out.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.national.claims import ClaimPlan
from planner.models.refuelling.capacity import driven_flows
from planner.models.refuelling.dual import FlowDual, bound_at, improve_bound
from planner.models.refuelling.presolve import reduce_flows
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.models.refuelling.search import anneal_plan, plan_value, round_opening, search_tables
from planner.models.refuelling.tuning import DEFAULT, Tuning
from planner.solving.compiling import work_s
from planner.solving.progress import StopRequest

STATIONS, MONEY = "stations", "money"
"""Names of the resources that corridors take."""


class RefuellingClaim:
    """Corridors as a claimant of the national limits (`planner.models.national.claims`).

    Parameters
    ----------
    problem : FlowRefuellingProblem
        Its own limits hold beside the national ones; values in units of the national objective.
    seed : int
    time_limit_s : float
        For every answer; what is known by then is offered.
    stop : StopRequest, optional
    tuning : Tuning, optional
    """

    name = "corridors"

    def __init__(
        self,
        problem: FlowRefuellingProblem,
        *,
        seed: int = 0,
        time_limit_s: float = math.inf,
        stop: StopRequest | None = None,
        tuning: Tuning = DEFAULT,
    ) -> None:
        self.problem, self.rows = problem, reduce_flows(problem)
        self._tables = search_tables(self.rows)
        self._tuning = tuning
        self._seed, self._time_limit_s, self._stop = seed, time_limit_s, stop
        self._duals: list[FlowDual] = []
        self._relaxed_at: tuple[FloatArray, int] | None = None
        self._offers: tuple[FloatArray, list[ClaimPlan]] | None = None
        self._plans: dict[int, BoolArray] = {}
        self._forced_cost = math.fsum(problem.rules.cost[problem.rules.forced])

    def least_plan(self) -> ClaimPlan:
        """Existing stations alone."""
        return self._offer(np.zeros(self.rows.num_sites, dtype=np.bool_))

    def bound(self, price: Mapping[str, float]) -> float:
        """The least of (A) over the multipliers known; all values, if there are none."""
        paid, forced = self._site_price(price), self._forced_price(price)
        bounds = [
            bound_at(self.rows, dual.path_slack, dual.site_worth, paid) for dual in self._duals
        ]
        return min([self.rows.total_value, *bounds]) - forced

    def demand(self, price: Mapping[str, float]) -> dict[str, float]:
        """What corridors take at these prices, about."""
        most = min(max(self.rows.num_stations, 0), self.rows.num_sites)
        if most == 0 or self.rows.num_paths == 0:
            return dict(self.least_plan().use)
        dual = self._relax(self._site_price(price), self._tuning.rough_looks, lambda: False)
        opened = dual.opening * min(most / max(float(dual.opening.sum()), 1.0), 1.0)
        least = self.least_plan().use
        return {
            STATIONS: least[STATIONS] + float(opened.sum()),
            MONEY: least[MONEY] + float(opened @ self.rows.cost),
        }

    def answer(self, price: Mapping[str, float]) -> list[ClaimPlan]:
        """Plans of the number of stations that the prices ask for, and of numbers near it."""
        started = work_s()
        rows, paid = self.rows, self._site_price(price)
        most = min(max(rows.num_stations, 0), rows.num_sites)
        if most == 0 or rows.num_paths == 0:
            return [self.least_plan()]
        if self._offers is not None and np.array_equal(self._offers[0], paid):
            return self._offers[1]

        def late() -> bool:
            stopped = self._stop is not None and self._stop.is_set()
            return stopped or work_s() - started > self._time_limit_s

        dual = self._relax(paid, self._tuning.plan_looks, late)
        number = max(min(round(float(dual.opening.sum())), most), 1)
        best = self._improve_plan(number, self._start(number), self._tuning.first_moves, 1.0)
        offers = [self._offer(best)]
        for frac in self._tuning.around_frac:
            near = min(
                max(number + (math.ceil if frac > 0 else math.floor)(frac * number), 0), most
            )
            if near != number and not late():
                start = self._fewer(best, near)
                offers.append(
                    self._offer(self._improve_plan(near, start, self._tuning.near_moves, 0.2))
                )
        self._offers = paid, offers
        return offers

    def plan_for(self, number: int) -> ClaimPlan:
        """A good plan of so many stations, forced ones included, near the prices asked last."""
        free = max(min(number - self.problem.rules.num_forced, self.rows.num_stations), 0)
        if free == 0 or not self._duals:
            return self.least_plan()
        start = self._fewer(self._start(free), free)
        return self._offer(self._improve_plan(free, start, self._tuning.last_moves, 1.0))

    def bound_for(self, number: int) -> float:
        """No plan of so many stations is worth more."""
        free = max(number - self.problem.rules.num_forced, 0)
        if free == 0:
            return self.least_plan().value
        rows = replace(self.rows, num_stations=min(free, self.rows.num_stations))
        bounds = [bound_at(rows, dual.path_slack, dual.site_worth) for dual in self._duals]
        return min([self.rows.total_value, *bounds])

    def plan_of(self, site_idx: IntArray) -> ClaimPlan:
        """Some open sites as a plan."""
        is_open = np.zeros(self.problem.num_sites, dtype=np.bool_)
        is_open[site_idx] = True
        driven = driven_flows(self.problem, is_open)
        return ClaimPlan(
            site_idx=np.flatnonzero(is_open),
            value=math.fsum((driven * self.problem.value).tolist()),
            use={
                STATIONS: float(is_open.sum()),
                MONEY: math.fsum(self.problem.rules.cost[is_open].tolist()),
            },
        )

    def _site_price(self, price: Mapping[str, float]) -> FloatArray:
        return np.asarray(price.get(STATIONS, 0.0) + price.get(MONEY, 0.0) * self.rows.cost)

    def _forced_price(self, price: Mapping[str, float]) -> float:
        num_forced = self.problem.rules.num_forced
        return price.get(STATIONS, 0.0) * num_forced + price.get(MONEY, 0.0) * self._forced_cost

    def _relax(self, paid: FloatArray, num_looks: int, late: Callable[[], bool]) -> FlowDual:
        """Multipliers at these prices, or at those asked last if they are nearly the same."""
        if self._relaxed_at is not None:
            before, looks = self._relaxed_at
            near = (np.abs(paid - before) <= self._tuning.same_price_frac * before).all()
            if near and num_looks <= looks:
                return self._duals[-1]
        self._relaxed_at = paid, num_looks
        last = math.inf
        points = improve_bound(self.rows, paid, self._duals[-1] if self._duals else None)
        for look, dual in enumerate(points, start=1):
            close = False
            if look % self._tuning.check_looks == 0:
                close = last - dual.bound <= self._tuning.close_frac * abs(dual.bound)
                last = dual.bound
            if close or look >= num_looks or late():
                self._duals.append(dual)
                return dual
        raise AssertionError

    def _start(self, number: int) -> BoolArray:
        """The best plan known of so many free stations, or what the relaxation opens."""
        rows = replace(self.rows, num_stations=number)
        rounded = round_opening(rows, self._duals[-1].opening)
        known = self._plans.get(number, rounded)
        return known if plan_value(rows, known) >= plan_value(rows, rounded) else rounded

    def _fewer(self, plan: BoolArray, number: int) -> BoolArray:
        """The plan without those stations that the multipliers value least."""
        excess = int(plan.sum()) - number
        fewer = plan.copy()
        if excess > 0:
            is_open = np.flatnonzero(plan)
            worth = self._duals[-1].site_worth[is_open]
            fewer[is_open[np.argsort(worth, kind="stable")[:excess]]] = False
        return fewer

    def _improve_plan(
        self, number: int, start: BoolArray, num_moves: int, heat: float
    ) -> BoolArray:
        rows = replace(self.rows, num_stations=number)
        worth = self._duals[-1].site_worth
        last_in = np.sort(worth)[-min(max(number, 1), rows.num_sites)]
        least = self._tuning.candidate_worth_frac * last_in
        plan = anneal_plan(
            rows, self._tables, start, np.flatnonzero(worth >= least),
            num_moves=num_moves, heat=heat, seed=self._seed,
        )  # fmt: skip
        self._plans[number] = max(
            (plan, start, self._plans.get(number, start)), key=lambda each: plan_value(rows, each)
        )
        return self._plans[number]

    def _offer(self, plan: BoolArray) -> ClaimPlan:
        is_open = self.problem.rules.forced.copy()
        is_open[self.rows.site_idx[plan]] = True
        return self.plan_of(np.flatnonzero(is_open))
