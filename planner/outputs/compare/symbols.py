"""Symbols of changes, alike on the page's map and in QGIS, and the styles made of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from planner.outputs import palette
from planner.outputs.compare.stations import GAINED, KEPT, LOST, MOVED, RESIZED
from planner.outputs.layers import qml
from planner.outputs.layers.layer import Layer


@dataclass(frozen=True)
class ChangeSymbol:
    """How a class of changes is drawn."""

    value: str
    label: str
    colour: str
    shape: str
    size_mm: float


# Shapes tell them apart without colour.
STATION_SYMBOLS = (
    ChangeSymbol(GAINED, "gained", palette.BLUE, "triangle", 2.8),
    ChangeSymbol(LOST, "lost", palette.VERMILION, "square", 2.4),
    ChangeSymbol(MOVED, "moved less than 1 km", palette.GREEN, "diamond", 2.6),
    ChangeSymbol(RESIZED, "resized", palette.PURPLE, "circle", 2.4),
    ChangeSymbol(KEPT, "kept", palette.UNCHANGED, "circle", 1.2),
)
_CORRIDOR_SYMBOLS = tuple(each for each in STATION_SYMBOLS if each.value in (GAINED, LOST, KEPT))
_CITY_SYMBOLS = (
    ChangeSymbol("more", "more stations", palette.BLUE, "triangle", 3.4),
    ChangeSymbol("fewer", "fewer stations", palette.VERMILION, "square", 3.2),
    ChangeSymbol("same", "as many stations", palette.UNCHANGED, "circle", 2.4),
)
_CITY_CLASS = (
    "CASE WHEN \"change_num_stations\" > 0 THEN 'more' "
    "WHEN \"change_num_stations\" < 0 THEN 'fewer' ELSE 'same' END"
)


def build_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[str, str]]:
    """QML document and its description per layer with places."""
    described = (
        ("stations_change", '"change"', STATION_SYMBOLS, "by change"),
        ("cities_change", _CITY_CLASS, _CITY_SYMBOLS, "by change of the number of stations"),
        ("corridor_stations_change", '"change"', _CORRIDOR_SYMBOLS, "by change"),
    )
    return {
        name: (_style(layers[name], attribute, symbols), text)
        for name, attribute, symbols, text in described
        if name in layers
    }


def _style(layer: Layer, attribute: str, symbols: tuple[ChangeSymbol, ...]) -> str:
    document = qml.document()
    classes = [
        (each.value, each.label, qml.marker(
            each.colour, size_mm=each.size_mm, outline=palette.WHITE, shape=each.shape))
        for each in symbols
    ]  # fmt: skip
    qml.add_categories(document, attribute, classes, first_on_top=True)
    qml.add_aliases(document, layer)
    return qml.to_text(document)
