"""What the plan knows of each data point of a flow's passport: a value, and where it stands.

One reader per name in the column ``how`` of `passport_points.csv`. What a chemistry holds follows
from the table ``materials`` alone: a material belongs to an element if the element's name is a word
of the material's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from planner.compliance.duties import rests_on_tests
from planner.compliance.facts import Facts, Gate, Record
from planner.compliance.flows import Flow
from planner.compliance.points import EV, INDUSTRIAL
from planner.instance import TABLES

LEAST_SHARE = 0.001
"""Share of a pack's mass above which a critical raw material is told (Regulation (EU) 2023/1542,
Annex VI A (10))."""

_UNITS = {column.name: column.unit for column in TABLES["packs"].columns}
_CATEGORY_NAMES = {EV: "electric vehicle battery", INDUSTRIAL: "industrial battery"}
_AH_PER_KAH = 1000.0


class Worth(StrEnum):
    """What a known value does for its point."""

    FILLS = "fills"
    HINTS = "hints"
    NOT_OWED = "not_owed"


@dataclass(frozen=True)
class Known:
    """A value for a data point.

    Attributes
    ----------
    value, unit : str
    from_table : str
        Table and column that it was read from.
    note : str
        What the reader should know, or still has to do.
    worth : Worth
        Whether it fills the point, only helps who fills it, or shows that nothing is owed.
    """

    value: str
    unit: str
    from_table: str
    note: str = ""
    worth: Worth = Worth.FILLS


Reader = Callable[[Facts, Flow, str], Known | None]


def known_of(facts: Facts, flow: Flow, how: str) -> Known | None:
    """What the plan knows of a point.

    Parameters
    ----------
    facts : Facts
    flow : Flow
    how : str
        A name of `READERS`, an argument after a colon; empty: nothing.

    Returns
    -------
    Known or None
    """
    name, _, argument = how.partition(":")
    return READERS[name](facts, flow, argument) if name else None


def number_text(value: float) -> str:
    """A number in full, without zeros at its end.

    >>> number_text(1234567.0), number_text(0.5)
    ('1234567', '0.5')
    """
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _pack(facts: Facts, flow: Flow, column: str) -> Known | None:
    value = facts.packs.get(flow.pack_id, {}).get(column)
    if value is None:
        return None
    text = value if isinstance(value, str) else number_text(float(value))
    return Known(text, _UNITS[column], f"packs.{column}")


def _category(facts: Facts, flow: Flow, _: str) -> Known | None:
    return Known(_CATEGORY_NAMES[flow.category], "", "the flow's use")


def _model(facts: Facts, flow: Flow, _: str) -> Known | None:
    if flow.pack_id not in facts.packs:
        return None
    note = "the maker adds the serial or batch number"
    return Known(flow.pack_id, "", "packs.pack_id", note)


def _plants(facts: Facts, flow: Flow, _: str) -> Known | None:
    if not flow.plant_shares:
        return None
    one = len(flow.plant_shares) == 1
    total = sum(share for _, share in flow.plant_shares)
    is_all = total > 1 - LEAST_SHARE
    text = "; ".join(
        plant if one and is_all else f"{plant} ({share:.1%})" for plant, share in flow.plant_shares
    )
    note = "" if one else "each pack names its own plant"
    if not is_all:
        note = f"the plants of {1 - total:.1%} of the cells have no name in the table supply"
    return Known(text, "", "supply.plant", note, Worth.FILLS if is_all else Worth.HINTS)


def _quarter(facts: Facts, flow: Flow, _: str) -> Known | None:
    note = "quarter of delivery; the maker writes month and year"
    return Known(flow.quarter, "", "market_quarter.quarter", note)


def _capacity(facts: Facts, flow: Flow, _: str) -> Known | None:
    pack = facts.packs.get(flow.pack_id, {})
    if pack.get("nominal_kwh") is None:
        return None
    energy, volts = float(pack["nominal_kwh"]), pack.get("nominal_v")
    if volts is None:
        note = "the charge in Ah follows from the nominal voltage"
        return Known(number_text(energy), "kWh", "packs.nominal_kwh", note, Worth.HINTS)
    note = f"{number_text(energy)} kWh at {number_text(float(volts))} V"
    charge = round(energy * _AH_PER_KAH / float(volts), 1)
    return Known(number_text(charge), "Ah", "packs.nominal_kwh, nominal_v", note)


def _chemistry(facts: Facts, flow: Flow, _: str) -> Known | None:
    name = facts.chemistry_names.get(flow.chemistry, flow.chemistry)
    return Known(name, "", "packs.chemistry")


def _flagged(facts: Facts, flow: Flow, flag: str, least_share: float = 0.0) -> Known | None:
    """Names of materials with a flag; only a hint where some material has none."""
    materials = facts.materials.get(flow.chemistry, ())
    flags = [material.get(flag) for material in materials]
    if all(value is None for value in flags):
        return None
    names = [
        str(material["material"])
        for material, value in zip(materials, flags, strict=True)
        if value and _share(facts, flow, material) > least_share
    ]
    unknown = [
        str(material["material"])
        for material, value in zip(materials, flags, strict=True)
        if value is None
    ]
    note = f"of the {len(materials)} materials listed; the supplier confirms that no other is in"
    if unknown:
        note = f"not told of {', '.join(unknown)}"
    worth = Worth.HINTS if unknown else Worth.FILLS
    return Known(", ".join(names) or "none", "", f"materials.{flag}", note, worth)


def _share(facts: Facts, flow: Flow, material: Record) -> float:
    """Share of a pack's mass that is a material; 1 where it cannot be known."""
    pack = facts.packs.get(flow.pack_id, {})
    mass, energy, per_kwh = pack.get("mass_kg"), pack.get("nominal_kwh"), material.get("kg_per_kwh")
    if mass is None or energy is None or per_kwh is None:
        return 1.0
    return float(per_kwh) * float(energy) / float(mass)


def _hazardous(facts: Facts, flow: Flow, _: str) -> Known | None:
    return _flagged(facts, flow, "hazardous")


def _critical(facts: Facts, flow: Flow, _: str) -> Known | None:
    return _flagged(facts, flow, "critical", LEAST_SHARE)


def _composition(facts: Facts, flow: Flow, _: str) -> Known | None:
    names = [str(material["material"]) for material in facts.materials.get(flow.chemistry, ())]
    if not names:
        return None
    note = "what the plan counts; the supplier tells all of it"
    return Known(", ".join(names), "", "materials.material", note, Worth.HINTS)


def _named(facts: Facts, flow: Flow, elements: str) -> list[Record] | None:
    """Materials that hold one of some elements; None where no material of the chemistry is told."""
    materials = facts.materials.get(flow.chemistry)
    if materials is None:
        return None
    word = re.compile(rf"\b({elements})\b", re.IGNORECASE)
    return [material for material in materials if word.search(str(material["material"]))]


def _recycled(facts: Facts, flow: Flow, element: str) -> Known | None:
    """Recycled share of an element's materials, by mass where there are several."""
    found = _named(facts, flow, element)
    if found is None:
        return None
    if not found:
        note = f"no {element} is among the materials listed"
        return Known("none", "", "materials.material", note)
    alone = len(found) == 1
    pairs = [
        (material.get("recycled_frac"), 1.0 if alone else material.get("kg_per_kwh"))
        for material in found
    ]
    known = [(float(frac), float(kg)) for frac, kg in pairs if frac is not None and kg is not None]
    total = sum(kg for _, kg in known)
    if len(known) < len(found) or not total:
        return None
    recycled = sum(frac * kg for frac, kg in known) / total
    return Known(number_text(recycled), "share", "materials.recycled_frac")


def _minerals(facts: Facts, flow: Flow, elements: str) -> Known | None:
    """Materials that due diligence is about; without any no report is owed."""
    return _names_or_nothing(facts, flow, elements, "so no report is owed for them")


def _symbol(facts: Facts, flow: Flow, elements: str) -> Known | None:
    return _names_or_nothing(facts, flow, elements, "so the label carries no symbol")


def _names_or_nothing(facts: Facts, flow: Flow, elements: str, so: str) -> Known | None:
    found = _named(facts, flow, elements)
    if found is None:
        return None
    if not found:
        note = f"none of {elements.replace('|', ', ')} is among the materials listed, {so}"
        return Known("none", "", "materials.material", note, Worth.NOT_OWED)
    names = ", ".join(str(material["material"]) for material in found)
    return Known(names, "", "materials.material", "", Worth.HINTS)


def _temperatures(facts: Facts, flow: Flow, _: str) -> Known | None:
    domain = facts.temperatures_c.get(flow.chemistry)
    if domain is None:
        return None
    low, high = (number_text(end) for end in domain)
    note = "the range the curves hold for: it withstands at least this; the supplier's may be wider"
    return Known(f"{low} to {high}", "C", "curves.temperature_c", note)


def _charge_rate(facts: Facts, flow: Flow, _: str) -> Known | None:
    """C-rate at which stations charge the pack: what a test of its life should have run at."""
    energy = facts.packs.get(flow.pack_id, {}).get("nominal_kwh")
    if energy is None or not facts.charger_kw:
        return None
    rates = sorted({f"{power / float(energy):.2f}" for power in facts.charger_kw}, key=float)
    text = rates[0] if len(rates) == 1 else f"{rates[0]} to {rates[-1]}"
    note = "the rate of the stations' chargers; the test should not be slower"
    return Known(text, "1/h", "stations.charger_kw_per_bay", note, Worth.HINTS)


def _carbon(facts: Facts, flow: Flow, _: str) -> Known | None:
    """The footprint that the plan counts with; it fills the point once a declaration is held."""
    pack = facts.packs.get(flow.pack_id, {})
    mid, low, high = (pack.get(f"kgco2e_per_kwh{end}") for end in ("", "_low", "_high"))
    if mid is None:
        return None
    text = number_text(float(mid))
    if low is not None and high is not None and low != high:
        text += f" ({number_text(float(low))} to {number_text(float(high))})"
    held = any(gate.duty == "carbon" and gate.is_held(flow.quarter) for gate in _gates(facts, flow))
    note = "" if held else "what the plan counts with; no declaration of it is held"
    return Known(
        text, "kg CO2e/kWh", "packs.kgco2e_per_kwh", note, Worth.FILLS if held else Worth.HINTS
    )


def _gates(facts: Facts, flow: Flow) -> tuple[Gate, ...]:
    return facts.gates_of(flow.market, flow.application, flow.chemistry)


def _certificate(facts: Facts, flow: Flow, duty: str) -> Known | None:
    found = [gate for gate in _gates(facts, flow) if gate.duty == duty]
    if not found:
        return None
    held = [gate for gate in found if gate.is_held(flow.quarter)]
    text = "; ".join(
        gate.certificate + (f": {gate.evidence}" if gate.evidence else "") for gate in held
    )
    if len(held) == len(found):
        return Known(text, "", "gates.certificate")
    opens = sorted(gate.opens or "no quarter known" for gate in found if gate not in held)
    return Known(text, "", "gates.opens", f"expected from {opens[-1]}", Worth.HINTS)


def _evidence(facts: Facts, flow: Flow, _: str) -> Known | None:
    """Test reports of the certificates that the flow rests on: binding, asked for and held."""
    needed = [
        gate
        for gate in _gates(facts, flow)
        if gate.binding
        and gate.is_asked(flow.quarter)
        and gate.is_held(flow.quarter)
        and rests_on_tests(gate.duty)
    ]
    shown = [gate for gate in needed if gate.evidence]
    if not shown:
        return None
    text = "; ".join(f"{gate.certificate}: {gate.evidence}" for gate in shown)
    without = [gate.certificate for gate in needed if not gate.evidence]
    note = f"no report is named for {', '.join(without)}" if without else ""
    return Known(text, "", "gates.evidence", note, Worth.HINTS if without else Worth.FILLS)


def _new_pack(facts: Facts, flow: Flow, _: str) -> Known | None:
    return Known("original", "", "the flow: new packs")


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "pack": _pack,
        "category": _category,
        "model": _model,
        "plants": _plants,
        "quarter": _quarter,
        "capacity": _capacity,
        "chemistry": _chemistry,
        "hazardous": _hazardous,
        "critical": _critical,
        "composition": _composition,
        "recycled": _recycled,
        "minerals": _minerals,
        "symbol": _symbol,
        "temperatures": _temperatures,
        "charge_rate": _charge_rate,
        "carbon": _carbon,
        "certificate": _certificate,
        "evidence": _evidence,
        "new_pack": _new_pack,
    }
)
"""Readers by the name that `passport_points.csv` calls them by."""
