"""``planner bench``: solvers on public and random instances, whole runs by size and by release."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

SOLVED = {
    "coverage-maximo": "Maximal covering on census blocks (Maximo, Cordeau and Nascimento 2023).",
    "coverage-random": "Maximal covering on random points; no folder is needed.",
    "p-median": "Least mean distance: OR-Library's and TSPLIB's.",
    "facility-location": "Capacitated facility location: OR-Library's.",
    "set-cover": "Fewest sites that reach every census block.",
    "flow-refuelling": "Trips on two road networks, refuelled.",
}
"""Benchmarks of solvers, and what each is about."""
_LIMIT = click.FloatRange(min=0, min_open=True)
_INSTANCE = click.argument(
    "instance", type=click.Path(path_type=Path), default=Path("instances/china-140"),
    metavar="[INSTANCE]",
)  # fmt: skip


@click.group()
def bench() -> None:
    """Measure solvers on instances of others, and whole runs by size and by release.

    docs/benchmarks.md tells what is measured, and where to get the public files.
    """


def _solving(name: str, about: str) -> None:
    """Add the command that solves a benchmark."""

    @bench.command(name, short_help=about)
    @click.option(
        "--instances", type=click.Path(path_type=Path), metavar="DIR",
        help="Folder with the public files (docs/benchmarks.md tells where to get them).",
    )  # fmt: skip
    @click.option(
        "--time-limit", type=_LIMIT, default=60.0, show_default=True, metavar="SECONDS",
        help="Per instance and solver, model building included.",
    )  # fmt: skip
    @click.option(
        "--gap", type=click.FloatRange(0, 1), default=0.0, show_default=True, metavar="FRAC",
        help="Stop at this gap.",
    )  # fmt: skip
    @click.option("--only", default="*", metavar="PATTERN", help="Instances whose names match.")
    @click.option(
        "--seed", type=click.IntRange(0, 2**31 - 1), default=0, metavar="N", help="Seed."
    )  # fmt: skip
    @click.option("--peers", is_flag=True, help="Also other free solvers, on the same instances.")
    @click.option("--json", "as_json", is_flag=True, help="A JSON line per instance.")
    def solve(
        instances: Path | None,
        time_limit: float,
        gap: float,
        only: str,
        seed: int,
        peers: bool,
        as_json: bool,
    ) -> None:
        from planner.bench.run import PEERS, run_bench
        from planner.bench.show import show_rows, show_start

        rows = run_bench(
            name, instances, time_limit_s=time_limit, gap=gap, seed=seed, only=only,
            peers=tuple(PEERS) if peers else (), on_start=show_start,
        )  # fmt: skip
        show_rows(rows, as_json)

    solve.help = (
        f"{about}\n\nEach instance in a process of its own. Prints value, proven bound, gap, the "
        "best value published, seconds and memory."
    )


for _name, _about in SOLVED.items():
    _solving(_name, _about)


def _whole_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of all measurements of whole runs."""
    for option in reversed((
        click.option(
            "--gap", type=click.FloatRange(0, 1), default=0.0035, show_default=True, metavar="FRAC",
            help="Proven gap of every run.",
        ),
        click.option(
            "--time-limit", type=_LIMIT, default=120.0, show_default=True, metavar="SECONDS",
            help="Of every siting model.",
        ),
        click.option(
            "--write", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
            help="Add to the history in this folder and draw its page anew, e.g. docs/benchmarks.",
        ),
        click.option("--quick", is_flag=True, help="A few cities only: to see that it works."),
    )):  # fmt: skip
        command = option(command)
    return command


@bench.command()
@_INSTANCE
@_whole_run
def national(
    instance: Path, gap: float, time_limit: float, folder: Path | None, quick: bool
) -> None:
    """How seconds and memory of `planner run` grow with cities and zones of INSTANCE.

    INSTANCE is instances/china-140 if left out: cut to a quarter, a half and all of its cities,
    then to a quarter with each zone made two and four. Stage by stage, with exponents.
    """
    import pandas as pd

    from planner.bench.growth import BY_CITIES, BY_ZONES, measure_growth
    from planner.bench.growth_page import growth_table, write_growth
    from planner.bench.history import check_folder
    from planner.bench.show import show_start

    if folder is not None:
        check_folder(folder)
    rows = pd.concat(
        measure_growth(instance, gap=gap, time_limit_s=time_limit, quick=quick, on_start=show_start)
    )
    for series in (BY_CITIES, BY_ZONES):
        click.echo("\n".join([*growth_table(rows[rows["series"] == series]), ""]))
    for path in write_growth(rows, gap, folder) if folder is not None else ():
        click.echo(f"written to {path}")


@bench.command()
@_INSTANCE
@_whole_run
@click.option(
    "--scenario", "scenarios", multiple=True, metavar="NAME",
    help="Planned after the base; may be repeated.  [default: late_gates, commercial]",
)  # fmt: skip
def second(
    instance: Path,
    gap: float,
    time_limit: float,
    folder: Path | None,
    quick: bool,
    scenarios: tuple[str, ...],
) -> None:
    """What further scenarios of INSTANCE take after its base, beside what they take alone.

    INSTANCE is instances/china-140 if left out. Stage by stage; the base begins with nothing kept.
    """
    from planner.bench.history import check_folder
    from planner.bench.second import SCENARIOS, measure_second, second_table, write_second
    from planner.bench.show import show_start

    if folder is not None:
        check_folder(folder)
    asked = scenarios or SCENARIOS
    rows = measure_second(
        instance, asked, gap=gap, time_limit_s=time_limit, quick=quick, on_start=show_start
    )
    for scenario in asked:
        click.echo("\n".join([scenario, *second_table(rows, scenario), ""]))
    for path in write_second(rows, folder) if folder is not None else ():
        click.echo(f"written to {path}")


@bench.command()
@click.argument("other", type=click.Path(path_type=Path), metavar="OTHER")
@_INSTANCE
@_whole_run
@click.option("--cities", type=click.IntRange(min=1), metavar="N", help="Cut INSTANCE to so many.")
@click.option(
    "--pairs", type=click.IntRange(min=1), default=2, show_default=True, metavar="N",
    help="Runs of each release.",
)  # fmt: skip
def releases(
    other: Path,
    instance: Path,
    gap: float,
    time_limit: float,
    folder: Path | None,
    quick: bool,
    cities: int | None,
    pairs: int,
) -> None:
    """Run INSTANCE by this release and by OTHER in turn, and tell the ratios by stage.

    OTHER is a checkout, or a virtual environment in which another release is installed.

    \b
    Example:
      git worktree add /tmp/v0.1 v0.1.0
      planner bench releases /tmp/v0.1 --write docs/benchmarks
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    from planner.bench.growth import QUICK_CITIES
    from planner.bench.history import check_folder
    from planner.bench.releases import compare_releases, stages_table, write_releases
    from planner.bench.show import show_start
    from planner.bench.whole_run import other_release

    if folder is not None:
        check_folder(folder)
    rows = compare_releases(
        other_release(other), instance, gap=gap, time_limit_s=time_limit,
        pairs=1 if quick else pairs, num_cities=QUICK_CITIES[0] if quick else cities,
        on_start=show_start,
    )  # fmt: skip
    click.echo("\n".join(stages_table(rows)))
    for path in write_releases(rows, folder) if folder is not None else ():
        click.echo(f"written to {path}")
