"""The passport sheet of one flow: each data point's status, value, and what is to be done."""

from dataclasses import dataclass
from enum import StrEnum

from planner.compliance.declared import (
    ASKED,
    HELD,
    NOT_APPLICABLE,
    declarations_for,
    status_in,
)
from planner.compliance.duties import PASSPORT
from planner.compliance.facts import Facts, Record
from planner.compliance.flows import Flow
from planner.compliance.known import Known, Worth, known_of
from planner.compliance.points import Point, Requirement, Role, passport_points


class Status(StrEnum):
    """Where a data point of a flow stands."""

    FILLED = "filled"
    ASK_SUPPLIER = "ask_supplier"
    UNKNOWN = "unknown"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Asked:
    """Whether a flow needs a passport.

    Attributes
    ----------
    by_law : bool
        A binding certificate of the market asks for it in the quarter.
    counts : bool
        The points are counted: it is asked for by law, or may be given freely.
    reason : str
        Why it is not counted.
    """

    by_law: bool
    counts: bool
    reason: str = ""


@dataclass(frozen=True)
class SheetRow:
    """One data point of a flow: the columns of the table ``passport_point`` after the flow's."""

    point: int
    name: str
    requirement: str
    status: str
    value: str
    unit: str
    from_table: str
    action: str


def passport_asked(facts: Facts, flow: Flow) -> Asked:
    """Whether the market of a flow asks for a passport in its quarter, by its gates."""
    gates = [
        gate
        for gate in facts.gates_of(flow.market, flow.application, flow.chemistry)
        if gate.duty == PASSPORT
    ]
    now = [gate for gate in gates if gate.is_asked(flow.quarter)]
    if now:
        return Asked(any(gate.binding for gate in now), True)
    if gates:
        first = min(gate.asked_from or "" for gate in gates)
        return Asked(False, False, f"{flow.market} asks for a passport from {first} on")
    return Asked(False, False, f"{flow.market} asks for no passport of this chemistry and use")


def sheet_of(facts: Facts, flow: Flow) -> list[SheetRow]:
    """Fill the passport of a flow.

    Parameters
    ----------
    facts : Facts
    flow : Flow

    Returns
    -------
    list of SheetRow
        A row per point, in the order of their numbers. What is known stands there even if the
        point is not asked for. A declaration held by the supplier counts for more than the plan.
    """
    asked = passport_asked(facts, flow)
    return [_row(facts, flow, asked, point) for point in passport_points()]


def _row(facts: Facts, flow: Flow, asked: Asked, point: Point) -> SheetRow:
    requirement, waits = _requirement(facts, flow, point)
    rows = [
        row
        for row in declarations_for(facts, flow.pack_id, flow.market)
        if row.get("point") == point.number
    ]
    known = _declared(rows, flow) or known_of(facts, flow, point.how)
    if not asked.counts or waits:
        status, action = Status.NOT_ASKED, asked.reason or waits
    elif known is not None and known.worth is Worth.NOT_OWED:
        status, action = Status.NOT_ASKED, known.note
    elif known is not None and known.worth is Worth.FILLS:
        status, action = Status.FILLED, known.note
    else:
        status, action = _open(facts, flow, point, rows, known)
    return SheetRow(
        point.number, point.name, str(requirement), str(status),
        *((known.value, known.unit, known.from_table) if known else ("", "", "")), action,
    )  # fmt: skip


def _requirement(facts: Facts, flow: Flow, point: Point) -> tuple[str, str]:
    """What the flow's category must do with a point in its quarter, and why it waits if it does."""
    requirement = point.requirement[flow.category]
    if requirement is Requirement.NONE:
        is_of_none = set(point.requirement.values()) == {Requirement.NONE}
        why = point.ask if is_of_none else "it is not of this category of battery"
        return requirement, f"not to be filled: {why}"
    if requirement is not Requirement.LATER:
        return requirement, ""
    gates = [
        gate
        for gate in facts.gates_of(flow.market, flow.application, flow.chemistry)
        if point.from_duty and gate.duty == point.from_duty and gate.binding
    ]
    if any(gate.is_asked(flow.quarter) for gate in gates):
        return Requirement.MUST, ""
    if point.from_quarter and point.from_quarter <= flow.quarter:
        return Requirement.MUST, ""
    dates = [gate.asked_from for gate in gates if gate.asked_from] + [point.from_quarter]
    first = min(filter(None, dates), default="")
    return requirement, f"asked for from {first} on" if first else "no date is set for it yet"


def _declared(rows: list[Record], flow: Flow) -> Known | None:
    """What declarations say of a point; it is filled once all that are owed are held."""
    statuses = [status_in(row, flow.quarter) for row in rows]
    held = [row for row, status in zip(rows, statuses, strict=True) if status == HELD]
    owed = [status for status in statuses if status != NOT_APPLICABLE]
    if rows and not owed:
        note = "declared not applicable"
        return Known("not applicable", "", "declarations.status", note, Worth.NOT_OWED)
    if not held:
        return None
    texts = [str(row.get("value") or row.get("standard") or "document held") for row in held]
    units = {row.get("unit") or "" for row in held}
    unit = str(units.pop()) if len(units) == 1 else ""
    worth = Worth.FILLS if len(held) == len(owed) else Worth.HINTS
    verified = ", ".join(sorted({str(row["verifier"]) for row in held if row.get("verifier")}))
    note = f"verified by {verified}" if verified else ""
    return Known("; ".join(texts), unit, "declarations.value", note, worth)


def _open(
    facts: Facts, flow: Flow, point: Point, rows: list[Record], known: Known | None
) -> tuple[Status, str]:
    """Status and action of a point that is asked for and not filled."""
    if point.role is Role.OPERATOR:
        return Status.UNKNOWN, f"whoever runs the pack records it in use: {point.ask}"
    if point.role is Role.FLAG:
        return Status.UNKNOWN, f"settle with who places the pack on the market: {point.ask}"
    maker = facts.packs.get(flow.pack_id, {}).get("maker")
    who = maker or ", ".join(flow.suppliers) or "the supplier"
    action = f"before the deliveries of {flow.quarter} ask {who} for {point.ask}"
    waiting = [row for row in rows if status_in(row, flow.quarter) == ASKED]
    if waiting:
        dates = [str(row["held_from"]) for row in waiting if row.get("held_from")]
        due = f", due in {max(dates)}" if dates else ""
        action = f"asked of {who} already{due}: {point.ask}"
    if known is not None and known.note:
        action += f" ({known.note})"
    return Status.ASK_SUPPLIER, action
