"""One plan for many futures, judged by a measure, with a proven bound.

Sets: futures s of probability p_s, columns k of each (`planner.models.robust.futures`), cities c.
V_s(y) is what plan y serves in future s with the stations' capacity there; plans are those of
``phasing``: one siting for good, openings over time, or a tree of them that parts with the news.

    max over y  score(V(y))          `planner.models.robust.measure`

Every score is the least of weighted sums sum_s w_s V_s(y) - constant over weights of a set A (for
expected values, one), so for any w in A

    max_y score <= max_y sum_s w_s V_s(y) - constant <= L(w) - constant,

L(w) the bound of the same problem with the values of future s times w_s: a plan over time like any
other. Each solve at weights w gives a plan, judged exactly in all futures, and the cut
sum_s w_s V_s <= L(w); plans bound the best score from below, all cuts together from above
(`planner.models.robust.program`). Weights next tried are those that the parts of known plans, city
by city, are worst prepared for, and points between them and the ones behind the bound (Wentges
1997, International Transactions in Operational Research 4:151-162). Whole parts put together give
further plans. Each future alone gives its best as an interval; each plan raises all lower ends.

Where the best score of mixed plans is above that of every single plan, the interval stays open.
Not modelled: limits that differ by future at nodes that futures share.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.service import served_by_column
from planner.models.phasing.solution import PhasedPlan, PhasedSolution, PhasedStart
from planner.models.phasing.solve import solve_phased
from planner.models.robust.futures import (
    Futures,
    averaged,
    capacity_is_slack,
    is_line,
    weighted,
    with_first_openings,
    without_news,
)
from planner.models.robust.measure import Interval, Measure, share_of_best
from planner.models.robust.payoff import joined
from planner.models.robust.program import (
    adverse_weights,
    best_parts,
    distinct_parts,
    mixture_model,
)
from planner.models.robust.reduce import opportunity_cost, reduce_futures
from planner.models.robust.solution import Judged, RobustSolution
from planner.models.robust.state import RobustSearch
from planner.models.robust.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac
from planner.solving.tasks import TaskRunner


class Solve(Protocol):
    """What solves one problem over time: `solve_phased`."""

    def __call__(
        self,
        problem: PhasedProblem,
        options: SolveOptions,
        *,
        start: PhasedStart | None = None,
        executor: Executor | None = None,
        stop: StopRequest | None = None,
    ) -> PhasedSolution:
        """Plan, proof and prices of one problem."""
        ...


@dataclass(frozen=True)
class SolveTask:
    """One problem to be solved, by a worker or here."""

    solve: Solve
    problem: PhasedProblem
    options: SolveOptions
    start: PhasedStart | None


@dataclass(frozen=True)
class SolveAnswer:
    """What is taken over from a solve."""

    plan: PhasedPlan
    bound: float
    end: PhasedStart


def answer(task: SolveTask, stop: StopRequest | None) -> SolveAnswer:
    """Solve one problem on one worker."""
    found = task.solve(task.problem, task.options, start=task.start, stop=stop)
    return SolveAnswer(found.plan, found.proof.bound, found.end)


def solve_robust(
    problem: PhasedProblem,
    futures: Futures,
    measure: Measure,
    options: SolveOptions,
    *,
    num_kept: int | None = None,
    solve: Solve = solve_phased,
    start: PhasedStart | None = None,
    executor: Executor | None = None,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> RobustSolution:
    """Find the plan that is best over all futures by a measure.

    Parameters
    ----------
    problem : PhasedProblem
        Values are those of each future, not weighted by its probability. Not changed.
    futures : Futures
    measure : Measure
    options : SolveOptions
        The search ends when the score is known to ``gap_frac`` (of itself; a regret that is a
        value, of the mean value), at the time limit or, in deterministic mode, after a fixed
        amount of work. Up to ``workers`` solves run at once.
    num_kept : int, optional
        Futures that the plan is searched on first, chosen by `reduce_futures` once each is planned
        for alone; judged and bounded on all. All if not given.
    solve : callable, optional
        `solve_phased` or what answers alike; picklable if ``workers`` is more than 1.
    start : PhasedStart, optional
        A plan and prices to start from.
    executor : concurrent.futures.Executor, optional
        Anything with ``submit``. Without one, and with more than one worker, processes are started.
    tuning : Tuning, optional
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with valid intervals.

    Returns
    -------
    RobustSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    """
    search = RobustSearch(
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=work_s(),
        problem=problem,
        futures=futures,
        measure=measure,
        tuning=tuning,
        lower=np.zeros(futures.num_futures) if futures.best is None else futures.best[:, 0].copy(),
        upper=futures.values(problem.value.sum(axis=0)),
    )
    if futures.best is not None:
        search.upper = np.minimum(search.upper, futures.best[:, 1])
    _first(search, solve, start, executor)
    with TaskRunner[SolveTask, SolveAnswer](
        answer, workers=options.workers, executor=executor, stop=stop
    ) as runner:
        _each_alone(search, solve, runner)
        if num_kept is not None and num_kept < futures.num_futures:
            stands_for = _stands_for(search, num_kept)
            _rounds(search, solve, runner, stands_for, _time_for_all(search))
        _rounds(search, solve, runner, np.arange(futures.num_futures), 0.0)
    return _solution(search)


def _limited(search: RobustSearch, limit_s: float, workers: int) -> SolveOptions:
    """Options of one solve."""
    return replace(
        search.options,
        gap_frac=search.options.gap_frac * search.tuning.gap_share,
        time_limit_s=max(min(limit_s, search.remaining_s, 1e9), 1e-3),
        workers=workers,
    )


def _first(
    search: RobustSearch, solve: Solve, start: PhasedStart | None, executor: Executor | None
) -> None:
    """The plan for the futures' probabilities."""
    share = search.tuning.first_share
    if search.measure.kind == "expected":
        share = search.tuning.first_share_expected
    probability = search.futures.probability / math.fsum(search.futures.probability)
    options = _limited(search, share * search.options.time_limit_s, search.options.workers)
    found = solve(
        weighted(search.problem, search.futures, probability), options,
        start=start, executor=executor, stop=search.stop,
    )  # fmt: skip
    if start is not None and not keeps_limits(search.problem, start.plan):
        search.add(start.plan)
    search.add(found.plan)
    search.add_cut(probability, found.proof.bound, found.end)
    search.report("futures", "plan for the expected value")


def _each_alone(
    search: RobustSearch, solve: Solve, runner: TaskRunner[SolveTask, SolveAnswer]
) -> None:
    """Each future alone, and the plan for mean values."""
    futures, options = search.futures, search.options
    num = futures.num_futures
    weights = [alone for alone in np.eye(num) if num > 1 and not search.is_closed(alone)]
    line = is_line(search.problem)
    if num > 1 and not (line and capacity_is_slack(search.problem)):
        problem = averaged(without_news(search.problem), futures)
    else:
        problem = None
    share = search.tuning.alone_share
    if search.measure.takes_bests:
        share = search.tuning.alone_share_judged
    turns = math.ceil((len(weights) + (problem is not None)) / options.workers)
    turns += not line
    limit_s = share * options.time_limit_s / max(turns, 1)
    tasks = [_task(search, solve, weight, limit_s) for weight in weights]
    if problem is not None:
        start = search.start_for(futures.probability) if line else None
        tasks.append(SolveTask(solve, problem, _limited(search, limit_s, 1), start))
    mean_plan: PhasedPlan | None = None
    for position, found in _answers(search, runner, tasks):
        if position < len(weights):
            search.add(found.plan)
            search.add_cut(weights[position], found.bound, found.end)
        elif line:
            search.take_mean(found.plan, None)
        else:
            mean_plan = found.plan
    if mean_plan is not None:
        _after_news(search, solve, runner, mean_plan, limit_s)
    search.report("futures", f"{len(weights)} futures alone")


def _after_news(
    search: RobustSearch,
    solve: Solve,
    runner: TaskRunner[SolveTask, SolveAnswer],
    mean_plan: PhasedPlan,
    limit_s: float,
) -> None:
    """What is best after the news, with the openings before it of the plan for mean values."""
    fixed = with_first_openings(search.problem, mean_plan)
    problem = weighted(fixed, search.futures, search.futures.probability)
    task = SolveTask(solve, problem, _limited(search, limit_s, 1), None)
    try:
        for _, found in _answers(search, runner, [task]):
            search.take_mean(found.plan, found.bound)
    except InfeasibleError:
        return  # no limit of one node is broken, but several may be, where branches differ


def _task(search: RobustSearch, solve: Solve, weight: FloatArray, limit_s: float) -> SolveTask:
    problem = weighted(search.problem, search.futures, weight)
    return SolveTask(solve, problem, _limited(search, limit_s, 1), search.start_for(weight))


def _answers(
    search: RobustSearch, runner: TaskRunner[SolveTask, SolveAnswer], tasks: Sequence[SolveTask]
) -> Iterator[tuple[int, SolveAnswer]]:
    """Answers as they come, or, without a clock, in the order of the tasks."""
    run = runner.run(tasks, search.may_go_on)
    found = ((position, each) for position, each in run if each is not None)
    if search.options.deterministic:
        return iter(sorted(found, key=lambda pair: pair[0]))
    return found


def _time_for_all(search: RobustSearch) -> float:
    """Seconds that the search on all futures keeps; 0 without a clock."""
    left_s = search.remaining_s
    return 0.0 if math.isinf(left_s) else left_s * search.tuning.all_share


def _stands_for(search: RobustSearch, num_kept: int) -> IntArray:
    """Which of so many futures stands for each."""
    planned = [search.best_at(alone).value for alone in np.eye(search.futures.num_futures)]
    cost = opportunity_cost(np.column_stack(planned), search.lower)
    reduction = reduce_futures(cost, search.futures.probability, num_kept, search.options)
    search.report("futures", f"{len(reduction.kept)} futures stand for all")
    return reduction.stands_for


def _rounds(
    search: RobustSearch,
    solve: Solve,
    runner: TaskRunner[SolveTask, SolveAnswer],
    stands_for: IntArray,
    until_s: float,
) -> None:
    """Weights, plans and cuts in turn until nothing is gained or so much time is left.

    Weights of futures that others stand for are added to theirs: cuts like any others.
    """
    options, tuning = search.options, search.tuning
    idle, number, limit_s = 0, 0, tuning.round_share * options.time_limit_s
    while idle < tuning.patience and search.remaining_s > until_s:
        known = search.not_known
        weights = [
            np.bincount(stands_for, weight, minlength=len(weight)).astype(np.float64)
            for weight in _next_weights(search)
        ]
        if not search.unfinished() or (options.deterministic and number >= tuning.rounds):
            return
        weights = [each for each in weights if not search.is_closed(each)][: options.workers]
        if not weights:
            return
        number += 1
        tasks = [_task(search, solve, weight, limit_s) for weight in weights]
        for position, found in _answers(search, runner, tasks):
            search.add(found.plan)
            search.add_cut(weights[position], found.bound, found.end)
        search.report("futures", f"round {number}, {len(search.payoffs)} plans")
        gained = known - search.not_known > tuning.least_gain * known
        idle = 0 if gained else idle + 1
        limit_s *= 1.0 if gained else 2.0


def _next_weights(search: RobustSearch) -> list[FloatArray]:
    """A plan of whole parts, and weights to solve at, those that promise most first."""
    probability, measure = search.futures.probability, search.measure
    lower, upper = search.known_bests
    parts = distinct_parts(search.problem, search.payoffs)
    unit = max(float(upper.max()), 1e-300)
    model = mixture_model(search.problem, parts, measure, probability, lower, unit)
    adverse = adverse_weights(model, len(probability))
    _offer_parts(search)
    if adverse is None:
        return []
    joint = search.combined(measure)
    central = adverse if joint is None else joint.weight / math.fsum(joint.weight)
    wanted = [adverse, 0.5 * (adverse + central), central]
    if measure.takes_bests:
        wanted.insert(_place_of_own_best(search), _doubtful(search))
    distinct: list[FloatArray] = []
    for weight in wanted:
        if all(np.abs(weight - other).sum() > 1e-6 for other in distinct):
            distinct.append(weight)
    return distinct


def _doubtful(search: RobustSearch) -> FloatArray:
    """The future alone whose best the plan's score hangs on."""
    lower, upper = search.known_bests
    value = search.payoffs[search.best_position].value
    short = upper - value
    if search.measure.relative or search.measure.kind == "p_robust":
        short = short / np.where(upper > 0.0, upper, 1.0)
    return np.asarray(np.eye(len(lower))[int(np.argmax(short))])


def _place_of_own_best(search: RobustSearch) -> int:
    """First if what is not known of that future is more than half of what is not known at all."""
    lower, upper = search.known_bests
    alone = int(np.argmax(_doubtful(search)))
    missing = (upper[alone] - lower[alone]) / max(upper[alone], 1e-300)
    return 0 if missing > 0.5 * search.not_known else 1


def _offer_parts(search: RobustSearch) -> None:
    """The best plan of whole parts of known ones."""
    if len(search.payoffs) < 2 or len(search.problem.cities.least) < 2:
        return
    tuning, options = search.tuning, search.options
    _, upper = search.known_bests
    parts = distinct_parts(search.problem, search.payoffs)
    model = mixture_model(
        search.problem, parts, search.measure, search.futures.probability, upper,
        max(float(upper.max()), 1e-300),
    )  # fmt: skip
    limit_s = min(tuning.mixture_s, tuning.mixture_share * options.time_limit_s, search.remaining_s)
    source = best_parts(
        model, parts, len(search.problem.cities.least),
        time_limit_s=math.inf if options.deterministic else max(limit_s, 1e-3),
        node_limit=tuning.mixture_nodes if options.deterministic else None,
        stop=search.stop,
    )  # fmt: skip
    if source is not None:
        search.add(joined(search.problem, search.payoffs, source))


def _solution(search: RobustSearch) -> RobustSolution:
    """Plan, intervals and proof from payoffs and cuts alone."""
    futures = search.futures
    chosen = search.payoffs[search.best_position]
    lower, upper = search.known_bests
    served_frac, served = served_by_column(search.problem, chosen.plan)
    expected, mean = _judged(search, replace(search.measure, kind="expected")), futures.probability
    of_plan = math.fsum(mean * chosen.value)
    ends = expected.attainable
    is_zero = is_line(search.problem) and capacity_is_slack(search.problem)
    vss = Interval(0.0, 0.0) if is_zero else None
    if search.of_mean is not None:
        low = ends.low - search.of_mean.high
        # Unlike on a line, no more is known of the mean-value plan than an interval: VSS >= 0.
        vss = Interval(
            low if is_line(search.problem) else max(low, 0.0), ends.high - search.of_mean.low
        )
    joint = search.combined(search.measure)
    weight = futures.probability if joint is None else joint.weight / math.fsum(joint.weight)
    regret = np.column_stack([_missed(chosen.value, lower), _missed(chosen.value, upper)])
    best_plan = tuple(search.best_at(alone).plan for alone in np.eye(futures.num_futures))
    proof = _proof(search)
    search.report("done", f"{len(chosen.plan.site_idx)} stations, {proof.status}")
    return RobustSolution(
        plan=chosen.plan,
        served_frac=served_frac,
        served=served,
        value=chosen.value,
        best=np.column_stack([lower, upper]),
        best_plan=best_plan,
        regret_frac=regret,
        expected=expected,
        cvar=_judged(search, replace(search.measure, kind="cvar")),
        regret=_as_regret(_judged(search, replace(search.measure, kind="regret")), search.measure),
        evpi=Interval(
            max(math.fsum(mean * lower) - ends.high, 0.0), math.fsum(mean * upper) - ends.low
        ),
        vss=vss,
        vss_is_zero=is_zero,
        mean_plan=None if search.mean is None else search.mean.plan,
        robustness_price=Interval(ends.low - of_plan, ends.high - of_plan),
        weight=weight,
        payoffs=tuple(search.payoffs),
        cuts=tuple(search.cuts),
        end=replace(search.ends[0], plan=chosen.plan),
        proof=replace(proof, history=tuple(search.history)),
    )


def _missed(value: FloatArray, best: FloatArray) -> FloatArray:
    """Share of a best that a value misses."""
    return 1.0 - share_of_best(value, best)


def _judged(search: RobustSearch, measure: Measure) -> Judged:
    """A measure of the plan, and the best that any plan can have, as far as known."""
    of_plan = search.score_interval(measure, search.payoffs[search.best_position])
    known = max(search.score_interval(measure, payoff).low for payoff in search.payoffs)
    return Judged(of_plan, Interval(known, max(search.bound_of(measure), known)))


def _as_regret(judged: Judged, measure: Measure) -> Judged:
    """A score of least shares or negative losses as regret: less is better."""
    whole = 1.0 if measure.relative else 0.0

    def turned(known: Interval) -> Interval:
        return Interval(whole - known.high, whole - known.low)

    return Judged(turned(judged.of_plan), turned(judged.attainable))


def _proof(search: RobustSearch) -> Proof:
    """Of the score; of the regret where it is a value."""
    measure = search.measure
    judged = _judged(search, measure)
    objective, bound = judged.of_plan.low, judged.attainable.high
    if measure.kind == "p_robust" and not math.isfinite(objective):
        shares = replace(measure, kind="regret", relative=True)
        impossible = search.bound_of(shares) < measure.robust_frac * (1.0 - 1e-9)
        expected = replace(measure, kind="expected")
        value = _judged(search, expected).of_plan.low
        return replace(
            search.proof(value, max(bound, value)),
            status=Status.INFEASIBLE if impossible else Status.NO_SOLUTION,
            gap_frac=math.inf,
        )
    if measure.kind == "regret" and not measure.relative:
        gap = gap_frac(-objective, -bound, sense="min")
        status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
        return Proof(status, -objective, -bound, gap, "min", wall_s=search.elapsed_s)
    return search.proof(objective, bound)
