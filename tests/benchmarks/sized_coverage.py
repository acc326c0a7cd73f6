"""Sized covering on random instances; run on demand.

``python tests/benchmarks/sized_coverage.py [--time-limit 60] [--demand 0.6 1.3] [--seeds 2]``
prints a table: 7,000 zones, 400 sites, two sizes, about 45,000 arcs, money for 80 of the smaller.
``--demand`` is the load as a fraction of the capacity that the money buys at most. The last
columns compare with the same instance without loads (plain covering under the same money).
"""

import argparse
import resource
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from planner.models.sized_coverage.solve import solve_sized_coverage
from planner.solving.options import SolveOptions
from tests.models.sized_coverage.sized_cases import random_sized_problem


def main() -> None:
    """Solve the instances and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--gap", type=float, default=0.0)
    parser.add_argument("--demand", type=float, nargs="+", default=[0.3, 0.6, 0.9, 1.3, 2.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--bought", type=int, default=80)
    parser.add_argument("--plain", action="store_true", help="also solve without loads")
    args = parser.parse_args()
    options = SolveOptions(gap_frac=args.gap, time_limit_s=args.time_limit)
    print("demand seed    value    bound     gap  cuts stations  seconds  1% after   plain s  gap")
    for demand in args.demand:
        for seed in range(args.seeds):
            problem = random_sized_problem(
                seed, num_zones=7000, num_sites=400, demand_frac=demand, num_bought=args.bought
            )
            solution = solve_sized_coverage(problem, options)
            proof = solution.proof
            one = [p.elapsed_s for p in proof.history if p.gap_frac <= 0.01]
            row = (
                f"{demand:6.2f} {seed:4d} {solution.value:8.1f} {proof.bound:8.1f} "
                f"{proof.gap_frac:7.3%} {solution.num_cuts:5d} {len(solution.type_idx):8d} "
                f"{proof.wall_s:8.1f} {min(one, default=np.inf):9.1f}"
            )
            if args.plain:
                plain = solve_sized_coverage(
                    replace(problem, load=np.zeros_like(problem.load)), options
                )
                row += f" {plain.proof.wall_s:9.1f} {plain.proof.gap_frac:.3%}"
            print(row, flush=True)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
