"""Columns in GCJ-02, for those who plot a plan on maps published in China."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.instance.china_datum import is_shifted, shift_to_gcj02
from planner.outputs.language import Language, translate
from planner.outputs.layers.columns import WrittenColumn
from planner.outputs.layers.layer import Layer

_TITLES = {
    "lon_gcj02": "Longitude in GCJ-02 [°]",
    "lat_gcj02": "Latitude in GCJ-02 [°]",
}
_DESCRIPTION = (
    "In GCJ-02, the shifted coordinates that Amap and Tencent draw on: for plotting there "
    "only, some 500 m from where it is; empty outside China"
)
_DECIMALS = 7  # a centimetre


_MARKET = "CN"


def cities_in_china(cities: pd.DataFrame) -> frozenset[str]:
    """Ids of the cities whose market is China."""
    return frozenset(cities.loc[cities["market"] == _MARKET, "city_id"])


def with_gcj02(layer: Layer, chinese: Collection[str], language: Language = "en") -> Layer:
    """A layer whose rows tell ``lon`` and ``lat``, with the same in GCJ-02; others as they are.

    Shapes and reference system stay those of the plan.

    Parameters
    ----------
    layer : Layer
    chinese : collection of str
        Cities whose places these maps shift: their box reaches far beyond China.
    language : Language
        Of the headings.
    """
    frame = layer.frame
    of_city = [name for name in ("city_id", "near_city_id") if name in frame.columns]
    if not of_city or not {"lon", "lat"} <= set(frame.columns):
        return layer
    lon, lat = frame["lon"].to_numpy(np.float64), frame["lat"].to_numpy(np.float64)
    inside = is_shifted(lon, lat) & frame[of_city[0]].isin(chinese).to_numpy(bool)
    shifted = dict(zip(_TITLES, shift_to_gcj02(lon, lat), strict=True))
    values = {
        name: np.where(inside, degrees.round(_DECIMALS), np.nan)
        for name, degrees in shifted.items()
    }
    columns = [
        WrittenColumn(name, name, translate(title, language), _DESCRIPTION)
        for name, title in _TITLES.items()
    ]
    plain = [name for name in frame.columns if name != "geometry"]
    shapes = [name for name in frame.columns if name == "geometry"]
    wider: pd.DataFrame = frame.assign(**values)[[*plain, *values, *shapes]]
    return replace(layer, frame=wider, columns=(*layer.columns, *columns))
