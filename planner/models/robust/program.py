"""Linear programs over what is known of the futures: payoffs of plans from below, cuts from above.

A score (`planner.models.robust.measure`) of values V_s, as a linear program in V and columns of
its own:

    expected   max p V
    cvar       max b p V + (1 - b) (eta - sum_s p_s z_s / a),   z_s >= eta - V_s,  z >= 0
    regret     max theta,  theta <= V_s / V*_s   or   theta <= V_s - V*_s
    p_robust   max p V - M sum_s z_s,  V_s + z_s >= f V*_s,  z >= 0

From above, V keeps every cut sum_s w_s V_s <= L. From below, V is what parts of known plans add up
to, one part per city, within the nation's limits:

    (1)  V_s <= sum_cm v_cms x_cm                    every future s
    (2)  sum_m x_cm = 1                              every city c
    (3)  sum_cm u_cmrn x_cm <= B_rn                  every limit r, node n
         x_cm in {0, 1}, or between for weights

The duals of (1) are the weights on futures under which no known part is worth more: the futures
that a better plan has to do well in (Dantzig and Wolfe 1960, Operations Research 8:101-111; by
city, so that a few plans already stand for all their mixtures).
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, freeze
from planner.models.phasing.problem import PhasedProblem
from planner.models.robust.measure import Measure
from planner.models.robust.payoff import Payoff, parts_of
from planner.solving.linear_model import LinearModel, solve_linear
from planner.solving.mip import solve_mip
from planner.solving.progress import StopRequest
from planner.solving.status import Status

if TYPE_CHECKING:
    import scipy.sparse

SHORTFALL_PRICE = 100.0
"""M: what a unit below the share to be kept costs, in units of expected value."""


@dataclass(frozen=True)
class Cut:
    """No plan has more than ``bound`` of sum_s weight_s V_s.

    Attributes
    ----------
    weight : float array, shape (num_futures,)
        >= 0, adding up to 1.
    bound : float
    """

    weight: FloatArray
    bound: float

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True)
class Parts:
    """Parts of known plans, each kind once.

    Attributes
    ----------
    city, plan : int arrays, shape (num_parts,)
        City, and the first plan that has the part.
    value : float array, shape (num_parts, num_futures)
    use : float array, shape (num_parts, num_limits, num_nodes)
    """

    city: IntArray
    plan: IntArray
    value: FloatArray
    use: FloatArray


def distinct_parts(problem: PhasedProblem, payoffs: list[Payoff]) -> Parts:
    """Parts of plans by city, each once."""
    seen: dict[tuple[int, bytes], int] = {}
    for position, payoff in enumerate(payoffs):
        for city, part in enumerate(parts_of(problem, payoff.plan)):
            seen.setdefault((city, part), position)
    sources = [(city, position) for (city, _), position in seen.items()]
    return Parts(
        city=np.array([city for city, _ in sources]),
        plan=np.array([position for _, position in sources]),
        value=np.array([payoffs[position].city_value[city] for city, position in sources]),
        use=np.array([payoffs[position].city_use[city] for city, position in sources]),
    )


@dataclass(frozen=True)
class _Score:
    """A score as columns beside V and rows over both."""

    objective: FloatArray
    lower: FloatArray
    upper: FloatArray
    rows: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray


def _score_of(measure: Measure, probability: FloatArray, best: FloatArray) -> _Score:
    """Columns V, then the score's own; values in units of the caller's choice."""
    num = len(probability)
    eye, below, free = np.eye(num), np.full(num, -math.inf), np.full(num, math.inf)
    zero = np.zeros(num)
    if measure.kind == "expected":
        return _Score(probability, zero, free, np.zeros((0, num)), zero[:0], zero[:0])
    if measure.kind == "regret":
        counts = best > 0.0
        if measure.relative:
            slope = np.where(counts, 1.0 / np.where(counts, best, 1.0), 0.0)
            limit = np.where(counts, 0.0, 1.0)
        else:
            slope, limit = np.ones(num), -best
        return _Score(
            np.append(zero, 1.0), np.append(zero, -math.inf), np.append(free, math.inf),
            np.column_stack([-np.diag(slope), np.ones(num)]), below, limit,
        )  # fmt: skip
    if measure.kind == "cvar":
        tail = 1.0 - measure.mean_weight
        return _Score(
            np.concatenate(
                [measure.mean_weight * probability, [tail], -tail * probability / measure.tail_frac]
            ),
            np.concatenate([zero, [-math.inf], zero]),
            np.concatenate([free, [math.inf], free]),
            np.column_stack([-eye, np.ones(num), -eye]), below, zero,
        )  # fmt: skip
    return _Score(
        np.concatenate([probability, np.full(num, -SHORTFALL_PRICE)]),
        np.zeros(2 * num), np.full(2 * num, math.inf),
        np.column_stack([eye, eye]), measure.robust_frac * best, free,
    )  # fmt: skip


def cut_weights(
    measure: Measure, cuts: list[Cut], probability: FloatArray, lower: FloatArray, upper: FloatArray
) -> FloatArray:
    """Weights >= 0 of the cuts that bound the score best together, shape (num_cuts,).

    Parameters
    ----------
    measure : Measure
    cuts : list of Cut
    probability, lower, upper : float arrays, shape (num_futures,)
        p_s, and what is known of V*_s.

    Returns
    -------
    float array, shape (num_cuts,)
        Zeros where the linear program failed.
    """
    import scipy.sparse

    unit = max(float(upper.max(initial=0.0)), 1e-300)
    own = _score_of(measure, probability, lower / unit)
    num, num_own = len(probability), len(own.objective) - len(probability)
    weights = np.array([cut.weight for cut in cuts])
    rows = np.vstack([np.hstack([weights, np.zeros((len(cuts), num_own))]), own.rows])
    most = own.upper.copy()
    most[:num] = np.minimum(most[:num], upper / unit)
    model = LinearModel(
        name="robust_cuts",
        matrix=scipy.sparse.csr_matrix(rows),
        row_lower=np.concatenate([np.full(len(cuts), -math.inf), own.row_lower]),
        row_upper=np.concatenate([[cut.bound / unit for cut in cuts], own.row_upper]),
        lower=own.lower, upper=most, objective=own.objective, maximize=True,
    )  # fmt: skip
    result = solve_linear(model.to_ortools())
    if result.duals is None:
        return np.zeros(len(cuts))
    return np.maximum(result.duals[: len(cuts)], 0.0)


def mixture_model(
    problem: PhasedProblem,
    parts: Parts,
    measure: Measure,
    probability: FloatArray,
    best: FloatArray,
    unit: float,
) -> LinearModel:
    """The program from below: which part each city takes.

    Parameters
    ----------
    problem : PhasedProblem
    parts : Parts
    measure : Measure
    probability, best : float arrays, shape (num_futures,)
        p_s, and what V*_s is taken to be.
    unit : float
        Values are counted in.

    Returns
    -------
    LinearModel
        Columns: parts, V, the score's own. Rows: (1), (2), (3), the score's own.
    """
    import scipy.sparse

    own = _score_of(measure, probability, best / unit)
    num, num_parts, num_cities = len(probability), len(parts.city), len(problem.cities.least)
    most = np.array([limit.available(problem.tree) for limit in problem.limits]).ravel()
    limited = np.flatnonzero(np.isfinite(most))
    use = parts.use.reshape(num_parts, -1)[:, limited]
    scale = np.maximum(most[limited], 1.0)
    blocks: list[list[scipy.sparse.csr_matrix | None]] = [
        [_sparse(-parts.value.T / unit), _sparse(np.eye(num)), None],
        [_one_per_city(parts.city, num_cities), None, None],
        [_sparse((use / scale).T), None, None],
        [None, _sparse(own.rows[:, :num]), _sparse(own.rows[:, num:])],
    ]
    width = (num_parts, num, len(own.objective) - num)
    filled = [
        [
            scipy.sparse.csr_matrix((_height(row), wide)) if block is None else block
            for block, wide in zip(row, width, strict=True)
        ]
        for row in blocks
    ]
    return LinearModel(
        name="robust_mixture",
        matrix=scipy.sparse.csr_matrix(scipy.sparse.bmat(filled)),
        row_lower=np.concatenate(
            [np.full(num, -math.inf), np.ones(num_cities),
             np.full(len(limited), -math.inf), own.row_lower]
        ),
        row_upper=np.concatenate(
            [np.zeros(num), np.ones(num_cities), most[limited] / scale, own.row_upper]
        ),
        lower=np.concatenate([np.zeros(num_parts), own.lower]),
        upper=np.concatenate([np.ones(num_parts), own.upper]),
        objective=np.concatenate([np.zeros(num_parts), own.objective]),
        maximize=True,
    )  # fmt: skip


def adverse_weights(model: LinearModel, num_futures: int) -> FloatArray | None:
    """Weights on the futures at which no known part is worth more, adding up to 1.

    Parameters
    ----------
    model : LinearModel
        From `mixture_model`.
    num_futures : int

    Returns
    -------
    float array, shape (num_futures,), or None
        None if the program failed.
    """
    result = solve_linear(model.to_ortools())
    if result.duals is None:
        return None
    weight = np.maximum(result.duals[:num_futures], 0.0)
    total = math.fsum(weight)
    return weight / total if total > 0.0 else None


def best_parts(
    model: LinearModel,
    parts: Parts,
    num_cities: int,
    *,
    time_limit_s: float,
    node_limit: int | None,
    stop: StopRequest | None,
) -> IntArray | None:
    """Plan that each city takes its part from, whole parts alone.

    Parameters
    ----------
    model : LinearModel
        From `mixture_model`.
    parts : Parts
    num_cities : int
    time_limit_s : float
    node_limit : int, optional
    stop : StopRequest, optional

    Returns
    -------
    int array, shape (num_cities,), or None
        None if none was found.
    """
    whole: BoolArray = np.arange(len(model.objective)) < len(parts.city)
    result = solve_mip(
        replace(model, integer=whole).to_ortools(),
        time_limit_s=time_limit_s, node_limit=node_limit, stop=stop,
    )  # fmt: skip
    if result.values is None or result.status is Status.ERROR:
        return None
    chosen = np.flatnonzero(result.values[: len(parts.city)] > 0.5)
    source = np.full(num_cities, -1)
    source[parts.city[chosen]] = parts.plan[chosen]
    return source if (source >= 0).all() else None


def _sparse(dense: FloatArray) -> "scipy.sparse.csr_matrix":
    import scipy.sparse

    return scipy.sparse.csr_matrix(dense)


def _one_per_city(city: IntArray, num_cities: int) -> "scipy.sparse.csr_matrix":
    import scipy.sparse

    entries = np.ones(len(city)), (city, np.arange(len(city)))
    return scipy.sparse.csr_matrix(entries, shape=(num_cities, len(city)))


def _height(row: "list[scipy.sparse.csr_matrix | None]") -> int:
    return next(int(block.shape[0]) for block in row if block is not None)
