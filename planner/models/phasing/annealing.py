"""One round of annealing over time: its temperatures, the sites it tries, what it leads to."""

import itertools

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.phasing.bound import opening_price, site_worth
from planner.models.phasing.problem import CLOSED
from planner.models.phasing.search import Heat, anneal_nested
from planner.models.phasing.start import NestedState, state_of
from planner.models.phasing.state import PhasedSearch
from planner.solving.compiling import work_s


def anneal_round(
    search: PhasedSearch,
    state: NestedState,
    num_moves: int,
    hot_frac: float,
    rng: np.random.Generator,
    *,
    stays: BoolArray | None = None,
) -> NestedState:
    """Anneal the plan; go on from the incumbent if what that brought is far worse.

    Sites that ``stays`` marks stay as they are.
    """
    tuning = search.tuning
    rent = _rents(state, tuning.rent_quantile)
    stays = np.zeros(search.rows.num_sites, dtype=np.bool_) if stays is None else stays
    candidates = _candidates(search, state)
    candidates = candidates[~stays[candidates]]
    if len(candidates) == 0 or not rent.max(initial=0.0) > 0.0:
        return state
    if not search.options.deterministic:
        # A schedule cut short is worth little: fit it into the time left.
        share = tuning.crowded_time_share if search.is_crowded else 0.8
        num_moves = int(min(num_moves, max(search.moves_per_s * search.remaining_s * share, 1)))
    began = work_s()
    num_chunks = -(-num_moves // tuning.moves_per_poll)
    heats = hot_frac * (tuning.cold_frac / hot_frac) ** np.linspace(0.0, 1.0, num_chunks + 1)
    for hot, cold in itertools.pairwise(heats):
        if not search.may_go_on():
            break
        heat = Heat(num_moves // num_chunks, float(hot), float(cold), rent)
        anneal_nested(candidates, stays, heat, rng, state.board, state.room, state.plan)
        if search.background is not None:
            search.point = search.background.look() or search.point
    search.moves_per_s = num_moves / max(work_s() - began, 1e-3)
    table, value = search.offer(state.table)
    search.report("anneal", f"{num_moves} moves offered among {len(candidates)} sites")
    near = value >= (1.0 - tuning.near_frac) * search.objective
    search.learn_cuts(table)
    return state_at(search, table if near else search.table)


def state_at(search: PhasedSearch, table: IndexArray) -> NestedState:
    """The tables of a plan, from exact sums: annealing updates them millions of times."""
    return state_of(search.problem, search.rows, table != CLOSED, search.families)


def _candidates(search: PhasedSearch, state: NestedState) -> IntArray:
    """Sites that earn nearly what an opening costs at the multipliers, at some node.

    Those that could take over what stations turn away are worth more than multipliers say.
    """
    rows, tree, point = search.rows, search.problem.tree, search.point
    may = rows.may_stand.any(axis=1)
    if point is not None and point.relaxation_gap_frac <= search.tuning.rough_gap:
        earned = site_worth(rows, point.multiplier) @ tree.from_node.T
        cost = opening_price(search.problem, rows, point.price)
        nearly = earned >= search.tuning.candidate_frac * cost
        crowded = np.diff(state.plan.crowding.of_site.ptr) > 0
        may &= (nearly & rows.may_stand).any(axis=1) | crowded
    return np.flatnonzero(may).astype(np.int64)


def _rents(state: NestedState, quantile: float) -> FloatArray:
    """What the least useful stations serve alone at each node: units of temperature."""
    board, plan = state.board, state.plan
    num_nodes = len(board.parent)
    rent = np.zeros(num_nodes)
    for node in range(num_nodes):
        alone = plan.number[:, node] == 1
        loss = np.bincount(
            plan.names[alone, node],
            weights=board.value[alone, node],
            minlength=len(plan.loss),
        )
        losses = loss[plan.stands[:, node] & (loss > 0.0)]
        rent[node] = float(np.quantile(losses, quantile)) if len(losses) else 0.0
    return np.asarray(np.maximum(rent, 1e-3 * rent.max(initial=0.0)))
