"""Colours and shapes of changes, alike on the page's map and in QGIS, and QGIS's styles."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import jinja2

from planner.outputs.compare.stations import GAINED, KEPT, LOST, MOVED, RESIZED
from planner.outputs.layers.frames import Layer


@dataclass(frozen=True)
class Look:
    """How a class is drawn."""

    value: str
    label: str
    colour: str
    shape: str
    size_mm: float

    @property
    def rgba(self) -> str:
        """The colour as QGIS writes it."""
        parts = (int(self.colour[start : start + 2], 16) for start in (1, 3, 5))
        return ",".join([*map(str, parts), "255"])


# Okabe and Ito (2008), Color Universal Design; shapes tell them apart without colour.
STATION_LOOKS = (
    Look(GAINED, "gained", "#0072b2", "triangle", 2.8),
    Look(LOST, "lost", "#d55e00", "square", 2.4),
    Look(MOVED, "moved less than 1 km", "#009e73", "diamond", 2.6),
    Look(RESIZED, "resized", "#cc79a7", "circle", 2.4),
    Look(KEPT, "kept", "#a9b2bc", "circle", 1.2),
)
_CORRIDOR_LOOKS = tuple(look for look in STATION_LOOKS if look.value in (GAINED, LOST, KEPT))
_CITY_LOOKS = (
    Look("more", "more stations", "#0072b2", "triangle", 3.4),
    Look("fewer", "fewer stations", "#d55e00", "square", 3.2),
    Look("same", "as many stations", "#a9b2bc", "circle", 2.4),
)
_CITY_CLASS = (
    "CASE WHEN \"change_num_stations\" > 0 THEN 'more' "
    "WHEN \"change_num_stations\" < 0 THEN 'fewer' ELSE 'same' END"
)


def environment() -> jinja2.Environment:
    """Templates of this package; every text that goes into them is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(
            lambda name: (files("planner.outputs.compare") / name).read_text(encoding="utf-8")
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def build_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[str, str]]:
    """QML document and its description per layer with places."""
    template = environment().get_template("style.qml.j2")
    described = (
        ("stations_change", "change", STATION_LOOKS, "by change"),
        ("cities_change", _CITY_CLASS, _CITY_LOOKS, "by change of the number of stations"),
        ("corridor_stations_change", "change", _CORRIDOR_LOOKS, "by change"),
    )
    return {
        name: (
            template.render(attribute=attribute, classes=looks, columns=layers[name].columns),
            text,
        )
        for name, attribute, looks, text in described
        if name in layers
    }
