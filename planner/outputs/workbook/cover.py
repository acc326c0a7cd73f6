"""The first sheet's text: what was planned, how good it provably is, and where what stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import Kpi, shown_kpis
from planner.outputs.workbook.formats import kpi_format
from planner.plans.question import measure_of_run


@dataclass(frozen=True)
class Figure:
    """A line of the cover: label, figure with its format, and what it counts."""

    label: str
    value: float
    number_format: str
    note: str


def proof(run: Mapping[str, Any]) -> str:
    """What is proven about the plan, in one sentence."""
    words = measure_of_run(run).words
    found = words.plan(f"{run['objective']:,.0f}")
    if run["status"] == "OPTIMAL":
        return f"Proven optimal: this plan {found}; {words.limit('that')}."
    return (
        f"Within {run['gap_frac']:.2%} of the optimum, proven: this plan {found}; "
        f"{words.limit(format(run['bound'], ',.0f'))}."
    )


def key_figures(run: Mapping[str, Any], chemistries: Chemistries) -> list[Figure]:
    """Figures of the whole plan; one that the run does not tell is left out."""
    kpi = run["kpi"]
    return [
        Figure(about.title, float(kpi[about.name]), kpi_format(about), _note(about))
        for about in shown_kpis("cover", kpi, chemistries)
    ]


def _note(about: Kpi) -> str:
    unit = "" if about.unit == "1" else about.unit
    return "; ".join(filter(None, (unit, about.description)))


def model_rows(run: Mapping[str, Any]) -> list[tuple[str, str, float, float, float, str]]:
    """Per model its name, status, objective, bound, gap and unit."""
    return [
        (
            name.replace("_", " "),
            model["status"],
            float(model["objective"]),
            float(model["bound"]),
            float(model["gap_frac"]),
            model["unit"],
        )
        for name, model in run["models"].items()
    ]
