"""Named sets of curves beside the base rows of the table curves: the rows of one, and their check.

Where measurements contradict each other, each end point is a set. A set holds only the curves in
which it differs; the base has the others.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.layer import row_faults
from planner.instance.names import suggest
from planner.instance.tables import TABLES

BASE = "base"
"""What outputs call the rows that belong to no set."""

_FEWEST_POINTS = 2


def curve_sets(curves: pd.DataFrame) -> tuple[str, ...]:
    """Names of the sets of a table of curves, in alphabetical order, the base left out.

    >>> curve_sets(pd.DataFrame({"curve_set": [None, "driven", "driven"]}))
    ('driven',)
    >>> curve_sets(pd.DataFrame({"temperature_c": [25.0]}))
    ()
    """
    return tuple(sorted({*_set_of(curves)} - {""}))


def curve_rows(curves: pd.DataFrame, curve_set: str, chemistry: str, quantity: str) -> pd.DataFrame:
    """The points of one curve under a set: the set's own where it has any, else the base's.

    Parameters
    ----------
    curves : DataFrame
        The table ``curves`` with all its sets.
    curve_set : str
        The setting ``physics.curve_set``; empty for the base.
    chemistry, quantity : str
        Which curve.

    Returns
    -------
    DataFrame
        Coldest first; empty where neither has the curve.
    """
    of_curve = curves[(curves["chemistry"] == chemistry) & (curves["quantity"] == quantity)]
    belongs_to = _set_of(of_curve)
    own = of_curve[belongs_to == curve_set]
    return (own if len(own) else of_curve[belongs_to == ""]).sort_values("temperature_c")


def check_curves(
    packs: pd.DataFrame, curves: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Check that every curve that is needed is there, and that none is a single point."""
    named = curves.assign(curve_set=_set_of(curves))
    points = named.groupby(["curve_set", "chemistry", "quantity"]).size()
    needed = [
        ("", chemistry, quantity)
        for chemistry in sorted(packs["chemistry"].dropna().unique())
        for quantity in ("charge_power", "usable_energy")
    ]
    faults = [
        Fault(
            files["curves"], None, "quantity",
            f"{chemistry} {quantity}" + (f" of curve_set {curve_set}" if curve_set else ""),
            "needs at least two points; add them",
        )
        for curve_set, chemistry, quantity in dict.fromkeys([*needed, *points.index])
        if points.get((curve_set, chemistry, quantity), 0) < _FEWEST_POINTS
    ]  # fmt: skip
    rows = np.flatnonzero(named["curve_set"] == BASE)
    remedy = "is what rows without a set are called; leave the cell empty, or name the set anew"
    return faults + row_faults(files["curves"], TABLES["curves"], named, rows, "curve_set", remedy)


def check_curve_set(curves: pd.DataFrame, curve_set: str, scenario_file: str) -> list[Fault]:
    """Check that the set which the setting ``physics.curve_set`` names is in the table."""
    known = curve_sets(curves)
    if not curve_set or curve_set in known:
        return []
    remedy = f"no row of the table curves belongs to it; {suggest(curve_set, list(known))}"
    if not known:
        remedy = "the table curves has no curve_set; add its rows there, or remove the setting"
    return [Fault(scenario_file, None, "physics.curve_set", curve_set, remedy)]


def _set_of(curves: pd.DataFrame) -> "pd.Series[str]":
    """Set of each row, empty for the base."""
    if "curve_set" not in curves.columns:
        return pd.Series("", index=curves.index, dtype="str")
    return curves["curve_set"].astype("str").where(curves["curve_set"].notna(), "")
