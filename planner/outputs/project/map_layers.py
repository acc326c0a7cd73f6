"""Layers of a project: where their rows are, their styles, and forms that show related rows."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from planner.outputs.language import Language, phrase, translate
from planner.outputs.project.order import Relation
from planner.outputs.project.package import Held, name_columns
from planner.outputs.project.xml import VERSION, add, add_crs, first_known

_GEOMETRY = {"POINT": "Point", "LINESTRING": "Line", "POLYGON": "Polygon"}
_DEFAULT = "default"


def layer_id(name: str) -> str:
    """By which a project knows a layer."""
    return f"planner_{name}"


def style_name(name: str, layer: str, language: Language) -> str:
    """What the list of a layer's styles calls one.

    >>> style_name("stations by verdict", "stations", "en"), style_name("", "stations", "en")
    ('by verdict', 'default')
    """
    return phrase(name.removeprefix(layer).strip(), language) or _DEFAULT


def source_of(layer: Held, file_name: str) -> str:
    """Address of a layer's rows, from the folder that the project stands in."""
    rows = f"subset={layer.query}" if layer.query else f"layername={layer.name}"
    return f"./{file_name}|{rows}"


def map_layer(
    layer: Held,
    title: str,
    file_name: str,
    relations: Sequence[Relation],
    titles: Mapping[str, str],
    language: Language,
) -> ET.Element:
    """A layer as a project holds it.

    Parameters
    ----------
    layer : Held
        What it shows.
    title : str
        What the list of layers calls it.
    file_name : str
        Of the package beside the project.
    relations : sequence of Relation
        Those whose one row the layer's rows are: its form shows what belongs to it.
    titles : mapping of str to str
        Of the layers that they relate to.
    language : Language
        Of headings of the form, and of the name that stands for a row.

    Returns
    -------
    Element
        Ready to be put among a project's layers.
    """
    document = ET.Element("maplayer", {"type": "vector", "geometry": _kind(layer)})
    document.set("readOnly", "1")  # what was planned stays as the run's checksums have it
    _put_style(document, layer.style)
    add(document, "id", layer_id(layer.name))
    add(document, "datasource", source_of(layer, file_name))
    add(document, "layername", title)
    add(document, "abstract", layer.description)
    if layer.crs:
        add_crs(add(document, "srs"), layer.crs)
    metadata = add(document, "resourceMetadata")
    add(metadata, "type", "dataset")
    add(metadata, "title", title)
    add(metadata, "abstract", layer.description)
    add(document, "provider", "ogr", encoding="UTF-8")
    styles = add(document, "map-layer-style-manager", current=_DEFAULT)
    add(styles, "map-layer-style", name=_DEFAULT)
    for name, text in layer.other_styles.items():
        other = add(styles, "map-layer-style", name=style_name(name, layer.name, language))
        whole = add(other, "qgis", version=VERSION)
        _put_style(whole, text)
        _add_form(whole, layer, relations, titles, language)
    _add_form(document, layer, relations, titles, language)
    return document


def _kind(layer: Held) -> str:
    return _GEOMETRY.get(layer.geometry_type.removeprefix("MULTI"), "No geometry")


def _put_style(document: ET.Element, text: str) -> None:
    """All that a style tells, as part of a document."""
    if not text:
        return
    style = ET.fromstring(text)
    for name, value in style.attrib.items():
        if name not in ("version", "styleCategories"):
            document.set(name, value)
    document.set("styleCategories", "AllStyleCategories")
    document.extend(style)


def _add_form(
    document: ET.Element,
    layer: Held,
    relations: Sequence[Relation],
    titles: Mapping[str, str],
    language: Language,
) -> None:
    if document.find("previewExpression") is None:
        names = [*name_columns(layer.columns, language), layer.columns[1]]
        add(document, "previewExpression", first_known(names))
    if not relations:
        return
    add(document, "editorlayout", "tablayout")
    form = add(document, "attributeEditorForm")
    figures = _add_tab(form, translate("Figures", language), columns=2)
    for index, column in enumerate(layer.columns):
        add(figures, "attributeEditorField", index=str(index), name=column, showLabel="1")
    for relation in relations:
        tab = _add_tab(form, titles[relation.child], columns=1)
        editor = add(
            tab, "attributeEditorRelation", name=relation.key, relation=relation.key,
            showLabel="0", nmRelationId="", forceSuppressFormPopup="0",
            relationWidgetTypeId="relation_editor",
        )  # fmt: skip
        options = add(editor, "editor_configuration", type="Map")
        add(options, "Option", type="bool", name="show_first_feature", value="false")


def _add_tab(form: ET.Element, title: str, *, columns: int) -> ET.Element:
    return add(
        form, "attributeEditorContainer", name=title, columnCount=str(columns), groupBox="0",
        showLabel="1", visibilityExpressionEnabled="0", visibilityExpression="",
    )  # fmt: skip
