"""Maximal covering with sizes by price decomposition, at real size; run on demand.

``python tests/benchmarks/national_decomposition.py PROBLEM.pkl [--gap 0.001] [--time-limit 1800]
[--workers 2] [--cities N] [--budget-mcny M] [--quarters]`` reads a pickled SizedCoverageProblem
and prints the gap over time, seconds of wall and CPU, the peak memory and the cities that hold
the gap. ``--cities`` takes the first N and scales the stations with them, ``--quarters`` adds two
build limits, one per half of the cities.
"""

import argparse
import pickle
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from planner.arrays import Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.national.solve import NationalLimit, solve_national
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.rules import CityLimits


def first_cities(problem: SizedCoverageProblem, num_cities: int) -> SizedCoverageProblem:
    """The first cities alone, with their part of the stations."""
    coverage, rules, cities = problem.coverage, problem.rules, problem.rules.cities_or_one()
    kept = cities.city_idx < num_cities
    zones, reach = np.unique(coverage.reach.entries_of(kept), return_inverse=True)
    limits = CityLimits(
        cities.city_idx[kept], cities.min_stations[:num_cities], cities.max_stations[:num_cities]
    )
    ptr = np.concatenate([[0], np.cumsum(coverage.reach.sizes[kept])]).astype(np.int64)
    return SizedCoverageProblem(
        coverage=CoverageProblem(
            value=coverage.value[zones],
            reach=Lists(ptr, reach.astype(np.int32)),
            rules=replace(
                rules,
                forced=rules.forced[kept],
                forbidden=rules.forbidden[kept],
                cost=rules.cost[kept],
                most=rules.most * num_cities // len(cities.min_stations),
                cities=limits,
            ),
        ),
        load=problem.load[zones],
        capacity=problem.capacity[kept],
    )


def with_budget(problem: SizedCoverageProblem, budget: float) -> SizedCoverageProblem:
    """Money instead of a number of stations."""
    rules = replace(problem.rules, most=problem.rules.num_sites, budget=budget)
    return replace(problem, coverage=replace(problem.coverage, rules=rules))


def quarterly_limits(problem: SizedCoverageProblem) -> list[NationalLimit]:
    """Build limits of two quarters, each building one half of the cities."""
    cities, slots = problem.rules.cities_or_one(), problem.rules.most
    first = cities.city_idx < len(cities.min_stations) // 2
    return [
        NationalLimit(name, np.repeat(half.astype(float)[:, None], problem.num_types, axis=1), cap)
        for name, half, cap in (
            ("build slots Q1", first, 0.62 * slots),
            ("build slots Q2", ~first, 0.35 * slots),
        )
    ]


def main() -> None:
    """Solve one problem and print what was reached when."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problem", type=Path)
    parser.add_argument("--gap", type=float, default=0.001)
    parser.add_argument("--time-limit", type=float, default=1800.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--cities", type=int)
    parser.add_argument("--budget-mcny", type=float)
    parser.add_argument("--quarters", action="store_true")
    args = parser.parse_args()
    with args.problem.open("rb") as file:
        problem = pickle.load(file)
    if args.cities is not None:
        problem = first_cities(problem, args.cities)
    if args.budget_mcny is not None:
        problem = with_budget(problem, args.budget_mcny * 1e6)
    options = SolveOptions(
        gap_frac=args.gap,
        time_limit_s=args.time_limit,
        seed=args.seed,
        workers=args.workers,
        deterministic=args.deterministic,
    )
    started = time.process_time()
    solution = solve_national(
        problem,
        options,
        limits=quarterly_limits(problem) if args.quarters else (),
        on_progress=show,
    )
    proof = solution.proof
    own, workers = (resource.getrusage(who) for who in (0, resource.RUSAGE_CHILDREN))
    print(
        f"{proof.status} objective {proof.objective:.2f} bound {proof.bound:.2f} "
        f"gap {proof.gap_frac:.5%} with {len(solution.open_site_idx)} stations, "
        f"{solution.num_plans} city plans, in {proof.wall_s:.1f} s; "
        f"CPU {time.process_time() - started:.0f} s here, "
        f"{workers.ru_utime + workers.ru_stime:.0f} s in workers; peak {own.ru_maxrss / 1024:.0f} "
        f"MB here, {workers.ru_maxrss / 1024:.0f} MB in the largest worker"
    )
    for name, price in zip(solution.resources, solution.price, strict=True):
        print(f"price of {name}: {price:.6g}")
    order = np.argsort(-solution.city_gap)[:8]
    print("gap by city:", ", ".join(f"{c}: {solution.city_gap[c]:.2f}" for c in order))
    number = np.bincount(solution.type_idx, minlength=problem.num_types)
    print("stations by type:", number.tolist())


def show(progress: Progress) -> None:
    """Print one line of progress."""
    print(
        f"{progress.elapsed_s:7.1f} s  {progress.gap_frac:9.5%}  {progress.incumbent:12.2f} "
        f"{progress.bound:12.2f}  {progress.stage:8s} {progress.message}",
        flush=True,
    )


if __name__ == "__main__":
    main()
