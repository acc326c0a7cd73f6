"""Commands that ask for reasons: why this station, how else, how many."""

import math
from pathlib import Path

import click

from planner.cli.interrupt import stop_on_interrupt
from planner.cli.kept import users_cache

_RUN = click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
_INSTANCE_OPTION = click.option(
    "--instance", type=click.Path(path_type=Path), metavar="DIR",
    help="The run's instance.  [default: where it was]",
)  # fmt: skip
_OUT = click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder for page, layers and tables; replaces an earlier one of the kind there.",
)  # fmt: skip
_MOST_POINTS = 1000
_JSON = click.option("--json", "as_json", is_flag=True, help="The answer as one JSON line.")


@click.command()
@_RUN
@click.argument("subject", metavar="SUBJECT")
@_INSTANCE_OPTION
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="SECONDS", help="For the search and its proof.",
)  # fmt: skip
@_JSON
def explain(
    run_folder: Path, subject: str, instance: Path | None, time_limit: float, as_json: bool
) -> None:
    """Tell what the finished run RUN loses without SUBJECT, or with it, and what would change.

    SUBJECT is the id of a site, the id or name of a city, ids after commas, or a CSV file with a
    column site_id. Costs are losses of the objective, between what is proven and what a known
    plan loses; those of several stations do not add up (docs/reasons.md).
    """
    from dataclasses import replace

    from planner.outputs.screen.explanation import print_explanation_json, show_explanation
    from planner.outputs.screen.run import show_progress
    from planner.planning.reasons.explain import as_answer, explain_subject
    from planner.planning.reasons.sited import sited_of_run
    from planner.planning.reasons.subject import find_subject

    with show_progress(as_json=False) as report:  # on the error stream
        sited = sited_of_run(run_folder, instance, cache=users_cache())
        asked = find_subject(sited.instance, subject)
        task = replace(
            sited.task,
            options=replace(sited.task.options, time_limit_s=time_limit, gap_frac=0.0),
            on_progress=report,
            stop=stop_on_interrupt("the best found so far counts"),
        )
        found = explain_subject(replace(sited, task=task), asked)
    said = as_answer(found, run_folder.resolve().name)
    (print_explanation_json if as_json else show_explanation)(said)


@click.command()
@_RUN
@_INSTANCE_OPTION
@click.option(
    "--within", multiple=True, default=("0.001,0.005,0.01",), show_default=True,
    metavar="FRAC,...", callback=lambda _context, _option, given: _shares(given),
    help="Losses of the objective that are allowed, by commas; may be repeated.",
)  # fmt: skip
@click.option(
    "--plans", type=click.IntRange(1, 100), default=12, show_default=True, metavar="N",
    help="Of the portfolio, that of the run among them.",
)  # fmt: skip
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), default=300.0, show_default=True,
    metavar="SECONDS", help="For the search and its proofs.",
)  # fmt: skip
@_OUT
@_JSON
def alternatives(
    run_folder: Path,
    instance: Path | None,
    within: tuple[float, ...],
    plans: int,
    time_limit: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find plans nearly as good as that of the finished run RUN, in other places.

    Tells how many places can differ, found and proven at most, lists plans, counts how often
    each site is chosen, and what stations more or fewer cost city by city (docs/reasons.md).
    """
    from dataclasses import replace

    from planner.outputs.layers.read_back import open_run
    from planner.outputs.reasons import About, check_target, write_alternatives
    from planner.outputs.run_json import read_run_json
    from planner.outputs.screen.alternatives import print_tables_json, show_alternatives
    from planner.outputs.screen.run import show_progress
    from planner.planning.clock import StageClock
    from planner.planning.reasons.alternatives import find_alternatives
    from planner.planning.reasons.sited import sited_of_run
    from planner.plans.question import measure_of_run

    if out is not None:
        check_target(out, "alternatives")
    with show_progress(as_json=False) as report:  # on the error stream
        clock = StageClock(report)
        with clock.stage("read", f"what {run_folder} was planned for"):
            sited = sited_of_run(run_folder, instance, cache=users_cache())
        task = replace(
            sited.task,
            options=replace(sited.task.options, time_limit_s=time_limit),
            stop=stop_on_interrupt("what is known by then counts"),
        )
        with clock.stage("alternatives", "plans nearly as good in other places") as say:
            found = find_alternatives(replace(sited, task=task), within, plans, on_step=say)
    run = read_run_json(run_folder / "run.json")
    told = open_run(run_folder).run_info
    about = About(
        name=run_folder.resolve().name,
        title=str(run.get("title", "")),
        measure=measure_of_run(run),
        attribution=told.get("attribution", ""),
        parent_run=told.get("run_id", ""),
        notes=found.notes,
    )
    tables = {
        "alternative_plans": found.plans,
        "alternative_curve": found.curve,
        "alternative_sites": found.sites,
        "alternative_hexagons": found.hexagons,
        "city_steps": found.city_steps,
    }
    folder = None if out is None else write_alternatives(tables, about, out)
    (print_tables_json if as_json else show_alternatives)(tables, about, folder)


@click.command()
@click.argument("instance", type=click.Path(path_type=Path), metavar="INSTANCE")
@click.option("--scenario", metavar="NAME", help="Named variant in scenario.toml.")
@click.option("--from", "first", type=float, metavar="N", help="Least number of stations.")
@click.option("--to", "last", type=float, metavar="N", help="Largest number of stations.")
@click.option(
    "--step", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Between two numbers."
)
@click.option("--money", is_flag=True, help="Over money for stations instead: N in CNY.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="For all points.  [default: the scenario's]",
)  # fmt: skip
@_OUT
@_JSON
def frontier(
    instance: Path,
    scenario: str | None,
    first: float | None,
    last: float | None,
    step: float | None,
    money: bool,
    time_limit: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find the best plans of INSTANCE over the number of stations, or over money.

    Objective, proven bound, price, served share and cost of each point, and the first number at
    which a site has a station; where the question asks for a share to cover, over that share
    (docs/reasons.md).

    \b
    Example:
      planner frontier instances/china-140 --from 500 --to 6000 --step 250 --out DIR
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    numbers = _numbers(first, last, step)
    from planner.outputs.reasons import About, check_target, write_frontier
    from planner.outputs.screen.alternatives import print_tables_json, show_frontier
    from planner.outputs.screen.run import show_progress
    from planner.planning.clock import StageClock
    from planner.planning.kept_instance import read_kept
    from planner.planning.reasons.frontier import find_frontier
    from planner.plans.question import measure_asked

    if out is not None:
        check_target(out, "frontier")
    with show_progress(as_json=False) as report:  # on the error stream
        clock, kept = StageClock(report), users_cache()
        with clock.stage("read", f"reading {instance}"):
            read = read_kept(instance, kept, scenario_name=scenario)
        found = find_frontier(
            read, numbers, money=money, time_limit_s=time_limit, clock=clock,
            stop=stop_on_interrupt("what is known by then counts"), cache=kept,
        )  # fmt: skip
    about = About(
        name=read.scenario.name,
        title=read.scenario.title,
        measure=measure_asked(read.scenario),
        attribution=read.scenario.attribution,
        notes=found.notes,
    )
    folder = None if out is None else write_frontier(found.tables, about, out, over=found.over)
    (print_tables_json if as_json else show_frontier)(found.tables, about, folder)


def _shares(given: tuple[str, ...]) -> tuple[float, ...]:
    """Each share once, ascending, whether by commas or one by one.

    >>> _shares(("0.01,0.001", "0.005"))
    (0.001, 0.005, 0.01)
    """
    found = set()
    for word in ",".join(given).split(","):
        try:
            share = float(word)
        except ValueError:
            share = math.nan
        if not 0.0 < share <= 1.0:
            raise click.BadParameter(
                f"{word.strip()!r} is no share above 0 and up to 1", param_hint="--within"
            )
        found.add(share)
    return tuple(sorted(found))


def _numbers(first: float | None, last: float | None, step: float | None) -> list[float] | None:
    """From the first to the last, both included; None where none is given.

    >>> _numbers(500, 1250, 500)
    [500, 1000, 1250]
    """
    if first is None and last is None and step is None:
        return None
    if first is None or last is None or step is None:
        raise click.UsageError("--from, --to and --step belong together")
    if last < first:
        raise click.BadParameter(f"{last:g} is below --from {first:g}", param_hint="--to")
    if (last - first) / step > _MOST_POINTS:
        raise click.BadParameter(f"more than {_MOST_POINTS} points", param_hint="--step")
    count = int((last - first) / step * (1 + 1e-9))
    found = [first + step * number for number in range(count + 1)]
    return found if found[-1] >= last * (1 - 1e-9) else [*found, last]
