"""National maximal covering at real size, on a synthetic country; run on demand.

``python tests/benchmarks/coverage_national.py [--scale 1.0] [--time-limit 120] [--gap 0.01]``
prints the gap over time, the seconds and the peak memory. Scale 1 mimics the 140 cities of the
flagship: 0.94 M zones, 80,000 sites, 6 M arcs, 3,000 stations.
"""

import argparse
import resource

import numpy as np
from scipy.spatial import cKDTree

from planner.arrays import Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.solve import solve_coverage
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.rules import SiteRules


def synthetic_country(scale: float = 1.0, seed: int = 0) -> CoverageProblem:
    """Cities of unequal size, demand falling exponentially from each centre.

    Zones are cells of a jittered grid (one per 0.6 km2, the size of an H3 cell of resolution 8),
    sites a sample of the zones drawn in proportion to the root of demand; a site reaches the
    zones within a travel standard of its own (roads are faster in some places than in others).
    """
    rng = np.random.default_rng(seed)
    num_cities = max(int(140 * scale), 1)
    size = rng.lognormal(0.0, 0.9, num_cities)
    size /= size.sum()
    zones_of_city = np.maximum((size * 940_000 * scale).astype(np.int64), 40)
    zone_xy, zone_value = [], []
    for city, num_zones in enumerate(zones_of_city):
        cell_km = np.sqrt(0.6)
        half = int(np.ceil(np.sqrt(num_zones) / 2)) + 1
        axis = np.arange(-half, half)
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2) * cell_km
        grid = grid[np.argsort((grid**2).sum(axis=1), kind="stable")[:num_zones]]
        xy = grid + rng.uniform(-0.3, 0.3, grid.shape) * cell_km
        num_towns = 1 + int(np.sqrt(num_zones) / 8)
        towns = xy[rng.integers(0, num_zones, num_towns)]
        towns[0] = 0.0
        mass = 1.0 / np.arange(1, num_towns + 1) ** 1.1
        reach_km = 1.2 + 5.0 * np.sqrt(mass * size[city] / size.max())
        demand = np.zeros(num_zones)
        for town, town_mass, decay_km in zip(towns, mass, reach_km, strict=True):
            demand += (
                town_mass / decay_km**2 * np.exp(-np.linalg.norm(xy - town, axis=1) / decay_km)
            )
        demand += demand.mean() * 0.02
        demand *= rng.lognormal(0.0, 0.7, num_zones)
        zone_value.append(demand / demand.sum() * size[city])
        zone_xy.append(xy + np.array([city * 10_000.0, 0.0]))
    xy, value = map(np.concatenate, (zone_xy, zone_value))
    value = value / value.sum() * 2_000_000.0
    chance = np.sqrt(value)
    num_sites = int(80_000 * scale)
    sites = np.sort(rng.choice(len(value), size=num_sites, replace=False, p=chance / chance.sum()))
    radius_km = rng.uniform(2.6, 4.9, num_sites)
    reach = cKDTree(xy).query_ball_point(xy[sites], radius_km, return_sorted=True)
    return CoverageProblem(value, Lists.of(reach), SiteRules.free(num_sites, int(3_000 * scale)))


def main() -> None:
    """Solve one synthetic country and print what was reached when."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--time-limit", type=float, default=120.0)
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--deterministic", action="store_true")
    args = parser.parse_args()
    problem = synthetic_country(args.scale, args.seed)
    print(
        f"{problem.num_zones} zones, {problem.num_sites} sites, "
        f"{problem.reach.num_entries} arcs, {problem.rules.most} stations"
    )
    options = SolveOptions(
        gap_frac=args.gap,
        time_limit_s=args.time_limit,
        seed=args.seed,
        workers=args.workers,
        deterministic=args.deterministic,
    )
    solution = solve_coverage(problem, options, on_progress=show)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    proof = solution.proof
    print(
        f"{proof.status} objective {proof.objective:.1f} bound {proof.bound:.1f} "
        f"gap {proof.gap_frac:.4%} in {proof.wall_s:.1f} s, peak {peak_mb:.0f} MB"
    )


def show(progress: Progress) -> None:
    """Print one line of progress."""
    print(
        f"{progress.elapsed_s:7.1f} s  {progress.gap_frac:9.4%}  {progress.stage:8s} "
        f"{progress.message}",
        flush=True,
    )


if __name__ == "__main__":
    main()
