"""How much of each pack's passport a plan can fill."""

import pandas as pd

from planner.outputs.markets import FILLED, PASSPORT_FLOW, POINT_COUNTS, POINT_STATUS
from planner.outputs.palette import POINT_COLOURS
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.charts.stacked import lying_bars
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records

MOST_ROWS = 24
"""Flows that the chart shows; all stand in the table."""


def before_and_after(run: RunFiles) -> pd.DataFrame:
    """Of each market and pack the last flow without a passport and the first with one.

    Returns
    -------
    DataFrame
        Rows of ``passport_flow``, sorted by market, pack and quarter; where no passport is asked
        for at all, or is from the start, the last or first flow alone.
    """
    flow = run.optional[PASSPORT_FLOW].sort_values(["market", "pack_id", "quarter"])
    asked = flow["asked"].astype(bool)
    keys = ["market", "pack_id"]
    last_before = flow[~asked].drop_duplicates(keys, keep="last")
    first_after = flow[asked].drop_duplicates(keys, keep="first")
    found = pd.concat([last_before, first_after])
    return found.sort_values([*keys, "quarter"], ignore_index=True)


def points_filled(run: RunFiles) -> Chart:
    """Points by market, pack and quarter: filled, to ask, unknown, not asked for."""
    rows = before_and_after(run)
    kinds = dict(zip(POINT_STATUS.values(), POINT_COLOURS, strict=True))
    values = [
        {
            "row": f"{row['market']} · {row['pack_id']} · {row['quarter']}",
            "kind": POINT_STATUS[status], "rank": rank, "amount": int(row[column]),
            "says": f"{row['market']}, {row['pack_id']}, {row['quarter']}: "
            f"{number(row[column])} of {number(row['num_points'])} points "
            f"{POINT_STATUS[status]}",
        }
        for row in records(rows.head(MOST_ROWS))
        for rank, (status, column) in enumerate(POINT_COUNTS.items())
    ]  # fmt: skip
    flow = run.optional[PASSPORT_FLOW]
    asked = flow[flow["asked"].astype(bool)]  # all of them, not only the first of each pack
    title = "No flow of the plan needs a passport"
    if len(asked):
        share = asked[POINT_COUNTS[FILLED]].sum() / max(asked["num_points"].sum(), 1)
        title = f"The plan fills {percent(share)} of the points that a passport asks for"
    note = "Each market and pack: the last quarter without a passport, the first with one."
    if len(rows) > MOST_ROWS:
        note += f" The first {number(MOST_ROWS)} of {number(len(rows))} flows."
    return Chart(
        "passport-points", title, "Points of the battery passport by market, pack and quarter",
        lying_bars(values, kinds, "points"), note,
    )  # fmt: skip
