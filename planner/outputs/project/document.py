"""The document of a project: layers in groups, themes, relations, bookmarks, days, pages to print.

Takes what a package holds; leaves how it is packed to the writer.
"""

from xml.etree import ElementTree as ET

import shapely
from pyproj import Transformer

from planner.outputs.language import Language, translate
from planner.outputs.layers.base_map import LAND
from planner.outputs.palette import WATER, WHITE
from planner.outputs.project.layouts import add_layouts
from planner.outputs.project.map_layers import layer_id, map_layer, source_of, style_name
from planner.outputs.project.order import (
    Group,
    Theme,
    find_relations,
    find_themes,
    order_groups,
)
from planner.outputs.project.package import Held, Package, Place
from planner.outputs.project.quarters import quarter_layer
from planner.outputs.project.xml import VERSION, add, add_box, add_crs, rgb, to_text

_MERCATOR, _PACIFIC_MERCATOR = "EPSG:3857", "EPSG:3832"
"""The latter has its middle at 150 degrees east, for what lies on both sides of 180 degrees."""

_MONTHS_A_STEP = 3
_MOST_BOOKMARKS = 500

Box = tuple[float, float, float, float]


def project_document(package: Package) -> str:
    """A project of all layers and tables of a package.

    Parameters
    ----------
    package : Package
        Beside or around it; paths are told from there.

    Returns
    -------
    str
        What a ``.qgs`` file holds.
    """
    language = package.language
    quarters = quarter_layer(package)
    layers = package.layers | ({} if quarters is None else {quarters.name: quarters})
    groups = order_groups(layers, language)
    titles = {name: title for group in groups for name, title in group.layers.items()}
    themes = find_themes(layers, language)
    relations = find_relations(layers)
    crs = _PACIFIC_MERCATOR if package.whole.box[2] > 180 else _MERCATOR

    document = ET.Element("qgis", {"version": VERSION, "projectname": package.title})
    add(document, "homePath", path="")
    add(document, "title", package.title)
    add_crs(add(document, "projectCrs"), crs)
    tree = add(document, "layer-tree-group")
    _add_tree(tree, groups, layers, themes[0], package.file_name)
    known = add(document, "relations")
    for relation in relations:
        entry = add(
            known, "relation", id=relation.key, strength="Association",
            name=f"{titles[relation.parent]}: {titles[relation.child]}",
            referencedLayer=layer_id(relation.parent), referencingLayer=layer_id(relation.child),
        )  # fmt: skip
        add(
            entry, "fieldRef", referencingField=relation.child_column,
            referencedField=relation.parent_column,
        )  # fmt: skip
    shown = add(document, "projectlayers")
    for name in titles:
        own = [relation for relation in relations if relation.parent == name]
        shown.append(
            map_layer(layers[name], titles[name], package.file_name, own, titles, language)
        )
    whole = _on_map(package.whole, crs)
    _add_view(document, whole, crs)
    ground = WATER if LAND in layers else WHITE
    _add_properties(document, ground)
    _add_themes(document, themes, language)
    _add_metadata(document, package)
    add_layouts(document, package, groups, layers, whole, ground)
    _add_bookmarks(document, package, crs)
    _add_days(document, package)
    return to_text(document)


def _add_tree(
    tree: ET.Element, groups: list[Group], layers: dict[str, Held], first: Theme, file_name: str
) -> None:
    for group in groups:
        is_shown = any(name in first.styles for name in group.layers)
        branch = add(
            tree, "layer-tree-group", name=group.title, checked="Qt::Checked",
            expanded=str(int(is_shown)),
        )  # fmt: skip
        for name, title in group.layers.items():
            checked = "Qt::Checked" if name in first.styles else "Qt::Unchecked"
            add(
                branch, "layer-tree-layer", id=layer_id(name), name=title, checked=checked,
                providerKey="ogr", source=source_of(layers[name], file_name),
                expanded=str(int(group is groups[0])),
            )  # fmt: skip


def _on_map(place: Place, crs: str) -> Box:
    west, south, east, north = place.box
    to_map = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    (left, right), (bottom, top) = to_map.transform([west, east], [south, north])
    return left, bottom, right, top


def _add_view(document: ET.Element, whole: Box, crs: str) -> None:
    canvas = add(document, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    add(canvas, "units", "meters")
    add_box(canvas, "extent", whole)
    add(canvas, "rotation", "0")
    add_crs(add(canvas, "destinationsrs"), crs)
    ends = zip(("xmin", "ymin", "xmax", "ymax"), whole, strict=True)
    view = add(document, "ProjectViewSettings", UseProjectScales="0", rotation="0")
    full = add(view, "DefaultViewExtent", **{name: f"{value:.9g}" for name, value in ends})
    add_crs(full, crs)


def _add_properties(document: ET.Element, ground: str) -> None:
    properties = add(document, "properties")
    canvas = add(properties, "Gui")
    for name, part in zip(("Red", "Green", "Blue"), rgb(ground), strict=True):
        add(canvas, f"CanvasColor{name}Part", part, type="int")
    # Of the sphere's true shape: distances and areas that are measured do not grow with latitude.
    add(add(properties, "Measure"), "Ellipsoid", "EPSG:7030", type="QString")
    add(add(properties, "Paths"), "Absolute", "false", type="bool")
    add(add(properties, "SpatialRefSys"), "ProjectionsEnabled", "1", type="int")


def _add_themes(document: ET.Element, themes: list[Theme], language: Language) -> None:
    presets = add(document, "visibility-presets")
    for theme in themes:
        preset = add(presets, "visibility-preset", name=theme.title)
        for name, style in theme.styles.items():
            look = style_name(style, name, language)
            add(preset, "layer", id=layer_id(name), style=look, visible="1", expanded="1")


def _add_metadata(document: ET.Element, package: Package) -> None:
    metadata = add(document, "projectMetadata")
    add(metadata, "identifier", package.run_info["name"])
    add(metadata, "language", package.language)
    add(metadata, "title", package.title)
    add(metadata, "abstract", package.run_info.get("attribution", ""))


def _add_bookmarks(document: ET.Element, package: Package, crs: str) -> None:
    marks = add(document, "Bookmarks")
    group = translate("Cities", package.language)
    for place in (package.whole, *package.cities[:_MOST_BOOKMARKS]):
        mark = add(
            marks, "Bookmark", id=f"planner_{place.key}", name=place.name,
            group=group if place.key else "", extent=shapely.box(*_on_map(place, crs)).wkt,
        )  # fmt: skip
        add_crs(mark, crs)


def _add_days(document: ET.Element, package: Package) -> None:
    if package.days is None:
        return
    settings = add(
        document, "ProjectTimeSettings", timeStepUnit="mon", timeStep=str(_MONTHS_A_STEP),
        frameRate="1", cumulativeTemporalRange="0",
    )  # fmt: skip
    range_ = add(settings, "TemporalRange")
    for name, day in zip(("start", "end"), package.days, strict=True):
        add(range_, name, f"{day:%Y-%m-%d}T00:00:00Z")
