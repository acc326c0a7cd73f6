"""Where China's electric cars are: public charging points by province and, inside it, city."""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.opendata.china.facts import read_all_cities
from planner.opendata.parameters import read_table
from planner.opendata.spread import spread_residents


def charging_points(total: float) -> "pd.Series[float]":
    """Public charging points of each province: counted, or a share of what the counts leave.

    Counts are published for the ten provinces with the most. The others share the rest by
    car-owning households times their ``remainder_weight``; none gets more than the least of
    the ten has.

    Parameters
    ----------
    total : float
        Public charging points of the nation.

    Returns
    -------
    Series
        Index: code of the province; sums to the total.
    """
    provinces = read_table("provinces").set_index("code")
    counted = pd.to_numeric(provinces["public_charging_points"])
    cities = read_all_cities()
    owning = cities["households"] * cities["car_owning_households_frac"]
    by_province = owning.groupby(cities["city_id"].str[:2]).sum().reindex(provinces.index)
    weight = by_province * pd.to_numeric(provinces["remainder_weight"])
    open_idx = np.flatnonzero(counted.isna())
    one_group = np.zeros(len(open_idx), dtype=np.int64)
    open_weight = weight.to_numpy(dtype=np.float64)[open_idx]
    points = counted.to_numpy(dtype=np.float64, copy=True)
    points[open_idx] = spread_residents(
        one_group,
        np.array([total - counted.sum()]),
        np.zeros(1),
        open_weight,
        open_weight,
        float(counted.min()),
    )
    return pd.Series(points, index=provinces.index)


def electric_weight(city_ids: "pd.Series[str]", total_points: float) -> FloatArray:
    """Weight of each city in the nation's electric cars.

    Each province's charging points are shared among all its cities by urban residents times the
    share of households that own a car.

    Parameters
    ----------
    city_ids : Series of str
        Cities wanted.
    total_points : float
        Public charging points of the nation.

    Returns
    -------
    float array, shape (num_cities,)
        Charging points by this model; cities left out have the rest of ``total_points``.
    """
    cities = read_all_cities().set_index("city_id")
    province = cities.index.str[:2]
    # Where the census table has no urban residents or no car share, no city is planned.
    driving = (cities["urban_population_2020"] * cities["car_owning_households_frac"]).fillna(0.0)
    share = driving / driving.groupby(province).transform("sum")
    points = share * charging_points(total_points).reindex(province).to_numpy()
    return points.reindex(city_ids).to_numpy(dtype=np.float64)
