"""A plan: what the models decided, by label; and what an evaluation of it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEAST_MONEY = "least_money"
"""The second level of the siting: what equal plans take of money."""
PHASED_MONEY = "phased_money"
"""Discounted money that openings over time take, where that is to be least."""
EARLIEST_SHARE = "earliest_share"
"""Number of the period in which a wanted share is served, counted from 1."""
SHARE_UNIT = "share of swaps"


_SOURCE = ["quarter", "chemistry", "supplier", "plant", "made_for", "kind"]
_BUYER = ["quarter", "buyer", "market", "application", "chemistry", "basis"]


def share_model(quarter: str) -> str:
    """Name of what is said of the share that any plan serves in the period of a first quarter."""
    return f"share_{quarter}"


@dataclass(frozen=True)
class ModelResult:
    """How far one model got.

    Attributes
    ----------
    name : str
        E.g. ``siting``.
    sense : str
        ``max`` or ``min``.
    unit : str
        Unit of objective and bound.
    status : str
        OPTIMAL, FEASIBLE, ... (`planner.solving.Status`).
    objective, bound : float
        Value of the plan, and what no plan can better.
    gap_frac : float
        Share of the bound that objective and bound are apart.
    wall_s : float
        Seconds spent.
    prices : mapping of name to number
        Duals worth knowing: what one more unit of something scarce would bring.
    """

    name: str
    sense: str
    unit: str
    status: str
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    prices: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The decisions, by label.

    Attributes
    ----------
    stations : DataFrame
        One row per open station: ``site_id``, ``station_type_id``.
    allocation : DataFrame
        One row per zone and station that serves it, whole or in part: ``zone_id``,
        ``site_id``, ``share_frac`` in (0, 1], ``drive_min``.
    packs : DataFrame
        One row per quarter, city, vehicle class and pack in use: ``quarter``, ``city_id``,
        ``vehicle_id``, ``pack_id``, ``vehicles``. Vehicles are amounts, not rounded: a plan of
        quarters for a hundred cities knows no single car.
    pack_flows : DataFrame
        One row per quarter, city and pack that stands, comes or goes there: ``quarter``,
        ``city_id``, ``pack_id``, ``stock`` (during the quarter), ``delivered``, ``retired``,
        ``moved_in``, ``moved_out`` (at its beginning).
    station_packs : DataFrame
        Whole packs that stations hold: ``quarter``, ``station_id`` (a site, or a corridor
        station), ``pack_id``, ``packs`` (> 0).
    capacity : DataFrame
        Swaps in the peak hour that a station type can do in a city: ``city_id``,
        ``station_type_id``, ``swaps_per_hour``.
    station_prices : DataFrame
        What the packs are priced with, one row per city: ``city_id``, ``capacity_cny`` (price of
        a swap in the design hour, per day).
    packs_per_turning : DataFrame
        Likewise, one row per quarter, city and pack: ``quarter``, ``city_id``, ``pack_id``,
        ``in_city``, ``on_road``: packs that stations hold per pack that all swaps of the design
        hour keep in its turn.
    models : tuple of ModelResult
        The siting model first: its objective stands first in every output.
    road_use : DataFrame
        Energy between the cities that the packs were planned for: ``city_id, vehicle_id,
        road_kwh_per_day`` (from corridor stations, per vehicle); empty without corridors.
    corridor_stations : DataFrame
        One row per open corridor station: ``corridor_station_id, station_type_id``; empty without
        corridors.
    openings : DataFrame
        When stations are built: a row per station and period in which it opens or grows,
        ``site_id, quarter`` (first of the period), ``station_type_id`` (what stands from then
        on); none for stations that stand as they were. Empty without phasing.
    supply_made : DataFrame
        Energy that sources of cells make: ``quarter, chemistry, supplier, plant, made_for`` (the
        only use of its cells; empty: any), ``kind, gwh``.
    supply_flow : DataFrame
        Energy taken from them for each use: the same columns and ``application``. Empty where
        supply is not limited.
    buyers : DataFrame
        Who else asks for cells, and gets them: ``quarter, buyer, market, application, chemistry,
        basis, served_gwh``.
    phase_allocation : DataFrame
        ``allocation`` of each period but the last, with ``quarter`` (first of the period). Empty
        without phasing.
    phase_capacity : DataFrame
        ``capacity`` of each period but the last, with ``quarter``. Empty without phasing.
    """

    stations: pd.DataFrame
    allocation: pd.DataFrame
    packs: pd.DataFrame
    pack_flows: pd.DataFrame
    station_packs: pd.DataFrame
    capacity: pd.DataFrame
    station_prices: pd.DataFrame
    packs_per_turning: pd.DataFrame
    models: tuple[ModelResult, ...]
    road_use: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["city_id", "vehicle_id", "road_kwh_per_day"])
    )
    corridor_stations: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["corridor_station_id", "station_type_id"])
    )
    openings: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["site_id", "quarter", "station_type_id"])
    )
    supply_made: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*_SOURCE, "gwh"]).astype({"gwh": float})
    )
    supply_flow: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*_SOURCE, "application", "gwh"]).astype(
            {"gwh": float}
        )
    )
    buyers: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*_BUYER, "served_gwh"]).astype(
            {"served_gwh": float}
        )
    )
    phase_allocation: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            columns=["quarter", "zone_id", "site_id", "share_frac", "drive_min"]
        )
    )
    phase_capacity: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            columns=["quarter", "city_id", "station_type_id", "swaps_per_hour"]
        )
    )


@dataclass(frozen=True)
class TripShare:
    """What corridor stations take of the siting's limits, and add to its objective.

    Attributes
    ----------
    num_stations : int
    capex_cny : float
    swaps_per_day : float
        Weighted as the siting's objective counts them.
    """

    num_stations: int = 0
    capex_cny: float = 0.0
    swaps_per_day: float = 0.0


@dataclass(frozen=True)
class AuditedTimes:
    """Drive times of a plan, recomputed by other code than the plan's (`planner.network`) [min].

    Attributes
    ----------
    allocation_min : ndarray, shape (num_allocation_rows,)
        Of each row of ``plan.allocation``.
    station_min : ndarray, shape (num_zones, n)
        From each zone, in the order of the instance's rows, to the nearest open station, the
        second nearest and so on; inf where there is none within the standard. Of several only
        where a zone is to have several.
    site_min : ndarray, shape (num_zones, n)
        The same to the nearest sites that may hold a station; n = 0 where nothing asks for it.
    hour_min : mapping of hour to ndarray, shape (num_zones,)
        From each zone to the nearest open station at the ``peak`` and at the ``mean`` hour,
        whichever is planned for; inf where there is none within the standard.
    phase_min : ndarray, shape (num_phase_allocation_rows,)
        Of each row of ``plan.phase_allocation``.
    """

    allocation_min: NDArray[np.float64]
    station_min: NDArray[np.float64]
    site_min: NDArray[np.float64]
    hour_min: Mapping[str, NDArray[np.float64]]
    phase_min: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Evaluation:
    """A plan's figures, recomputed from the instance's own rows by `check_plan`.

    Attributes
    ----------
    kpi : mapping of name to number
        Names end in their unit.
    stations : DataFrame, sorted by site_id
        ``site_id, city_id, lon, lat, kind, site_status, station_type_id, bays, grid_kw,
        num_zones, car_owning_households, swaps_per_day, peak_swaps_per_hour,
        capacity_swaps_per_hour, utilisation_frac, mean_drive_min, capex_cny`` (new money),
        ``construction`` (new, enlarged, rebuilt, none), ``opening_quarter`` (first of the period in
        which it opens; missing without phasing, and where one stood), ``standing_type_id, opened,
        standing_packs`` (missing where none stood).
    zones : DataFrame, sorted by zone_id
        ``zone_id, city_id, county_id (if the instance has it), lon, lat,
        car_owning_households, swaps_per_day, peak_swaps_per_hour, is_near, nearest_min (to the
        nearest station; NaN if none is within the standard), is_served (in part at least),
        served_frac, site_id (of the largest share; missing if not served), drive_min (mean over
        shares; NaN if not served)``.
    cities : DataFrame, sorted by city_id
        ``city_id, name_en, name_zh (if the instance has it), province, market, lon, lat,
        winter_design_c, coldest_mean_c, hottest_mean_c (means of the city's coldest and hottest
        month), vehicles, num_stations, num_bays, car_owning_households, households_served_frac,
        households_near_frac, swaps_per_day, swaps_served_frac, vehicles_<chemistry>,
        vehicles_without_pack, sodium_ion_frac, design_range_<pack_id>_km`` (range on the winter
        design day, mean over the city's vehicle classes that take the pack).
    packs : DataFrame
        Of the planning quarter: ``city_id, vehicle_id, segment, pack_id, chemistry, vehicles,
        station_packs, energy_kwh, swaps_per_vehicle_day, design_swaps_per_vehicle_day,
        design_range_km``.
    periods : DataFrame
        Packs in use in every quarter, from `planner.plans.fleet_rows.pack_rows`.
    tables : mapping of name to DataFrame
        Plain tables: ``city_quarter`` (vehicles, packs by chemistry, what comes and goes),
        ``city_month`` (climate and range), ``station_hour`` (load of the winter design day; only
        if the instance has hours); with phasing ``phase``, ``city_phase`` and ``station_phase``
        (`planner.plans.phase_rows.phase_tables`).
    pack_cost_cny : float
        Cost of the packs over all quarters, as the assignment counts it.
    """

    kpi: Mapping[str, float]
    stations: pd.DataFrame
    zones: pd.DataFrame
    cities: pd.DataFrame
    packs: pd.DataFrame
    periods: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    pack_cost_cny: float
