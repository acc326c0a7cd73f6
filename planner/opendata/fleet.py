"""How many swap vehicles each city has: one national fleet, shared out by a stated rule."""

import numpy as np

from planner.arrays import FloatArray
from planner.opendata.spread import round_to_total


def share_fleet(
    total_vehicles: float,
    taxi_frac: float,
    ride_hailing_frac: float,
    car_owning_households: FloatArray,
    urban_residents: FloatArray,
    nev_sales_frac: FloatArray,
) -> dict[str, FloatArray]:
    """Share the national fleet among the cities.

    Private cars follow car-owning households times the region's share of new-energy cars in
    sales; taxis and ride-hailing cars follow urban residents times the same share. Local
    policy, income and the operator's own order of cities are not modelled.

    Parameters
    ----------
    total_vehicles : float
        Swap vehicles of all cities.
    taxi_frac, ride_hailing_frac : float
        Their shares; the rest is private.
    car_owning_households, urban_residents, nev_sales_frac : float array, shape (num_cities,)
        What the shares follow.

    Returns
    -------
    dict of str to float array, shape (num_cities,)
        Whole vehicles by segment; all together sum to the total.
    """
    num_taxis = round(total_vehicles * taxi_frac)
    num_ride_hailing = round(total_vehicles * ride_hailing_frac)
    num_private = round(total_vehicles) - num_taxis - num_ride_hailing
    by_household = car_owning_households * nev_sales_frac
    by_resident = urban_residents * nev_sales_frac
    return {
        "private": _share(num_private, by_household),
        "taxi": _share(num_taxis, by_resident),
        "ride_hailing": _share(num_ride_hailing, by_resident),
    }


def _share(total: int, weight: FloatArray) -> FloatArray:
    one_group = np.zeros(len(weight), dtype=np.int64)
    return round_to_total(total * weight / weight.sum(), one_group, 1.0)
