"""QGIS's own format for styles: documents, renderers, symbols, labels."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from planner.outputs.language import Language, phrase
from planner.outputs.layers.layer import Layer
from planner.outputs.palette import OUTLINE

_NO_LIMIT = 1_000_000_000


def document(*, min_scale: int | None = None, max_scale: int | None = None) -> ET.Element:
    """A style of one layer, shown between scales whose denominators are given."""
    # QGIS calls the denominator of the smallest scale at which a layer shows minScale.
    limited = min_scale is not None or max_scale is not None
    return ET.Element(
        "qgis",
        {
            "version": "3.22.0",
            "styleCategories": "Symbology|Labeling|Fields|Rendering",
            "hasScaleBasedVisibilityFlag": "1" if limited else "0",
            "minScale": str(min_scale or _NO_LIMIT if limited else 0),
            "maxScale": str(max_scale or 0),
        },
    )


def add_categories(
    document: ET.Element,
    attribute: str,
    classes: Sequence[tuple[str, str, ET.Element]],
    *,
    first_on_top: bool = False,
) -> None:
    """Symbols by value or expression: value, label, symbol.

    ``first_on_top`` draws the first class over the others, else rows lie as they come.
    """
    renderer = ET.SubElement(
        document,
        "renderer-v2",
        {
            "type": "categorizedSymbol", "attr": attribute,
            "symbollevels": "1" if first_on_top else "0",
        },
    )  # fmt: skip
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for number, (value, label, symbol) in enumerate(classes):
        ET.SubElement(
            categories,
            "category",
            {
                "value": value, "type": "string", "symbol": str(number), "label": label,
                "render": "true",
            },
        )  # fmt: skip
        symbol.set("name", str(number))
        if first_on_top:
            symbol[0].set("pass", str(len(classes) - 1 - number))
        symbols.append(symbol)


def add_ranges(
    document: ET.Element,
    attribute: str,
    classes: Sequence[tuple[float, float, str, ET.Element]],
    *,
    descending_by: str = "",
) -> None:
    """Symbols by classes of a number: lower and upper end, label, symbol.

    ``descending_by`` names the column whose smallest values are drawn last, on top.
    """
    renderer = ET.SubElement(
        document,
        "renderer-v2",
        {
            "type": "graduatedSymbol", "attr": attribute, "graduatedMethod": "GraduatedColor",
            "symbollevels": "0",
        },
    )  # fmt: skip
    if descending_by:
        renderer.set("enableorderby", "1")
        order = ET.SubElement(renderer, "orderby")
        clause = ET.SubElement(order, "orderByClause", {"asc": "0", "nullsFirst": "1"})
        clause.text = f'"{descending_by}"'
    ranges = ET.SubElement(renderer, "ranges")
    symbols = ET.SubElement(renderer, "symbols")
    for number, (low, high, label, symbol) in enumerate(classes):
        ET.SubElement(
            ranges,
            "range",
            {
                "lower": f"{low:.6f}", "upper": f"{high:.6f}", "symbol": str(number),
                "label": label, "render": "true",
            },
        )  # fmt: skip
        symbol.set("name", str(number))
        symbols.append(symbol)


def add_rules(
    document: ET.Element, rules: Sequence[tuple[str, str, int | None, ET.Element]]
) -> None:
    """Symbols by rule: which rows (an expression), label, smallest scale, symbol."""
    renderer = ET.SubElement(document, "renderer-v2", {"type": "RuleRenderer"})
    tree = ET.SubElement(renderer, "rules", {"key": "rules"})
    symbols = ET.SubElement(renderer, "symbols")
    for number, (expression, label, min_scale, symbol) in enumerate(rules):
        rule = {"filter": expression, "key": f"rule{number}", "symbol": str(number), "label": label}
        if min_scale is not None:
            rule |= {"scalemaxdenom": str(min_scale), "scalemindenom": "0"}
        ET.SubElement(tree, "rule", rule)
        symbol.set("name", str(number))
        symbols.append(symbol)


def add_single(document: ET.Element, symbol: ET.Element) -> None:
    """One symbol for every row."""
    renderer = ET.SubElement(document, "renderer-v2", {"type": "singleSymbol"})
    symbol.set("name", "0")
    ET.SubElement(renderer, "symbols").append(symbol)


def translate_labels(document: ET.Element, language: Language) -> None:
    """Put what a legend says into a language; names from the data stay."""
    for entry in document.iter():
        if label := entry.get("label"):
            entry.set("label", phrase(label, language))


def name_rows(document: ET.Element, expression: str) -> None:
    """Tell by what a row is called where it is picked or searched."""
    ET.SubElement(document, "previewExpression").text = expression


def add_time(document: ET.Element, start: str, end: str = "") -> None:
    """Show each feature from one time to another, given as expressions, on QGIS's time slider."""
    document.set("styleCategories", f"{document.get('styleCategories')}|Temporal")
    temporal = ET.SubElement(
        document,
        "temporal",
        {
            # 4: expressions. Columns by name would do, but QGIS 3.22 compares dates as texts.
            "enabled": "1", "mode": "4", "startExpression": start, "endExpression": end,
            "startField": "", "endField": "", "limitMode": "0", "accumulate": "0",
            "fixedDuration": "0", "durationUnit": "min", "durationField": "",
        },
    )  # fmt: skip
    fixed = ET.SubElement(temporal, "fixedRange")
    for name in ("start", "end"):
        ET.SubElement(fixed, name)


def add_labels(
    document: ET.Element,
    text: str,
    *,
    is_expression: bool = False,
    min_scale: int | None = None,
    expressions: Mapping[str, str] | None = None,
) -> None:
    """Labels from a column or an expression, if given from a scale on.

    ``expressions`` give further properties of each label, by QGIS's name: of two that have no
    room, the one with the higher ``Priority`` is drawn.
    """
    labeling = ET.SubElement(document, "labeling", {"type": "simple"})
    settings = ET.SubElement(labeling, "settings", {"calloutType": "simple"})
    style = ET.SubElement(
        settings,
        "text-style",
        {
            "fieldName": text, "isExpression": "1" if is_expression else "0", "fontSize": "8",
            "fontSizeUnit": "Point", "textColor": "30,30,30,255",
        },
    )  # fmt: skip
    ET.SubElement(
        style,
        "text-buffer",
        {"bufferDraw": "1", "bufferSize": "0.8", "bufferColor": "255,255,255,255"},
    )
    # 0 = around the point.
    ET.SubElement(settings, "placement", {"placement": "0", "dist": "1", "distUnits": "MM"})
    limits = {} if min_scale is None else {
        "scaleVisibility": "1", "scaleMin": "0", "scaleMax": str(min_scale)
    }  # fmt: skip
    ET.SubElement(settings, "rendering", {"drawLabels": "1"} | limits)
    if expressions:
        properties = ET.SubElement(settings, "dd_properties")
        _add_option(properties, "", _as_properties(expressions))


def fill(colour: str, *, outline: str | None = None) -> ET.Element:
    """A symbol for areas."""
    return _symbol(
        "fill",
        "SimpleFill",
        {
            "color": _rgba(colour),
            "style": "solid",
            "outline_style": "no" if outline is None else "solid",
            "outline_color": _rgba(outline or colour),
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        },
    )


def edge(colour: str, *, width_mm: float) -> ET.Element:
    """A symbol for areas that shows what lies under them: a band along the inside of their edge.

    What is drawn has the colour of the legend, as a fill that can be looked through has not.
    """
    symbol = _symbol(
        "fill",
        "SimpleLine",
        {
            # Half of a line lies outside of its area, in that of a neighbour.
            "line_color": _rgba(colour), "line_width": f"{2 * width_mm:g}",
            "line_width_unit": "MM", "draw_inside_polygon": "1", "joinstyle": "miter",
        },
    )  # fmt: skip
    thin = _symbol_layer(
        "SimpleLine",
        {"line_color": _rgba(OUTLINE), "line_width": "0.15", "line_width_unit": "MM"},
    )  # fmt: skip
    symbol.append(thin)
    return symbol


def hatch(colour: str, *, angle: int, distance_mm: float, width_mm: float) -> ET.Element:
    """A symbol for areas that shows what lies under them: lines, ``angle`` in degrees."""
    symbol = _symbol(
        "fill",
        "LinePatternFill",
        {
            "angle": str(angle), "distance": f"{distance_mm:g}", "distance_unit": "MM",
            "line_width": f"{width_mm:g}", "line_width_unit": "MM", "color": _rgba(colour),
            "coordinate_reference": "viewport",
        },
    )  # fmt: skip
    drawn = line(colour, width_mm=width_mm)
    drawn.set("name", "@0@0")
    symbol[0].append(drawn)
    return symbol


def shrunk_fill(colour: str, size: str) -> ET.Element:
    """A symbol for areas drawn about their middle, ``size`` an expression from 0 to 1.

    Areas in several parts keep their size: their middle may lie in none of them.
    """
    shrunk = (
        f"with_variable('size', CASE WHEN num_geometries($geometry) > 1 THEN 1 ELSE {size} END, "
        "affine_transform($geometry, x($geometry) * (1 - @size), y($geometry) * (1 - @size), 0, "
        "@size, @size))"
    )
    symbol = _symbol(
        "fill",
        "GeometryGenerator",
        {"SymbolType": "Fill", "geometryModifier": shrunk, "units": "MapUnit"},
    )
    drawn = fill(colour)
    drawn.set("name", "@0@0")
    symbol[0].append(drawn)
    return symbol


def line(colour: str, *, width_mm: float = 0.3, **expressions: str) -> ET.Element:
    """A symbol for lines; expressions by QGIS's name of the property."""
    line = _symbol(
        "line",
        "SimpleLine",
        {
            "line_color": _rgba(colour), "line_width": f"{width_mm:g}", "line_width_unit": "MM",
            "capstyle": "round", "joinstyle": "round",
        },
    )  # fmt: skip
    if expressions:
        add_expressions(line[0], expressions)
    return line


def marker(
    colour: str, *, size_mm: float, outline: str | None = None, shape: str = "circle"
) -> ET.Element:
    """A symbol for points."""
    return _symbol(
        "marker",
        "SimpleMarker",
        {
            "name": shape,
            "color": _rgba(colour),
            "size": f"{size_mm:g}",
            "size_unit": "MM",
            "outline_style": "no" if outline is None else "solid",
            "outline_color": _rgba(outline or colour),
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        },
    )


def _symbol(kind: str, layer_class: str, settings: Mapping[str, str]) -> ET.Element:
    # None can be looked through: over another area it would have a colour that no legend has.
    symbol = ET.Element("symbol", {"type": kind, "alpha": "1", "clip_to_extent": "1"})
    symbol.append(_symbol_layer(layer_class, settings))
    return symbol


def _symbol_layer(layer_class: str, settings: Mapping[str, str]) -> ET.Element:
    layer = ET.Element("layer", {"class": layer_class, "enabled": "1", "pass": "0"})
    _add_option(layer, "", settings)
    return layer


def add_expressions(symbol_layer: ET.Element, expressions: Mapping[str, str]) -> None:
    """Let properties of a symbol depend on the feature or on the scale."""
    _add_option(
        ET.SubElement(symbol_layer, "data_defined_properties"), "", _as_properties(expressions)
    )


def _as_properties(expressions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "properties": {
            key: {"active": "true", "expression": expression, "type": "3"}
            for key, expression in expressions.items()
        }
    }


def _add_option(parent: ET.Element, name: str, value: Any) -> None:
    attributes = {"name": name} if name else {}
    if isinstance(value, Mapping):
        options = ET.SubElement(parent, "Option", attributes | {"type": "Map"})
        for key, entry in value.items():
            _add_option(options, key, entry)
    else:
        ET.SubElement(parent, "Option", attributes | {"type": "QString", "value": value})


def add_aliases(document: ET.Element, layer: Layer) -> None:
    """Columns' titles, as GDAL before 3.7 does not read them from ``gpkg_data_columns``."""
    aliases = ET.SubElement(document, "aliases")
    for index, column in enumerate(layer.columns, start=1):  # 0 is the feature id
        alias = {"index": str(index), "field": column.name, "name": column.title}
        ET.SubElement(aliases, "alias", alias)


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"{red},{green},{blue},255"


def to_text(document: ET.Element) -> str:
    """The document as QGIS writes it."""
    ET.indent(document, space=" ")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(
        document, encoding="unicode"
    )
