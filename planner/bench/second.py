"""What a second scenario of an instance takes after a first one, beside what it takes alone."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from planner.bench.cut_instance import cut_instance
from planner.bench.growth import QUICK_CITIES, WARM_CITIES
from planner.bench.history import add_to_history, memory, percent, ratio, seconds, table
from planner.bench.whole_run import WHOLE, Release, WholeRun, run_whole, this_release
from planner.files import write_text

HISTORY, PAGE = "second.csv", "second.md"
SCENARIOS = ("late_gates", "commercial")
"""Of `instances/china-140`: other packs for the same vehicles, and other vehicles."""
FIRST, ALONE, AFTER = "first", "alone", "after"
"""What a run is: the base with an empty folder of kept things, a scenario with none, and the same
scenario with the folder that the base left."""
_HEAD = """# A second scenario: what it takes of the first

Made by `planner bench second INSTANCE --write FOLDER`; do not edit.

The base scenario is planned with an empty folder for what runs keep (`planner cache`). Each
further scenario is planned twice: alone, where nothing is kept, and after the base, with a copy of
the folder that the base left. Every run is a process of its own, all outputs written, siting to a
proven gap of {gap} or the limit of time. CPU seconds and memory are those of all its processes;
`{whole}` is the process from start to end.

Last measured {date}, version {release}, {cores} cores, {instance} with {cities} cities.
"""


def measure_second(
    instance: Path,
    scenarios: Sequence[str] = SCENARIOS,
    *,
    gap: float,
    time_limit_s: float,
    quick: bool = False,
    on_start: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Run the base, then each scenario alone and after the base.

    Parameters
    ----------
    instance : Path
        Instance folder that `cut_instance` can read.
    scenarios : sequence of str
        Its named variants.
    gap : float
        Proven gap of every run, in [0, 1].
    time_limit_s : float
        Of every siting model [s].
    quick : bool
        A few cities only.
    on_start : callable
        Told which run comes next.

    Returns
    -------
    DataFrame
        A row per run and stage: ``date, release, cores, instance, cities, gap_asked, scenario``,
        ``run`` (`FIRST`, `ALONE` or `AFTER`), ``gap_frac, from_cache, stage, wall_s, cpu_s,
        peak_rss_mb``.

    Raises
    ------
    InputError
        If the instance cannot be cut.
    PlannerError
        If a run fails.
    """
    release = this_release()
    with tempfile.TemporaryDirectory(prefix="planner-bench-") as scratch:
        warm, cut = Path(scratch, "warm"), Path(scratch, "cut")
        num_cities = QUICK_CITIES[0] if quick else None
        cut_instance(instance, warm, num_cities=WARM_CITIES)
        cut_instance(instance, cut, num_cities=num_cities, with_scenarios=True)
        on_start(f"{WARM_CITIES} cities beforehand, not counted")
        run_whole(release, warm, gap=gap, time_limit_s=time_limit_s)
        runs = _runs(release, cut, scenarios, gap, time_limit_s, Path(scratch), on_start)
        rows = pd.concat([_rows(*run) for run in runs], ignore_index=True)
        cities = len(pd.read_parquet(cut / "cities.parquet", columns=["city_id"]))
    return rows.assign(
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), release=release.name,
        cores=os.cpu_count(), instance=instance.name, cities=cities, gap_asked=gap,
    )  # fmt: skip


def _runs(
    release: Release,
    instance: Path,
    scenarios: Sequence[str],
    gap: float,
    time_limit_s: float,
    scratch: Path,
    on_start: Callable[[str], None],
) -> list[tuple[str, str, WholeRun]]:
    """Scenario, what the run is, and the run."""
    kept = scratch / "kept"
    kept.mkdir()

    def run(scenario: str, kind: str, cache: Path | None) -> tuple[str, str, WholeRun]:
        on_start(f"{scenario or 'base'}, {kind}")
        made = run_whole(
            release, instance, gap=gap, time_limit_s=time_limit_s, scenario=scenario, cache=cache
        )
        return scenario or "base", kind, made

    found = [run("", FIRST, kept)]
    for scenario in scenarios:
        copied = scratch / f"kept-{scenario}"
        shutil.copytree(kept, copied)
        found += [run(scenario, ALONE, None), run(scenario, AFTER, copied)]
    return found


def _rows(scenario: str, kind: str, run: WholeRun) -> pd.DataFrame:
    return pd.DataFrame(run.took).assign(
        scenario=scenario, run=kind, gap_frac=run.gap_frac, from_cache=" ".join(run.from_cache)
    )


def write_second(rows: pd.DataFrame, folder: Path) -> list[Path]:
    """Add a measurement to the history in a folder and write its page anew.

    Returns
    -------
    list of Path
        What was written.
    """
    history = add_to_history(folder / HISTORY, rows)
    write_text(folder / PAGE, second_markdown(history))
    return [folder / PAGE, folder / HISTORY]


def second_markdown(history: pd.DataFrame) -> str:
    """The page's text: the last measurement by stage, and all of them as wholes."""
    last = history[history["date"] == history["date"].iloc[-1]]
    first = last.iloc[0]
    lines = [
        _HEAD.format(
            gap=percent(first["gap_asked"]), whole=WHOLE,
            **{name: first[name] for name in ("date", "release", "cores", "instance", "cities")},
        )
    ]  # fmt: skip
    for scenario in _seconds_of(last):
        lines += [f"## {scenario}", "", *second_table(last, scenario), ""]
    lines += ["## History", "", *_history_table(history)]
    return "\n".join(lines) + "\n"


def second_table(rows: pd.DataFrame, scenario: str) -> list[str]:
    """The base, a scenario alone and after the base, stage by stage, as Markdown."""
    runs = {
        FIRST: rows[rows["run"] == FIRST],
        **{kind: rows[(rows["scenario"] == scenario) & (rows["run"] == kind)] for kind in
           (ALONE, AFTER)},
    }  # fmt: skip
    stages = list(runs[ALONE]["stage"])
    by_stage = {kind: run.set_index("stage").reindex(stages) for kind, run in runs.items()}
    columns: list[list[str]] = [stages]
    for figure in ("cpu_s", "wall_s"):
        columns += [[seconds(value) for value in run[figure]] for run in by_stage.values()]
        alone, after = (by_stage[kind][figure] for kind in (ALONE, AFTER))
        columns.append([ratio(value) for value in after / alone.where(alone > 0)])
    columns += [[memory(value) for value in run["peak_rss_mb"]] for run in by_stage.values()]
    headings = ["stage", "CPU s: base", "alone", "after base", "ratio", "wall s: base", "alone",
                "after base", "ratio", "GB: base", "alone", "after base"]  # fmt: skip
    gaps = [percent(run["gap_frac"].iloc[0]) for run in runs.values()]
    taken = str(runs[AFTER]["from_cache"].iloc[0]).split()
    return [
        *table(headings, [list(row) for row in zip(*columns, strict=True)]),
        "",
        f"Gaps reached, in the same order: {', '.join(gaps)}. Taken from the base: "
        f"{', '.join(f'`{kind}`' for kind in taken)}.",
    ]


def _seconds_of(rows: pd.DataFrame) -> list[str]:
    return list(rows.loc[rows["run"] == AFTER, "scenario"].drop_duplicates())


def _history_table(history: pd.DataFrame) -> list[str]:
    """A row per measurement and scenario, the last first."""
    whole = history[history["stage"] == WHOLE]
    both = whole[whole["run"] == AFTER].merge(
        whole[whole["run"] == ALONE], on=["date", "scenario"], suffixes=("", "_alone")
    )
    body = [
        [row["date"], row["release"], f"{row['instance']}, {row['cities']} cities",
         row["scenario"], seconds(row["cpu_s_alone"]), seconds(row["cpu_s"]),
         seconds(row["wall_s_alone"]), seconds(row["wall_s"]),
         ratio(row["wall_s"] / row["wall_s_alone"]), percent(row["gap_frac"])]
        for row in both.iloc[::-1].to_dict("records")
    ]  # fmt: skip
    headings = ["date", "version", "instance", "scenario", "CPU s: alone", "after", "wall s: alone",
                "after", "ratio", "gap"]  # fmt: skip
    return table(headings, body, texts=4)
