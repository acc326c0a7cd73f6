"""Styles of stations and cities over time, and of sites by the futures that want them."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from planner.outputs import palette
from planner.outputs.layers import qml
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.looks import SHARE_CLASSES
from planner.outputs.layers.phases import CITY_PHASES, DATED, FUTURE_SITES, STATION_PHASES
from planner.outputs.phases import ENLARGED, OPENED, OPENING, STANDS, shades

_CHANGES = (
    (OPENED, "opened in the period", palette.VERMILION, 3.0),
    (ENLARGED, "enlarged in the period", palette.ORANGE, 3.0),
    (STANDS, "stands", palette.BLUE, 2.0),
)
_CITY_SIZE_MM = 'max(2, min(7, 0.9 * sqrt("stations")))'


def phase_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[ET.Element, str]]:
    """Styles of the layers that a run over time or for several futures has besides."""
    found = {}
    if OPENING in layers["stations"].frame:
        found["stations by opening"] = (
            _style_openings(layers["stations"]), "by opening quarter, the later the lighter"
        )  # fmt: skip
    makers = {
        STATION_PHASES: (_style_changes, "opened, enlarged or standing, with a time slider"),
        CITY_PHASES: (_style_cities, "by share of swaps served, with a time slider"),
        FUTURE_SITES: (_style_sites, "by the futures whose best plan has the site"),
    }
    return found | {name: (make(), text) for name, (make, text) in makers.items() if name in layers}


def add_times(document: ET.Element, layer: Layer, layers: Mapping[str, Layer]) -> None:
    """Let the time slider show a layer's rows while they hold, if they hold for a time."""
    if layer.name in DATED:
        qml.add_time(
            document, 'to_datetime("from_on")', "to_datetime(\"to_on\") + to_interval('1 day')"
        )
    elif layer.name == "stations" and CITY_PHASES in layers:
        # What stood before is there from the first period on: a slider has a first day.
        first = layers[CITY_PHASES].frame["from_on"].min()
        stood = f"make_date({first.year}, {first.month}, {first.day})"
        qml.add_time(document, f'to_datetime(coalesce("opens_on", {stood}))')


def _style_openings(stations: Layer) -> ET.Element:
    document = qml.document()
    quarters = sorted(stations.frame[OPENING].dropna().unique())
    classes = [
        (quarter, f"opens {quarter}", qml.marker(colour, size_mm=2.4, outline=palette.OUTLINE))
        for quarter, colour in zip(quarters, shades(len(quarters)), strict=True)
    ]
    stood = qml.marker(palette.MISSING, size_mm=2.0, outline=palette.WHITE, shape="square")
    qml.add_categories(document, f'"{OPENING}"', [*classes, ("", "stood before", stood)])
    return document


def _style_changes() -> ET.Element:
    document = qml.document()
    classes = [
        (change, label, qml.marker(colour, size_mm=size_mm, outline=palette.WHITE))
        for change, label, colour, size_mm in _CHANGES
    ]
    qml.add_categories(document, '"change"', classes, first_on_top=True)
    return document


def _style_cities() -> ET.Element:
    document = qml.document()
    classes = []
    for low, high, label, colour in SHARE_CLASSES:
        marker = qml.marker(colour, size_mm=3.0, outline=palette.OUTLINE)
        qml.add_expressions(marker[0], {"size": _CITY_SIZE_MM})
        classes.append((low, high, label, marker))
    qml.add_ranges(document, "served_frac", classes)
    return document


def _style_sites() -> ET.Element:
    document = qml.document()
    # Shape tells whether the plan has it, colour how many futures want it.
    kinds = (
        ("plan", "in the plan", "circle", 2.6),
        ("other", "not in the plan", "triangle", 2.4),
    )
    steps = (
        ("all", "best in every future", palette.CHOSEN_COLOURS[4]),
        ("most", "best in futures of at least half the weight", palette.CHOSEN_COLOURS[2]),
        ("some", "best in some futures", palette.CHOSEN_COLOURS[1]),
        ("none", "best in none", palette.WHITE),
    )
    value = (
        "CASE WHEN \"in_plan\" THEN 'plan' ELSE 'other' END || ' ' || "
        "CASE WHEN \"chosen_frac\" > 0.999999 THEN 'all' WHEN \"chosen_frac\" >= 0.5 THEN 'most' "
        "WHEN \"chosen_frac\" > 0 THEN 'some' ELSE 'none' END"
    )
    classes = [
        (
            f"{kind} {step}",
            f"{kind_label}, {label}",
            qml.marker(colour, size_mm=size_mm, outline=palette.OUTLINE, shape=shape),
        )
        for kind, kind_label, shape, size_mm in kinds
        for step, label, colour in steps
        if (kind, step) != ("other", "none")
    ]
    qml.add_categories(document, value, classes, first_on_top=True)
    return document
