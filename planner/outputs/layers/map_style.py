"""A style for web maps (MapLibre) of a run's tiles, translated from the layers' styles for QGIS.

Takes classes, colours and sizes from there, so that both draw one plan alike. Labels are left
away: web maps fetch their letters from a host.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from planner.outputs import palette
from planner.outputs.layers.base_map import BASE_ROADS, LAND
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.tiles import DEEPEST_ZOOM, GROUND, GROUND_ZOOM, TILES_FILE, ZoomRange
from planner.outputs.layers.zone_layers import OVERVIEWS

STYLE_FILE = "style.json"

_BELOW = (LAND, BASE_ROADS)
_WEIGHTED = ("zones", *OVERVIEWS)
_SHOWN = (*_BELOW, *_WEIGHTED, "stations", "corridor_roads", "corridor_stations", "cities")
"""Layers that a map shows at first; the others wait to be switched on."""
_PX_PER_MM = 96 / 25.4
_STRONG_QUANTILE = 0.9
_FAINTEST = 0.15


@dataclass(frozen=True)
class _Look:
    """What a class of rows looks like."""

    value: str
    low: float
    label: str
    colour: str
    alpha: float
    size_px: float


def map_style(
    layers: Sequence[Layer],
    styles: Mapping[str, tuple[str, str]],
    ranges: Mapping[str, ZoomRange],
    metadata: Mapping[str, str],
) -> dict[str, Any]:
    """A style of ``plan.pmtiles`` beside it.

    Parameters
    ----------
    layers : sequence of Layer
        Those in the tiles, what is drawn on top first.
    styles : mapping of style name to (QML document, description)
        As `planner.outputs.layers.read_back.read_styles` gives them.
    ranges : mapping of layer to ZoomRange
        From `planner.outputs.layers.tiles.zoom_ranges`.
    metadata : mapping
        From `planner.outputs.layers.describe.dataset_metadata`.

    Returns
    -------
    dict
        Content of ``style.json``, version 8 of the MapLibre style specification; the legend of
        each layer stands in its ``metadata``.
    """
    tiles = {"type": "vector", "url": f"pmtiles://{TILES_FILE}"}
    sources = {
        "plan": tiles | {"attribution": metadata["ATTRIBUTION"]},
        "ground": tiles | {"maxzoom": GROUND_ZOOM},
    }
    has_land = any(layer.name == LAND for layer in layers)
    ground = palette.WATER if has_land else palette.LAND
    background = {"id": "background", "type": "background", "paint": {"background-color": ground}}
    bottom_up = list(reversed(layers))
    bottom_up.sort(key=lambda layer: _depth(layer.name))
    drawn = [
        _map_layer(layer, styles[layer.name][0], ranges[layer.name])
        for layer in bottom_up
        if layer.name in styles
    ]
    return {
        "version": 8,
        "name": metadata["TITLE"],
        "metadata": {f"planner:{key.lower()}": text for key, text in sorted(metadata.items())},
        "sources": sources,
        "layers": [background, *(layer for layer in drawn if layer is not None)],
    }


def _depth(name: str) -> int:
    return _BELOW.index(name) if name in _BELOW else len(_BELOW)


def _map_layer(layer: Layer, qml: str, zooms: ZoomRange) -> dict[str, Any] | None:
    renderer = ET.fromstring(qml).find("renderer-v2")
    if renderer is None:
        return None
    looks = _looks(renderer)
    attribute = (renderer.get("attr") or "").strip('"')
    if not looks:
        return None
    is_numeric = renderer.get("type") == "graduatedSymbol"
    if attribute not in layer.frame.columns:  # by an expression, which web maps do not know
        looks = looks[:1]

    def by_class(of: Callable[[_Look], Any], otherwise: Any) -> Any:
        return _by_class(attribute, looks, of, otherwise, is_numeric=is_numeric)

    kind = str(layer.geometry_type).removeprefix("Multi")
    on_map = {"Point": "circle", "LineString": "line", "Polygon": "fill"}[kind]
    paint: dict[str, Any] = {
        f"{on_map}-color": by_class(lambda look: look.colour, palette.MISSING),
        f"{on_map}-opacity": _opacity(layer, looks[0].alpha),
    }
    if on_map == "circle":
        radius = by_class(lambda look: look.size_px / 2, looks[0].size_px / 2)
        grown = ["interpolate", ["linear"], ["zoom"], 4, ["*", 0.3, radius], 11, radius]
        paint |= {
            "circle-radius": grown,
            "circle-stroke-color": palette.WHITE,
            "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 6, 0, 9, 0.7],
        }
    elif on_map == "line":
        paint["line-width"] = by_class(lambda look: look.size_px, looks[0].size_px)
    elif layer.name in _WEIGHTED:
        paint["fill-antialias"] = False  # else each faint cell has an outline as strong as others
    is_wide = layer.name in GROUND
    has_end = zooms.last < DEEPEST_ZOOM and not is_wide
    return {
        "id": layer.name,
        "type": on_map,
        "source": "ground" if is_wide else "plan",
        "source-layer": layer.name,
        **({"minzoom": zooms.first} if zooms.first and layer.name != "stations" else {}),
        **({"maxzoom": zooms.last + 1} if has_end else {}),
        "layout": {"visibility": "visible" if layer.name in _SHOWN else "none"},
        "paint": paint,
        "metadata": {
            "planner:description": layer.description,
            "planner:legend": [{"label": each.label, "colour": each.colour} for each in looks],
        },
    }


def _looks(renderer: ET.Element) -> list[_Look]:
    symbols = {symbol.get("name"): symbol for symbol in renderer.iterfind("symbols/symbol")}
    classes = [*renderer.iterfind("ranges/range"), *renderer.iterfind("categories/category")]
    named = [(each, symbols[each.get("symbol")]) for each in classes] or [
        (ET.Element("category"), symbol) for symbol in symbols.values()
    ]
    looks = []
    for each, symbol in named:
        told = [_options(part) for part in symbol.iter("layer")]
        options = next(each for each in told if each.keys() & {"color", "line_color"})
        red, green, blue = options.get("color", options.get("line_color", "")).split(",")[:3]
        looks.append(
            _Look(
                value=each.get("value", ""),
                low=float(each.get("lower", "nan")),
                label=each.get("label", ""),
                colour=f"#{int(red):02x}{int(green):02x}{int(blue):02x}",
                alpha=float(symbol.get("alpha", "1")),
                size_px=round(
                    _PX_PER_MM * float(options.get("size", options.get("line_width", "0"))), 2
                ),
            )
        )
    return looks


def _options(symbol_layer: ET.Element) -> dict[str, str]:
    return {
        str(option.get("name")): str(option.get("value"))
        for option in symbol_layer.iterfind("Option/Option")
    }


def _by_class(
    attribute: str,
    looks: Sequence[_Look],
    of: Callable[[_Look], Any],
    otherwise: Any,
    *,
    is_numeric: bool,
) -> Any:
    """Expression that gives each row what its class has, and others what stands for nothing."""
    if len(looks) == 1:
        return of(looks[0])
    value = ["get", attribute]
    if is_numeric:
        steps = [part for look in looks[1:] for part in (look.low, of(look))]
        classed = ["step", ["to-number", value], of(looks[0]), *steps]
        return ["case", ["==", value, None], otherwise, classed]
    named = [part for look in looks if look.value for part in (look.value, of(look))]
    return ["match", value, *named, otherwise] if named else otherwise


def _opacity(layer: Layer, alpha: float) -> Any:
    """Zones are the fainter the fewer swaps they ask for: people count, not land."""
    if layer.name not in _WEIGHTED:
        return alpha
    many = float(layer.frame["swaps_per_day"].quantile(_STRONG_QUANTILE))
    if not many > 0:
        return alpha
    share = ["sqrt", ["min", 1, ["/", ["coalesce", ["get", "swaps_per_day"], 0], many]]]
    return ["*", alpha, ["max", _FAINTEST, share]]
