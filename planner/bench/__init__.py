"""Benchmarks on public and random instances: value, proven bound, seconds and memory."""

from planner.bench.case import BenchCase
from planner.bench.cases import BENCHES, bench_cases
from planner.bench.run import BenchRow, run_bench

__all__ = ["BENCHES", "BenchCase", "BenchRow", "bench_cases", "run_bench"]
