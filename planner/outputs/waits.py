"""What the simulation of a run found, for stations and in words; nothing where it was left out."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.outputs import palette

VERDICTS = CONFIRMED, UNCLEAR, REFUTED = "confirmed", "unclear", "refuted"
DAYS = {
    "winter_peak": "winter peak day",
    "winter_design": "winter design day",
    "mean": "mean day",
    "holiday": "holiday",
}
"""Days that can be simulated, as a reader calls them."""

PACKS_HEAD = "packs_"
_WAIT_COLUMNS = (
    "within_5min_frac", "within_5min_low", "within_5min_high", "on_time_frac", "on_time_low",
    "on_time_high", "expected_on_time_frac", "p95_wait_min", "no_pack_frac", "gave_up_frac",
    "verdict", "lacks",
)  # fmt: skip
_MOST_NAMED = 5


@dataclass(frozen=True)
class VerdictLook:
    """How maps and charts draw stations of a verdict: in colour, shape and size.

    Attributes
    ----------
    verdict, label : str
        As in the tables, and what a legend says.
    colour, shape : str
        Shapes tell verdicts apart without colour.
    size : float
        Relative to the others.
    """

    verdict: str
    label: str
    colour: str
    shape: str
    size: float


VERDICT_LOOKS = (
    VerdictLook(REFUTED, "refuted", palette.VERMILION, "triangle", 1.6),
    VerdictLook(UNCLEAR, "unclear", palette.ORANGE, "square", 1.2),
    VerdictLook(CONFIRMED, "confirmed", palette.BLUE, "circle", 1.0),
)
"""In the order of drawing: what needs a look lies on top."""


def with_waits(
    stations: pd.DataFrame, key: str, tables: Mapping[str, pd.DataFrame], quarter: str
) -> pd.DataFrame:
    """Stations with their waits, their verdict and their packs by type.

    Parameters
    ----------
    stations : DataFrame
        A row per station.
    key : str
        Column with the station's id.
    tables : mapping of name to DataFrame
        Tables of a run; of ``station_wait`` and ``station_packs`` those that are there are joined.
    quarter : str
        Whose packs are told.

    Returns
    -------
    DataFrame
        The rows given, with the columns of ``station_wait`` that tell of waits, empty where a
        station was not simulated; ``station_packs`` and ``packs_<pack_id>``, whole numbers.
    """
    found = stations
    if "station_packs" in tables:
        packs = tables["station_packs"]
        kinds = sorted(packs["pack_id"].unique())
        by_kind = (
            packs[packs["quarter"] == quarter]
            .pivot_table(index="station_id", columns="pack_id", values="packs", aggfunc="sum")
            .reindex(index=stations[key], columns=kinds)
            .fillna(0)
            .astype("int64")
        )
        columns = {"station_packs": by_kind.sum(axis=1).to_numpy()}
        columns |= {f"{PACKS_HEAD}{kind}": by_kind[kind].to_numpy() for kind in kinds}
        found = found.assign(**columns)
    if "station_wait" in tables:
        waits = tables["station_wait"].set_index("station_id")
        rows = waits.reindex(stations[key])
        found = found.assign(
            **{name: rows[name].to_numpy() for name in _WAIT_COLUMNS if name in rows}
        )
    return found


def day_of(wait: pd.DataFrame) -> str:
    """The day that was simulated, in words."""
    day = str(wait["day"].iloc[0]) if len(wait) else ""
    return DAYS.get(day, day)


def in_one_sentence(figures: pd.DataFrame, wait: pd.DataFrame) -> str:
    """What the simulation found of the whole plan, in plain words.

    Parameters
    ----------
    figures, wait : DataFrame
        Tables ``simulation_figure`` and ``station_wait`` of a run.
    """
    if wait.empty:
        return "There is no station to be simulated."
    by_name = figures.set_index("figure")
    share, low, high = (
        _percent(float(by_name[column]["within_5min_frac"])) for column in ("value", "low", "high")
    )
    no_pack, gave_up = (
        _percent(float(by_name["value"][name])) for name in ("no_pack_frac", "gave_up_frac")
    )
    count = {each: int((wait["verdict"] == each).sum()) for each in VERDICTS}
    return (
        f"On a simulated {day_of(wait)}, {share} of the drivers wait no longer than 5 minutes "
        f"({low} to {high}), {no_pack} find no full pack when they come and {gave_up} give up; of "
        f"{len(wait):,} stations the simulation confirms {count[CONFIRMED]:,}, refutes "
        f"{count[REFUTED]:,} and leaves {count[UNCLEAR]:,} open."
    )


def _percent(share_frac: float) -> str:
    return f"{100 * share_frac:.1f} %"


def refuted_stations(wait: pd.DataFrame) -> pd.DataFrame:
    """Stations that miss the service level, the worst first."""
    refuted = wait[wait["verdict"] == REFUTED]
    return refuted.sort_values(["on_time_frac", "station_id"], ignore_index=True)


def name_refuted(wait: pd.DataFrame) -> str:
    """The first of the refuted stations with what they lack; empty if there is none."""
    refuted = refuted_stations(wait)
    named = [
        f"{station} ({share:.1%} on time" + (f"; lacks {lacks})" if lacks else ")")
        for station, share, lacks in zip(
            refuted["station_id"].head(_MOST_NAMED),
            refuted["on_time_frac"].head(_MOST_NAMED),
            refuted["lacks"].fillna("").head(_MOST_NAMED),
            strict=True,
        )
    ]
    rest = len(refuted) - len(named)
    return "; ".join(named) + (f"; and {rest:,} more" if rest else "")
