"""The national search by prices: cities are solved at prices, the master chooses, prices move.

Takes a state with a first plan and first prices, improves it in place; the algebra is that of
`planner.models.national.solve`.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.national.city import CityAnswer
from planner.models.national.master import (
    CityPlan,
    build_master,
    choose_plans,
    master_prices,
)
from planner.models.national.state import (
    LEAST_MULTIPLIER_FRAC,
    Effort,
    PricedSearch,
    Prices,
    Task,
    at_prices,
    offer_chosen,
)
from planner.solving.tasks import TaskRunner


def search_until_done(
    search: PricedSearch[Task],
    runner: TaskRunner[Task, CityAnswer],
    improve: Callable[[], None] = lambda: None,
) -> None:
    """Visit cities at prices until their answers agree with the bound, then move the prices.

    Parameters
    ----------
    search : PricedSearch
    runner : TaskRunner
        Answers the pricing problems of cities.
    improve : callable, optional
        Improves the incumbent as a whole; asked whenever the master may have found another.
    """
    _settle_prices(search, runner)
    visits, stalls, step, rounds = 0, 0, search.tuning.step_frac, 0
    gap_at_step = search.gap_frac
    while search.unfinished():
        rounds += 1
        dual = _visit(search, runner, visits, rounds)
        visits += 1
        improve()
        open_value = search.lagrangian_bound(search.current) - search.objective
        in_cities = float(search.part_gap(search.current).sum())
        if search.unfinished() and (visits == 1 or in_cities < 0.5 * open_value):
            _fit_to_neighbours(search, runner, rounds)
        if in_cities > search.tuning.city_share * open_value and visits < search.tuning.max_visits:
            continue
        if rounds > visits:
            gained = search.gap_frac <= 0.9 * gap_at_step
            stalls = 0 if gained else stalls + 1
            step = min(2.0 * step, 1.0) if gained else 0.5 * step
        gap_at_step, visits = search.gap_frac, 0
        if dual is None or stalls >= search.tuning.max_stalls or not search.unfinished():
            break
        search.current = _towards(search, dual[0], dual[1], step)


def _towards(
    search: PricedSearch[Task], price: FloatArray, multiplier: FloatArray, step: float
) -> Prices:
    """Prices between the best so far and the master's duals."""
    best = search.best
    known = np.where(np.isnan(multiplier), best.multiplier, multiplier)
    return at_prices(
        search,
        best.price + step * (price - best.price),
        best.multiplier + step * (known - best.multiplier),
    )


def _settle_prices(search: PricedSearch[Task], runner: TaskRunner[Task, CityAnswer]) -> None:
    """Let plans without proof give a first choice, and find the prices of several limits."""
    several = search.settles_prices
    if search.settled and not several:
        return
    for number in range(search.tuning.price_rounds if several else 1):
        if not search.unfinished():
            return
        frac = (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5) if number < 2 else (0.9, 1.1)
        tasks = [
            _task(
                search,
                plan,
                search.current,
                number,
                moves_per_site=search.tuning.moves_per_site // 4,
                around=(-1, 1),
                around_frac=frac if several else (),
            )
            for plan in search.best_plans(search.current)[0][: len(search.cities)]
        ]
        search.price_claimants()
        _solve_cities(search, runner, tasks)
        dual = _choose(search)
        if dual is None or not several:
            return
        weight = 1.0 if number < 2 else search.tuning.step_frac
        now = search.current
        known = np.where(np.isnan(dual[1]), now.multiplier, dual[1])
        moved = at_prices(
            search,
            now.price + weight * (dual[0] - now.price),
            now.multiplier + search.tuning.step_frac * (known - now.multiplier),
        )
        change = np.abs(moved.price - now.price) @ search.limit
        search.current = moved
        _keep_bound(search)
        search.report("prices", _price_message(search))
        if change <= search.tuning.settled_frac * search.objective:
            return


def _price_message(search: PricedSearch[Task]) -> str:
    pairs = zip(search.names, search.current.price, strict=True)
    return "prices " + ", ".join(f"{name} {price:.4g}" for name, price in pairs)


def _task(
    search: PricedSearch[Task],
    start: CityPlan,
    prices: Prices,
    seed: int,
    *,
    seconds: float = 0.0,
    nodes: int | None = None,
    moves_per_site: int | None = None,
    around: tuple[int, ...] | None = None,
    around_frac: tuple[float, ...] = (),
) -> Task:
    moves = search.tuning.moves_per_site if moves_per_site is None else moves_per_site
    effort = Effort(
        seed=(search.options.seed + seed) % 2**31,
        allowed_gap=search.negligible_gap,
        seconds=seconds,
        node_limit=nodes,
        moves_per_site=moves,
        around=search.tuning.around if around is None else around,
        around_frac=around_frac,
    )
    return search.task(start, prices, effort)


def _visit(
    search: PricedSearch[Task], runner: TaskRunner[Task, CityAnswer], visits: int, rounds: int
) -> tuple[FloatArray, FloatArray] | None:
    """Solve the cities that hold the gap, the largest part first; returns the master's duals.

    As soon as the best plans of the parts would do together, the master is asked whether they do;
    if not, the next ones have to be closer.
    """
    if visits == 0:
        search.price_claimants()
    gaps = search.part_gap(search.current)[: len(search.cities)]
    waiting = [
        k for k in np.argsort(-gaps, kind="stable").tolist() if gaps[k] > search.negligible_gap
    ]
    effort = search.tuning.growth**visits
    nodes = search.tuning.first_nodes * effort if search.options.deterministic else None
    share = search.tuning.enough_share
    while True:
        plans = search.best_plans(search.current)[0]
        seconds = math.inf
        if nodes is None:
            seconds = min(search.tuning.first_seconds * effort, max(search.remaining_s, 0.1))
        tasks = [
            _task(search, plans[k], search.current, rounds, seconds=seconds, nodes=nodes)
            for k in waiting
        ]
        answered = _solve_cities(search, runner, tasks, enough_share=share)
        waiting = [k for k in waiting if k not in answered]
        dual = _choose(search)
        if not waiting or share == 0.0 or not search.unfinished():
            return dual
        share = 0.5 * share if answered else 0.0


def _solve_cities(
    search: PricedSearch[Task],
    runner: TaskRunner[Task, CityAnswer],
    tasks: list[Task],
    enough_share: float = 0.0,
) -> set[int]:
    """Solve pricing problems and merge their bounds and plans; returns the cities that answered.

    Parameters
    ----------
    search : PricedSearch
    runner : TaskRunner
    tasks : list
    enough_share : float
        No more are begun once what the best plans of all parts leave open is below this share of
        the gap that is asked for. In deterministic mode that is looked at after whole batches.
    """
    answered: set[int] = set()
    at_once = enough_share > 0.0 and not search.options.deterministic
    size = search.tuning.batch_cities if enough_share > 0.0 and not at_once else len(tasks)

    def may_go_on() -> bool:
        return search.may_go_on() and not _is_enough(search, enough_share)

    for first in range(0, len(tasks), max(size, 1)):
        answers: dict[int, CityAnswer] = {}
        for _, answer in runner.run(tasks[first : first + size], may_go_on):
            if answer is None:
                continue
            answers[answer.position] = answer
            answered.add(answer.position)
            if at_once:
                _merge(search, {answer.position: answer})
                if len(answered) % max(len(tasks) // 10, 1) == 0:
                    search.report("national", _city_message(search))
        _merge(search, answers)
    return answered


def _is_enough(search: PricedSearch[Task], share: float) -> bool:
    """Whether the best plans of the parts leave little of the gap that is asked for."""
    target = search.options.gap_frac * search.best_bound
    return share > 0.0 and bool(search.part_gap(search.current).sum() <= share * target)


def _merge(search: PricedSearch[Task], answers: dict[int, CityAnswer]) -> None:
    bound, cover_bound = search.current.part_bound.copy(), search.current.cover_bound.copy()
    for position in sorted(answers):
        bound[position] = min(bound[position], answers[position].bound)
        cover_bound[position] = min(cover_bound[position], answers[position].cover_bound)
        for plan in answers[position].plans:
            search.add(plan)
    search.current = replace(search.current, part_bound=bound, cover_bound=cover_bound)
    _keep_bound(search)


def _keep_bound(search: PricedSearch[Task]) -> None:
    if search.lagrangian_bound(search.current) <= search.lagrangian_bound(search.best):
        search.best = search.current


def _city_message(search: PricedSearch[Task]) -> str:
    gaps = search.part_gap(search.current)
    missing = search.best_bound - search.objective
    if len(gaps) == 0 or not 0.0 < missing < math.inf:
        return f"{len(search.plans)} city plans"
    worst = int(np.argmax(gaps))
    share = min(gaps[worst] / missing, 1.0)
    return gap_message(len(search.plans), search.part_name(worst), share)


def gap_message(num_plans: int, who: str, share: float) -> str:
    """How many plans there are, and who holds most of the gap, if anybody holds any.

    >>> gap_message(88, "city oslo", 0.153), gap_message(88, "corridors", 0.004)
    ('88 plans, city oslo holds 15% of the gap', '88 plans')
    """
    held = f"{share:.0%}"
    return f"{num_plans} plans" + ("" if held == "0%" else f", {who} holds {held} of the gap")


def _choose(search: PricedSearch[Task]) -> tuple[FloatArray, FloatArray] | None:
    """Let the master choose plans; returns its duals, None if it has none."""
    master = build_master(search.plans, len(search.chosen), search.limit, search.border_value)
    prices = master_prices(master, search.border_value)
    place = {id(plan): k for k, plan in enumerate(search.plans)}
    chosen = choose_plans(
        master,
        hint=np.array([place[id(plan)] for plan in search.chosen], dtype=np.int64),
        time_limit_s=min(
            search.tuning.master_seconds, max(search.remaining_s, search.tuning.last_seconds)
        ),
        node_limit=search.tuning.master_nodes if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if chosen is not None:
        plans = sorted((search.plans[k] for k in chosen), key=lambda plan: plan.part)
        if offer_chosen(search, plans):
            search.chosen = plans
    search.report("national", _city_message(search))
    return None if prices is None else (prices.price, prices.multiplier)


def _fit_to_neighbours(
    search: PricedSearch[Task], runner: TaskRunner[Task, CityAnswer], rounds: int
) -> None:
    """Plans of each city where border zones are worth what its neighbours leave of them."""
    total = np.zeros(len(search.border_value))
    for plan in search.chosen:
        total[plan.border_idx] += plan.border_frac
    tasks = []
    for plan in search.chosen[: len(search.cities)]:
        part = search.cities[plan.part]
        if len(part.border_idx) == 0:
            continue
        others = total.copy()
        others[plan.border_idx] -= plan.border_frac
        left = search.border_value * np.clip(1.0 - others, LEAST_MULTIPLIER_FRAC, 1.0)
        prices = replace(search.current, multiplier=left)
        moves = search.tuning.moves_per_site // 4
        tasks.append(_task(search, plan, prices, rounds, moves_per_site=moves, around=(-1, 1)))
    _solve_cities(search, runner, tasks)
    _choose(search)
