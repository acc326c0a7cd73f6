"""Labels of long tables as positions in the tables that they are known from."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from planner.arrays import IntArray


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
    if isinstance(labels.dtype, pd.StringDtype) and isinstance(known.dtype, pd.StringDtype):
        # Arrow looks texts up as they lie; an index makes an object of every known one.
        place = pc.index_in(pa.array(labels), value_set=pa.array(known), skip_nulls=True)
        return np.asarray(pc.fill_null(place, -1), dtype=np.int64)
    return np.asarray(pd.Index(known).get_indexer(pd.Index(labels)), dtype=np.int64)
