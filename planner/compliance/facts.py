"""What an instance knows of its packs, as plain records by pack, chemistry and market.

Columns that were left out and cells that are empty are both missing here: ``None``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planner.compliance.duties import PASSPORT, duty_of
from planner.instance import Instance, curve_rows
from planner.instance.dated_gates import gate_dates

Record = Mapping[str, Any]
"""A row of a table: values by column, ``None`` where there is none."""


@dataclass(frozen=True)
class Gate:
    """A certificate that a market asks a chemistry for, with dates as quarters."""

    certificate: str
    duty: str
    binding: bool
    asked_from: str | None
    opens: str | None
    evidence: str | None

    def is_asked(self, quarter: str) -> bool:
        """Whether the market asks for it in a quarter, by law or as a recommendation."""
        return self.asked_from is None or self.asked_from <= quarter

    def is_held(self, quarter: str) -> bool:
        """Whether the maker is taken to have it in a quarter."""
        return self.opens is not None and self.opens <= quarter


@dataclass(frozen=True)
class Facts:
    """The tables that a passport is filled from.

    Attributes
    ----------
    packs : mapping of pack_id to Record
        Rows of ``packs``.
    chemistry_names : mapping of chemistry to str
    materials : mapping of chemistry to tuple of Record
        Rows of ``materials``.
    temperatures_c : mapping of chemistry to (float, float)
        Coldest and warmest point of the curve of usable energy.
    charger_kw : tuple of float
        Power per bay of the station types that may be built, sorted.
    gates : mapping of (market, application, chemistry) to tuple of Gate
    declarations : mapping of pack_id to tuple of Record
        Rows of ``declarations``.
    """

    packs: Mapping[str, Record]
    chemistry_names: Mapping[str, str]
    materials: Mapping[str, tuple[Record, ...]]
    temperatures_c: Mapping[str, tuple[float, float]]
    charger_kw: tuple[float, ...]
    gates: Mapping[tuple[str, str, str], tuple[Gate, ...]]
    declarations: Mapping[str, tuple[Record, ...]]

    def gates_of(self, market: str, application: str, chemistry: str) -> tuple[Gate, ...]:
        """Certificates of a use of a chemistry in a market."""
        return self.gates.get((market, application, chemistry), ())

    def knows_passport(self, market: str) -> bool:
        """Whether any use in a market has a battery passport, by law or freely."""
        return any(
            gate.duty == PASSPORT
            for (where, _, _), gates in self.gates.items()
            if where == market
            for gate in gates
        )


def read_facts(instance: Instance) -> Facts:
    """Bring an instance's tables into the form that the room works with."""
    stations = instance.stations
    offered = [record.get("offered") is not False for record in records(stations)]
    curve_set = instance.scenario.physics.curve_set
    domains = {
        chemistry: curve_rows(instance.curves, curve_set, chemistry, "usable_energy")
        for chemistry in sorted(set(instance.curves["chemistry"]))
    }
    return Facts(
        packs={record["pack_id"]: record for record in records(instance.packs)},
        chemistry_names=dict(
            zip(instance.chemistries["chemistry"], instance.chemistries["name"], strict=True)
        ),
        materials=_grouped(instance.materials, "chemistry"),
        temperatures_c={
            chemistry: (float(rows["temperature_c"].min()), float(rows["temperature_c"].max()))
            for chemistry, rows in domains.items()
            if len(rows)
        },
        charger_kw=tuple(sorted(set(stations["charger_kw_per_bay"][offered].astype(float)))),
        gates=_gates(instance),
        declarations=_grouped(instance.declarations, "pack_id"),
    )


def records(frame: pd.DataFrame) -> list[Record]:
    """Rows as records, with ``None`` for what is missing.

    >>> records(pd.DataFrame({"mass_kg": [400.0, float("nan")]}))
    [{'mass_kg': 400.0}, {'mass_kg': None}]
    """
    plain = frame.astype(object).where(frame.notna(), None)
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in plain.itertuples(index=False, name=None)]


def _grouped(frame: pd.DataFrame, column: str) -> dict[str, tuple[Record, ...]]:
    found: dict[str, tuple[Record, ...]] = {}
    for record in records(frame):
        found[record[column]] = (*found.get(record[column], ()), record)
    return found


def _gates(instance: Instance) -> dict[tuple[str, str, str], tuple[Gate, ...]]:
    found: dict[tuple[str, str, str], tuple[Gate, ...]] = {}
    for row in records(gate_dates(instance)):
        key = row["market"], row["application"], row["chemistry"]
        gate = Gate(
            row["certificate"], duty_of(row["certificate"]), bool(row["binding"]),
            row["asked_from"], row["opens_used"], row["evidence"],
        )  # fmt: skip
        found[key] = (*found.get(key, ()), gate)
    return found
