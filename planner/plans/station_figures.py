"""Vehicles and packs per station, what stations cost per swap, and how many stand in the cold.

Outcomes of a plan, to be held beside what operators report. Takes a plan's stations; leaves out
stations between cities, packs and energy.
"""

import pandas as pd

from planner.instance import Instance
from planner.plans.question import share
from planner.plans.station_costs import yearly_payment
from planner.units import DAYS_PER_YEAR

COLD_DESIGN_C = -10.0
"""Stations in cities with a colder design temperature are counted as in the cold [C]."""


def station_figures(
    instance: Instance,
    stations: pd.DataFrame,
    *,
    vehicles: float,
    packs: float,
    swaps_per_day: float,
) -> dict[str, float]:
    """Outcomes per station of a plan.

    Parameters
    ----------
    instance : Instance
        Station types, plots, climate of the cities, interest and life.
    stations : DataFrame
        The cities' open stations: ``site_id, city_id, station_type_id``.
    vehicles : float
        Swap vehicles of the planning quarter, served or not.
    packs : float
        Packs in these stations then.
    swaps_per_day : float
        Swaps that they serve, mean of the year.

    Returns
    -------
    dict of str to float
        0 where there are no stations, or no swaps.

    Notes
    -----
    Cost of a swap = (a K + O) / (365 swaps a day): K capex of all stations' types and what their
    plots cost, standing ones included as if built anew, O their opex, and a the equal payment for 1
    over ``siting.station_years`` at ``costs.interest_rate``. Packs, energy, and stations between
    cities are left out.
    """
    types = instance.stations.set_index("station_type_id")
    kinds = stations["station_type_id"]
    capex_cny = float(kinds.map(types["capex_cny"]).sum())
    if "site_cost_cny" in instance.sites.columns:
        plots = instance.sites.set_index("site_id")["site_cost_cny"].fillna(0.0)
        capex_cny += float(stations["site_id"].map(plots).sum())
    opex_cny = float(kinds.map(types["opex_cny_per_year"]).sum())
    per_year = swaps_per_day * DAYS_PER_YEAR
    paid = share(yearly_payment(instance) * capex_cny, per_year)
    run = share(opex_cny, per_year)
    design_c = instance.cities.set_index("city_id")["winter_design_c"]
    cold = int((stations["city_id"].map(design_c) < COLD_DESIGN_C).sum())
    return {
        "vehicles_per_station": share(vehicles, len(stations)),
        "packs_per_station": share(packs, len(stations)),
        "cost_per_swap_cny": paid + run,
        "capex_per_swap_cny": paid,
        "opex_per_swap_cny": run,
        "num_stations_below_minus_10c": cold,
        "stations_below_minus_10c_frac": share(cold, len(stations)),
    }
