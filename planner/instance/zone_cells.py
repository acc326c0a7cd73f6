"""Zones that are H3 cells: which of their indexes are cells, and where the cells' centres lie."""

from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance.texts import whole_numbers

_NUM_DIGITS = 15
"""Of an H3 index as it is usually written."""


def are_cells(zone_ids: "pd.Series[str]") -> NDArray[np.bool_]:
    """Whether each text is the index of an H3 cell; a missing one is none."""
    from h3.api import basic_int, basic_str

    numbers = whole_numbers(zone_ids, _NUM_DIGITS)
    if numbers is not None:
        return np.fromiter(map(basic_int.is_valid_cell, numbers.tolist()), np.bool_, len(numbers))
    texts = zone_ids.astype("str").fillna("").tolist()
    return np.fromiter(map(basic_str.is_valid_cell, texts), np.bool_, len(texts))


def with_centres(zones: pd.DataFrame) -> pd.DataFrame:
    """Zones with ``lon`` and ``lat``: those given, or else of the centres of their cells."""
    if {"lon", "lat"} <= set(zones.columns):
        return zones
    from h3.api import basic_int

    numbers = whole_numbers(zones["zone_id"], _NUM_DIGITS)
    cells = (
        numbers.tolist() if numbers is not None
        else [int(cell, 16) for cell in zones["zone_id"].tolist()]
    )  # fmt: skip
    degrees = chain.from_iterable(map(basic_int.cell_to_latlng, cells))
    places = np.fromiter(degrees, np.float64, 2 * len(cells)).reshape(-1, 2)
    lat, lon = places.T.round(6)
    return zones.assign(lon=lon, lat=lat)
