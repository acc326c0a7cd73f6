"""Charts of the report: each a finding, a drawing, and what it rests on.

Drawn once, while the report is written, into SVG that every browser and printer shows. Every mark
carries its figures as a label, which screen readers read and the page shows under the pointer.
"""

from planner.outputs.report.charts import packs, ranges, siting
from planner.outputs.report.charts.drawing import Chart, draw
from planner.outputs.report.read import RunFiles

__all__ = ["Chart", "draw", "specify_charts"]


def specify_charts(run: RunFiles) -> list[Chart]:
    """All charts, not drawn yet; those of trips between cities apart."""
    return [
        siting.coverage_curve(run),
        siting.gap_over_time(run),
        siting.worst_served(run),
        ranges.range_over_temperature(run),
        packs.packs_by_quarter(run),
        packs.supply_used(run),
        siting.hours_of_stations(run),
    ]
