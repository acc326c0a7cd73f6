"""Opens layers as QGIS does and tells what it found; runs on the system's own Python.

Usage: /usr/bin/python3 open_in_qgis.py SOURCE MAP.png
SOURCE is a GeoPackage, or a JSON file with an address of a PostgreSQL table by name.
Prints one JSON object: per layer what QGIS made of it, and how many colours the map has.
"""

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDateTimeRange,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRenderContext,
    QgsVectorLayer,
    QgsVectorLayerTemporalContext,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtGui import QColor

MARGIN = 1.1
SIZE = 600
TIMES = (("2026-10-01", "2027-01-01"), ("2027-03-31", "2027-04-01"), ("2029-01-01", "2029-04-01"))


def describe(layer):
    """What QGIS knows of a layer once it is opened."""
    renderer = layer.renderer()
    return {
        "is_valid": layer.isValid(),
        "num_features": layer.featureCount(),
        "crs": layer.crs().authid(),
        "renderer": renderer.type() if renderer else None,
        "legend": [item.label() for item in renderer.legendSymbolItems()] if renderer else [],
        "num_drawn": num_drawn(layer) if renderer else 0,
        "aliases": {field.name(): field.alias() for field in layer.fields()},
        "abstract": layer.metadata().abstract(),
        "times": num_then(layer),
    }


def num_drawn(layer):
    """How many features a symbol of the style is found for."""
    renderer = layer.renderer().clone()
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    render_context = QgsRenderContext()
    render_context.setExpressionContext(context)
    renderer.startRender(render_context, layer.fields())
    count = 0
    for feature in layer.getFeatures():
        render_context.expressionContext().setFeature(feature)
        count += renderer.willRenderFeature(feature, render_context)
    renderer.stopRender(render_context)
    return count


def num_then(layer):
    """How many features the time slider shows at each time; none without times in the style.

    A layer that was just added has its style, but for the time: that comes with the style once
    more, as by the button 'Restore Default'.
    """
    layer.loadDefaultStyle()
    properties = layer.temporalProperties()
    if not properties.isActive():
        return []
    context = QgsVectorLayerTemporalContext()
    context.setLayer(layer)
    found = []
    for ends in TIMES:
        first, last = (QDateTime.fromString(f"{end}T00:00:00", Qt.ISODate) for end in ends)
        shown = properties.createFilterString(context, QgsDateTimeRange(first, last, True, False))
        request = QgsFeatureRequest().setFilterExpression(shown)
        found.append(len(list(layer.getFeatures(request))))
    return found


def draw(layers, path):
    """Draw layers into a picture; its number of colours tells whether it is blank."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(SIZE, SIZE))
    to_map = QgsCoordinateTransform(
        layers[0].crs(), settings.destinationCrs(), QgsProject.instance()
    )
    extent = to_map.transformBoundingBox(layers[0].extent())
    for layer in layers[1:]:
        extent.combineExtentWith(to_map.transformBoundingBox(layer.extent()))
    extent.scale(MARGIN)
    settings.setExtent(extent)
    context = QgsExpressionContext()
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(path)
    colours = {image.pixel(x, y) for x in range(0, SIZE, 2) for y in range(0, SIZE, 2)}
    return {"num_colours": len(colours), "errors": [error.message for error in job.errors()]}


def open_layers(source):
    """Every layer and table of a file or of a database, by name."""
    if source.endswith(".json"):
        with open(source, encoding="utf-8") as stream:
            addresses = json.load(stream)
        return {name: QgsVectorLayer(uri, name, "postgres") for name, uri in addresses.items()}
    container = QgsVectorLayer(source, "container", "ogr")
    names = [part.split("!!::!!")[1] for part in container.dataProvider().subLayers()]
    return {name: QgsVectorLayer(f"{source}|layername={name}", name, "ogr") for name in names}


def main(source, picture):
    """Open every layer and table, and draw those that can be drawn."""
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    layers = open_layers(source)
    drawn = [layer for layer in layers.values() if layer.isSpatial()]
    answer = {
        "layers": {name: describe(layer) for name, layer in layers.items()},
        "map": draw(drawn, picture),
    }
    print(json.dumps(answer))
    del layers, drawn
    application.exitQgis()


if __name__ == "__main__":
    main(*sys.argv[1:])
