"""Why no plan keeps all limits: the fewest that conflict, and the least change that mends them.

A minimal conflict is a set of limits that no plan keeps together, while every one of them less
leaves a plan (QuickXplain, Junker 2004). Locks that are interchangeable are counted, "any 3 of
these 5": which of them a minimal set holds would be arbitrary.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.solving.linear_model import LinearModel
from planner.solving.mip import MipResult, solve_mip
from planner.solving.status import Status

_NUM_NAMED = 5
"""Members of a limit that are named; where there are more, the rest are counted."""
_MOST_CONFLICTS = 5
_AND = ", and "
"""Between the changes of one repair."""
_ORACLE_LIMIT_S, _REPAIR_LIMIT_S = 10.0, 20.0
_SMALLEST = 1e-7
"""Changes of less weight are rounding."""


@dataclass(frozen=True)
class Limit:
    """One limit of a plan, or locks alike: factor' x <= tight, or >= tight.

    Attributes
    ----------
    name : str
        What messages call it; of locks what one is called.
    column_idx : int array, shape (num_entries,)
    factor : float array, shape (num_entries,)
    is_upper : bool
        Whether it limits from above.
    tight : float
        The limit.
    loose : float
        What x keeps in any case where the limit is given up.
    members : tuple of str
        Names of locks that are interchangeable. Each holds one unit between ``loose`` and
        ``tight``. Empty for one limit alone.
    plural : str
        What several locks are called.
    is_certain : bool
        Whether it holds whatever is asked for, so that no conflict names it.
    """

    name: str
    column_idx: IntArray
    factor: FloatArray
    is_upper: bool
    tight: float
    loose: float
    members: tuple[str, ...] = ()
    plural: str = ""
    is_certain: bool = False

    @property
    def size(self) -> int:
        """How many locks it holds; 1 for one limit alone."""
        return max(len(self.members), 1)

    def at(self, count: int) -> float:
        """Its right hand side with so many of its members in force."""
        if count == self.size:
            return self.tight
        return self.loose + (self.tight - self.loose) * count / self.size


@dataclass(frozen=True)
class Remedy:
    """A way to give limits room.

    Attributes
    ----------
    kind : str
        Remedies of one kind may be taken together as one repair.
    limit_idx : tuple of int
        Limits that one unit of it loosens by one.
    most : float
        Units there are at most.
    weight : float
        What a unit counts when repairs are compared, about one station's worth.
    words : callable
        ``(amount)``: what to do, as an instruction.
    is_whole : bool
        Whether it is taken in whole units.
    """

    kind: str
    limit_idx: tuple[int, ...]
    most: float
    weight: float
    words: Callable[[float], str]
    is_whole: bool = True


@dataclass(frozen=True)
class LimitedPlan:
    """Limits on the whole numbers x of a plan, 0 <= x <= most, and ways to give them room.

    Attributes
    ----------
    most : float array, shape (num_columns,)
    limits : tuple of Limit
    remedies : tuple of Remedy
    """

    most: FloatArray
    limits: tuple[Limit, ...]
    remedies: tuple[Remedy, ...]


@dataclass(frozen=True)
class Conflict:
    """Limits that no plan keeps together, though one less leaves a plan.

    Attributes
    ----------
    count : int array, shape (num_limits,)
        How many members of each limit take part; 0 of those that have nothing to do with it.
    words : tuple of str
        The limits by name.
    """

    count: IntArray
    words: tuple[str, ...]


@dataclass(frozen=True)
class Repair:
    """A change that leaves a plan.

    Attributes
    ----------
    amount : float array, shape (num_remedies,)
        How much of each remedy is taken.
    weight : float
        What it counts beside others.
    words : str
    """

    amount: FloatArray
    weight: float
    words: str


class _Oracle(Protocol):
    def __call__(self, chosen: Sequence[int], /) -> bool: ...


def minimal_subset(num_items: int, is_feasible: _Oracle) -> list[int]:
    """A minimal set of items that is infeasible (QuickXplain): about k log(n / k) questions.

    Parameters
    ----------
    num_items : int
        All of them together are infeasible, no item at all is feasible.
    is_feasible : callable
        Whether some items can be kept together; fewer are never harder to keep.

    Returns
    -------
    list of int
        Ascending.

    Examples
    --------
    >>> minimal_subset(9, lambda chosen: not {2, 5} <= set(chosen))
    [2, 5]
    """

    def explain(kept: list[int], has_more: bool, rest: list[int]) -> list[int]:
        if has_more and not is_feasible(kept):
            return []
        if len(rest) == 1:
            return rest
        first, second = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        of_second = explain(kept + first, True, second)
        of_first = explain(kept + of_second, bool(of_second), first)
        return of_first + of_second

    return explain([], True, list(range(num_items)))


def least_counts(most: Sequence[int], is_feasible: _Oracle) -> list[int]:
    """Numbers of interchangeable items, none of which can be less without being feasible.

    Parameters
    ----------
    most : sequence of int
        All of them are infeasible.
    is_feasible : callable
        Whether so many of each can be kept together; fewer are never harder to keep.

    Examples
    --------
    >>> least_counts([4, 9, 2], lambda count: 2 * count[0] + count[1] < 6)
    [0, 6, 0]
    """
    counts = list(most)
    for item in range(len(counts)):
        low, high = 0, counts[item]
        while low < high:
            middle = (low + high) // 2
            if is_feasible([*counts[:item], middle, *counts[item + 1 :]]):
                low = middle + 1
            else:
                high = middle
        counts[item] = high
    return counts


def check_plan_exists(plan: LimitedPlan) -> None:
    """Say which limits conflict, and what mends them, if no plan keeps them all.

    Parameters
    ----------
    plan : LimitedPlan

    Raises
    ------
    InfeasibleError
        With minimal conflicts that share no limit, and repairs of which each alone suffices.
    """
    conflicts = find_conflicts(plan)
    if conflicts:
        repairs = [repair.words for repair in cheapest_repairs(plan)]
        raise conflict_error([conflict.words for conflict in conflicts], repairs)


def conflict_error(
    conflicts: Sequence[Sequence[str]], repair: Sequence[str], advice: str = ""
) -> InfeasibleError:
    """The error that tells of conflicts and repairs.

    Parameters
    ----------
    conflicts : sequence of sequences of str
        Limits by name; the first conflict is the one that programs are told as such.
    repair : sequence of str
        Instructions of which each alone suffices, the least change first.
    advice : str
        Said of repairs that are not known.
    """
    lines: list[str] = []
    for number, words in enumerate(conflicts):
        which = "a further conflict" if number else "no plan keeps these limits"
        together = " together" if len(words) > 1 else ""
        lines += [f"{which}{together}:", *(f"  - {name}" for name in words)]
    if repair:
        alone = "any one of these mends it, the least change first" if len(repair) > 1 else (
            "this mends it"
        )  # fmt: skip
        lines += [f"{alone}:", *(f"  - {_cut(words)}" for words in repair)]
    if advice:
        lines.append(advice)
    return InfeasibleError(
        "\n".join(lines),
        conflict=tuple(conflicts[0]) if conflicts else (),
        repair=tuple(repair),
        further=tuple(tuple(words) for words in conflicts[1:]),
    )


def _cut(words: str) -> str:
    """A repair of many changes for people; programs are told all of them."""
    changes = words.split(_AND)
    more = len(changes) - _NUM_NAMED
    return words if more <= 1 else f"{_AND.join(changes[:_NUM_NAMED])}{_AND}{more:,} more changes"


def find_conflicts(plan: LimitedPlan) -> list[Conflict]:
    """Minimal conflicts that share no limit but locks; none if a plan keeps all limits."""
    single = [
        k for k, limit in enumerate(plan.limits) if not limit.members and not limit.is_certain
    ]
    solver = _Solver(plan)
    found: list[Conflict] = []
    while plan.limits and len(found) < _MOST_CONFLICTS:
        counts = np.array([limit.size for limit in plan.limits])
        counts[[k for k, limit in enumerate(plan.limits) if not limit.members]] = 0
        counts[[k for k, limit in enumerate(plan.limits) if limit.is_certain]] = 1
        counts[single] = 1
        if solver.is_feasible(counts):
            break
        found.append(_conflict(plan, solver, counts, single))
        left = [k for k in single if not found[-1].count[k]]
        if len(left) == len(single):
            break
        single = left
    return found


def _conflict(
    plan: LimitedPlan, solver: "_Solver", counts: IntArray, single: list[int]
) -> Conflict:
    """First the limits that stand alone, then how many of the locks that are alike for them."""
    locks = [k for k, limit in enumerate(plan.limits) if limit.members]
    base = counts.copy()
    base[single] = 0

    def with_single(chosen: Sequence[int]) -> bool:
        trial = base.copy()
        trial[[single[k] for k in chosen]] = 1
        return solver.is_feasible(trial)

    chosen = []
    if with_single([]):
        chosen = [single[k] for k in minimal_subset(len(single), with_single)]
    kept = base.copy()
    kept[locks] = 0
    kept[chosen] = 1
    for name in dict.fromkeys(plan.limits[k].name for k in locks):
        others = [k for k in locks if plan.limits[k].name != name]
        without = kept.copy()
        without[others] = counts[others]
        if not solver.is_feasible(without):
            locks = others
    alike = _alike(plan, locks, chosen)

    def spread(numbers: Sequence[int]) -> IntArray:
        trial = kept.copy()
        for group, number in zip(alike, numbers, strict=True):
            for k in group:
                trial[k] = min(number, plan.limits[k].size)
                number -= int(trial[k])
        return trial

    sizes = [sum(plan.limits[k].size for k in group) for group in alike]
    numbers = least_counts(sizes, lambda trial: solver.is_feasible(spread(trial)))
    words = [plan.limits[k].name for k in chosen]
    return Conflict(spread(numbers), (*words, *_locks_in_words(plan, alike, numbers)))


def _alike(plan: LimitedPlan, locks: list[int], chosen: list[int]) -> list[list[int]]:
    """Locks of one name whose columns have the same factors in some limits and the same locks."""
    part: dict[int, list[tuple[object, float]]] = {}
    for k in [*chosen, *locks]:
        limit = plan.limits[k]
        whose: object = k if not limit.members else limit.name
        for column, factor in zip(limit.column_idx.tolist(), limit.factor.tolist(), strict=True):
            part.setdefault(column, []).append((whose, factor))
    groups: dict[object, list[int]] = {}
    for k in locks:
        columns = plan.limits[k].column_idx.tolist()
        key = plan.limits[k].name, frozenset(tuple(part[column]) for column in columns)
        groups.setdefault(key, []).append(k)
    return list(groups.values())


def _locks_in_words(plan: LimitedPlan, alike: list[list[int]], numbers: Sequence[int]) -> list[str]:
    """Locks that all take part together, by name, and those of which some do, group by group."""
    words = []
    whole: dict[tuple[str, str], list[str]] = {}
    for group, number in zip(alike, numbers, strict=True):
        limits = [plan.limits[k] for k in group]
        members = [name for limit in limits for name in limit.members]
        name = limits[0].name, limits[0].plural
        if number == len(members):
            whole.setdefault(name, []).extend(members)
        elif number:
            words.append(counted(number, members, *name))
    return [*(counted(len(all_of), all_of, *name) for name, all_of in whole.items()), *words]


def counted(number: int, members: Sequence[str], one: str, several: str) -> str:
    """Some of interchangeable things in words.

    Examples
    --------
    >>> counted(2, ["A", "B", "C"], "committed station", "committed stations")
    'any 2 of the 3 committed stations A, B, C'
    >>> counted(1, ["A"], "committed station", "committed stations")
    'committed station A'
    """
    named = ", ".join(members[:_NUM_NAMED])
    named += f" and {len(members) - _NUM_NAMED:,} more" if len(members) > _NUM_NAMED else ""
    if len(members) == 1:
        return f"{one} {named}"
    if number == len(members):
        return f"the {number:,} {several} {named}"
    return f"any {number:,} of the {len(members):,} {several} {named}"


def cheapest_repairs(plan: LimitedPlan) -> list[Repair]:
    """Changes of which each alone leaves a plan, the least first.

    The least change within each kind of remedy, and the least of all kinds together where that is
    less than each.
    """
    solver = _Solver(plan)
    kinds = sorted({remedy.kind for remedy in plan.remedies})
    tried = [solver.repair({kind}) for kind in kinds]
    found = [repair for repair in tried if repair is not None]
    if len(kinds) > 1:
        mixed = solver.repair(set(kinds))
        least = min((repair.weight for repair in found), default=math.inf)
        if mixed is not None and mixed.weight < least * (1.0 - 1e-6):
            found.append(mixed)
    return sorted(found, key=lambda repair: (round(repair.weight, 6), repair.words))


class _Solver:
    """The rows of a plan's limits, asked with some of them in force."""

    def __init__(self, plan: LimitedPlan) -> None:
        import scipy.sparse

        self.plan = plan
        limits, num_columns = plan.limits, len(plan.most)
        self.scale = np.array(
            [np.abs(limit.factor).max(initial=0.0) or 1.0 for limit in limits], dtype=np.float64
        )
        rows = np.repeat(np.arange(len(limits)), [len(limit.column_idx) for limit in limits])
        columns = np.concatenate([limit.column_idx for limit in limits] or [np.zeros(0, int)])
        factors = np.concatenate([limit.factor for limit in limits] or [np.zeros(0)])
        self.matrix = scipy.sparse.csr_matrix(
            (factors / self.scale[rows], (rows, columns)), shape=(len(limits), num_columns)
        )
        self.is_upper = np.array([limit.is_upper for limit in limits], dtype=np.bool_)
        self.unlimited = np.where(self.is_upper, np.inf, -np.inf)

    def is_feasible(self, counts: IntArray) -> bool:
        """Whether a plan keeps so many members of each limit; True where that is not known."""
        kept = [
            limit.at(int(count)) if count else none
            for limit, count, none in zip(
                self.plan.limits, counts, self.unlimited.tolist(), strict=True
            )
        ]
        free = np.zeros(len(self.plan.most))
        model = self._model(np.array(kept) / self.scale, self.matrix, self.plan.most, free)
        return self._solve(model, _ORACLE_LIMIT_S).status is not Status.INFEASIBLE

    def repair(self, kinds: set[str]) -> Repair | None:
        """The least change by remedies of some kinds; None if none of them suffices."""
        import scipy.sparse

        limits, remedies = self.plan.limits, self.plan.remedies
        rows = [k for remedy in remedies for k in remedy.limit_idx]
        columns = np.repeat(np.arange(len(remedies)), [len(r.limit_idx) for r in remedies])
        room = np.where(self.is_upper[rows], -1.0, 1.0) / self.scale[rows]
        slack = scipy.sparse.csr_matrix((room, (rows, columns)), (len(limits), len(remedies)))
        is_taken = np.array([remedy.kind in kinds for remedy in remedies])
        most = np.where(is_taken, [remedy.most for remedy in remedies], 0.0)
        weight = np.array([remedy.weight for remedy in remedies])
        is_whole = np.array([remedy.is_whole for remedy in remedies])
        num_columns = len(self.plan.most)
        model = self._model(
            np.array([limit.tight for limit in limits]) / self.scale,
            scipy.sparse.hstack([self.matrix, slack]).tocsr(),
            np.concatenate([self.plan.most, most]),
            np.concatenate([np.zeros(num_columns), -weight]),
        )
        whole = np.concatenate([np.ones(num_columns, dtype=np.bool_), is_whole])
        values = self._solve(replace(model, integer=whole), _REPAIR_LIMIT_S).values
        if values is None:
            return None
        amount = np.maximum(values[num_columns:], 0.0)
        amount[amount * weight <= _SMALLEST] = 0.0
        amount = np.where(is_whole, np.round(amount), amount)
        words = [remedies[k].words(float(amount[k])) for k in np.flatnonzero(amount).tolist()]
        return Repair(amount, float(amount @ weight), _AND.join(words))

    def _model(
        self, right: FloatArray, matrix: Any, most: FloatArray, weight: FloatArray
    ) -> LinearModel:
        return LinearModel(
            name="limits",
            matrix=matrix,
            row_lower=np.where(self.is_upper, -np.inf, right),
            row_upper=np.where(self.is_upper, right, np.inf),
            lower=np.zeros(len(most)),
            upper=most,
            objective=weight,
            maximize=True,
            integer=np.ones(len(most), dtype=np.bool_),
        )

    def _solve(self, model: LinearModel, limit_s: float) -> MipResult:
        return solve_mip(model.to_ortools(), time_limit_s=limit_s)
