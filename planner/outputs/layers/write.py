"""Write a run's layers and tables into its folder."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from planner.files import write_json
from planner.outputs.layers.ahead import LayersAhead
from planner.outputs.layers.describe import (
    DATA_PACKAGE,
    STAC_ITEM,
    data_package,
    dataset_metadata,
    stac_item,
)
from planner.outputs.layers.frames import RunContent, build_layers, whole_layers
from planner.outputs.layers.geopackage import write_geopackage
from planner.outputs.layers.parquet import parquet_path, write_parquet
from planner.outputs.layers.read_back import STYLES_FILE
from planner.outputs.layers.styles import build_styles
from planner.outputs.layers.tables import write_data_dictionary, write_table
from planner.outputs.layers.zone_layers import ZoneLayers

# And every table; the others are for maps.
_CSV_LAYERS = {
    "stations", "cities", "corridor_stations", "corridor_legs", "corridor_unserved",
    "station_phases", "city_phases", "future_sites",
}  # fmt: skip


def write_layers(
    folder: Path,
    content: RunContent,
    on_progress: Callable[[str], None],
    *,
    with_geopackage: bool = True,
    ahead: LayersAhead | None = None,
) -> list[Path]:
    """Write the GeoPackage, its Parquet twins, tables and what describes them.

    ``plan.gpkg`` holds everything, vehicles and packs in whole numbers; ``layers/*.parquet``
    (GeoParquet) and ``tables/*.parquet`` hold the same per layer and table as it was planned,
    ``tables/*.csv`` too; ``data_dictionary.csv``, ``datapackage.json`` and ``stac-item.json``
    describe them. The same data give the same bytes with the same versions of the libraries.

    Parameters
    ----------
    folder : Path
        Existing folder, without files of an earlier run.
    content : RunContent
        What the run found.
    on_progress : callable
        Called with a few words on what is being written.
    with_geopackage : bool
        Whether to write ``plan.gpkg``; without it the styles stand in ``layers/styles.json``,
        and `planner export` makes one later.
    ahead : LayersAhead, optional
        What made the layers of the plan's zones while it was planned. ``plan.gpkg`` is then
        whole only when its `finish` says so.

    Returns
    -------
    list of Path
        Files written, in the order of writing.
    """
    on_progress("shaping layers")
    of_zones: ZoneLayers | None = None

    def zones_ahead() -> ZoneLayers | None:
        nonlocal of_zones
        of_zones = ahead.zone_layers(on_progress) if ahead is not None else None
        return of_zones

    layers = build_layers(content, zones_ahead)
    if of_zones is None:
        ahead = None
    metadata = dataset_metadata(content.run_info)
    styles = {
        name: (qml, f"{text} (scenario {content.run_info['name']})")
        for name, (qml, text) in build_styles(
            layers, content.station_types, content.chemistries, content.language
        ).items()
    }
    for name in ("layers", "tables"):
        (folder / name).mkdir(exist_ok=True)
    if with_geopackage:
        written = [folder / "plan.gpkg"]
        for_people = (written[0], whole_layers(layers), styles, metadata)
        if ahead is None:
            write_geopackage(*for_people, on_progress)
        else:
            ahead.begin_geopackage(*for_people)
    else:
        written = [folder / STYLES_FILE]
        write_json(written[0], styles)
    for layer in layers.values():
        path = folder / parquet_path(layer)
        on_progress(path.relative_to(folder).as_posix())
        if ahead is None or not ahead.take(path):
            write_parquet(path, layer, metadata)
        written.append(path)
    on_progress("tables")
    for name, layer in layers.items():
        if layer.geometry_type is None or name in _CSV_LAYERS:
            path = folder / "tables" / f"{name}.csv"
            rows = pd.DataFrame(layer.frame).drop(columns="geometry", errors="ignore")
            write_table(path, rows if layer.unplaced is None else pd.concat([rows, layer.unplaced]))
            written.append(path)
    dictionary = folder / "tables" / "data_dictionary.csv"
    write_data_dictionary(dictionary, layers)
    written.append(dictionary)
    for name, document in (
        (
            DATA_PACKAGE,
            data_package(folder, layers, content.run_info, with_geopackage=with_geopackage),
        ),
        (STAC_ITEM, stac_item(layers, content.run_info, with_geopackage=with_geopackage)),
    ):
        write_json(folder / name, document)
        written.append(folder / name)
    return written
