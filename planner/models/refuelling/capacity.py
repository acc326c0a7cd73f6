"""What stations of finite capacity refuel, and how much any others can.

Paths r of flows q, cover sets S, sites j, seasons h, values v, loads n and capacities K as in
`planner.models.refuelling.solve`, whose equations (2), (4) and (5) given the stations y are

    max  sum_r v_r u_r
    (2)  sum_{r: q(r) = q} u_r <= 1            every q
    (4)  n_r u_r <= sum_{s in S} w_rs          every r, S in r
    (5)  sum_{r: h(r) = h, s: j(s) = j} w_rs <= K_j y_j             every j, h

a linear program in u and w >= 0, the swaps an hour at the stops s. Its duals bound linearly in y
what any stations refuel: Benders' cut.
"""

import math
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.errors import PlannerError
from planner.models.refuelling.presolve import incidence, ones_at
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.solving.linear_model import LinearModel, solve_linear
from planner.solving.status import Status

FLOW_TOLERANCE = 1e-6
"""Share of a flow's swaps that rounding may lose."""


def best_paths(value: FloatArray, flow_idx: IntArray, met: BoolArray) -> FloatArray:
    """1 for each flow's most valuable path that is met (of equals the first), 0 elsewhere."""
    order = np.lexsort((-value, flow_idx))
    order = order[met[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = flow_idx[order][1:] != flow_idx[order][:-1]
    driven = np.zeros(len(value))
    driven[order[first]] = 1.0
    return driven


def drivable_paths(problem: FlowRefuellingProblem, is_open: BoolArray) -> BoolArray:
    """Paths of which every set holds an open site."""
    members = incidence(problem.members, problem.num_sites)
    needs = incidence(problem.needs, problem.num_sets)
    return np.asarray(needs @ (members @ is_open.astype(float) == 0) == 0)


def driven_flows(problem: FlowRefuellingProblem, is_open: BoolArray) -> FloatArray:
    """Share of each flow that is driven on each path, given the stations.

    Parameters
    ----------
    problem : FlowRefuellingProblem
    is_open : bool array, shape (num_sites,)

    Returns
    -------
    ndarray, shape (num_paths,)
        Where capacities are finite, the answer of (2), (4) and (5); otherwise 0 or 1.
    """
    if not np.isfinite(problem.capacity[is_open]).any():
        met = drivable_paths(problem, is_open)
        return best_paths(problem.value, problem.flow_idx, met)
    return share_capacity(problem, is_open)[0]


@dataclass(frozen=True)
class CapacityCut:
    """No plan refuels more than ``level + slope @ y``, y over all sites of the problem.

    Attributes
    ----------
    level : float
    slope : float array, shape (num_sites,)
    forced : bool array, shape (num_sites,)
        Sites whose y is 1 in every plan.
    """

    level: float
    slope: FloatArray
    forced: BoolArray


class Stops:
    """Paths that swap, their stops, and which sets each stop hits: entries of (4)."""

    def __init__(self, problem: FlowRefuellingProblem) -> None:
        token = Lists(problem.members.ptr, 2 * problem.members.idx + problem.is_return)
        self.set_token = incidence(token, 2 * problem.num_sites)
        pairs = incidence(problem.needs, problem.num_sets)
        self.pair_path = np.repeat(np.arange(problem.num_paths), np.diff(pairs.indptr))
        self.pair_set = pairs.indices.astype(np.int64)
        hits = self.set_token[self.pair_set].tocoo()
        stop = self.pair_path[hits.row] * (2 * problem.num_sites) + hits.col
        self.stops, stop_idx = np.unique(stop, return_inverse=True)
        self.stop_path = self.stops // (2 * problem.num_sites)
        self.stop_site = self.stops % (2 * problem.num_sites) // 2
        # Rows: pairs of path and set; columns: stops of the path that hit the set.
        self.hit = ones_at(hits.row, stop_idx.ravel(), (len(self.pair_set), len(self.stops)))


def share_capacity(
    problem: FlowRefuellingProblem, is_open: BoolArray
) -> tuple[FloatArray, CapacityCut]:
    """Equations (2), (4) and (5) for given stations: shares driven, and the cut of the duals.

    Any b_rS >= 0, g_jh >= 0 prove that no plan refuels more than

        sum_q max_{r of q} (v_r - sum_S b_rS)^+
          + sum_j y_j sum_h (K_j g_jh + sum_{r of h, s: j(s) = j} (b_rs - n_r g_jh)^+),

    b_rs the sum of b_rS over the sets that stop s hits. b comes from the linear program, and for a
    path with a set that no open site hits, from that set; g is the best for b.
    """
    stops = Stops(problem)
    met = drivable_paths(problem, is_open)
    stop_in = np.flatnonzero(met[stops.stop_path] & is_open[stops.stop_site])
    pair_in = np.flatnonzero(met[stops.pair_path])
    model = shares_lp(problem, stops, met, stop_in, pair_in)
    driven, pair_price = _solve_shares(model, met, len(pair_in))

    price = np.zeros(len(stops.pair_set))
    price[pair_in] = pair_price
    unhit = (stops.set_token @ np.repeat(is_open, 2).astype(float))[stops.pair_set] == 0
    size = np.diff(stops.set_token.indptr)[stops.pair_set]
    order = np.lexsort((size, stops.pair_path))
    order = order[unhit[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = stops.pair_path[order][1:] != stops.pair_path[order][:-1]
    price[order[first]] = problem.value[stops.pair_path[order[first]]]

    paid = np.bincount(stops.pair_path, price, minlength=problem.num_paths)
    best = np.zeros(int(problem.flow_idx.max(initial=-1)) + 1)
    np.maximum.at(best, problem.flow_idx, problem.value - paid)
    stop_price = stops.hit.T @ price
    slope = _station_worth(problem, stops, stop_price)
    return driven, CapacityCut(math.fsum(best.tolist()), slope, problem.rules.forced)


def _station_worth(
    problem: FlowRefuellingProblem, stops: Stops, stop_price: FloatArray
) -> FloatArray:
    """Min over g of sum_h (K g + sum_s (b_s - n_s g)^+) for each site: a fractional knapsack."""
    num_seasons = int(problem.season_idx.max(initial=0)) + 1
    load = problem.load[stops.stop_path]
    place = stops.stop_site * num_seasons + problem.season_idx[stops.stop_path]
    paid = stop_price > 0
    place, load, stop_price = place[paid], load[paid], stop_price[paid]
    rate = stop_price / np.maximum(load, 1e-300)
    order = np.lexsort((-rate, place))
    place, load, stop_price = place[order], load[order], stop_price[order]
    before = np.cumsum(load) - load
    starts = np.searchsorted(place, np.arange(problem.num_sites * num_seasons))
    head = np.concatenate((before, [0.0]))[np.minimum(starts, len(before))]
    room = np.repeat(problem.capacity, num_seasons)[place] - (before - head[place])
    share = np.clip(room / np.maximum(load, 1e-300), 0.0, 1.0)
    share[load == 0.0] = 1.0
    worth = np.bincount(place // num_seasons, stop_price * share, minlength=problem.num_sites)
    return np.asarray(worth)


def shares_lp(
    problem: FlowRefuellingProblem,
    stops: Stops,
    met: BoolArray,
    stop_in: IntArray,
    pair_in: IntArray,
) -> LinearModel:
    """Equations (4), (2) and (5), in that order, over paths that are met and stops that are open.

    Parameters
    ----------
    problem : FlowRefuellingProblem
    stops : Stops
        Of the problem.
    met : bool array, shape (num_paths,)
        Paths that can be driven: columns ``u``, named by path.
    stop_in, pair_in : int arrays
        Positions of the stops that are open, columns ``w`` named by path, site and direction, and
        of the pairs of path and set whose path is met, the rows (4).

    Returns
    -------
    LinearModel
    """
    path_in = np.flatnonzero(met)
    num_seasons = int(problem.season_idx.max(initial=0)) + 1
    stop_path, stop_site = stops.stop_path[stop_in], stops.stop_site[stop_in]
    place = problem.season_idx[stop_path] + num_seasons * stop_site
    finite = np.isfinite(problem.capacity[stop_site])
    places, place_idx = np.unique(place[finite], return_inverse=True)
    position = np.full(problem.num_paths, -1)
    position[path_in] = np.arange(len(path_in))
    flows, flow_idx = np.unique(problem.flow_idx[path_in], return_inverse=True)
    num_pairs, num_stops = len(pair_in), len(stop_in)
    load = problem.load[stop_path]
    chosen = ones_at(
        np.arange(num_pairs), position[stops.pair_path[pair_in]], (num_pairs, len(path_in))
    )
    once = ones_at(flow_idx.ravel(), np.arange(len(path_in)), (len(flows), len(path_in)))
    full = scipy.sparse.csr_matrix(
        (load[finite], (place_idx.ravel(), np.flatnonzero(finite))), shape=(len(places), num_stops)
    )
    blocks: list[list[Any]] = [
        [chosen, -stops.hit[pair_in][:, stop_in]], [once, None], [None, full]
    ]  # fmt: skip
    upper = np.concatenate(
        (np.zeros(num_pairs), np.ones(len(flows)), problem.capacity[places // num_seasons])
    )
    num_columns = len(path_in) + num_stops
    directions = np.where(stops.stops[stop_in] % 2 == 1, "back", "out")
    return LinearModel(
        name="share_capacity",
        matrix=scipy.sparse.csr_matrix(scipy.sparse.bmat(blocks)),
        row_lower=np.full(len(upper), -np.inf),
        row_upper=upper,
        lower=np.zeros(num_columns),
        upper=np.ones(num_columns),
        objective=np.concatenate((problem.value[path_in], np.zeros(num_stops))),
        maximize=True,
        column_names=chain(
            (f"u_{path}" for path in path_in.tolist()),
            (
                f"w_{path}_{site}_{direction}"
                for path, site, direction in zip(
                    stop_path.tolist(), stop_site.tolist(), directions.tolist(), strict=True
                )
            ),
        ),
        row_names=chain(
            (
                f"serve_{path}_{each}"
                for path, each in zip(
                    stops.pair_path[pair_in].tolist(), stops.pair_set[pair_in].tolist(), strict=True
                )
            ),
            (f"once_{flow}" for flow in flows.tolist()),
            (f"full_{each // num_seasons}_{each % num_seasons}" for each in places.tolist()),
        ),
    )


def _solve_shares(
    model: LinearModel, met: BoolArray, num_pairs: int
) -> tuple[FloatArray, FloatArray]:
    """Share driven of each path, and the duals of the rows (4)."""
    found = solve_linear(model.to_ortools())
    if found.status is not Status.OPTIMAL or found.values is None or found.duals is None:
        raise PlannerError(f"corridor capacities: the LP solver answered {found.message}")
    path_in = np.flatnonzero(met)
    values = found.values[: len(path_in)]
    driven = np.zeros(len(met))
    driven[path_in] = np.where(values > 1 - FLOW_TOLERANCE, 1.0, np.maximum(values, 0.0))
    return driven, np.abs(found.duals[:num_pairs])
