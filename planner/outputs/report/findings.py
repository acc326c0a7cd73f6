"""What the siting found, in a sentence and a card, in the words of the run's question."""

from planner.outputs.report.cards import Card
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import RunFiles
from planner.plans.question import (
    Finding,
    NumberStyles,
    Stated,
    judge_of_run,
    measure_of_run,
)

_STYLES = NumberStyles(number, percent, large)


def finding(run: RunFiles) -> str:
    """The plan in a sentence, and what no plan does better."""
    stated = _stated(run)
    found = (
        _with_trips(stated)
        if stated.counts_trips
        else judge_of_run(run.run).finding(stated, _STYLES)
    )
    end = found.matches if found.found == found.best else f"{found.beats} {found.best}"
    return f"{found.plan}; no plan within the same limits {end}."


def _with_trips(stated: Stated) -> Finding:
    """Stations in cities and between them together."""
    kpi = stated.kpi
    found, best = number(stated.objective), number(stated.bound)
    return Finding(
        f"{number(kpi.get('num_stations'))} stations in cities and "
        f"{number(kpi.get('num_corridor_stations'))} between them serve {found} swaps a day, "
        "those on trips between cities counted in",
        found, best, "serves more", "serves more than",
    )  # fmt: skip


def objective_card(run: RunFiles) -> Card:
    """How near the plan is to the best, and the objective itself unless that is swaps served."""
    return Card(*judge_of_run(run.run).card(_stated(run), _STYLES))


def _stated(run: RunFiles) -> Stated:
    objective, bound, gap_frac = (
        float(run.run[name]) for name in ("objective", "bound", "gap_frac")
    )
    unit = measure_of_run(run.run).unit
    return Stated(run.run["kpi"], unit, objective, bound, gap_frac, run.counts_trips)
