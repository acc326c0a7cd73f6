"""What two runs tell apart of their stations' worth: replacement costs, next best sites."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.outputs.compare.read import FinishedRun
from planner.outputs.compare.stations import GAINED, LOST, MOVED
from planner.outputs.station_reasons import (
    NEXT_BEST,
    REPLACEMENT,
    REPLACEMENT_LOW,
    figure,
    has_reasons,
)

MADE, SAME, ANOTHER = "made", "same", "another"
_VALUES = (REPLACEMENT, REPLACEMENT_LOW)


def compare_reasons(
    stations: pd.DataFrame, base: pd.DataFrame, other: pd.DataFrame
) -> pd.DataFrame:
    """What each station of the base costs to replace in the one and in the other run.

    Parameters
    ----------
    stations : DataFrame
        Pairs of stations (`compare_stations`), with ``name_en``.
    base, other : DataFrame
        Stations of the runs, with ``site_id``, their costs and next best sites.

    Returns
    -------
    DataFrame
        A row per station of the base: ``base_site_id, site_id, change, city_id, name_en``,
        ``next_best`` (`SAME` or `ANOTHER` site in both runs; `MADE` where the other run has
        exchanged the station for what was its next best; empty where it is lost otherwise),
        ``base_``, ``other_`` and ``change_`` of the costs, ``base_`` and ``other_`` of the next
        best site; the largest changes first.
    """
    kept = stations[stations["change"] != GAINED]
    found = kept[["base_site_id", "site_id", "change", "city_id", "name_en"]].copy()
    lost = (found["change"] == LOST).to_numpy(bool)
    found.loc[lost, "site_id"] = pd.NA
    sides = {"base": (base, found["base_site_id"]), "other": (other, found["site_id"])}
    rows = {side: frame.set_index("site_id") for side, (frame, _) in sides.items()}
    for name in _VALUES:
        values = {
            side: ids.map(rows[side][name]).to_numpy(float) for side, (_, ids) in sides.items()
        }
        found[f"base_{name}"], found[f"other_{name}"] = values["base"], values["other"]
        found[f"change_{name}"] = values["other"] - values["base"]
    for side, (_, ids) in sides.items():
        found[f"{side}_{NEXT_BEST}"] = ids.map(rows[side][NEXT_BEST]).astype("string")
    one, two = (found[f"{side}_{NEXT_BEST}"].fillna("") for side in sides)
    is_new = one.isin(set(other["site_id"]) - set(base["site_id"])).to_numpy(bool)
    moved = (found["change"] == MOVED).to_numpy(bool)
    made = is_new & (lost | (moved & (found["site_id"].fillna("") == one).to_numpy(bool)))
    found.insert(
        5,
        "next_best",
        pd.Series(
            np.select([made, lost, one == two], [MADE, "", SAME], ANOTHER), found.index, "string"
        ),
    )
    order = found[f"change_{REPLACEMENT}"].abs().fillna(-1.0)
    return (
        found.assign(order=-order)
        .sort_values(["order", "base_site_id"], ignore_index=True)
        .drop(columns="order")
    )


def have_reasons(base: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> bool:
    """Whether both runs told what their stations cost to replace."""
    return has_reasons(base["stations"]) and has_reasons(other["stations"])


def reasons_in_words(changes: pd.DataFrame, unit: str) -> str:
    """How replacement costs and next best sites differ."""
    medians = (changes[f"{side}_{REPLACEMENT}"].median() for side in ("base", "other"))
    told = " → ".join(figure(value) if np.isfinite(value) else "–" for value in medians)
    counts = changes["next_best"].value_counts()
    made = int(counts.get(MADE, 0))
    another = int(counts.get(ANOTHER, 0))
    return (
        f"Median replacement cost: {told} {unit}; {another:,} station"
        f"{' has' if another == 1 else 's have'} another next best site, {made:,} exchange"
        f"{'' if made == 1 else 's'} for the base's next best site made."
    )


def reason_notes(base: FinishedRun, other: FinishedRun, *, alike: bool) -> list[str]:
    """Why costs are not compared, where one run tells them, or both in unlike terms."""
    has = [has_reasons(run.tables["stations"]) for run in (base, other)]
    if all(has) and not alike:
        return ["Replacement costs are measured by different questions, and not compared."]
    if any(has) and not all(has):
        side = "base" if has[0] else "other run"
        return [f"Only the {side} tells what its stations cost to replace."]
    return []
