"""Styles of stations by what they cost to replace, and of other sites by what they would cost."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from planner.outputs import palette
from planner.outputs.layers import qml
from planner.outputs.layers.layer import Layer
from planner.outputs.station_reasons import FORCE_IN, REPLACEMENT, CostClass, cost_classes

_LEAST_MM, _STEP_MM = 1.8, 0.6
_NOT_KNOWN = ""


def reason_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[ET.Element, str]]:
    """Further styles of stations and candidates, if the run told what each of them costs."""
    found = {}
    for name, column, by, is_good in (
        ("stations", REPLACEMENT, "replacement", False),
        ("candidates", FORCE_IN, "force-in", True),
    ):
        frame = layers[name].frame
        if column not in frame or not (classes := cost_classes(frame[column])):
            continue
        text = (
            "by what a station here would cost, the less the darker"
            if is_good
            else "by what it costs to do without them, larger and darker for more"
        )
        found[f"{name} by {by} cost"] = (_style(column, classes, dark_first=is_good), text)
    return found


def _style(column: str, classes: Sequence[CostClass], *, dark_first: bool) -> ET.Element:
    document = qml.document()
    ranks = range(len(classes))
    drawn = [
        (str(rank), each.label, _marker(classes[-1 - rank if dark_first else rank].colour,
                                        len(classes) - 1 - rank if dark_first else rank))
        for rank, each in zip(ranks, classes, strict=True)
    ]  # fmt: skip
    # What matters lies on top.
    ordered = drawn if dark_first else drawn[::-1]
    missing = qml.marker(
        palette.MISSING, size_mm=_LEAST_MM, outline=palette.WHITE, shape="square"
    )  # fmt: skip
    steps = " ".join(
        f"WHEN \"{column}\" < {each.high:.9g} THEN '{rank}'"
        for rank, each in zip(ranks, classes[:-1], strict=False)
    )
    value = (
        f"CASE WHEN \"{column}\" IS NULL THEN '{_NOT_KNOWN}' {steps} ELSE '{len(classes) - 1}' END"
    )
    label = "no cost: stands already, or may not stand"
    qml.add_categories(
        document, value, [*ordered, (_NOT_KNOWN, label, missing)], first_on_top=True
    )  # fmt: skip
    return document


def _marker(colour: str, rank: int) -> ET.Element:
    return qml.marker(colour, size_mm=_LEAST_MM + _STEP_MM * rank, outline=palette.OUTLINE)
