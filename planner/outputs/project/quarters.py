"""Cities quarter by quarter as a layer: a pie of its vehicles' packs at each, larger for more.

Takes what the package says of cities and quarters: two tables, which a query joins.
"""

from xml.etree import ElementTree as ET

from planner.outputs.language import translate
from planner.outputs.layers import qml
from planner.outputs.palette import NO_PACK_COLOUR, WHITE
from planner.outputs.project.package import Held, Package, name_columns

NAME = "packs_by_quarter"

_LARGEST_MM, _SMALLEST_MM = 14, 2
_WITHOUT = "vehicles_without_pack"
_QUERY = "SELECT q.*, {}c.geom FROM city_quarter q JOIN cities c ON c.city_id = q.city_id"


def quarter_layer(package: Package) -> Held | None:
    """The layer; None for a run without quarters or without vehicles in them.

    Parameters
    ----------
    package : Package
        Where ``cities`` and ``city_quarter`` stand.
    """
    if "city_quarter" not in package.layers or not package.most_vehicles:
        return None
    cities, quarters = package.layers["cities"], package.layers["city_quarter"]
    names = name_columns(cities.columns, package.language)
    return Held(
        NAME,
        quarters.description,
        cities.geometry_type,
        cities.crs,
        (*quarters.columns, *names),
        qml.to_text(_style(package)),
        translate("by packs", package.language),
        query=_QUERY.format("".join(f"c.{name}, " for name in names)),
    )


def _style(package: Package) -> ET.Element:
    document = qml.document()
    ET.SubElement(document, "renderer-v2", {"type": "nullSymbol", "symbollevels": "0"})
    sizes = {
        "diagramType": "Pie", "attributeLegend": "1", "classificationField": "vehicles",
        "lowerValue": "0", "lowerWidth": "0", "lowerHeight": "0",
        "upperValue": f"{package.most_vehicles:.6g}", "upperWidth": str(_LARGEST_MM),
        "upperHeight": str(_LARGEST_MM),
    }  # fmt: skip
    renderer = ET.SubElement(document, "LinearlyInterpolatedDiagramRenderer", sizes)
    looks = {
        "enabled": "1", "opacity": "1", "penWidth": "0.1", "penColor": WHITE, "penAlpha": "255",
        "minimumSize": str(_SMALLEST_MM), "scaleDependency": "Area", "sizeType": "MM",
        "lineSizeType": "MM", "rotationOffset": "270", "backgroundAlpha": "0",
        "backgroundColor": WHITE, "width": str(_LARGEST_MM), "height": str(_LARGEST_MM),
        "labelPlacementMethod": "Height", "diagramOrientation": "Up", "direction": "1",
        "barWidth": "5", "scaleBasedVisibility": "0",
    }  # fmt: skip
    category = ET.SubElement(renderer, "DiagramCategory", looks)
    ET.SubElement(category, "fontProperties", {"description": "Sans Serif,8,-1,5,50,0,0,0,0,0"})
    without = (_WITHOUT, translate("no pack", package.language), NO_PACK_COLOUR)
    for column, label, colour in (*package.chemistries, without):
        ET.SubElement(
            category,
            "attribute",
            {"field": f'"{column}"', "color": colour, "label": label, "colorOpacity": "1"},
        )
    # 1: over the point. All are drawn, be there room for them or not.
    placed = ET.SubElement(
        document,
        "DiagramLayerSettings",
        {
            "placement": "1", "linePlacementFlags": "18", "showAll": "1", "priority": "5",
            "dist": "0", "zIndex": "0", "obstacle": "0",
        },
    )  # fmt: skip
    # QGIS 3.22 draws the pies of rows that the slider leaves out; without it all would be drawn.
    slider = "year(@map_start_time) || 'Q' || ceil(month(@map_start_time) / 3.0)"
    quarter = f"\"quarter\" = coalesce({slider}, '{package.last_quarter}')"
    properties = ET.SubElement(ET.SubElement(placed, "properties"), "Option", {"type": "Map"})
    shown = ET.SubElement(properties, "Option", {"name": "properties", "type": "Map"})
    show = ET.SubElement(shown, "Option", {"name": "show", "type": "Map"})
    for name, kind, value in (("active", "bool", "true"), ("expression", "QString", quarter),
                              ("type", "int", "3")):  # fmt: skip
        ET.SubElement(show, "Option", {"name": name, "type": kind, "value": value})
    month = '3 * to_int(right("quarter", 1)) - 2'
    first = f'to_datetime(make_date(to_int(left("quarter", 4)), {month}, 1))'
    qml.add_time(document, first, f"{first} + to_interval('3 months')")
    return document
