"""Plans for capacitated facility location: sets of stations changed one at a time.

What a set of stations costs is known from a minimum-cost flow. What it costs at least is known
beforehand: at multipliers l, m of the dual it is sum_i a_i l_i + m D + sum of v_jt over the set.
Moves (open, close, exchange, change the type) are tried in the order of that bound, and those
whose bound is not below the best cost so far are not tried at all.
"""

import math
from collections.abc import Callable

import numpy as np

from planner.problem import FacilityLocationProblem, FloatArray, IntArray

UNIT_SCALE = 1e6
"""The flow counts in whole units: this many of them are all demand."""
COST_SCALE = 1e7
"""And the dearest unit cost is this many."""


class FlowCosts:
    """Cost of serving all demand from given stations, in part and by several where that is cheap.

    Parameters
    ----------
    problem : FacilityLocationProblem
    pair_idx : int array
        Pairs that may be used.
    """

    def __init__(self, problem: FacilityLocationProblem, pair_idx: IntArray) -> None:
        self.problem = problem
        self.site = problem.site_idx[pair_idx].astype(np.int64)
        zone = np.repeat(np.arange(problem.num_zones), np.diff(problem.zone_ptr))[pair_idx]
        self.zones, self.node = np.unique(zone, return_inverse=True)
        demand = problem.demand[self.zones]
        whole = bool((demand % 1.0 == 0.0).all() and (problem.capacity % 1.0 == 0.0).all())
        self.unit = 1.0 if whole else UNIT_SCALE / max(float(demand.sum()), 1e-300)
        self.supply = np.floor(demand * self.unit).astype(np.int64)
        dearest = float(problem.unit_cost.max(initial=0.0))
        self.money = COST_SCALE / dearest if dearest > 0.0 else 1.0
        self.cost = np.rint(problem.unit_cost[pair_idx] * self.money).astype(np.int64)
        self.known: dict[bytes, float] = {}

    def of(self, stations: IntArray) -> float:
        """Fixed and transport cost of stations, coded as site * num_types + type; inf if too few.

        Rounded to whole units: good for comparing plans, not for reporting them.
        """
        key = np.sort(stations).tobytes()
        if key not in self.known:
            self.known[key] = self._flow(*np.divmod(stations, self.problem.num_types))
        return self.known[key]

    def _flow(self, site: IntArray, kind: IntArray) -> float:
        from ortools.graph.python import min_cost_flow

        problem = self.problem
        room = np.floor(problem.capacity[site, kind] * self.unit).astype(np.int64)
        if room.sum() < self.supply.sum():
            return math.inf
        position = np.full(problem.num_sites, -1)
        position[site] = np.arange(len(site))
        used = np.flatnonzero(position[self.site] >= 0)
        num_zones = len(self.zones)
        sink = num_zones + len(site)
        flow = min_cost_flow.SimpleMinCostFlow()
        flow.add_arcs_with_capacity_and_unit_cost(
            np.r_[self.node[used], num_zones + np.arange(len(site))],
            np.r_[num_zones + position[self.site[used]], np.full(len(site), sink)],
            np.r_[self.supply[self.node[used]], room],
            np.r_[self.cost[used], np.zeros(len(site), dtype=np.int64)],
        )
        flow.set_nodes_supplies(
            np.r_[np.arange(num_zones), sink], np.r_[self.supply, -self.supply.sum()]
        )
        if flow.solve() != flow.OPTIMAL:
            return math.inf
        fixed = float(problem.fixed_cost[site, kind].sum())
        return float(fixed + flow.optimal_cost() / self.money / self.unit)


def improve_stations(
    problem: FacilityLocationProblem,
    flows: FlowCosts,
    stations: IntArray,
    value: FloatArray,
    base: float,
    may_go_on: Callable[[], bool],
) -> IntArray:
    """Make the best-bounded moves that pay until none does.

    Parameters
    ----------
    problem : FacilityLocationProblem
    flows : FlowCosts
    stations : int array
        Stations to begin with, coded as site * num_types + type.
    value : float array, shape (num_sites, num_types)
        v_jt of the dual.
    base : float
        sum_i a_i l_i + m D of the dual.
    may_go_on : callable
        Asked before every flow.
    """
    worth = value.ravel()
    allowed = np.flatnonzero(np.repeat(~problem.forbidden, problem.num_types))
    best = flows.of(stations)
    improved = True
    while improved:
        improved = False
        for bound, entering, leaving in _moves(problem, stations, worth, allowed):
            if base + bound >= best:
                break
            if not may_go_on():
                return stations
            changed = _changed(stations, entering, leaving)
            cost = flows.of(changed)
            if cost < best * (1.0 - 1e-9):
                stations, best, improved = changed, cost, True
                break
    return stations


def _changed(stations: IntArray, entering: int, leaving: int) -> IntArray:
    kept = stations[stations != leaving]
    return kept if entering < 0 else np.append(kept, entering)


def _moves(
    problem: FacilityLocationProblem, stations: IntArray, worth: FloatArray, allowed: IntArray
) -> list[tuple[float, int, int]]:
    """Moves that keep locks, numbers and budget, by the bound of what they lead to."""
    num_types, total = problem.num_types, float(worth[stations].sum())
    fixed = problem.fixed_cost.ravel()
    spent = float(fixed[stations].sum())
    sites = set((stations // num_types).tolist())
    moves = []
    for leaving in [-1, *stations.tolist()]:
        for entering in [-1, *allowed.tolist()]:
            site = entering // num_types
            same = leaving >= 0 and site == leaving // num_types
            if entering == leaving or (entering >= 0 and site in sites and not same):
                continue
            if leaving >= 0 and problem.forced[leaving // num_types] and not same:
                continue
            count = len(stations) + (entering >= 0) - (leaving >= 0)
            if not problem.min_stations <= count <= problem.max_stations:
                continue
            change = (fixed[entering] if entering >= 0 else 0.0) - (
                fixed[leaving] if leaving >= 0 else 0.0
            )
            if spent + change > problem.budget:
                continue
            gain = (worth[entering] if entering >= 0 else 0.0) - (
                worth[leaving] if leaving >= 0 else 0.0
            )
            moves.append((total + float(gain), entering, leaving))
    moves.sort()
    return moves
