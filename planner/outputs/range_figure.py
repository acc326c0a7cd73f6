"""Draw range over air temperature."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from planner.outputs.palette import LINE_COLOURS
from planner.physics.range_table import RangeTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Lines differ in dashes as well as in colours.
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))

FORMATS = ("png", "svg")


def draw_range_table(table: RangeTable, path: Path) -> None:
    """Draw range over air temperature, one line per pack, and write it as PNG or SVG.

    A line is thin where a pack is outside its curve's domain. Nothing in the file tells the
    time, so that the same table gives the same bytes.
    """
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    for number, pack_id in enumerate(table.pack_ids):
        rows = table.rows[table.rows["pack_id"] == pack_id]
        colour = LINE_COLOURS[number % len(LINE_COLOURS)]
        is_outside = (rows["outside_curve"] | rows["outside_consumption"]).to_numpy()
        axes.plot(
            rows["ambient_c"], rows["range_km"].where(~is_outside), color=colour, linewidth=2.2,
            linestyle=DASHES[number % len(DASHES)], label=pack_id,
        )  # fmt: skip
        if is_outside.any():
            axes.plot(rows["ambient_c"], rows["range_km"], color=colour, linewidth=0.8, zorder=1)
    for place in table.places.to_dict("records"):
        axes.axvline(place["ambient_c"], color="0.45", linewidth=0.9, linestyle=(0, (2, 2)))
        axes.annotate(
            f"{place['label']} {place['ambient_c']:.1f} C", (place["ambient_c"], 0.02),
            xycoords=("data", "axes fraction"), xytext=(3, 0), textcoords="offset points",
            rotation=90, fontsize=8, color="0.3", va="bottom",
        )  # fmt: skip
    below = table.crossovers[table.crossovers["goes_farther"] == "below"]
    for pack_id, ambient_c in zip(below["pack_id"], below["ambient_c"], strict=True):
        _mark_crossover(axes, table.rows[table.rows["pack_id"] == pack_id], ambient_c)
    city = f" in {table.city}" if table.city else ""
    axes.set_title(f"{table.vehicle_id} ({table.segment}){city}", loc="left")
    axes.set_xlabel("air temperature [°C]")
    axes.set_ylabel("range between two swaps [km]")
    axes.set_ylim(bottom=0)
    axes.set_xlim(table.rows["ambient_c"].min(), table.rows["ambient_c"].max())
    finish(axes)
    write_figure(figure, path)


def finish(axes: "Axes") -> None:
    """Give axes a quiet look: light grid, no box, legend without a frame."""
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure, the same bytes for the same content."""
    FigureCanvasAgg(figure)
    with mpl.rc_context({"svg.hashsalt": "planner", "svg.fonttype": "path"}):
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=150, metadata=metadata)


def _mark_crossover(axes: "Axes", rows: pd.DataFrame, ambient_c: float) -> None:
    if not rows["ambient_c"].min() <= ambient_c <= rows["ambient_c"].max():
        return
    range_km = float(np.interp(ambient_c, rows["ambient_c"], rows["range_km"]))
    axes.plot(ambient_c, range_km, "o", color="black", markersize=6, zorder=5)
    axes.annotate(
        f"{ambient_c:.1f} °C", (ambient_c, range_km), xytext=(6, -12),
        textcoords="offset points", fontsize=9,
    )  # fmt: skip
