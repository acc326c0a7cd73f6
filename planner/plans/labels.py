"""Labels of long tables as positions in the tables that they are known from."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from planner.arrays import BoolArray, IntArray


def positions_of(labels: "pd.Series[str]", known: "pd.Series[str]") -> IntArray:
    """Where each label stands among the known ones, -1 where it does not.

    Parameters
    ----------
    labels : Series
        Plain or categorical; of millions of rows the latter is quicker.
    known : Series
        Without repetitions.

    Examples
    --------
    >>> positions_of(pd.Series(["b", "x", "b"]), pd.Series(["a", "b"]))
    array([ 1, -1,  1])
    >>> positions_of(pd.Series(["b", None]).astype("category"), pd.Series(["a", "b"]))
    array([ 1, -1])
    """
    if isinstance(labels.dtype, pd.CategoricalDtype):
        codes, distinct = labels.cat.codes.to_numpy(), labels.cat.categories
        found = np.append(positions_of(distinct.to_series(), known), -1)
        return np.asarray(found[codes], dtype=np.int64)
    if _are_texts(labels, known):
        return _positions_of_texts(pa.array(labels), pa.array(known))
    return np.asarray(pd.Index(known).get_indexer(pd.Index(labels)), dtype=np.int64)


def are_known(labels: "pd.Series[str]", known: "pd.Series[str]") -> BoolArray:
    """Whether each label is among the known ones, which may stand repeatedly.

    Examples
    --------
    >>> are_known(pd.Series(["b", "x", None]), pd.Series(["a", "b", "b"]))
    array([ True, False, False])
    """
    if _are_texts(labels, known):
        return positions_of(labels, known) >= 0
    return labels.isin(known.dropna()).to_numpy(dtype=np.bool_)


def _are_texts(*columns: "pd.Series[str]") -> bool:
    return all(isinstance(column.dtype, pd.StringDtype) for column in columns)


def _positions_of_texts(labels: Any, known: Any) -> IntArray:
    """Arrow looks texts up as they lie; an index makes an object of every known one.

    The fewer are put into the table that the others are looked up in.
    """
    if len(labels) >= len(known):
        place = pc.index_in(labels, value_set=known, skip_nulls=True)
        return np.asarray(pc.fill_null(place, -1), dtype=np.int64)
    distinct = pc.unique(labels)
    met = np.asarray(pc.fill_null(pc.index_in(known, value_set=distinct, skip_nulls=True), -1))
    position = np.full(len(distinct) + 1, -1, dtype=np.int64)
    rows = np.flatnonzero(met >= 0)[::-1]
    position[met[rows]] = rows  # of several the first
    of_label = pc.fill_null(pc.index_in(labels, value_set=distinct, skip_nulls=True), -1)
    return np.asarray(position[np.asarray(of_label)])
