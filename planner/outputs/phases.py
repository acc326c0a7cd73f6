"""What a run tells of stations over time, for layers and in words; nothing without phasing."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from planner.outputs.palette import VIRIDIS

PHASE, OF_CITIES, OF_STATIONS = "phase", "city_phase", "station_phase"
OPENING = "opening_quarter"
OPENED, ENLARGED, STANDS = "opened", "enlarged", "stands"

DATE = pd.ArrowDtype(pa.date32())
"""Of columns with days: dates in every file, which time sliders ask for."""


def first_days(quarters: "pd.Series[Any]") -> "pd.Series[Any]":
    """First day of each quarter; missing where the quarter is.

    >>> first_days(pd.Series(["2027Q2", None])).tolist()
    [datetime.date(2027, 4, 1), <NA>]
    """
    return _days(quarters, at_end=False)


def last_days(quarters: "pd.Series[Any]") -> "pd.Series[Any]":
    """Last day of each quarter; missing where the quarter is.

    >>> last_days(pd.Series(["2027Q2"])).astype(str).tolist()
    ['2027-06-30']
    """
    return _days(quarters, at_end=True)


def _days(quarters: "pd.Series[Any]", *, at_end: bool) -> "pd.Series[Any]":
    # Few quarters stand in many rows.
    days = {
        quarter: (period.end_time if at_end else period.start_time).date()
        for quarter in quarters.dropna().unique()
        for period in [pd.Period(quarter, freq="Q")]
    }
    found = [None if pd.isna(quarter) else days[quarter] for quarter in quarters]
    return pd.Series(found, index=quarters.index, dtype=DATE)


def with_openings(stations: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Stations with the day they open, behind their opening quarter.

    Parameters
    ----------
    stations : DataFrame
        With ``opening_quarter`` where openings were planned, missing for stations that stood
        before.
    tables : mapping of name to DataFrame
        Tables of a run; one without ``phase`` planned no openings.

    Returns
    -------
    DataFrame
        The rows given, with ``opening_quarter, opens_on``; with neither where no openings were
        planned.
    """
    if PHASE not in tables:
        return stations.drop(columns=OPENING, errors="ignore")
    opens_on = first_days(stations[OPENING])
    found = stations.astype({OPENING: "string"})
    found.insert(list(found.columns).index(OPENING) + 1, "opens_on", opens_on)
    return found


def period_names(phase: pd.DataFrame) -> dict[str, str]:
    """What a reader calls each period, by its first quarter.

    >>> period_names(pd.DataFrame({"quarter": ["2027Q1"], "last_quarter": ["2027Q2"]}))
    {'2027Q1': '2027Q1–Q2'}
    """
    return {
        first: first if first == last
        else f"{first}–{last[4:] if first[:4] == last[:4] else last}"
        for first, last in zip(phase["quarter"], phase["last_quarter"], strict=True)
    }  # fmt: skip


def changes_of(rows: pd.DataFrame, phase: pd.DataFrame) -> "pd.Series[Any]":
    """What happens to each station at the beginning of each period.

    Parameters
    ----------
    rows : DataFrame
        The table ``station_phase``, with ``opening_quarter`` of each station.
    phase : DataFrame
        The table ``phase``.

    Returns
    -------
    Series of str
        ``opened``, ``enlarged`` (of another type than the period before) or ``stands``.
    """
    position = rows["quarter"].map({name: idx for idx, name in enumerate(phase["quarter"])})
    order = position.sort_values(kind="stable").index
    before = rows.loc[order].groupby("site_id", sort=False)["station_type_id"].shift()
    found = pd.Series(STANDS, index=rows.index, dtype="string")
    grown = before.reindex(rows.index)
    found[grown.notna() & (grown != rows["station_type_id"])] = ENLARGED
    found[(rows["quarter"] == rows[OPENING]).fillna(False).astype(bool)] = OPENED
    return found


def shades(number: int) -> list[str]:
    """Colours of so many periods, the first the darkest; readable on white to the last.

    >>> len(shades(9)), shades(1) == [VIRIDIS[0]]
    (9, True)
    """
    return [_mix(idx / max(number - 1, 1)) for idx in range(number)]


def _mix(place: float) -> str:
    # The palest of the scale is left out: it is lost on white.
    ramp = [[int(each[start : start + 2], 16) for start in (1, 3, 5)] for each in VIRIDIS[:-1]]
    at = place * (len(ramp) - 1)
    low = min(int(at), len(ramp) - 2)
    mixed = (
        round(first + (at - low) * (second - first))
        for first, second in zip(ramp[low], ramp[low + 1], strict=True)
    )
    return "#" + "".join(f"{each:02x}" for each in mixed)


def in_one_sentence(phase: pd.DataFrame, model: Mapping[str, Any] | None) -> str:
    """What is built when, and what is proven of all periods together, in plain words.

    Parameters
    ----------
    phase : DataFrame
        The table ``phase``.
    model : mapping, optional
        The model ``phasing`` of `run.json`.
    """
    names = period_names(phase)
    first, last = (names[phase["quarter"].iloc[end]] for end in (0, -1))
    served = phase["served_frac"].astype(float)
    share = float(phase["discounted_swaps_served"].sum() / phase["discounted_swaps"].sum())
    text = (
        f"{phase['opened'].sum():,.0f} stations open from {first} to {last}; the share of swaps "
        f"served goes from {served.iloc[0]:.1%} to {served.iloc[-1]:.1%}, and is {share:.1%} over "
        "all periods, later swaps discounted"
    ).replace("%", " %")
    if model is None or not math.isfinite(model["bound"]):
        return f"{text}."
    better = "serves more" if model["sense"] == "max" else "does better"
    gap = f"{100 * model['gap_frac']:.2f} %"
    if model["gap_frac"] <= 0:
        return f"{text}; no build-out within the same limits {better}."
    return f"{text}; no build-out within the same limits {better} by more than {gap}."
