"""Opens a project as QGIS does, draws it and tells what it found; runs on the system's own Python.

Usage: /usr/bin/python3 open_project.py PROJECT FOLDER VIEW ...
PROJECT is a ``.qgz`` or an address within a GeoPackage. VIEW is BOOKMARK@THEME, or with the day on
which the time slider stands BOOKMARK@THEME@DAY. Views are drawn into the FOLDER as 0.png, 1.png
and so on, pages (of the atlas the first) as page0.png, page1.png. Prints one JSON object.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsCoordinateTransform,
    QgsDateTimeRange,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemPicture,
    QgsLayoutItemScaleBar,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayerTemporalContext,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtGui import QColor

SIZE = 700


def describe(layer):
    """What QGIS knows of a layer of the project."""
    renderer = layer.renderer()
    return {
        "title": layer.name(),
        "is_valid": layer.isValid(),
        "num_features": layer.featureCount(),
        "is_spatial": layer.isSpatial(),
        "crs": layer.crs().authid(),
        "renderer": renderer.type() if renderer else None,
        "legend": [item.label() for item in renderer.legendSymbolItems()] if renderer else [],
        "aliases": {field.name(): field.alias() for field in layer.fields()},
        "styles": layer.styleManager().styles(),
        "scales": [layer.minimumScale(), layer.maximumScale()]
        if layer.hasScaleBasedVisibility() else None,
        "is_read_only": layer.readOnly(),
        "tabs": [tab.name() for tab in layer.editFormConfig().tabs()],
        "times": num_by_quarter(layer),
    }  # fmt: skip


def num_by_quarter(layer):
    """How many rows the time slider shows in the quarter that begins at each day."""
    properties = layer.temporalProperties()
    if not properties.isActive():
        return []
    context = QgsVectorLayerTemporalContext()
    context.setLayer(layer)
    found = []
    settings = QgsProject.instance().timeSettings()
    first = settings.temporalRange().begin()
    while first < settings.temporalRange().end():
        after = first.addMonths(int(settings.timeStep()))
        shown = properties.createFilterString(context, QgsDateTimeRange(first, after, True, False))
        found.append(len(list(layer.getFeatures(QgsFeatureRequest().setFilterExpression(shown)))))
        first = after
    return found


def related(relation):
    """How many rows belong to that of the first three which most belong to."""
    parent = relation.referencedLayer()
    numbers = [
        len(list(relation.getRelatedFeatures(feature)))
        for feature in parent.getFeatures(QgsFeatureRequest().setLimit(3))
    ]
    return max(numbers, default=0)


def tree(group):
    """Groups and layers as the list of layers shows them, by their names in the project."""
    return {
        node.name(): tree(node) if hasattr(node, "addGroup") else node.itemVisibilityChecked()
        for node in group.children()
    }


def draw(project, bookmark, theme, day, path):
    """Draw what a theme shows at a bookmark; what there is at that scale, and how many colours."""
    settings = QgsMapSettings()
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(SIZE, SIZE))
    themes = project.mapThemeCollection()
    layers = themes.mapThemeVisibleLayers(theme)
    settings.setLayers(layers)
    settings.setLayerStyleOverrides(themes.mapThemeStyleOverrides(theme))
    to_map = QgsCoordinateTransform(bookmark.extent().crs(), project.crs(), project)
    settings.setExtent(to_map.transformBoundingBox(bookmark.extent()))
    if day:
        first = QDateTime.fromString(f"{day}T00:00:00", Qt.ISODate)
        settings.setIsTemporal(True)
        settings.setTemporalRange(QgsDateTimeRange(first, first.addMonths(3), True, False))
    context = QgsExpressionContext()
    for scope in QgsExpressionContextUtils.globalProjectLayerScopes(layers[0])[:2]:
        context.appendScope(scope)
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    started = time.monotonic()
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(str(path))
    colours = Counter(image.pixel(x, y) for x in range(0, SIZE, 2) for y in range(0, SIZE, 2))
    return {
        "num_colours": len(colours),
        "colours": {QColor(each).name(): number for each, number in colours.most_common(30)},
        "scale": settings.scale(),
        "seconds": time.monotonic() - started,
        "errors": [error.message for error in job.errors()],
        "shown": [layer.name() for layer in layers if layer.isInScaleRange(settings.scale())],
    }


def print_page(layout, path):
    """Print a layout into a picture; what stands on it."""
    items = layout.items()
    kinds = {
        "maps": QgsLayoutItemMap, "legends": QgsLayoutItemLegend,
        "scale_bars": QgsLayoutItemScaleBar, "pictures": QgsLayoutItemPicture,
    }  # fmt: skip
    found = {name: sum(isinstance(item, kind) for item in items) for name, kind in kinds.items()}
    found["texts"] = [item.currentText() for item in items if isinstance(item, QgsLayoutItemLabel)]
    legend = next(item for item in items if isinstance(item, QgsLayoutItemLegend))
    legend.refresh()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 100
    settings.generateWorldFile = settings.exportMetadata = False
    found["result"] = QgsLayoutExporter(layout).exportToImage(str(path), settings)
    found["size_mm"] = [
        layout.pageCollection().page(0).pageSize().width(),
        layout.pageCollection().page(0).pageSize().height(),
    ]
    found["scale"] = layout.referenceMap().scale()
    return found


def main(source, folder, *views):
    """Open a project, draw its views and print its pages."""
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    started = time.monotonic()
    assert project.read(source), project.error()
    seconds = time.monotonic() - started
    folder = Path(folder)
    bookmarks = {mark.name(): mark for mark in project.bookmarkManager().bookmarks()}
    names = {layer.id(): layer for layer in project.mapLayers().values()}
    themes = project.mapThemeCollection()
    drawn = []
    for number, view in enumerate(views):
        bookmark, theme, day = [*view.split("@"), ""][:3]
        drawn.append(draw(project, bookmarks[bookmark], theme, day, folder / f"{number}.png"))
    layouts = {layout.name(): layout for layout in project.layoutManager().printLayouts()}
    printed = []
    for number, layout in enumerate(layouts.values()):
        if layout.atlas().enabled():
            layout.atlas().beginRender()
            layout.atlas().first()
        printed.append(print_page(layout, folder / f"page{number}.png"))
    slider = project.timeSettings()
    answer = {
        "seconds": seconds,
        "title": project.title(),
        "crs": project.crs().authid(),
        "ellipsoid": project.ellipsoid(),
        "layers": {key: describe(layer) for key, layer in names.items()},
        "tree": tree(project.layerTreeRoot()),
        "themes": {name: [layer.name() for layer in themes.mapThemeVisibleLayers(name)]
                   for name in themes.mapThemes()},
        "relations": {key: [relation.isValid(), related(relation)]
                      for key, relation in project.relationManager().relations().items()},
        "bookmarks": list(bookmarks),
        "slider": [slider.temporalRange().begin().date().toString("yyyy-MM-dd"),
                   slider.temporalRange().end().date().toString("yyyy-MM-dd"),
                   slider.timeStep(), slider.timeStepUnit()],
        "views": drawn,
        "layouts": dict(zip(layouts, printed, strict=True)),
    }  # fmt: skip
    print(json.dumps(answer))
    del names, layouts, bookmarks
    project.clear()
    application.exitQgis()


if __name__ == "__main__":
    main(*sys.argv[1:])
