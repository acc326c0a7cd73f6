"""Benchmarks on public and random instances: value, proven bound, seconds and memory."""

from planner.bench.cases import BENCHES, BenchCase, bench_cases
from planner.bench.run import BenchRow, run_bench

__all__ = ["BENCHES", "BenchCase", "BenchRow", "bench_cases", "run_bench"]
