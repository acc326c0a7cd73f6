"""Which stations two plans share, and which they do not."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from planner.geodesy import great_circle_km, to_sphere_km

KEPT, RESIZED, MOVED, GAINED, LOST = "kept", "resized", "moved", "gained", "lost"
CHANGES = (GAINED, LOST, MOVED, RESIZED, KEPT)

MOVED_KM = 1.0
"""A station gained this close to one lost, or closer, has moved rather than opened and closed."""

_VALUES = ("station_type_id", "bays", "capex_cny", "swaps_per_day")
_NUMBERS = ("bays", "capex_cny", "swaps_per_day")
_CORRIDOR_NUMBERS = ("winter_swaps_per_day", "summer_swaps_per_day", "capex_cny")


def compare_stations(base: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Pair the stations of two plans.

    Stations are the same if they stand on the same site. Of those that are left, the closest pair
    within `MOVED_KM` counts as moved, then the closest of the rest, and so on; ties by id. A site
    whose id is the same but whose place is farther off is another site.

    Parameters
    ----------
    base, other : DataFrame
        Columns ``site_id, city_id, lon, lat, station_type_id, bays, capex_cny, swaps_per_day``;
        ids unique.

    Returns
    -------
    DataFrame
        A row per pair or single station: ``site_id`` (that of `other`, unless lost),
        ``base_site_id``, ``change`` (one of `CHANGES`), ``city_id, lon, lat, moved_km``, and
        ``base_``, ``other_`` and ``change_`` of the values; in the order of `CHANGES` and ids.
    """
    base, other = (
        frame.sort_values("site_id", ignore_index=True) for frame in (base, other)
    )  # fmt: skip
    base_idx, other_idx = _pairs(base, other)
    only_base = np.setdiff1d(np.arange(len(base)), base_idx)
    only_other = np.setdiff1d(np.arange(len(other)), other_idx)
    rows = pd.DataFrame(
        {
            "base_idx": np.concatenate((base_idx, only_base, np.full(len(only_other), -1))),
            "other_idx": np.concatenate((other_idx, np.full(len(only_base), -1), only_other)),
        }
    )
    left, right = (
        frame.reindex(rows[f"{side}_idx"]).reset_index(drop=True)
        for side, frame in (("base", base), ("other", other))
    )
    is_lost, is_gained = rows["other_idx"] < 0, rows["base_idx"] < 0
    moved, other_type, other_bays = (
        (left[name] != right[name]).fillna(True).to_numpy(bool)
        for name in ("site_id", "station_type_id", "bays")
    )
    place = right[["site_id", "city_id", "lon", "lat"]].where(~is_lost, left)
    found = pd.DataFrame(
        {
            "site_id": place["site_id"].astype("string"),
            "base_site_id": left["site_id"].astype("string"),
            "change": np.select(
                [is_gained, is_lost, moved, other_type | other_bays],
                [GAINED, LOST, MOVED, RESIZED],
                KEPT,
            ),
            "city_id": place["city_id"].astype("string"),
            "lon": place["lon"].astype(float),
            "lat": place["lat"].astype(float),
            "moved_km": great_circle_km(left["lon"], left["lat"], right["lon"], right["lat"]),
        }
    )
    found["change"] = found["change"].astype("string")
    for name in _VALUES:
        found[f"base_{name}"], found[f"other_{name}"] = left[name], right[name]
        if name in _NUMBERS:
            found[f"change_{name}"] = right[name].fillna(0) - left[name].fillna(0)
    order = pd.Categorical(found["change"], CHANGES, ordered=True)
    return (
        found.assign(order=order)
        .sort_values(["order", "site_id"], ignore_index=True)
        .drop(columns="order")
    )


def compare_corridor_stations(base: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Pair the corridor stations of two plans by their sites, whose ids tell their places.

    Parameters
    ----------
    base, other : DataFrame
        Columns ``corridor_station_id, near_city_id, lon, lat, capex_cny, winter_swaps_per_day,
        summer_swaps_per_day``; ids unique.

    Returns
    -------
    DataFrame
        A row per site: ``corridor_station_id``, ``change`` (kept, gained or lost),
        ``near_city_id, lon, lat``, and ``base_``, ``other_`` and ``change_`` of the values; in
        the order of `CHANGES` and ids.
    """
    key, places = "corridor_station_id", ["near_city_id", "lon", "lat"]
    left, right = (frame.astype({key: "string"}).set_index(key) for frame in (base, other))
    index = left.index.union(right.index)
    change = np.select(
        [~index.isin(left.index), ~index.isin(right.index)], [GAINED, LOST], default=KEPT
    )
    found = pd.DataFrame({"change": pd.Series(change, index, dtype="string")})
    found[places] = right.reindex(index)[places].combine_first(left.reindex(index)[places])
    for name in _CORRIDOR_NUMBERS:
        sides = [frame[name].reindex(index) for frame in (left, right)]
        found[f"base_{name}"], found[f"other_{name}"] = sides
        found[f"change_{name}"] = sides[1].fillna(0) - sides[0].fillna(0)
    order = pd.Categorical(found["change"], CHANGES, ordered=True)
    return (
        found.assign(order=order, near_city_id=found["near_city_id"].astype("string"))
        .reset_index()
        .sort_values(["order", key], ignore_index=True)
        .drop(columns="order")
    )


def _pairs(base: pd.DataFrame, other: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Positions of stations that belong together: same site first, then the closest."""
    position = pd.Index(other["site_id"]).get_indexer(base["site_id"])
    base_idx = np.flatnonzero(position >= 0)
    other_idx = position[base_idx]
    apart_km = great_circle_km(
        base["lon"].to_numpy()[base_idx], base["lat"].to_numpy()[base_idx],
        other["lon"].to_numpy()[other_idx], other["lat"].to_numpy()[other_idx],
    )  # fmt: skip
    base_idx, other_idx = base_idx[apart_km <= MOVED_KM], other_idx[apart_km <= MOVED_KM]
    left = np.setdiff1d(np.arange(len(base)), base_idx)
    right = np.setdiff1d(np.arange(len(other)), other_idx)
    if not len(left) or not len(right):
        return base_idx, other_idx
    trees = (
        cKDTree(to_sphere_km(frame["lon"].to_numpy()[idx], frame["lat"].to_numpy()[idx]))
        for frame, idx in ((base, left), (other, right))
    )
    near = next(trees).sparse_distance_matrix(next(trees), MOVED_KM, output_type="ndarray")
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    for k in np.lexsort((near["j"], near["i"], near["v"])).tolist():
        i, j = int(near["i"][k]), int(near["j"][k])
        if i not in taken_left and j not in taken_right:
            taken_left.add(i)
            taken_right.add(j)
            base_idx = np.append(base_idx, left[i])
            other_idx = np.append(other_idx, right[j])
    return base_idx, other_idx
