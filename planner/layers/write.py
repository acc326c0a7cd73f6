"""Write a run's layers and tables into its folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from planner.instance import Instance
from planner.layers.frames import CRS, Layer, build_layers
from planner.layers.geopackage import write_geopackage
from planner.layers.styles import build_styles
from planner.layers.tables import write_data_dictionary, write_table
from planner.plans.plan import Evaluation

_PARQUET_LAYERS = ("stations", "cities", "zones")
_CSV_TABLES = ("stations", "cities", "packs", "kpi", "assumptions")
_ROWS_PER_GROUP = 65_536  # readers skip groups outside their window by the bbox column


def write_layers(
    folder: Path,
    instance: Instance,
    evaluation: Evaluation,
    run_info: Mapping[str, str | float | int],
    assumptions: pd.DataFrame,
    on_progress: Callable[[str], None],
) -> list[Path]:
    """Write ``plan.gpkg``, ``layers/*.parquet`` and ``tables/*.csv``.

    The same data give the same bytes with the same versions of the libraries. Nothing is
    computed but the zones' overview, which sums them to coarser H3 cells.

    Parameters
    ----------
    folder : Path
        Existing folder, without files of an earlier run.
    instance : Instance
        Its station types order the colours of the map.
    evaluation : Evaluation
        Figures of the plan.
    run_info : mapping of str to text or number
        What to tell about the run; ``title`` and ``attribution``, if there, also become
        metadata of the files.
    assumptions : DataFrame
        Columns ``item, value, mark, source``.
    on_progress : callable
        Told in a few words what is being written.

    Returns
    -------
    list of Path
        Files written, in the order of writing.
    """
    on_progress("shaping layers")
    layers = build_layers(evaluation, run_info, assumptions)
    dataset_metadata = _dataset_metadata(run_info)
    geopackage = folder / "plan.gpkg"
    write_geopackage(
        geopackage,
        layers,
        build_styles(layers, instance.stations),
        dataset_metadata,
        on_progress,
    )
    written = [geopackage]

    (folder / "layers").mkdir(exist_ok=True)
    for name in _PARQUET_LAYERS:
        path = folder / "layers" / f"{name}.parquet"
        on_progress(f"layers/{path.name}")
        _write_geoparquet(path, layers[name], dataset_metadata)
        written.append(path)

    (folder / "tables").mkdir(exist_ok=True)
    on_progress("tables")
    for name in _CSV_TABLES:
        path = folder / "tables" / f"{name}.csv"
        write_table(
            path, pd.DataFrame(layers[name].frame).drop(columns="geometry", errors="ignore")
        )
        written.append(path)
    dictionary = folder / "tables" / "data_dictionary.csv"
    write_data_dictionary(dictionary, layers)
    return [*written, dictionary]


def _write_geoparquet(path: Path, layer: Layer, dataset_metadata: Mapping[str, str]) -> None:
    frame = gpd.GeoDataFrame(layer.frame.copy(deep=False))
    frame.attrs.update(dataset_metadata)  # ends up in the file's key-value metadata
    frame.to_parquet(
        path,
        index=False,
        compression="zstd",
        schema_version="1.1.0",
        write_covering_bbox=True,
        row_group_size=_ROWS_PER_GROUP,
    )


def _dataset_metadata(run_info: Mapping[str, str | float | int]) -> dict[str, str]:
    return {
        "TITLE": str(run_info.get("title", "Battery-swap network plan")),
        "ABSTRACT": (
            "Stations, demand zones, cities and packs of a plan, with its figures, the run's "
            "particulars and the assumptions made."
        ),
        "ATTRIBUTION": str(run_info.get("attribution", "")),
        "CRS": (
            f"{CRS} (WGS84). CGCS2000 (EPSG:4490) differs by less than a metre and is treated "
            "as equal; GCJ-02 and BD-09 are not used here."
        ),
    }
