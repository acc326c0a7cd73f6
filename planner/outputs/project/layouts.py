"""Pages to print: the map on one sheet, and a sheet for each city.

Takes where the layers are; every sheet has title, legend, scale bar, north arrow, attribution, and
which run it is of.
"""

import textwrap
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from planner.outputs.language import Language, phrase, translate
from planner.outputs.palette import INK, SOFT_INK
from planner.outputs.project.map_layers import layer_id, source_of
from planner.outputs.project.order import Group
from planner.outputs.project.package import Held, Package, name_columns
from planner.outputs.project.xml import add, first_known, rgb

_PAGE_MM = (420.0, 297.0)
_MAP_MM = (10.0, 24.0, 310.0, 256.0)
"""From the left, from the top, width, height: of an A3 sheet on its side."""
_SIDE_MM = 325.0
_SIDE_WIDTH_MM = 85.0
_CITY_SCALE = '200000 / cos(radians("lat"))'
"""One centimetre is two kilometres in every city: Mercator's map grows towards the poles."""
_LEGEND_POINTS = (("title", 11), ("group", 10), ("subgroup", 9), ("symbol", 8), ("symbolLabel", 8))
_LABEL, _PICTURE, _LEGEND, _SCALE_BAR, _MAP, _PAGE = (
    "65641", "65640", "65642", "65646", "65639", "65638",
)  # fmt: skip
"""Numbers by which QGIS tells kinds of items."""
_WRAP, _HEADING_LENGTH = "|", 44
_NORTH_ARROW = ":/images/north_arrows/layout_default_north_arrow.svg"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Sheet:
    key: str
    name: str
    title: str
    is_atlas: bool


def add_layouts(
    document: ET.Element,
    package: Package,
    groups: list[Group],
    layers: dict[str, Held],
    whole: Box,
    ground: str,
) -> None:
    """Add the pages to a project.

    Parameters
    ----------
    document : Element
        The project.
    package : Package
        Whose title, attribution and run the sheets tell.
    groups : list of Group
        For the legend, which shows what is in the map.
    layers : dict of str to Held
        By name.
    whole : tuple of float
        Where the map of all begins and ends, in the project's system.
    ground : str
        Colour of what no layer covers.
    """
    language = package.language
    title = package.title
    names = [*name_columns(layers["cities"].columns, language), "city_id"]
    page_name = first_known(names)
    sheets = (
        _Sheet("whole", translate("Map on one sheet", language), title, is_atlas=False),
        _Sheet(
            "cities", translate("A sheet for each city", language),
            f"{title}: [% {page_name} %]", is_atlas=True,
        ),
    )  # fmt: skip
    layouts = add(document, "Layouts")
    for sheet in sheets:
        layout = add(
            layouts, "Layout", name=sheet.name, units="mm", printResolution="200", worldFileMap="",
        )  # fmt: skip
        pages = add(layout, "PageCollection")
        _add_item(pages, _PAGE, sheet, (0.0, 0.0, *_PAGE_MM))
        _add_map(layout, sheet, whole, ground)
        _add_label(layout, sheet, sheet.title, (10.0, 8.0, 400.0, 12.0), points=20, colour=INK)
        _add_legend(layout, sheet, package, groups, layers)
        _add_scale_bar(layout, sheet)
        _add_item(
            layout, _PICTURE, sheet, (_SIDE_MM + 62, 254.0, 16.0, 16.0), file=_NORTH_ARROW,
            mode="2", resizeMode="0", anchorPoint="4", mapUuid=_uuid(sheet, _MAP), northMode="0",
            northOffset="0", svgFillColor="0,0,0,255", svgBorderColor="0,0,0,255",
        )  # fmt: skip
        _add_label(
            layout, sheet, _origin(package), (10.0, 282.0, 400.0, 12.0), points=7, colour=SOFT_INK
        )
        if sheet.is_atlas:
            add(
                layout, "Atlas", enabled="1", hideCoverage="0", coverageLayer=layer_id("cities"),
                coverageLayerName="cities", coverageLayerProvider="ogr",
                coverageLayerSource=source_of(layers["cities"], package.file_name),
                pageNameExpression=page_name, filterFeatures="0", sortFeatures="1",
                sortKey='-"swaps_per_day"', sortAscending="1",
                filenamePattern="'city_' || \"city_id\"",
            )  # fmt: skip


def _origin(package: Package) -> str:
    info = package.run_info
    named = [info.get("run_id") or info["name"], info.get("run_date", "")[: len("2027-01-01")]]
    planner = f"planner {info.get('planner_version', '')}".strip()
    run = ", ".join(filter(None, [*named, planner]))
    return f"{translate('Run', package.language)}: {run}\n{info.get('attribution', '')}".strip()


def _uuid(sheet: _Sheet, item: str) -> str:
    return f"{{{uuid5(NAMESPACE_URL, f'planner/{sheet.key}/{item}')}}}"


def _add_item(
    parent: ET.Element, kind: str, sheet: _Sheet, place_mm: Box, name: str = "", **settings: str
) -> ET.Element:
    left, top, width, height = place_mm
    uuid = _uuid(sheet, kind + name)
    return add(
        parent, "LayoutItem", type=kind, uuid=uuid, templateUuid=uuid, id=name,
        position=f"{left:g},{top:g},mm", positionOnPage=f"{left:g},{top:g},mm",
        size=f"{width:g},{height:g},mm", referencePoint="0", visibility="1", opacity="1",
        itemRotation="0", **settings,
    )  # fmt: skip


def _add_map(layout: ET.Element, sheet: _Sheet, whole: Box, ground: str) -> None:
    item = _add_item(
        layout, _MAP, sheet, _MAP_MM, frame="true", followPreset="false", keepLayerSet="false",
        drawCanvasItems="true", mapRotation="0", labelMargin="0,mm", mapFlags="1",
        background="true",
    )  # fmt: skip
    red, green, blue = rgb(ground)
    add(item, "BackgroundColor", red=red, green=green, blue=blue, alpha="255")
    ends = zip(("xmin", "ymin", "xmax", "ymax"), _filling(whole), strict=True)
    add(item, "Extent", **{name: f"{value:.9g}" for name, value in ends})
    if sheet.is_atlas:
        # 0: every city at the same scale, so that sheets can be laid side by side.
        add(item, "AtlasMap", atlasDriven="1", scalingMode="0", margin="0.1")
        properties = add(add(item, "LayoutObject"), "dataDefinedProperties")
        scale = add(_options(add(_options(properties), "Option", name="properties", type="Map")),
                    "Option", name="dataDefinedMapScale", type="Map")  # fmt: skip
        for name, kind, value in (
            ("active", "bool", "true"), ("type", "int", "3"),
            ("expression", "QString", _CITY_SCALE),
        ):  # fmt: skip
            add(scale, "Option", name=name, type=kind, value=value)


def _options(parent: ET.Element) -> ET.Element:
    return parent if parent.tag == "Option" else add(parent, "Option", type="Map")


def _filling(whole: Box) -> Box:
    """A box about the same middle with the shape of the map's frame."""
    left, bottom, right, top = whole
    per_mm = max((right - left) / _MAP_MM[2], (top - bottom) / _MAP_MM[3])
    beside, above = per_mm * _MAP_MM[2] / 2, per_mm * _MAP_MM[3] / 2
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    return middle_x - beside, middle_y - above, middle_x + beside, middle_y + above


def _add_label(
    layout: ET.Element, sheet: _Sheet, text: str, place_mm: Box, *, points: int, colour: str
) -> None:
    name = f"text {points}"
    item = _add_item(
        layout, _LABEL, sheet, place_mm, name, labelText=text, htmlState="0", marginX="0",
        marginY="0", halign="1", valign="32",
    )  # fmt: skip
    _add_text_style(item, points, colour)


def _add_text_style(item: ET.Element, points: int, colour: str) -> None:
    red, green, blue = rgb(colour)
    add(item, "LabelFont", description=f"Sans Serif,{points},-1,5,50,0,0,0,0,0", style="")
    add(item, "FontColor", red=red, green=green, blue=blue, alpha="255")
    add(
        item, "text-style", fontFamily="Sans Serif", fontSize=str(points), fontSizeUnit="Point",
        fontWeight="50", textColor=f"{red},{green},{blue},255", textOpacity="1",
        multilineHeight="1.1",
    )  # fmt: skip


def _add_legend(
    layout: ET.Element,
    sheet: _Sheet,
    package: Package,
    groups: list[Group],
    layers: dict[str, Held],
) -> None:
    item = _add_item(
        layout, _LEGEND, sheet, (_SIDE_MM, 24.0, _SIDE_WIDTH_MM, 200.0), background="false",
        title=translate("Legend", package.language), titleAlignment="1", columnCount="1",
        splitLayer="1", equalColumnWidth="0", boxSpace="0", columnSpace="3", lineSpacing="1",
        symbolWidth="5", symbolHeight="3", minSymbolSize="0.8", maxSymbolSize="8",
        symbolAlignment="1", wrapChar=_WRAP, resizeToContents="1", legendFilterByMap="1",
        legendFilterByAtlas="0", map_uuid=_uuid(sheet, _MAP), fontColor=INK,
        wmsLegendWidth="50", wmsLegendHeight="25",
    )  # fmt: skip
    styles = add(item, "styles")
    for name, points in _LEGEND_POINTS:
        style = add(styles, "style", name=name, alignment="1", indent="0", marginTop="1.5")
        add(style, "styleFont", description=f"Sans Serif,{points},-1,5,50,0,0,0,0,0", style="")
    tree = add(item, "layer-tree-group")
    for group in groups:
        for name, title in group.layers.items():
            if layers[name].geometry_type:
                node = add(
                    tree, "layer-tree-layer", id=layer_id(name), name=title, providerKey="ogr",
                    checked="Qt::Checked", expanded="1",
                    source=source_of(layers[name], package.file_name),
                )  # fmt: skip
                custom = add(add(node, "customproperties"), "Option", type="Map")
                add(
                    custom, "Option", name="legend/title-label", type="QString",
                    value=_heading(title, layers[name], package.language),
                )  # fmt: skip


def _heading(title: str, layer: Held, language: Language) -> str:
    """What the legend calls a layer; with what its colours tell if it has no other style."""
    look = phrase(layer.look, language)
    told = title
    if layer.look.startswith("by ") and not layer.other_styles:
        if language == "en":
            told = f"{title} {look}"
        elif look != layer.look:
            told = f"{title}（{look}）"
    return _WRAP.join(textwrap.wrap(told, _HEADING_LENGTH))


def _add_scale_bar(layout: ET.Element, sheet: _Sheet) -> None:
    item = _add_item(
        layout, _SCALE_BAR, sheet, (_SIDE_MM, 254.0, 60.0, 14.0), style="Single Box",
        mapUuid=_uuid(sheet, _MAP), unitType="km", unitLabel="km",
        numMapUnitsPerScaleBarUnit="1", numSegments="2", numSegmentsLeft="0",
        # 1: as long as fits between the two widths, at whatever scale the map is.
        segmentSizeMode="1", minBarWidth="30", maxBarWidth="50", numUnitsPerSegment="10",
        height="2.5", labelBarSpace="1.5", boxContentSpace="0", outlineWidth="0.2",
        alignment="0", lineJoinStyle="miter", lineCapStyle="square",
    )  # fmt: skip
    _add_text_style(item, 8, INK)
