"""Vehicles and packs as whole numbers, for what people read; sums are kept.

A plan shares vehicles and packs out in fractions. Tables for programs keep them; here they are
rounded so that what is told of a group adds up to the group's rounded sum (Hamilton's method of
largest remainders, as seats are given to parties).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

_FLOWS = ("stock_", "delivered_", "retired_", "moved_in_", "moved_out_")
_NO_PART = {"vehicles_below_promised_range"}
_OF_MARKETS = {
    "market_quarter": (("vehicles", "delivered_packs", "stock_packs"), ("quarter", "pack_id")),
    "passport_flow": (("packs",), ("quarter", "pack_id")),
    "brand_quarter": (("vehicles",), ("quarter",)),
}
"""Columns of vehicles or packs, and what their rows add up by."""
_SLACK = 1e-6  # a sum of parts that is whole but for rounding


def largest_remainder(
    values: "pd.Series[float]", group: "pd.Series[Any]", totals: "pd.Series[float] | None" = None
) -> "pd.Series[float]":
    """Whole numbers whose sum over each group is the group's rounded sum.

    Parameters
    ----------
    values : Series
        None negative; NaN stays.
    group : Series
        Group of each value.
    totals : Series, optional
        Whole total by group, that of its values rounded up or down; rounded if left out.

    Returns
    -------
    Series
        Each value rounded up or down; the first among equals is rounded up.

    Examples
    --------
    >>> largest_remainder(pd.Series([5.62, 4.38, 1.4]), pd.Series(["a", "a", "b"])).tolist()
    [6.0, 4.0, 1.0]
    """
    low: pd.Series[float] = (values + _SLACK).floordiv(1.0)
    rest = (values - low).clip(lower=0.0)
    if totals is None:
        totals = (values.groupby(group).sum() + 0.5 + _SLACK).floordiv(1.0)
    more = group.map(totals - low.groupby(group).sum()).astype(float)
    rank = rest.groupby(group).rank(method="first", ascending=False)
    return low + (rank <= more)


def whole_table(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A table of a run with whole vehicles and packs; tables without any as they are.

    ``cities`` and ``city_quarter``: the vehicles of a city add up to all that it has, packs of a
    kind over the cities of a quarter to the nation's. ``packs``: the rows of a chemistry in a city
    add up to its vehicles there, those to the city's. ``kpi``: chemistries to all vehicles.
    ``market_quarter`` and ``passport_flow``: the markets of a quarter to all packs of a type,
    ``brand_quarter``: the brands to all vehicles; ``markets`` and ``market_quarters``: packs and
    vehicles to the plan's.
    """
    frame = frame.copy(deep=False)
    if name in ("cities", "city_quarter"):
        parts = [column for column in frame.columns if column.startswith("vehicles_")]
        frame[parts] = _across(frame[parts])
    if name == "city_quarter":
        for column in frame.columns:
            if column.startswith(_FLOWS):
                frame[column] = largest_remainder(frame[column].astype(float), frame["quarter"])
    if name == "packs":
        for column in ("vehicles", "station_packs"):
            if column in frame:
                frame[column] = _nested(frame, column, "city_id", "chemistry")
    if name in ("markets", "market_quarters"):
        group = frame["quarter"] if "quarter" in frame else pd.Series("", frame.index)
        for column in frame.columns:
            if column.startswith(("vehicles", *_FLOWS)) and column != "delivered_gwh":
                frame[column] = largest_remainder(frame[column].astype(float), group)
    if name in _OF_MARKETS:
        columns, keys = _OF_MARKETS[name]
        of_keys = frame.groupby(list(keys)).ngroup()
        for column in columns:
            frame[column] = largest_remainder(frame[column].astype(float), of_keys)
    if name == "kpi":
        whole = whole_kpi(dict(zip(frame["name"], frame["value"], strict=True)))
        frame["value"] = frame["name"].map(whole)
    return frame


def whole_kpi(kpi: Mapping[str, float]) -> dict[str, float]:
    """Figures of the plan: chemistries, and vehicles without a pack, add up to all vehicles."""
    whole = dict(kpi)
    for head in ("vehicles_", "station_packs_"):
        names = [name for name in kpi if name.startswith(head) and name not in _NO_PART]
        values = pd.Series([float(kpi[name]) for name in names], dtype=float)
        rounded = largest_remainder(values, pd.Series(head, index=values.index))
        whole |= dict(zip(names, rounded.tolist(), strict=True))
    for name in _NO_PART & set(kpi):
        whole[name] = float(round(kpi[name]))
    return whole


def _across(parts: pd.DataFrame) -> pd.DataFrame:
    """Rows rounded, each adding up to its sum."""
    stacked = pd.Series(parts.to_numpy(float).ravel())
    row = pd.Series(np.repeat(np.arange(len(parts)), parts.shape[1]))
    whole = largest_remainder(stacked, row).to_numpy().reshape(parts.shape)
    return pd.DataFrame(whole, parts.index, parts.columns)


def _nested(frame: pd.DataFrame, column: str, outer: str, inner: str) -> "pd.Series[float]":
    """Rows that add up to whole sums of the inner groups, and those to the outer ones'."""
    values = frame[column].astype(float)
    sums = values.groupby([frame[outer], frame[inner]]).sum()
    of_outer = pd.Series(sums.index.get_level_values(outer), index=sums.index)
    totals = largest_remainder(sums, of_outer)
    group = frame.groupby([outer, inner]).ngroup()  # numbered as `sums` stands
    return largest_remainder(values, group, totals.reset_index(drop=True))
