"""Swap vehicles by quarter, and the packs that are on the road before the first."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance.tables import SEGMENTS, quarters_between


def station_ramp(
    quarters: Sequence[str], start: tuple[str, float], target: tuple[str, float]
) -> FloatArray:
    """Stations at the end of each quarter on a straight line through two known points.

    Parameters
    ----------
    quarters : sequence of str
        Quarters wanted; beyond the points the line goes on.
    start, target : (quarter, stations)
        The points.

    Returns
    -------
    ndarray, shape (num_quarters,)

    Examples
    --------
    >>> station_ramp(["2026Q4"], ("2025Q4", 1000), ("2027Q4", 3000)).tolist()
    [2000.0]
    """
    first = min(start[0], *quarters)
    position = {
        name: i for i, name in enumerate(quarters_between(first, max(target[0], *quarters)))
    }
    slope = (target[1] - start[1]) / (position[target[0]] - position[start[0]])
    return np.array([start[1] + slope * (position[name] - position[start[0]]) for name in quarters])


def make_adoption(
    city_id: "pd.Series[str]",
    vehicles: Mapping[str, FloatArray],
    swap_vehicles: Mapping[str, FloatArray],
    quarters: Sequence[str],
    ramp_frac: FloatArray,
) -> pd.DataFrame:
    """The table ``adoption``: every segment follows the ramp in every city.

    Parameters
    ----------
    city_id : Series of str
        Cities.
    vehicles, swap_vehicles : mapping of segment to float array, shape (num_cities,)
        All vehicles of the segment, and those that swap where the ramp is 1.
    quarters : sequence of str
        Rows wanted.
    ramp_frac : ndarray, shape (num_quarters,)
        Swap vehicles in each quarter over those of ``swap_vehicles``.

    Returns
    -------
    DataFrame
        Shares to nine decimals, so that a quarter of ramp 1 gives ``swap_vehicles`` again.
    """
    parts = []
    for segment in SEGMENTS:
        share = np.divide(
            swap_vehicles[segment],
            vehicles[segment],
            out=np.zeros(len(city_id)),
            where=vehicles[segment] > 0,
        )
        for quarter, factor in zip(quarters, ramp_frac, strict=True):
            parts.append(
                pd.DataFrame(
                    {
                        "city_id": city_id,
                        "segment": segment,
                        "quarter": quarter,
                        "swap_capable_frac": np.minimum(1.0, share * factor).round(9),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def make_pack_stock(
    city_id: "pd.Series[str]",
    swap_vehicles: Mapping[str, FloatArray],
    classes: pd.DataFrame,
    packs_per_vehicle: float,
) -> pd.DataFrame:
    """The table ``pack_stock``: each vehicle's default pack and its share of the stations'.

    Parameters
    ----------
    city_id : Series of str
        Cities.
    swap_vehicles : mapping of segment to float array, shape (num_cities,)
        Vehicles on the road before the first quarter.
    classes : DataFrame
        ``segment, segment_frac, default_pack_id``, one row per vehicle class.
    packs_per_vehicle : float
        Packs in cars and stations over cars.

    Returns
    -------
    DataFrame
        Whole packs; cities without any are left out.
    """
    packs = {name: np.zeros(len(city_id)) for name in sorted(classes["default_pack_id"].unique())}
    for segment, share, pack_id in zip(
        classes["segment"], classes["segment_frac"].astype(float), classes["default_pack_id"],
        strict=True,
    ):  # fmt: skip
        packs[pack_id] += swap_vehicles[segment] * share * packs_per_vehicle
    rows = pd.concat(
        [
            pd.DataFrame({"city_id": city_id, "pack_id": pack_id, "packs": np.rint(count)})
            for pack_id, count in packs.items()
        ],
        ignore_index=True,
    )
    rows["packs"] = rows["packs"].astype(np.int64)
    return rows[rows["packs"] > 0].assign(retires="")
