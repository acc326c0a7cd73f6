"""How often each site is chosen across a study's scenarios, as a map layer."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from planner.batch.catalogue import CATALOGUE_FILE
from planner.batch.store import RunStore
from planner.files import replaced_file
from planner.outputs import palette
from planner.outputs.layers import qml
from planner.outputs.layers.columns import WrittenColumn
from planner.outputs.layers.describe import dataset_metadata
from planner.outputs.layers.geopackage import write_geopackage
from planner.outputs.layers.layer import CRS, Layer
from planner.outputs.layers.parquet import write_parquet
from planner.outputs.study.charts import CLASSES

LAYER = "site_robustness"
_COLUMNS = (
    ("site_id", "Site", "Identifier of the site."),
    ("city_id", "City", "City that the site lies in."),
    ("num_chosen", "Scenarios with a station here", "Finished scenarios that open a station."),
    ("num_scenarios", "Scenarios", "Finished scenarios of the study."),
    ("chosen_frac", "Share of scenarios [1]", "num_chosen over num_scenarios."),
    ("min_bays", "Fewest bays", "Least number of bays among those scenarios."),
    ("max_bays", "Most bays", "Greatest number of bays among those scenarios."),
    ("mean_swaps_per_day", "Swaps [per day]", "Mean over the scenarios that choose the site."),
)


def site_robustness(store: RunStore) -> gpd.GeoDataFrame:
    """How often each site is chosen by the finished scenarios of a study.

    Parameters
    ----------
    store : RunStore
        With a catalogue.

    Returns
    -------
    GeoDataFrame
        A row per site that some scenario chooses, sorted by ``site_id``: ``site_id, city_id,
        num_chosen, num_scenarios, chosen_frac, min_bays, max_bays, mean_swaps_per_day``.
    """
    catalogue = pd.read_parquet(
        store.folder / CATALOGUE_FILE, columns=["in_study", "state", "folder"]
    )
    runs = catalogue[catalogue["in_study"] & (catalogue["state"] == "done")]
    stations = pd.concat(
        [
            pd.read_parquet(
                store.folder / folder / "layers" / "stations.parquet",
                columns=["site_id", "city_id", "lon", "lat", "bays", "swaps_per_day"],
            )
            for folder in runs["folder"]
        ]
        or [pd.DataFrame(columns=["site_id", "city_id", "lon", "lat", "bays", "swaps_per_day"])],
        ignore_index=True,
    )
    sites = stations.groupby("site_id", as_index=False).agg(
        city_id=("city_id", "first"), num_chosen=("bays", "size"), min_bays=("bays", "min"),
        max_bays=("bays", "max"), mean_swaps_per_day=("swaps_per_day", "mean"),
        lon=("lon", "first"), lat=("lat", "first"),
    )  # fmt: skip
    sites["num_scenarios"] = len(runs)
    sites["chosen_frac"] = sites["num_chosen"] / max(len(runs), 1)
    points = gpd.points_from_xy(sites["lon"].astype(float), sites["lat"].astype(float))
    return gpd.GeoDataFrame(sites[[name for name, *_ in _COLUMNS]], geometry=points, crs=CRS)


def write_site_robustness(store: RunStore, title: str) -> Path | None:
    """Write the layer as GeoPackage and GeoParquet beside the catalogue.

    Returns
    -------
    Path or None
        The GeoPackage; None if no scenario has a station.
    """
    frame = site_robustness(store)
    if frame.empty:
        return None
    layer = Layer(
        LAYER,
        "How many of the study's finished scenarios open a station at each site.",
        frame,
        tuple(WrittenColumn(name, name, title, text) for name, title, text in _COLUMNS),
        "Point",
    )
    metadata = dataset_metadata({"title": title, "attribution": ""})
    for name, write in ((f"{LAYER}.gpkg", _write_gpkg), (f"{LAYER}.parquet", write_parquet)):
        with replaced_file(store.folder / name) as partial:
            write(partial, layer, metadata)
    return store.folder / f"{LAYER}.gpkg"


def _write_gpkg(path: Path, layer: Layer, metadata: dict[str, str]) -> None:
    styles = {layer.name: (_style(layer), "by the share of scenarios that choose the site")}
    write_geopackage(path, {layer.name: layer}, styles, metadata, lambda _: None)


def _classes() -> list[tuple[float, float, str]]:
    """Lower and upper end of the share of scenarios, and what the legend says."""
    highs = [high for high, _ in CLASSES]
    lows = [0.0, *highs[:-1]]
    return [(low, high, text) for low, (high, text) in zip(lows, CLASSES, strict=True)]


def _style(layer: Layer) -> str:
    """The more scenarios choose a site, the darker and larger it is."""
    document = qml.document()
    classes = [
        (low, high, label, qml.marker(colour, size_mm=1.6 + 0.4 * rank, outline=palette.OUTLINE))
        for rank, ((low, high, label), colour) in enumerate(
            zip(_classes(), palette.CHOSEN_COLOURS, strict=True)
        )
    ]
    qml.add_ranges(document, "chosen_frac", classes)
    qml.add_aliases(document, layer)
    return qml.to_text(document)
