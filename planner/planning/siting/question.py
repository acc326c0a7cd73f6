"""How a siting question is solved, and where that is looked up by its objective's name.

A question is a module ``planner.planning.siting.questions.<objective>`` that holds one `Ask`; its
other half, what the check and the outputs know of it, is `planner.plans.question.Judge`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib import import_module

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.alternatives.result import Places, Posed
from planner.models.frontier.result import Frontier
from planner.models.least_money.problem import Kept
from planner.models.national.claims import Claimant, ClaimPlan
from planner.models.national.state import NationalStart
from planner.models.reasons.result import Interval, SiteReasons
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import Sense, Status


@dataclass(frozen=True)
class Siting:
    """Stations that a siting model chose, and its proof.

    Attributes
    ----------
    sense, unit : str
        Of the objective.
    status : Status
    open_site_idx : int array, shape (num_open,)
        Open sites, ascending.
    type_idx : int array, shape (num_open,), optional
        The type of each, in the order of the problem; none where sizes cost nothing in the
        question: the allocation then finds the smallest that carry their load.
    objective, bound, gap_frac : float
        In ``unit``; no plan is better than the bound.
    prices : mapping of str to float
        What one more unit of a limit would bring, by name with its unit.
    wall_s : float
    allocation : Allocation, optional
        Who serves whom, where the model decides that too.
    resource_price : mapping of str to float
        Prices of what claimants share with the cities, by its name in the model.
    claimed : tuple of ClaimPlan
        What each claimant was granted.
    end : NationalStart, optional
        What the same question for other packs can start from.
    priced_bound : float
        Bound that ``resource_price`` gives; ``bound`` may be lower by other reasons.
    money : Proof, optional
        What the stations cost, and what equal plans cost at least; none where the objective is
        all that they cost.
    """

    sense: Sense
    unit: str
    status: Status
    open_site_idx: IntArray
    type_idx: IntArray | None
    objective: float
    bound: float
    gap_frac: float
    prices: Mapping[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    allocation: Allocation | None = None
    resource_price: Mapping[str, float] = field(default_factory=dict)
    claimed: tuple[ClaimPlan, ...] = ()
    end: NationalStart | None = None
    priced_bound: float = math.inf
    money: Proof | None = None


@dataclass(frozen=True)
class Equal:
    """What makes a plan equal to a question's answer beside the swaps served.

    Attributes
    ----------
    kept : Kept
    fewest_stations : int
        An equal plan is known to have at least so many stations.
    least_cost : float
        And to cost at least this [CNY].
    """

    kept: Kept
    fewest_stations: int = 0
    least_cost: float = 0.0


@dataclass(frozen=True)
class SitingTask:
    """A siting question with all that it may need.

    Attributes
    ----------
    instance : Instance
        ``siting.objective`` of its scenario is the question.
    problem : SizedCoverageProblem
        From `planner.planning.siting.problem.assemble_siting`.
    reach : Reach
        Of all sites.
    options : SolveOptions
    earlier : Siting, optional
        An answer for other packs.
    start : NationalStart, optional
        Where an earlier run's search ended, for a question that has no answer yet.
    claimants : sequence of Claimant
        Who shares the limits, where the question is that of most swaps served.
    on_progress, stop, executor
        As in `planner.models.national.solve.solve_national`.
    """

    instance: Instance
    problem: SizedCoverageProblem
    reach: Reach
    options: SolveOptions
    earlier: Siting | None = None
    start: NationalStart | None = None
    claimants: Sequence[Claimant] = ()
    on_progress: ProgressCallback | None = None
    stop: StopRequest | None = None
    executor: Executor | None = None


def no_assumptions(_instance: Instance, _problem: SizedCoverageProblem) -> list[dict[str, str]]:
    """Nothing beyond what all questions assume."""
    return []


@dataclass(frozen=True)
class Ask:
    """How a question is solved.

    Attributes
    ----------
    solve : callable
        ``(task)``: the question's answer.
    depends_on_packs : bool
        Whether loads and capacities, which the packs decide, and sizes are part of the question.
        One that does not depend on them is solved once, and its stations are sized afterwards.
    equal : callable, optional
        ``(task, siting, served)``: what plans keep that are equal to an answer that serves so many
        swaps a day; none where the objective is all that stations cost.
    counts_served : bool
        Whether the objective is what the final allocation serves, rather than what the siting
        model itself counted.
    frontier : callable, optional
        ``(task, amounts, is_money, nested)``: the best over amounts of what ``frontier_over``
        names, or over money; nested where the stations of each plan are to stand in all later
        ones.
    frontier_over : str
        Column that the frontier runs over, if not over money.
    assumptions : callable
        ``(instance, problem)``: what the question assumes, as dicts with keys ``item, value,
        mark, source``.
    reasons : callable, optional
        ``(task, siting, allocation)``: what each station of an answer is worth to it, and what
        each closed site would take, within the seconds of ``task.options``.
    without : callable, optional
        ``(task, siting, removed, forced)``: what it costs to close the stations at some sites and
        to open others, by solving the question anew with these locks.
    posed : callable, optional
        ``(task, siting, allocation, places)``: the question as alternatives to an answer are
        sought.
    """

    solve: Callable[[SitingTask], Siting]
    depends_on_packs: bool
    equal: Callable[[SitingTask, Siting, float], Equal] | None = None
    counts_served: bool = False
    frontier: Callable[[SitingTask, FloatArray, bool, bool], Frontier] | None = None
    frontier_over: str = "stations"
    assumptions: Callable[[Instance, SizedCoverageProblem], list[dict[str, str]]] = no_assumptions
    reasons: Callable[[SitingTask, Siting, Allocation], SiteReasons] | None = None
    without: Callable[[SitingTask, Siting, IntArray, IntArray], Interval] | None = None
    posed: Callable[[SitingTask, Siting, Allocation, Places], Posed] | None = None


def ask_of(instance: Instance) -> Ask:
    """How the question of an instance's scenario is solved."""
    objective = instance.scenario.siting.objective
    ask: Ask = import_module(f"planner.planning.siting.questions.{objective}").ASK
    return ask
