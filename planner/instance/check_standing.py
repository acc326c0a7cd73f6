"""Check what the table of sites states of stations that stand, close or are committed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.layer import row_faults
from planner.instance.names import suggest
from planner.instance.tables import TABLES

_ONLY_FOR = {
    "station_type_id": ("existing", "committed", "closing"),
    "opened": ("existing", "closing"),
    "packs": ("existing", "closing"),
    "enlarging_cny": ("existing",),
    "closing_cny": ("closing",),
    "opens_quarter": ("committed",),
    "earliest_quarter": ("candidate", "committed", "forbidden"),
}
"""Statuses whose sites may state each column."""


def check_standing(
    frames: Mapping[str, pd.DataFrame], files: Mapping[str, str], planning_quarter: str
) -> list[Fault]:
    """Check the columns of `sites` on stations that stand, close or are committed.

    Parameters
    ----------
    frames : mapping of table name to DataFrame
        Nothing is checked unless ``sites`` and ``stations`` are among them.
    files : mapping of table name to file name
        For the faults.
    planning_quarter : str
        No station that stands opened later.

    Returns
    -------
    list of Fault
    """
    if not {"sites", "stations"} <= set(frames) or "sites" not in files:
        return []
    sites = frames["sites"]
    faults: list[Fault] = []

    def add(column: str, is_wrong: "pd.Series[bool]", remedy: str) -> None:
        rows = np.flatnonzero(is_wrong)
        faults.extend(row_faults(files["sites"], TABLES["sites"], sites, rows, column, remedy))

    for column, statuses in _ONLY_FOR.items():
        if column in sites.columns:
            stray = sites[column].notna() & ~sites["status"].isin(statuses)
            add(column, stray, f"only sites of status {' or '.join(statuses)} have it; leave empty")
    bays = frames["stations"].set_index("station_type_id")["bays"]
    if "station_type_id" in sites.columns:
        stated = sites["station_type_id"]
        for name in stated[stated.notna() & ~stated.isin(bays.index)].unique():
            remedy = f"is not in {files['stations']}; {suggest(name, list(bays.index))}"
            add("station_type_id", stated == name, remedy)
        if "packs" in sites.columns:
            over = sites["packs"] > stated.map(bays)
            add("packs", over.fillna(False), "more than the station has bays; correct one of them")
    if "opened" in sites.columns:
        later = (sites["opened"] > planning_quarter).fillna(False)
        remedy = f"after the planning quarter, {planning_quarter}; give it the status committed"
        add("opened", later.astype(bool), remedy)
    return faults
