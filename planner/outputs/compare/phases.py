"""What two runs over time, or for several futures, tell apart: openings, periods, futures."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.outputs.compare.read import FinishedRun
from planner.outputs.compare.stations import GAINED, LOST
from planner.outputs.futures import FUTURE, MEASURE
from planner.outputs.phases import OPENING, PHASE

EARLIER, LATER, NEW, DROPPED, AS_BEFORE = "earlier", "later", "new", "dropped", "as before"
OPENINGS = (NEW, DROPPED, EARLIER, LATER, AS_BEFORE)

PERIOD_VALUES = (
    "stations", "opened", "spent_cny", "swaps_per_day_served", "served_frac", "opening_value",
    "nested_loss_frac",
)  # fmt: skip
FUTURE_VALUES = (
    "swaps_per_day_served", "served_frac", "best_upper", "regret_low_frac", "regret_high_frac",
)  # fmt: skip


def compare_openings(
    stations: pd.DataFrame, base: pd.DataFrame, other: pd.DataFrame
) -> pd.DataFrame:
    """When each station opens in the one and in the other run.

    Parameters
    ----------
    stations : DataFrame
        Pairs of stations (`compare_stations`), with ``name_en``.
    base, other : DataFrame
        Stations of the runs, with ``site_id, opening_quarter`` (missing where one stood before).

    Returns
    -------
    DataFrame
        A row per pair or single station: ``site_id``, ``opening`` (one of `OPENINGS`),
        ``city_id, name_en, base_opening_quarter, other_opening_quarter``,
        ``change_opening_quarters`` (later by so many quarters), in the order of `OPENINGS` and ids.
    """
    found = stations[["site_id", "city_id", "name_en"]].copy()
    for side, frame, ids in (
        ("base", base, stations["base_site_id"]), ("other", other, stations["site_id"])
    ):  # fmt: skip
        quarters = frame.set_index("site_id")[OPENING]
        found[f"{side}_{OPENING}"] = ids.map(quarters).astype("string")
    found.loc[stations["change"] == LOST, f"other_{OPENING}"] = pd.NA
    found.loc[stations["change"] == GAINED, f"base_{OPENING}"] = pd.NA
    places = [_place(found[f"{side}_{OPENING}"]) for side in ("base", "other")]
    later = places[1] - places[0]
    # What stood before was there before any period.
    stood = [np.isnan(place) for place in places]
    found["opening"] = pd.Series(
        np.select(
            [stations["change"] == GAINED, stations["change"] == LOST, stood[0] & stood[1],
             stood[1] | (later < 0), stood[0] | (later > 0)],
            [NEW, DROPPED, AS_BEFORE, EARLIER, LATER],
            AS_BEFORE,
        ),
        dtype="string",
    )  # fmt: skip
    found["change_opening_quarters"] = later
    order = pd.Categorical(found["opening"], OPENINGS, ordered=True)
    found = (
        found.assign(order=order)
        .sort_values(["order", "site_id"], ignore_index=True)
        .drop(columns="order")
    )
    head = ["site_id", "opening"]
    return found[[*head, *(name for name in found if name not in head)]]


def _place(quarters: "pd.Series[str]") -> np.ndarray:
    """Quarters counted on; NaN where there is none."""
    year = pd.to_numeric(quarters.str[:4]).astype("Float64")
    number = pd.to_numeric(quarters.str[-1]).astype("Float64")
    return np.asarray((4 * year + number).to_numpy(np.float64, na_value=np.nan))


def count_openings(openings: pd.DataFrame) -> str:
    """How many stations open earlier, later, are new, dropped, or open as before."""
    count = Counter(openings["opening"])
    names = {NEW: "new", DROPPED: "dropped", EARLIER: "open earlier", LATER: "open later",
             AS_BEFORE: "as before"}  # fmt: skip
    return ", ".join(f"{count.get(each, 0):,} {names[each]}" for each in OPENINGS)


def over_time_notes(base: FinishedRun, other: FinishedRun) -> list[str]:
    """What only one of the runs planned over time, or for several futures."""
    notes = []
    for table, text in (
        (PHASE, "planned openings by period: its {} periods have nothing to be compared with."),
        (FUTURE, "was planned for several futures: its {} have nothing to be compared with."),
    ):
        has = [table in run.tables for run in (base, other)]
        if any(has) and not all(has):
            side, run = ("base", base) if has[0] else ("other run", other)
            notes.append(f"Only the {side} " + text.format(len(run.tables[table])))
    return notes


def keys_over_time(
    base: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]
) -> dict[str, tuple[str, list[str], tuple[str, ...]]]:
    """Tables that both runs have side by side: the run's table, its keys and values."""
    about = {
        "phase_change": (PHASE, ["quarter"], PERIOD_VALUES),
        "future_change": (FUTURE, ["future"], FUTURE_VALUES),
        "measure_change": (MEASURE, ["measure", "unit"], ("low", "high")),
    }
    return {
        name: (table, keys, values)
        for name, (table, keys, values) in about.items()
        if table in base and table in other
    }
