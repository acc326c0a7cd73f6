"""The pricing problem of one city over time: a bound and plans, where openings have prices.

With the prices of the limits by node and the multipliers of border pairs for their values, the
city is a phased problem of its own in which opening a type at a site and node costs q_jtn
(`planner.models.phasing.parts.opening_prices`). Annealing finds a plan without capacity, every
site at its cheapest opening, `planner.models.phasing.city_bound` the bound, and what its
conditions leave goes to SCIP. Stations then get their types, larger ones where that pays, and the
plan is worth what they serve with their capacity.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray
from planner.models.coverage.search import Schedule
from planner.models.national.city import SCIP_TOLERANCE, CityAnswer
from planner.models.national.master import CityPlan
from planner.models.national.tuning import Tuning
from planner.models.phasing.city_bound import CityDual, CityModel
from planner.models.phasing.dual import DualStart, phased_duals
from planner.models.phasing.parts import NodeResources, PhasedPart, opening_prices
from planner.models.phasing.priced_search import (
    Numbers,
    Rows,
    Sites,
    covered_value,
    opening_cost,
    phased_search,
)
from planner.models.phasing.problem import CLOSED, PhasedLimit, PhasedProblem
from planner.models.phasing.rows import PhasedRows, merge_phased_rows, node_values
from planner.models.phasing.service import services, value_and_prices
from planner.models.phasing.sizes import enlarge, plain_types, taken
from planner.models.phasing.tree import ROOT
from planner.models.sized_coverage.service import served_flow
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.progress import StopRequest
from planner.solving.status import Status

GLOP_COLUMNS = 10_000
"""Up to this many columns GLOP solves the relaxation; beyond, the primal-dual method is quicker."""
SCIP_COLUMNS = 20_000
"""Up to this many SCIP gets somewhere."""
DUAL_ITERATIONS = 2_000
"""Of the primal-dual method at most."""
DUAL_SHARE = 0.5
"""Share of the time that it has at most."""
VARIANT_NOISE = 0.05
"""Standard deviation of the logarithms of the prices of further plans."""
ENLARGING_ROUNDS = 5
"""In which stations that turn load away are made larger."""


@dataclass(frozen=True)
class PhasedTask:
    """The pricing problem of one city over time.

    Attributes
    ----------
    part : PhasedPart
    resources : NodeResources
    position : int
        Position of the city among the parts.
    price : float array, shape (num_limits, num_nodes)
        >= 0 [value per unit].
    multiplier : float array, shape (len(part.border_idx),)
        mu of its border pairs, in (0, w].
    share : float array, shape (num_zones, num_nodes)
        Known multipliers of its zones as shares of their values.
    start : int array, shape (num_sites, num_nodes)
        Types of a plan that the city's own limits allow.
    num_variants : int
        Further plans, best for prices that differ at random.
    num_moves : int
        Moves that annealing offers.
    seconds : float
        Limit of bound and exact search; 0 for none at all, inf in deterministic mode.
    node_limit : int or None
        Limit on branch-and-bound nodes, in deterministic mode.
    allowed_gap : float
        The bound need not be closer to the plan than this [value].
    seed : int
    tuning : Tuning
    """

    part: PhasedPart
    resources: NodeResources
    position: int
    price: FloatArray
    multiplier: FloatArray
    share: FloatArray
    start: IndexArray
    num_variants: int
    num_moves: int
    seconds: float
    node_limit: int | None
    allowed_gap: float
    seed: int
    tuning: Tuning


class _City:
    """The city at the prices of its task; plans are tables of where each free site stands."""

    def __init__(self, task: PhasedTask) -> None:
        self.task = task
        self.problem = priced_problem(task.part, task.multiplier)
        self.numbered = replace(self.problem, limits=number_limits(self.problem))
        rows = merge_phased_rows(self.numbered)
        self.model = city_model(self.problem, rows, task.price)
        self.rows = replace(rows, rent=self.model.rent)
        self.types = plain_types(self.problem)
        self.base = self.rows.base_value - standing_price(self.problem, task.price)

    def plain_worth(self, stands: BoolArray) -> float:
        """What a plan is worth if capacity did not bind."""
        model = self.model
        covered = covered_value(model.rows, stands).sum()
        return self.base + float(covered) - opening_cost(model.sites.price, stands, model.tree)

    def table(self, stands: BoolArray) -> IndexArray:
        """Types of all sites of the city by node, before any is enlarged."""
        standing = self.problem.must_stand.copy()
        standing[self.rows.site_idx] = stands
        return np.where(standing, self.types[:, None], CLOSED).astype(np.int32)

    def worth(self, table: IndexArray) -> tuple[float, FloatArray]:
        """Value with capacity less prices, and value of one more unit of it by site and column."""
        value, site_price = value_and_prices(self.problem, services(self.problem, table))
        return value - float((self.task.price * taken(self.problem, table)).sum()), site_price

    def sized(self, stands: BoolArray) -> tuple[IndexArray, float]:
        """Types where larger ones pay, and what the plan is worth."""
        return enlarge(self.problem, self.table(stands), self.worth, ENLARGING_ROUNDS)

    def search(self, start: BoolArray, sites: Sites, num_moves: int, seed: int) -> BoolArray:
        """Annealing from a plan at the prices of ``sites``."""
        tuning, rng = self.task.tuning, np.random.default_rng([self.task.seed, seed])
        mean_value = self.rows.value.sum() / max(self.rows.num_sites, 1)
        scale = max(float(sites.price[:, 0].mean()) if sites.price.size else 0.0, 1e-3 * mean_value)
        if scale <= 0.0 or not self.rows.num_sites:
            return start
        schedule = Schedule(num_moves, tuning.hot_frac * scale, tuning.cold_frac * scale)
        model = self.model
        return phased_search(model.rows, sites, model.numbers, model.tree, start, schedule, rng)


def plan_column(
    part: PhasedPart,
    position: int,
    resources: NodeResources,
    table: IndexArray,
    priced: PhasedProblem | None = None,
) -> CityPlan:
    """A plan of a city as a column of the master; ``type_idx`` has one column per node.

    Parameters
    ----------
    part : PhasedPart
    position : int
        Of the city among the parts.
    resources : NodeResources
    table : int array, shape (num_sites, num_nodes)
        Types of its sites, -1 where none stands.
    priced : PhasedProblem, optional
        Gives the values by which stations choose whom they serve; the part's own if not given.
    """
    problem = part.problem if priced is None else priced
    served = np.zeros(problem.value.shape)
    for column, node in enumerate(problem.node_of.tolist()):
        sites = np.flatnonzero(table[:, node] != CLOSED)
        served[:, column], _ = served_flow(
            problem.column_problem(column), sites, table[sites, node].astype(np.int64)
        )
    on_border = served[part.border_zone, part.border_column]
    inner = part.problem.value * served
    inner[part.border_zone, part.border_column] = 0.0
    at = np.flatnonzero((table != CLOSED).any(axis=1))
    return CityPlan(
        part=position,
        site_idx=part.site_idx[at],
        type_idx=table[at].astype(np.int64),
        use=resources.flat(taken(problem, table)),
        inner_value=math.fsum(inner.ravel()),
        border_idx=part.border_idx[on_border > 0.0],
        border_frac=on_border[on_border > 0.0],
    )


def number_limits(problem: PhasedProblem) -> tuple[PhasedLimit, PhasedLimit]:
    """Most stations and new stations of a city as limits of a problem of its own."""
    tree, cities = problem.tree, problem.cities
    ones = np.ones((problem.num_sites, problem.num_types))
    most = np.where(tree.parent == ROOT, float(cities.most[0]), 0.0)
    new = ones * problem.is_new[:, None]
    return (
        PhasedLimit("most", ones, most, carries_over=True),
        PhasedLimit("rate", new, cities.rate[0], cities.carries_over),
    )


def priced_problem(part: PhasedPart, multiplier: FloatArray) -> PhasedProblem:
    """The city with its border pairs worth their multipliers."""
    value = part.problem.value.copy()
    value[part.border_zone, part.border_column] = multiplier
    return replace(part.problem, value=value)


def cheapest_openings(problem: PhasedProblem, price: FloatArray) -> FloatArray:
    """q_jn of the cheapest type that fits, shape (num_sites, num_nodes)."""
    opening = opening_prices(problem.limits, problem.tree, price)
    return np.asarray(np.where(problem.fits[:, :, None], opening, np.inf).min(axis=1))


def standing_price(problem: PhasedProblem, price: FloatArray) -> float:
    """What the stations that stand from the first node on cost at least."""
    return math.fsum(cheapest_openings(problem, price)[problem.must_stand[:, 0], 0])


def city_model(problem: PhasedProblem, rows: PhasedRows, price: FloatArray) -> CityModel:
    """Covering over time without capacity, each site at its cheapest opening.

    Parameters
    ----------
    problem : PhasedProblem
        One city.
    rows : PhasedRows
        Its merged rows.
    price : float array, shape (num_limits, num_nodes)
    """
    at, tree, cities = rows.site_idx, problem.tree, problem.cities
    cheapest = cheapest_openings(problem, price)
    from_root = problem.must_stand[:, 0]
    num_new = int((from_root & problem.is_new).sum())
    first = (
        np.ones(tree.num_nodes, np.bool_) if cities.carries_over else np.arange(tree.num_nodes) == 0
    )
    rate = cities.rate[0]
    if cities.carries_over:
        rate = np.array([rate[tree.from_node[:, n]].sum() for n in range(tree.num_nodes)])
    return CityModel(
        Rows(rows.value, rows.sites_of_row, rows.rows_of_site),
        Sites(np.ascontiguousarray(cheapest[at]), rows.may_stand, rows.must_stand),
        Numbers(
            problem.is_new[at],
            int(cities.least[0]) - int(from_root.sum()),
            int(cities.most[0]) - int(from_root.sum()),
            rate - np.where(first, num_new, 0),
            cities.carries_over,
        ),
        tree,
    )


def answer_phased_city(task: PhasedTask, stop: StopRequest | None = None) -> CityAnswer:
    """Find plans of a city at given prices, and bound what any is worth.

    Parameters
    ----------
    task : PhasedTask
    stop : StopRequest, optional
        Ends the search; what is known by then is returned.

    Returns
    -------
    CityAnswer
        The bound is valid whatever ended the search.
    """
    started = work_s()
    city = _City(task)
    start = (task.start != CLOSED)[city.rows.site_idx]
    stands = city.search(start, city.model.sites, task.num_moves, 0)
    bound = math.inf
    if task.seconds > 0.0:
        stands, bound = _bound_and_branch(city, stands, started, stop)
    table, best = city.sized(stands)
    own = city.worth(task.start)[0]
    if own > best:
        table, best = task.start, own
    tables = [table]
    for variant in range(task.num_variants):
        rng = np.random.default_rng([task.seed, task.part.city, variant])
        noise = rng.lognormal(0.0, VARIANT_NOISE, task.price.shape)
        other = city_model(city.problem, city.rows, task.price * noise)
        near = city.search(stands, other.sites, task.num_moves // 8, variant + 1)
        tables.append(city.sized(near)[0])
    return CityAnswer(
        position=task.position,
        bound=max(bound, best),
        plans=tuple(
            plan_column(task.part, task.position, task.resources, each, city.problem)
            for each in tables
        ),
        cpu_s=work_s() - started,
    )


def _relaxed(
    city: _City,
    model: CityModel,
    known: FloatArray,
    stands: BoolArray,
    target: float,
    started: float,
) -> CityDual | None:
    """Multipliers near those of the relaxation of the whole city, as far as time allows."""
    task, rows = city.task, city.rows
    began = work_s()
    limit_s = DUAL_SHARE * (task.seconds - (began - started))
    enough = max(0.1 * target, 1e-6 * float(rows.value.sum()))
    nothing = np.zeros((len(city.numbered.limits), model.tree.num_nodes))
    start = DualStart(known, nothing, stands.astype(np.float64))
    for point in phased_duals(rows, city.numbered, start=start):
        if (
            point.bound - point.relaxed_value <= enough
            or point.iterations >= DUAL_ITERATIONS
            or work_s() - began > limit_s
        ):
            break
    return model.known(point.multiplier, point.price)


def _bound_and_branch(
    city: _City, stands: BoolArray, started: float, stop: StopRequest | None
) -> tuple[BoolArray, float]:
    """Best plan and bound without capacity.

    The multipliers that are known rule out most of what sites may do, those of the relaxation of
    what is left most of the rest, and SCIP answers that.
    """
    task, model = city.task, city.model
    plain = city.plain_worth(stands)
    margin = SCIP_TOLERANCE * max(abs(plain), 1e-3 * float(city.rows.value.sum()))
    target = max(task.allowed_gap, margin)
    known = city.rows.multiplier_of(task.share, node_values(city.problem))
    dual: CityDual | None = model.known(known, np.zeros((2, model.tree.num_nodes)))
    bound = math.inf
    for relax in (True, False):
        if dual is not None:
            bound = min(bound, max(model.bound(dual) + city.base, plain))
            if bound - plain <= target:
                return stands, bound
            model = model.without(dual, bound - plain + 1e-2 * margin)
            if not model.is_possible:
                return stands, plain
        if relax and model.num_columns <= GLOP_COLUMNS:
            dual = model.relaxed(max(task.seconds - (work_s() - started), 0.1))
        elif relax:
            dual = _relaxed(city, model, known, stands, target, started)
    if model.num_columns > SCIP_COLUMNS:
        return stands, bound
    left_s = task.seconds - (work_s() - started)
    if left_s <= 0.0 or len(model.free[0]) == 0:
        return stands, bound
    result = solve_mip(
        model.linear_model(integer=True, hint=stands).to_ortools(),
        time_limit_s=left_s,
        node_limit=task.node_limit,
        seed=task.seed,
        stop=stop,
    )
    if result.values is not None:
        found = model.with_free(result.values)
        if city.plain_worth(found) > plain:
            stands, plain = found, city.plain_worth(found)
    if math.isfinite(result.bound):
        bound = max(min(bound, result.bound + city.base), plain)
        if result.status is Status.OPTIMAL and bound - plain <= margin:
            bound = plain
    return stands, bound
