"""Columns on real driving that an instance leaves out, and what is taken in their place."""

import pandas as pd

from planner.instance import Instance

_NEUTRAL = (
    ("vehicles", "real_use_factor", "1", "real use takes what consumption_kwh_per_km says"),
    ("vehicles", "trips_per_day", "no starts", "nothing is spent on warming cabin and pack at a "
     "start, and packs are as warm as soak_frac says"),
    ("vehicles", "soc_window_frac", "the pack's", "drivers use of a pack what its own "
     "soc_window_frac says"),
    ("climate", "snow_days", "0", "roads are free of snow"),
    ("climate", "wet_days", "0", "roads are dry"),
)  # fmt: skip
"""Table, column, what an empty cell means, and what that says."""


def neutral_columns(instance: Instance) -> list[dict[str, str]]:
    """What empty cells of columns on real driving mean, with the rows that have them.

    Returns
    -------
    list of dict
        ``item, value, mark, source``; a row per column with empty cells, or that is left out.
    """
    rows = []
    for table, column, neutral, meaning in _NEUTRAL:
        frame: pd.DataFrame = getattr(instance, table)
        key = "vehicle_id" if table == "vehicles" else "city_id"
        cells = frame[column] if column in frame else pd.Series(float("nan"), index=frame.index)
        lacking = frame.loc[cells.isna(), key].unique().tolist()
        if not lacking:
            continue
        which = "every row" if cells.isna().all() else f"rows of {', '.join(lacking)}"
        rows.append(
            {
                "item": f"{table}: {column}",
                "value": f"{neutral} in {which}",
                "mark": "?",
                "source": f"the table does not say: {meaning}",
            }
        )
    return rows
