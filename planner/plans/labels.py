"""Labels of long tables as positions in the tables that they are known from."""

import numpy as np
import pandas as pd

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
    """
    if isinstance(labels.dtype, pd.CategoricalDtype):
        codes, distinct = labels.cat.codes.to_numpy(), labels.cat.categories
    else:
        codes, distinct = pd.factorize(labels)
    found = np.append(pd.Index(known).get_indexer(pd.Index(distinct)), -1)
    return np.asarray(found[codes], dtype=np.int64)
