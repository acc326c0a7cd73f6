"""The bid sheet: each pack type's voltage, mass and energy beside what its envelope takes."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from planner.compliance.facts import Record, records
from planner.compliance.known import number_text
from planner.instance import Instance

_FIGURES = ("mass_kg", "cell_v", "min_v", "nominal_v", "max_v", "kgco2e_per_kwh", "cycle_life")
_LIMITS = ("max_mass_kg", "min_v", "max_v")
_COLUMNS = (
    "pack_id", "chemistry", "envelope", "nominal_kwh", "mass_kg", "wh_per_kg", "cell_v", "min_v",
    "nominal_v", "max_v", "max_mass_kg", "envelope_min_v", "envelope_max_v", "kgco2e_per_kwh",
    "cycle_life", "verdict", "missing",
)  # fmt: skip
_WH_PER_KWH = 1000.0


def bid_sheet(instance: Instance) -> pd.DataFrame:
    """Hold each pack type against the limits of its envelope.

    Returns
    -------
    DataFrame
        A row per pack type; ``wh_per_kg`` is nominal energy over the mass of the whole pack.
        ``verdict``: ``fits``, what it breaks and by how much, or ``not known``; ``missing``: the
        figures that a full verdict lacks.
    """
    limits = {record["envelope"]: record for record in records(instance.envelopes)}
    rows = [_row(pack, limits.get(pack["envelope"], {})) for pack in records(instance.packs)]
    numbers = [name for name in _COLUMNS if name not in ("pack_id", "chemistry", "envelope",
                                                         "verdict", "missing")]  # fmt: skip
    sheet = pd.DataFrame(rows, columns=list(_COLUMNS))
    return sheet.astype(dict.fromkeys(numbers, float))


def _row(pack: Record, envelope: Record) -> dict[str, Any]:
    figures = {name: pack.get(name) for name in _FIGURES}
    limits = {name: envelope.get(name) for name in _LIMITS}
    mass = figures["mass_kg"]
    return {
        "pack_id": pack["pack_id"],
        "chemistry": pack["chemistry"],
        "envelope": pack["envelope"],
        "nominal_kwh": pack["nominal_kwh"],
        **figures,
        "wh_per_kg": None if mass is None else pack["nominal_kwh"] * _WH_PER_KWH / mass,
        "max_mass_kg": limits["max_mass_kg"],
        "envelope_min_v": limits["min_v"],
        "envelope_max_v": limits["max_v"],
        "verdict": _verdict(figures, limits),
        "missing": ", ".join(_missing(figures, limits)),
    }


def _missing(figures: Record, limits: Record) -> list[str]:
    needed = [f"packs.{name}" for name in ("mass_kg", "min_v", "max_v") if figures[name] is None]
    return needed + [f"envelopes.{name}" for name in _LIMITS if limits[name] is None]


def _verdict(figures: Record, limits: Record) -> str:
    """What a pack breaks; a nominal voltage out of the window breaks it, whatever the ends are."""
    least = _first(figures, ("min_v", "nominal_v"))
    greatest = _first(figures, ("max_v", "nominal_v"))
    found = [
        _excess("too heavy", figures["mass_kg"], limits["max_mass_kg"], "kg"),
        _excess("voltage below", limits["min_v"], least, "V"),
        _excess("voltage above", greatest, limits["max_v"], "V"),
    ]
    broken = "; ".join(filter(None, found))
    return broken or ("not known" if _missing(figures, limits) else "fits")


def _first(figures: Record, names: Sequence[str]) -> float | None:
    return next((figures[name] for name in names if figures[name] is not None), None)


def _excess(words: str, value: float | None, most: float | None, unit: str) -> str:
    if value is None or most is None or value <= most:
        return ""
    return f"{words} by {number_text(round(value - most, 3))} {unit}"
