"""How a whole run's cost grows with cities and with zones: cuts of an instance, run in turn."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from planner.bench.cut_instance import cut_instance
from planner.bench.whole_run import WholeRun, run_whole, this_release

COLUMNS = (
    "date", "release", "cores", "instance", "series", "cities", "zones", "gap_frac", "stage",
    "wall_s", "cpu_s", "peak_rss_mb",
)  # fmt: skip
BY_CITIES, BY_ZONES = "cities", "zones"
"""What grows in a series: cities with all that is theirs, or zones that the same people live in."""
PARTS = (1, 2, 4)
"""Zones made of each."""
QUICK_CITIES = (4, 8, 16)
WARM_CITIES = 2
"""For a run beforehand that compiles, and lets the system read all files once."""


@dataclass(frozen=True)
class Cut:
    """A cut of an instance: so many cities, so many zones made of each."""

    cities: int
    parts: int


def cuts(num_cities: int, *, quick: bool) -> tuple[Cut, ...]:
    """What is run: a quarter, a half and all of the cities, and a quarter with finer zones.

    >>> [(cut.cities, cut.parts) for cut in cuts(140, quick=False)]
    [(35, 1), (70, 1), (140, 1), (35, 2), (35, 4)]
    """
    asked = QUICK_CITIES if quick else (num_cities // 4, num_cities // 2, num_cities)
    sizes = [min(max(size, 1), num_cities) for size in asked]
    return (*(Cut(size, PARTS[0]) for size in sizes), *(Cut(sizes[0], part) for part in PARTS[1:]))


def measure_growth(
    instance: Path,
    *,
    gap: float,
    time_limit_s: float,
    quick: bool = False,
    on_start: Callable[[str], None] = lambda _: None,
) -> Iterator[pd.DataFrame]:
    """Run the cuts of an instance one after the other.

    Parameters
    ----------
    instance : Path
        Instance folder that `cut_instance` can cut.
    gap : float
        Proven gap of every run, in [0, 1].
    time_limit_s : float
        Of every siting model [s].
    quick : bool
        A few cities only.
    on_start : callable
        Told which run comes next.

    Yields
    ------
    DataFrame
        Rows of `COLUMNS` of a run, as soon as it is done, a row per stage; the first cut stands in
        both series.

    Raises
    ------
    InputError
        If the instance cannot be cut.
    PlannerError
        If a run fails.
    """
    release = this_release()
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    num_cities = len(pd.read_csv(instance / "cities.csv", usecols=["city_id"]))
    with tempfile.TemporaryDirectory(prefix="planner-bench-") as scratch:
        warm = Path(scratch, "warm")
        on_start(f"{min(WARM_CITIES, num_cities)} cities beforehand, not counted")
        cut_instance(instance, warm, num_cities=min(WARM_CITIES, num_cities))
        run_whole(release, warm, gap=gap, time_limit_s=time_limit_s)
        for number, cut in enumerate(cuts(num_cities, quick=quick)):
            on_start(f"{cut.cities} cities, {cut.parts} zones for each")
            folder = Path(scratch, f"{cut.cities}-{cut.parts}")
            cut_instance(instance, folder, num_cities=cut.cities, parts=cut.parts)
            num_zones = len(pd.read_parquet(folder / "zones.parquet", columns=["zone_id"]))
            run = run_whole(release, folder, gap=gap, time_limit_s=time_limit_s)
            rows = _rows(run).assign(
                date=date, release=release.name, cores=os.cpu_count(), instance=instance.name,
                cities=cut.cities, zones=num_zones,
            )  # fmt: skip
            series = [BY_CITIES, BY_ZONES] if number == 0 else [_series(cut)]
            yield pd.concat([rows.assign(series=name) for name in series])[list(COLUMNS)]


def _series(cut: Cut) -> str:
    return BY_CITIES if cut.parts == 1 else BY_ZONES


def _rows(run: WholeRun) -> pd.DataFrame:
    return pd.DataFrame(run.took).assign(gap_frac=run.gap_frac)


def exponents(rows: pd.DataFrame, figure: str, least: float = 0.0) -> "pd.Series[float]":
    """Growth of a figure with the number of zones: the slope of a straight line between logarithms.

    Parameters
    ----------
    rows : DataFrame
        Runs of one series: ``stage``, ``zones`` and the figure.
    figure : str
        A column, e.g. ``cpu_s``.
    least : float
        Stages whose largest figure is below this are left out: a clock's own steps show in them.

    Returns
    -------
    Series
        Exponent by stage, least squares; 1 is linear. Without stages known at fewer than two sizes.
    """
    found = {}
    for stage, group in rows.groupby("stage", sort=False):
        known = group[group[figure] > 0]
        if known["zones"].nunique() < 2 or known[figure].max() < least:
            continue
        found[stage] = float(np.polyfit(np.log(known["zones"]), np.log(known[figure]), 1)[0])
    return pd.Series(found, dtype=float)
