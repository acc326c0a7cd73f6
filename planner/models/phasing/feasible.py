"""Whether a plan over time keeps its limits, and why none can if none does."""

import math
from collections.abc import Sequence

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.limits import within
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.sizes import available, before, table_of_plan, taken
from planner.models.phasing.solution import PhasedPlan
from planner.models.phasing.tree import Tree


def node_name(names: Sequence[str], node: int) -> str:
    """What messages call a node."""
    return names[node] if len(names) else f"node {node}"


def city_name(problem: PhasedProblem, city: int) -> str:
    """What messages call a city."""
    names = problem.cities.names
    return f"city {city if names is None else names[city]}"


def new_by_city(problem: PhasedProblem, stands: BoolArray) -> IntArray:
    """New stations of each city at each node; up to it if the rates carry over.

    Parameters
    ----------
    problem : PhasedProblem
    stands : bool array, shape (num_sites, num_nodes)

    Returns
    -------
    int array, shape (num_cities, num_nodes)
    """
    opens = stands & problem.is_new[:, None]
    if not problem.cities.carries_over:
        first = np.zeros((len(stands), 1), dtype=np.bool_)
        opens = opens & ~np.concatenate([stands, first], axis=1)[:, problem.tree.parent]
    return count_by_city(problem, opens)


def count_by_city(problem: PhasedProblem, chosen: BoolArray) -> IntArray:
    """Chosen sites of each city at each node, shape (num_cities, num_nodes)."""
    counts = np.zeros((len(problem.cities.least), problem.tree.num_nodes), dtype=np.int64)
    np.add.at(counts, problem.cities.city_idx, chosen.astype(np.int64))
    return counts


def rates_available(problem: PhasedProblem) -> FloatArray:
    """New stations that each city may have at each node, or up to it if they carry over."""
    rate, tree = problem.cities.rate, problem.tree
    if not problem.cities.carries_over:
        return rate
    return np.stack([rate[:, tree.from_node[:, n]].sum(axis=1) for n in range(tree.num_nodes)], 1)


def keeps_limits(
    problem: PhasedProblem, plan: PhasedPlan, node_names: Sequence[str] = ()
) -> list[str]:
    """What of (2) to (4) a plan violates, in words; empty if it keeps all.

    Parameters
    ----------
    problem : PhasedProblem
    plan : PhasedPlan
    node_names : sequence of str, optional

    Returns
    -------
    list of str
    """
    table = table_of_plan(problem, plan)
    stands = table != CLOSED
    fits = np.concatenate([problem.fits, np.ones((problem.num_sites, 1), np.bool_)], axis=1)
    found = []
    for words, wrong in (
        ("a type stands that does not fit", ~np.take_along_axis(fits, table, axis=1)),
        ("a station stands where it may not", stands & ~problem.may_stand),
        ("no station stands where one must", problem.must_stand & ~stands),
        ("a station shrinks or closes", table < before(problem.tree, table)),
    ):
        found += [
            f"site {site}, {node_name(node_names, node)}: {words}"
            for site, node in np.argwhere(wrong).tolist()
        ]
    used, most = taken(problem, table), available(problem)
    for at, node in np.argwhere(~within(used, most)).tolist():
        found.append(
            f"{node_name(node_names, node)}: {_amount(used[at, node])} {problem.limits[at].name} "
            f"taken, {_amount(most[at, node])} allowed"
        )
    return found + _city_violations(problem, stands, node_names)


def _city_violations(
    problem: PhasedProblem, stands: BoolArray, node_names: Sequence[str]
) -> list[str]:
    cities, leaf = problem.cities, problem.tree.is_leaf
    count, new = count_by_city(problem, stands), new_by_city(problem, stands)
    found = []
    for words, number, limit, wrong in (
        ("stations, at most", count, cities.most[:, None], count > cities.most[:, None]),
        (
            "stations, at least",
            count,
            cities.least[:, None],
            (count < cities.least[:, None]) & leaf,
        ),
        ("new stations, at most", new, rates_available(problem), new > rates_available(problem)),
    ):
        limits = np.broadcast_to(limit, count.shape)
        found += [
            f"{city_name(problem, city)}, {node_name(node_names, node)}: {number[city, node]} "
            f"{words} {_amount(limits[city, node])} allowed"
            for city, node in np.argwhere(wrong).tolist()
        ]
    return found


def check_phased_feasible(problem: PhasedProblem, node_names: Sequence[str] = ()) -> None:
    """Name the reason if locks and limits, taken one by one, rule out every plan.

    What only several limits together rule out is left to the search for a first plan.

    Raises
    ------
    InfeasibleError
        With every reason found, one a line.
    """
    fits = np.asarray(problem.fits.any(axis=1))
    reasons = []
    unfit = np.flatnonzero(problem.must_stand.any(axis=1) & ~fits)
    if len(unfit):
        reasons.append(
            f"no station type fits site {unfit[0]}, where a station must stand "
            f"({len(unfit)} such sites)"
        )
    reasons += _limit_reasons(problem, node_names)
    reasons += _city_reasons(problem, fits, node_names)
    if reasons:
        raise InfeasibleError("\n".join(dict.fromkeys(reasons)))


def least_use(problem: PhasedProblem, at: int) -> FloatArray:
    """Least that a station at each site takes of a limit; 0 where no type fits."""
    use = np.where(problem.fits, problem.limits[at].use, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(use), use, 0.0)


def _spans(tree: Tree) -> list[tuple[int, int]]:
    """Pairs (first, last) of nodes, the last at or after the first; shortest spans first."""
    pairs = [(int(a), int(b)) for a, b in np.argwhere(tree.from_node)]
    return sorted(pairs, key=lambda pair: (int(tree.from_node[pair[0] :, pair[1]].sum()), pair[1]))


def _must_within(problem: PhasedProblem, first: int, last: int) -> BoolArray:
    """Sites that must have opened by the last node and may not before the first."""
    parent = problem.tree.parent[first]
    must = problem.must_stand[:, last]
    return must if parent < 0 else must & ~problem.may_stand[:, parent]


def _limit_reasons(problem: PhasedProblem, names: Sequence[str]) -> list[str]:
    """Commitments and city minima that one limit alone does not allow."""
    tree, reasons = problem.tree, []
    for at, limit in enumerate(problem.limits):
        use = least_use(problem, at)
        for first, last in _spans(tree):
            if limit.carries_over and first != 0:
                continue
            must = _must_within(problem, first, last)
            path = tree.from_node[first] & tree.from_node[:, last]
            needed, there = math.fsum(use[must]), float(limit.amount[path].sum())
            if not within(needed, there):
                when = _when(names, first, last, tree)
                reasons.append(_commitment(limit.name, int(must.sum()), needed, there, when))
                break
        for leaf in np.flatnonzero(tree.is_leaf).tolist():
            reason = _minima_reason(problem, at, use, leaf)
            if reason:
                reasons.append(reason)
                break
    return reasons


def _when(names: Sequence[str], first: int, last: int, tree: Tree) -> str:
    if first == last:
        return f"in {node_name(names, last)}"
    if tree.parent[first] < 0:
        return f"up to {node_name(names, last)}"
    return f"from {node_name(names, first)} to {node_name(names, last)}"


def _commitment(name: str, number: int, needed: float, there: float, when: str) -> str:
    if name == "openings":
        return (
            f"{number} stations are committed {when}, the build rate allows {_amount(there)} there"
        )
    if name == "stations":
        return f"{number} stations are committed {when}, the budget allows {_amount(there)}"
    return (
        f"the {number} stations committed {when} take {_amount(needed)} {name} at least, "
        f"there is {_amount(there)}"
    )


def _minima_reason(problem: PhasedProblem, at: int, use: FloatArray, leaf: int) -> str:
    """City minima that the whole of a limit on the way to a leaf does not allow."""
    tree, cities, limit = problem.tree, problem.cities, problem.limits[at]
    must = problem.must_stand[:, leaf]
    free = problem.may_stand[:, leaf] & problem.fits.any(axis=1) & ~must
    standing = np.bincount(cities.city_idx[must], minlength=len(cities.least))
    missing = np.maximum(cities.least - standing, 0)
    needed = [math.fsum(use[must])]
    for city in np.flatnonzero(missing).tolist():
        needed += np.sort(use[free & (cities.city_idx == city)])[: missing[city]].tolist()
    there = float(limit.amount[tree.from_node[:, leaf]].sum())
    if missing.any() and not within(math.fsum(needed), there):
        return (
            f"city minima and committed stations take {_amount(math.fsum(needed))} {limit.name} "
            f"at least, there is {_amount(there)}"
        )
    return ""


def _city_reasons(problem: PhasedProblem, fits: BoolArray, names: Sequence[str]) -> list[str]:
    """Commitments and minima that a city's own limits do not allow."""
    tree, cities, reasons = problem.tree, problem.cities, []
    can = count_by_city(problem, problem.may_stand & fits[:, None])
    must = count_by_city(problem, problem.must_stand)
    for city in np.flatnonzero(cities.least > cities.most).tolist():
        reasons.append(
            f"{city_name(problem, city)}: minimum {cities.least[city]} exceeds maximum "
            f"{cities.most[city]}"
        )
    leaves = np.flatnonzero(tree.is_leaf)
    for city, leaf in np.argwhere(cities.least[:, None] > can[:, leaves]).tolist():
        reasons.append(
            f"{city_name(problem, city)}: minimum {cities.least[city]} exceeds its "
            f"{can[city, leaves[leaf]]} usable sites"
        )
    over = must > cities.most[:, None]
    for city in np.flatnonzero(over.any(axis=1)).tolist():
        node = int(over[city].argmax())
        reasons.append(
            f"{city_name(problem, city)}: {must[city, node]} stations are committed up to "
            f"{node_name(names, node)}, its maximum is {cities.most[city]}"
        )
    for first, last in _spans(tree):
        if cities.carries_over and first != 0:
            continue
        due = _must_within(problem, first, last) & problem.is_new
        number = np.bincount(cities.city_idx[due], minlength=len(cities.least))
        path = tree.from_node[first] & tree.from_node[:, last]
        for city in np.flatnonzero(number > cities.rate[:, path].sum(axis=1)).tolist():
            reasons.append(
                f"{city_name(problem, city)}: {number[city]} stations are committed "
                f"{_when(names, first, last, tree)}, its build rate allows "
                f"{_amount(cities.rate[city, path].sum())} there"
            )
    return reasons


def _amount(amount: float) -> str:
    return f"{amount / 1e6:,.6g} M" if abs(amount) >= 1e6 else f"{amount:,.6g}"
