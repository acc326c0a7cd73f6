"""What suppliers declared of a pack type: held, asked for, missing, or not owed, by quarter.

Where one item has a row for a market and one for all markets, the market's counts there.
"""

import math
from collections.abc import Sequence

import pandas as pd

from planner.compliance.facts import Facts, Record, records
from planner.compliance.flows import Flow
from planner.compliance.points import passport_points
from planner.errors import Fault, InputError
from planner.instance import Instance

HELD, ASKED, MISSING, NOT_APPLICABLE = "held", "asked", "missing", "not_applicable"
_COLUMNS = ("pack_id", "market", "item", "status", "held_from", "standard", "verifier", "value",
            "unit")  # fmt: skip


def check_declarations(instance: Instance) -> None:
    """Refuse declarations that no passport can use.

    Raises
    ------
    InputError
        For every row that names a point the passport has not, or a quarter from which a document
        is held that the row says is missing or not owed.
    """
    points = passport_points()
    known = {point.number for point in points}
    faults = []
    for row in records(instance.declarations):
        key = "/".join(filter(None, (row["pack_id"], row.get("market"), row["item"])))
        point, held_from, status = row.get("point"), row.get("held_from"), row["status"]
        if point is not None and point not in known:
            remedy = f"the passport has points 1 to {len(points)}; if none fits, leave it empty"
            faults.append(Fault("declarations", None, "point", str(point), remedy, key))
        if held_from is not None and status in (MISSING, NOT_APPLICABLE):
            remedy = f"nothing is held where the status is {status}; write held, or empty the cell"
            faults.append(Fault("declarations", None, "held_from", held_from, remedy, key))
    if faults:
        raise InputError(faults, source=str(instance.folder))


def declarations_for(facts: Facts, pack_id: str, market: str) -> list[Record]:
    """The rows that count for a pack type in a market, one for each item, in the table's order."""
    rows = facts.declarations.get(pack_id, ())
    own = {row["item"] for row in rows if row.get("market") == market}
    return [
        row
        for row in rows
        if row.get("market") == market or (not row.get("market") and row["item"] not in own)
    ]


def status_in(row: Record, quarter: str) -> str:
    """Status of a declaration in a quarter: what is held later is only asked for until then."""
    held_from = row.get("held_from")
    is_later = row["status"] == HELD and held_from is not None and held_from > quarter
    return ASKED if is_later else str(row["status"])


def declared_frac(rows: Sequence[Record], quarter: str) -> float:
    """Share of the declarations owed that are held in a quarter.

    Parameters
    ----------
    rows : sequence of Record
        From `declarations_for`.
    quarter : str

    Returns
    -------
    float
        nan where no declaration is listed, 1 where none of those listed is owed.
    """
    statuses = [status_in(row, quarter) for row in rows]
    owed = [status for status in statuses if status != NOT_APPLICABLE]
    if not statuses:
        return math.nan
    return owed.count(HELD) / len(owed) if owed else 1.0


def declaration_status(facts: Facts, flows: Sequence[Flow]) -> pd.DataFrame:
    """The declarations, each with the packs delivered that it concerns.

    Returns
    -------
    DataFrame
        ``pack_id, market`` (empty: all), ``item, status, held_from, standard, verifier, value,
        unit, flow_packs``.
    """
    found = []
    for pack_id, rows in sorted(facts.declarations.items()):
        for row in rows:
            packs = sum(
                flow.packs
                for flow in flows
                if flow.pack_id == pack_id and row in declarations_for(facts, pack_id, flow.market)
            )
            cells = [row.get(name) for name in _COLUMNS]
            found.append([*("" if cell is None else str(cell) for cell in cells), float(packs)])
    return pd.DataFrame(found, columns=[*_COLUMNS, "flow_packs"])
