"""How many swap vehicles each city has: one fleet, shared out by a stated weight."""

import numpy as np

from planner.arrays import FloatArray
from planner.opendata.spread import round_to_total


def share_fleet(
    total_vehicles: float, taxi_frac: float, ride_hailing_frac: float, weight: FloatArray
) -> dict[str, FloatArray]:
    """Share a fleet among the cities, every segment by the same weight.

    Local policy and the operator's own order of cities are not modelled.

    Parameters
    ----------
    total_vehicles : float
        Swap vehicles of all cities.
    taxi_frac, ride_hailing_frac : float
        Their shares; the rest is private.
    weight : float array, shape (num_cities,)
        What the shares follow: where the electric cars are.

    Returns
    -------
    dict of str to float array, shape (num_cities,)
        Whole vehicles by segment; all together sum to the total.
    """
    num_taxis = round(total_vehicles * taxi_frac)
    num_ride_hailing = round(total_vehicles * ride_hailing_frac)
    return {
        "private": share_out(round(total_vehicles) - num_taxis - num_ride_hailing, weight),
        "taxi": share_out(num_taxis, weight),
        "ride_hailing": share_out(num_ride_hailing, weight),
    }


def share_out(total: int, weight: FloatArray) -> FloatArray:
    """Share whole things out by weight.

    Parameters
    ----------
    total : int
        Things to share out.
    weight : float array, shape (n,)
        What the shares follow, >= 0 and not all 0.

    Returns
    -------
    float array, shape (n,)
        Whole numbers that sum to the total.
    """
    one_group = np.zeros(len(weight), dtype=np.int64)
    return round_to_total(total * weight / weight.sum(), one_group, 1.0)
