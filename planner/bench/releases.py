"""A release beside another: the same runs in turn on the same machine, as ratios, kept for good."""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from planner.bench.cut_instance import cut_instance
from planner.bench.growth import WARM_CITIES
from planner.bench.history import add_to_history, memory, percent, ratio, seconds, table
from planner.bench.whole_run import WHOLE, Release, WholeRun, run_whole, this_release
from planner.files import write_text

HISTORY, PAGE = "releases.csv", "releases.md"
FIGURES = ("wall_s", "cpu_s", "peak_rss_mb")
_HEAD = """# Releases: what a run takes, beside another release

Made by `planner bench releases OTHER --write FOLDER`; do not edit.

The same instance, `planner run` with all outputs to the same proven gap, the two releases in turn
(other, this, this, other, ...) on the same machine within minutes: read the ratios, this release
over the other, below 1 where it takes less. Figures are medians, ratios those of runs made one
after the other. `{whole}` is the process from start to end; CPU seconds and memory are those of all
its processes, by stage where the release tells them.
"""


def compare_releases(
    other: Release,
    instance: Path,
    *,
    gap: float,
    time_limit_s: float,
    pairs: int,
    num_cities: int | None = None,
    on_start: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Run an instance by another release and by this one, in turn.

    Parameters
    ----------
    other : Release
        From `other_release`.
    instance : Path
        Instance folder, understood by both, that `cut_instance` can cut.
    gap : float
        Proven gap of every run, in [0, 1].
    time_limit_s : float
        Of every siting model [s].
    pairs : int
        Runs of each release, >= 1.
    num_cities : int, optional
        Cities that the instance is cut to.
    on_start : callable
        Told which run comes next.

    Returns
    -------
    DataFrame
        A row per stage: each of `FIGURES` of this release, of the other (``other_``) and their
        ratio (``_ratio``), with both gaps.

    Raises
    ------
    InputError
        If the instance cannot be cut.
    PlannerError
        If a run fails.
    """
    sides = {"other": other, "this": this_release()}
    runs: dict[str, list[WholeRun]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory(prefix="planner-bench-") as scratch:
        warm, cut = Path(scratch, "warm"), Path(scratch, "cut")
        cut_instance(instance, warm, num_cities=WARM_CITIES)
        cut_instance(instance, cut, num_cities=num_cities)
        for release in sides.values():
            on_start(f"{release.name}: {WARM_CITIES} cities beforehand, not counted")
            run_whole(release, warm, gap=gap, time_limit_s=time_limit_s)
        for number in range(pairs):
            for name in list(sides) if number % 2 == 0 else list(sides)[::-1]:
                on_start(f"{sides[name].name}: run {number + 1} of {pairs}")
                runs[name].append(run_whole(sides[name], cut, gap=gap, time_limit_s=time_limit_s))
        num_zones = len(pd.read_parquet(cut / "zones.parquet", columns=["zone_id"]))
        cities = len(pd.read_parquet(cut / "cities.parquet", columns=["city_id"]))
    compared = ratios(runs["this"], runs["other"])
    return compared.assign(
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), release=sides["this"].name,
        against=other.name, cores=os.cpu_count(), instance=instance.name, cities=cities,
        zones=num_zones, gap_asked=gap, pairs=pairs,
    )  # fmt: skip


def ratios(runs: list[WholeRun], others: list[WholeRun]) -> pd.DataFrame:
    """Medians of both releases by stage, and medians of the ratios of runs made in turn.

    Parameters
    ----------
    runs, others : list of WholeRun
        As many of each; those at one position were made one after the other.

    Returns
    -------
    DataFrame
        As `compare_releases` tells; a stage that one of them lacks has no ratio.
    """
    own, theirs = (_by_pair(side) for side in (runs, others))
    stages = dict.fromkeys([*own["stage"], *theirs["stage"]])
    both = own.merge(theirs, on=["pair", "stage"], how="outer", suffixes=("", "_theirs"))
    rows = []
    for stage in stages:
        of_stage = both[both["stage"] == stage]
        row: dict[str, object] = {"stage": stage}
        for figure in FIGURES:
            mine, other = (of_stage[name].astype(float) for name in (figure, f"{figure}_theirs"))
            row |= {
                figure: mine.median(),
                f"other_{figure}": other.median(),
                f"{figure.rpartition('_')[0]}_ratio": (mine / other.where(other > 0)).median(),
            }
        rows.append(row)
    return pd.DataFrame(rows).assign(gap_frac=_worst_gap(runs), other_gap_frac=_worst_gap(others))


def write_releases(rows: pd.DataFrame, folder: Path) -> list[Path]:
    """Add a comparison to the history in a folder and write its page anew.

    Returns
    -------
    list of Path
        What was written.
    """
    history = add_to_history(folder / HISTORY, rows)
    write_text(folder / PAGE, releases_markdown(history))
    return [folder / PAGE, folder / HISTORY]


def releases_markdown(history: pd.DataFrame) -> str:
    """The page's text: the last comparison by stage, and all of them as wholes."""
    last = history[history["date"] == history["date"].iloc[-1]]
    lines = [_HEAD.format(whole=WHOLE), "## Last: " + _what(last.iloc[0]), "", *stages_table(last)]
    whole = history[history["stage"] == WHOLE]
    rows = [
        [row["date"], row["release"], row["against"],
         f"{row['instance']}, {row['cities']} cities", percent(row["gap_asked"]),
         f"{row['pairs']} x", *(ratio(row[name]) for name in ("wall_ratio", "cpu_ratio",
                                                              "peak_rss_ratio")),
         seconds(row["wall_s"]), seconds(row["cpu_s"]), memory(row["peak_rss_mb"])]
        for row in whole.iloc[::-1].to_dict("records")
    ]  # fmt: skip
    headings = ["date", "this", "other", "instance", "gap", "runs", "wall ratio", "CPU ratio",
                "memory ratio", "wall s", "CPU s", "GB"]  # fmt: skip
    return "\n".join([*lines, "", "## History", "", *table(headings, rows, texts=6)]) + "\n"


def stages_table(rows: pd.DataFrame) -> list[str]:
    """One comparison by stage, as Markdown."""
    headings = ["stage", "wall s", "other", "ratio", "CPU s", "other", "ratio", "GB", "other"]
    body = [
        [row["stage"], seconds(row["wall_s"]), seconds(row["other_wall_s"]),
         ratio(row["wall_ratio"]), seconds(row["cpu_s"]), seconds(row["other_cpu_s"]),
         ratio(row["cpu_ratio"]), memory(row["peak_rss_mb"]), memory(row["other_peak_rss_mb"])]
        for row in rows.to_dict("records")
    ]  # fmt: skip
    first = rows.iloc[0]
    own, other = percent(first["gap_frac"]), percent(first["other_gap_frac"])
    return [*table(headings, body), "", f"Gaps reached: {own}, other {other}."]


def _what(row: "pd.Series[Any]") -> str:
    return (
        f"{row['release']} beside {row['against']}, {row['instance']} with {row['cities']} cities, "
        f"{row['cores']} cores, {row['date']}"
    )


def _by_pair(runs: list[WholeRun]) -> pd.DataFrame:
    return pd.concat(pd.DataFrame(run.took).assign(pair=pair) for pair, run in enumerate(runs))


def _worst_gap(runs: list[WholeRun]) -> float:
    return max(run.gap_frac for run in runs)
