"""Write the generated part of docs/physics.md and its figure: python tests/benchmarks/physics.py.

A test compares the text with what the code gives now.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from planner.instance import Instance, read_instance
from planner.outputs.range_figure import LINE_COLOURS, finish, write_figure
from planner.physics.page_tables import format_page_tables
from planner.physics.range_table import range_table, temperatures
from planner.physics.winter_tests import compare_with_measurement

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "physics.md"
FIGURE = ROOT / "docs" / "figures" / "range_over_temperature.svg"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"

# Tests at one temperature are drawn side by side.
SHIFT_C = {2: -0.6, 14: 0.6, 4: -1.3, 12: 1.3, 17: 1.4, 3: -0.4, 11: 0.4, 19: -0.9, 20: 0.9}


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + format_page_tables() + END + after, encoding="utf-8")
    draw(read_instance(ROOT / "instances" / "china-140"), FIGURE)


def draw(instance: Instance, path: Path) -> None:
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_measured(left)
    _draw_vehicles(right, instance)
    path.parent.mkdir(exist_ok=True)
    write_figure(figure, path)


def _draw_measured(axes: Axes) -> None:
    table = compare_with_measurement()
    table["number"] = np.arange(1, len(table) + 1)
    shown = {"calibration": (LINE_COLOURS[0], "o"), "held out": (LINE_COLOURS[1], "s")}
    for role, (colour, marker) in shown.items():
        rows = table[(table["quantity"] == "range") & (table["role"] == role)]
        at_c = rows["ambient_c"] + rows["number"].map(SHIFT_C).fillna(0.0)
        spread = (rows["measured"] - rows["measured_low"], rows["measured_high"] - rows["measured"])
        axes.errorbar(
            at_c, 100 * rows["measured"], yerr=[100 * side for side in spread], fmt=marker,
            color=colour, markersize=6, capsize=3, linewidth=1.2, label=f"measured, {role}",
        )  # fmt: skip
        axes.plot(
            at_c, 100 * rows["modelled"], "D", markersize=7, color="black",
            markerfacecolor="none", markeredgewidth=1.3, zorder=4,
            label="model" if role == "held out" else None,
        )  # fmt: skip
        tops = np.maximum(rows["measured_high"], rows["modelled"])
        for number, where_c, value in zip(rows["number"], at_c, tops, strict=True):
            axes.annotate(
                str(number), (where_c, 100 * value), xytext=(0, 9), textcoords="offset points",
                ha="center", fontsize=9, color="0.25",
            )  # fmt: skip
    axes.set_title("Tests of whole cars (numbers as in the table)", loc="left", fontsize=11)
    axes.set_xlabel("air temperature [°C]")
    axes.set_ylabel("range [% of own mild-air or rated range]")
    axes.set_ylim(0, 112)
    axes.set_xlim(-25, 38)
    finish(axes)
    axes.legend(frameon=False, loc="lower right")


def _draw_vehicles(axes: Axes, instance: Instance) -> None:
    lines = (
        ("private_ab", "lfp_25", LINE_COLOURS[0], "-"),
        ("private_ab", "na_25", LINE_COLOURS[1], "-"),
        ("taxi_ab", "lfp_25", LINE_COLOURS[0], (0, (4, 2))),
        ("taxi_ab", "na_25", LINE_COLOURS[1], (0, (4, 2))),
    )
    names = {"private_ab": "private car", "taxi_ab": "taxi", "lfp_25": "LFP", "na_25": "sodium-ion"}
    energy = instance.packs.set_index("pack_id")["nominal_kwh"]
    for vehicle_id, pack_id, colour, dashes in lines:
        table = range_table(
            instance, temperatures(-30, 30, 0.5), vehicle_id=vehicle_id, pack_ids=[pack_id]
        )
        axes.plot(
            table.rows["ambient_c"], table.rows["range_km"], color=colour, linestyle=dashes,
            linewidth=2, label=f"{names[vehicle_id]}, {names[pack_id]} {energy[pack_id]:g} kWh",
        )  # fmt: skip
    crossovers = range_table(instance, [0.0], vehicle_id="private_ab").crossovers
    for air_c in crossovers["ambient_c"].dropna():
        axes.axvline(air_c, color="0.4", linewidth=0.9, linestyle=(0, (1, 2)))
        axes.annotate(
            f"private car: sodium-ion goes\nfarther below {air_c:.1f} °C", (air_c, 355),
            xytext=(-6, 0), textcoords="offset points", fontsize=9, color="0.25", ha="right",
        )  # fmt: skip
    axes.set_title("Vehicles of instances/china-140", loc="left", fontsize=11)
    axes.set_xlabel("air temperature [°C]")
    axes.set_ylabel("range between two swaps [km]")
    axes.set_ylim(bottom=0)
    axes.set_xlim(-30, 30)
    finish(axes)
    axes.legend(frameon=False, loc="lower right")


if __name__ == "__main__":
    main()
