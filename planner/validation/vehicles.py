"""Ranges, packs and cabins of the instance's vehicles beside measured ones."""

from typing import Any

import numpy as np
import pandas as pd

from planner.physics.curves import temperature_curve
from planner.physics.range_table import range_table
from planner.physics.winter_tests import compare_with_measurement
from planner.validation.evidence import Evidence, LacksError
from planner.validation.measured import SHARE

RATED_C = 25.0
"""Ratings are driven with the whole energy of a mild pack."""
WHOLE_CARS = "whole cars"
"""Topic of the tests of whole cars, before the quantity measured."""


def winter_test_rows(evidence: Evidence) -> pd.DataFrame:
    """Published range and consumption tests beside the physics, with the instance's parameters.

    Returns
    -------
    DataFrame
        The columns of `planner.validation.compare.COLUMNS` but ``error``.
    """
    table = compare_with_measurement(evidence.instance.scenario.physics)
    return pd.DataFrame(
        {
            "comparison": table["name"],
            "topic": f"{WHOLE_CARS}: " + table["quantity"],
            **{name: table[name] for name in ("measured", "measured_low", "measured_high")},
            "predicted": table["modelled"],
            "unit": SHARE,
            "role": table["role"].replace("calibration", "calibrated"),
            "source": table["source"],
            "note": table["assumed"],
        }
    )


def _class_of(evidence: Evidence, segment: str) -> dict[str, Any]:
    """The class of a segment with most vehicles."""
    table = evidence.instance.vehicles
    number = np.where(table["segment"] == segment, evidence.vehicles.sum(axis=0), 0.0)
    if not number.any():
        raise LacksError(f"the instance has no vehicle of {segment}")
    return {str(name): value for name, value in table.iloc[int(number.argmax())].items()}


def cabin_loss_w_per_k(evidence: Evidence) -> float:
    """Heat that the cabin of the commonest private class loses [W/K]."""
    return 1000.0 * float(_class_of(evidence, "private")["cabin_loss_kw_per_k"])


def rated_range_frac(evidence: Evidence, ambient_c: float) -> float:
    """Range of the commonest private class at a temperature over that by its rating.

    The rating over the consumption there, times the pack's energy there over that at
    `RATED_C`; whatever window of charge the driver uses.
    """
    vehicle = _class_of(evidence, "private")
    rows = _at(evidence, vehicle, [ambient_c, RATED_C]).set_index("ambient_c")
    energy_frac = rows["usable_kwh"][ambient_c] / rows["usable_kwh"][RATED_C]
    consumption = rows["kwh_per_100km"][ambient_c] / 100
    return float(vehicle["consumption_kwh_per_km"] / consumption * energy_frac)


def driven_pack_frac(evidence: Evidence, cold_c: float, mild_c: float) -> float:
    """Usable energy of a taxi's pack at a temperature over that at a milder one."""
    rows = _at(evidence, _class_of(evidence, "taxi"), [cold_c, mild_c])
    usable = rows.set_index("ambient_c")["usable_kwh"]
    return float(usable[cold_c] / usable[mild_c])


def _at(evidence: Evidence, vehicle: dict[str, Any], ambient_c: list[float]) -> pd.DataFrame:
    """Rows of the range table for a class with its default pack."""
    return range_table(
        evidence.instance, ambient_c, vehicle_id=str(vehicle["vehicle_id"]),
        pack_ids=[str(vehicle["default_pack_id"])],
    ).rows  # fmt: skip


def charge_power_frac(evidence: Evidence, chemistry: str, pack_c: float) -> float:
    """Charging power at a pack's temperature over the greatest."""
    if chemistry not in set(evidence.instance.packs["chemistry"]):
        raise LacksError(f"the instance has no pack of {chemistry}")
    curve = temperature_curve(evidence.instance, chemistry, "charge_power")
    return float(curve.at(pack_c, outside="hold"))


def pack_cost_cny(evidence: Evidence, chemistry: str, envelope: str) -> float:
    """Cost of the first pack of a chemistry and envelope [CNY]."""
    packs = evidence.instance.packs
    rows = packs[(packs["chemistry"] == chemistry) & (packs["envelope"] == envelope)]
    if rows.empty:
        raise LacksError(f"the instance has no pack of {chemistry} in envelope {envelope}")
    return float(rows["cost_cny_per_kwh"].iloc[0] * rows["nominal_kwh"].iloc[0])
