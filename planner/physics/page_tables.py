"""The generated tables of `docs/physics.md`, as Markdown."""

import numpy as np
import pandas as pd

from planner.physics.ablation import AIR_C, SODIUM_KWH, ablation, contested_curves, variants
from planner.physics.winter_tests import (
    calibration_error,
    compare_with_measurement,
    range_errors,
)

CABIN_LOSSES_KW_PER_K = (0.08, 0.09, 0.10)
TYRE_LOSSES_PER_K = (0.002, 0.003, 0.004)


def format_page_tables() -> str:
    """All tables, with the scenario's default parameters."""
    after = compare_with_measurement()
    before = compare_with_measurement(elements=variants()[-1].elements)
    return "\n".join(
        [
            *_tests(after, before),
            "",
            "Errors over the range rows [points of range]:",
            "",
            *_errors(after, before),
            "",
            "Root mean square error of the calibration ranges [points of range]:",
            "",
            *_sensitivity(),
            "",
            "Each element left out in turn: errors, and the swaps of a private car per day:",
            "",
            *_ablation(),
            "",
            "The contested curves, for that private car on cleared roads:",
            "",
            *_contested(),
            "",
        ]
    )


def _tests(after: pd.DataFrame, before: pd.DataFrame) -> list[str]:
    lines = [
        "| # | test | role | air | heating, speed | measured | model | error | without elements "
        "| source; assumed |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = after.assign(before=before["error"]).to_dict("records")
    for number, row in enumerate(rows, start=1):
        is_consumption = row["quantity"] == "consumption"
        form, sign = (".2f", "x") if is_consumption else (".0%", "")
        spread = ""
        if row["measured_low"] < row["measured_high"]:
            spread = f" ({row['measured_low']:{form}} to {row['measured_high']:{form}})"
        errors = [
            f"{error / row['measured']:+.0%}" if is_consumption else f"{100 * error:+.1f} pp"
            for error in (row["error"], row["before"])
        ]
        lines.append(
            f"| {number} | {row['name']} | {row['role']} | {row['ambient_c']:g} C "
            f"| {row['heating'].replace('_', ' ')}, {row['speed_kmh']:g} km/h "
            f"| {sign}{row['measured']:{form}}{spread} | {sign}{row['modelled']:{form}} "
            f"| {errors[0]} | {errors[1]} | {row['source']}; {row['assumed']} |"
        )
    return lines


def _errors(after: pd.DataFrame, before: pd.DataFrame) -> list[str]:
    tables = range_errors(after).merge(
        range_errors(before), on=["role", "count"], suffixes=("", "_before")
    )
    lines = [
        "| rows | number | mean | rmse | mean without elements | rmse without elements |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['role']} | {row['count']} | {row['mean']:+.1f} | {row['rmse']:.1f} "
        f"| {row['mean_before']:+.1f} | {row['rmse_before']:.1f} |"
        for row in tables.to_dict("records")
    ]
    return lines


def _sensitivity() -> list[str]:
    heads = (f"cabin loss {loss:g} kW/K" for loss in CABIN_LOSSES_KW_PER_K)
    lines = [
        "| tyre_loss_per_k | " + " | ".join(heads) + " |",
        "|---" * (1 + len(CABIN_LOSSES_KW_PER_K)) + "|",
    ]
    for tyres in TYRE_LOSSES_PER_K:
        errors = (f"{100 * calibration_error(tyres, loss):.1f}" for loss in CABIN_LOSSES_KW_PER_K)
        lines.append(f"| {tyres:g} | " + " | ".join(errors) + " |")
    return lines


def _ablation() -> list[str]:
    heads = [f"LFP {at:g} C" for at in AIR_C]
    lines = [
        "| left out | mean | rmse | rmse held out | cold start | "
        + " | ".join(heads)
        + " | sodium-ion -20 C |",
        "|---" * (6 + len(heads)) + "|",
    ]
    for row in ablation().to_dict("records"):
        swaps = np.array([row[f"lfp_{at:g}"] for at in AIR_C] + [row["sodium_-20"]])
        lines.append(
            f"| {row['name']} | {row['mean']:+.1f} | {row['rmse']:.1f} "
            f"| {row['rmse_held_out']:.1f} | {row['cold_start']:+.0%} | "
            + " | ".join(f"{value:.3f}" for value in swaps)
            + " |"
        )
    return lines


def _contested() -> list[str]:
    heads = (f"sodium-ion {kwh:g} kWh needs no more swaps" for kwh in SODIUM_KWH)
    lines = [
        "| curve_set | LFP gives at -20 C | heat at a start at -20 C | LFP swaps a day at -20 C "
        "| at 0 C | " + " | ".join(heads) + " |",
        "|---" * (5 + len(SODIUM_KWH)) + "|",
    ]
    for row in contested_curves().to_dict("records"):
        below = (row[f"below_{kwh:g}"] for kwh in SODIUM_KWH)
        lines.append(
            f"| {row['curve_set'] or 'base'} | {row['usable_-20']:.0%} "
            f"| {row['start_kwh_-20']:.1f} kWh | {row['lfp_-20']:.3f} | {row['lfp_0']:.3f} | "
            + " | ".join(f"below {at:.1f} C" if np.isfinite(at) else "nowhere" for at in below)
            + " |"
        )
    return lines
