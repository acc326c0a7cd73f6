"""The day that stations serve, row by row: who comes for which pack, and what a station has.

Made from a plan's labels and the rates of `planner.plans.fleet_rows`; a simulation or a closed form
needs no more than these tables and the whole packs of each station.
"""

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import HOLIDAY, SEGMENTS, WORKDAY, Instance
from planner.plans.fleet_rows import FLEET_KEY, bay_columns, hour_shares
from planner.units import DAYS_PER_MONTH, HOURS_PER_DAY, SECONDS_PER_HOUR

WINTER_DAYS = ("winter_peak", "winter_design")
"""Each city's coldest design day, with the busiest day's swaps and with the mean day's."""
MEAN_DAYS = ("holiday", "mean")
"""A mean day of the year, with the busiest day's swaps and with the mean day's."""
BUSY_DAYS = (WINTER_DAYS[0], MEAN_DAYS[0])
"""Days with the busiest day's swaps, at the hours of a holiday."""
USUAL_DAYS = (WINTER_DAYS[1], MEAN_DAYS[1])
"""The others, workdays."""
ALL_DAYS = (*WINTER_DAYS, *MEAN_DAYS)
FIRST_PEAK_HOUR = 7
"""Where no hours are known, the day's swaps begin to come at the peak rate at 7:00."""
SEASONS = ("winter", "summer")

_ROAD_KEY = ["season", "corridor_station_id", "vehicle_id", "pack_id"]


def service_tables(
    instance: Instance,
    rates: pd.DataFrame,
    winter: pd.DataFrame,
    packs: pd.DataFrame,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    next_stations: pd.DataFrame,
    corridor_stations: pd.DataFrame | None = None,
    corridor_swaps: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """The tables that a simulated day is read from, beside the stations' packs.

    Parameters
    ----------
    instance : Instance
        Hours, station types and settings.
    rates, winter : DataFrame
        From `planner.plans.fleet_rows.fleet_rates` and `winter_rates`.
    packs : DataFrame
        The planning quarter's: ``city_id, vehicle_id, pack_id, vehicles``.
    zones : DataFrame
        ``city_id, peak_swaps_per_hour``, of every zone.
    stations : DataFrame
        The cities' open stations: ``site_id, city_id, station_type_id, peak_swaps_per_hour``.
    next_stations : DataFrame
        Nearest other station of the same city: ``station_id, next_station_id, next_min``.
    corridor_stations, corridor_swaps : DataFrame, optional
        ``corridor_station_id, near_city_id, station_type_id``, and the table
        ``corridor_station_packs``.

    Returns
    -------
    dict of str to DataFrame
        ``station_service``, ``mix_hour`` and ``mix_turn``, as `station_service`, `mix_hours` and
        `mix_turns` give them, corridor stations behind those of cities; and ``pack_type``:
        ``pack_id, chemistry, envelope, nominal_kwh``. Only where some vehicle class has a
        ``day_spread_frac`` also ``mix_spread``, as `mix_spread` gives it.
    """
    hours = [mix_hours(instance, rates, winter, packs)]
    spread = [
        mix_spread(
            instance, packs, lambda rows: mix_hours(instance, rates, winter, rows, USUAL_DAYS)
        )
    ]
    turns = [mix_turns(instance, rates, winter, packs)]
    service = [station_service(instance, zones, stations, next_stations)]
    if corridor_stations is not None and corridor_swaps is not None and len(corridor_stations):
        hours.append(road_mix_hours(instance, corridor_swaps))
        spread.append(
            mix_spread(
                instance, corridor_swaps, lambda rows: road_mix_hours(instance, rows, USUAL_DAYS)
            )
        )
        turns.append(road_mix_turns(instance, rates, winter, corridor_stations, corridor_swaps))
        service.append(_road_service(instance, corridor_stations))
    spread = [each for each in spread if len(each)]
    return {
        **({"mix_spread": pd.concat(spread, ignore_index=True)} if spread else {}),
        "station_service": pd.concat(service, ignore_index=True),
        "mix_hour": pd.concat(hours, ignore_index=True),
        "mix_turn": pd.concat(turns, ignore_index=True),
        # Drivers are drawn type by type: the order of the rows of packs must not change them.
        "pack_type": instance.packs[
            ["pack_id", "chemistry", "envelope", "nominal_kwh"]
        ].sort_values("pack_id", ignore_index=True),
    }


def day_shares(instance: Instance, day_kind: str) -> pd.DataFrame:
    """Share of a segment's swaps in each hour of a kind of day that adds up.

    Index segment, columns 0 to 23. Those of the table of hours. Without it planning counts every
    hour as the peak hour, which is more than the day has: here the day's swaps come at the peak
    rate from 7:00 on until they are done, in whole hours and a rest, beyond midnight if need be.
    """
    if len(instance.hour_profile):
        return hour_shares(instance, day_kind)
    share = instance.scenario.demand.peak_hour_frac
    left = 1.0 - share * np.arange(HOURS_PER_DAY)
    by_hour = np.roll(np.clip(left, 0.0, share), FIRST_PEAK_HOUR)
    return pd.DataFrame([by_hour] * len(SEGMENTS), list(SEGMENTS), range(HOURS_PER_DAY))


def mix_hours(
    instance: Instance,
    rates: pd.DataFrame,
    winter: pd.DataFrame,
    packs: pd.DataFrame,
    days: Collection[str] = ALL_DAYS,
) -> pd.DataFrame:
    """Swaps of each city by day, hour and pack, of all its vehicles whether served or not.

    Parameters
    ----------
    instance, rates, winter, packs
        As of `service_tables`.
    days : collection of str
        Which of the days are asked for.

    Returns
    -------
    DataFrame
        ``day, mix_id`` (the city)``, hour, pack_id, swaps_per_hour``; packs that nobody comes for
        have no rows. Days: ``winter_peak`` is the city's coldest design day with
        ``demand.peak_day_factor``, ``winter_design`` the same without it; ``mean`` a mean day of
        the year, ``holiday`` that with the factor. Days with the factor have a holiday's hours,
        the others a workday's.

    Notes
    -----
    lambda_kh = f sum_v n_vk s_vk w_vh over vehicle classes v with n_vk vehicles on pack k, s_vk
    swaps per vehicle and day, the share w_vh of the class's hours, and the day's factor f.
    """
    factor = instance.scenario.demand.peak_day_factor
    vehicles = packs[[*FLEET_KEY, "vehicles"]]
    parts = []
    for alike, column in (
        (WINTER_DAYS, "design_swaps_per_vehicle_day"),
        (MEAN_DAYS, "swaps_per_vehicle_day"),
    ):
        rows = vehicles.merge(winter, on=FLEET_KEY, validate="1:1")
        swaps = rows[["city_id", "segment", "pack_id"]].assign(
            swaps_per_day=rows["vehicles"] * rows[column]
        )
        wanted = [day for day in alike if day in days]
        parts += _days(instance, wanted, swaps, "city_id", factor)
    return _mix_hours(parts)


def road_mix_hours(
    instance: Instance, corridor_swaps: pd.DataFrame, days: Collection[str] = ALL_DAYS
) -> pd.DataFrame:
    """`mix_hours` of corridor stations, each a mix of its own.

    Parameters
    ----------
    instance : Instance
        Hours, vehicles and ``corridors``.
    corridor_swaps : DataFrame
        The table ``corridor_station_packs``: ``season, corridor_station_id, vehicle_id, pack_id,
        swaps_per_day`` on a mean day of the season.
    days : collection of str
        As of `mix_hours`.

    Returns
    -------
    DataFrame
        As `mix_hours`. The winter days are winter's, the others both seasons' at
        ``corridors.winter_weight``; ``winter_peak`` and ``holiday`` have
        ``corridors.holiday_factor``. Hours are those of the segments that travel.
    """
    settings = instance.scenario.corridors
    segment = instance.vehicles.set_index("vehicle_id")["segment"]
    parts = []
    for alike, swaps in _swaps_by_days(instance, corridor_swaps):
        rows = swaps.assign(segment=swaps["vehicle_id"].map(segment))
        wanted = [day for day in alike if day in days]
        parts += _days(instance, wanted, rows, "corridor_station_id", settings.holiday_factor)
    return _mix_hours(parts)


def mix_spread(
    instance: Instance, rows: pd.DataFrame, hours_of: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """The part of mixes that has a good or a bad day as a whole, by segment and spread.

    Parameters
    ----------
    instance : Instance
        ``day_spread_frac`` of its vehicle classes.
    rows : DataFrame
        What mixes are made of, with ``vehicle_id``.
    hours_of : callable
        Makes those of `USUAL_DAYS`, as `mix_hours`, of some of the rows.

    Returns
    -------
    DataFrame
        ``day, mix_id, hour, pack_id, segment, day_spread_frac, swaps_per_hour``: the swaps of the
        segment's classes with that spread, contained in the mix. Days with the busiest day's swaps
        have none: such a day is an extreme already.
    """
    vehicles = instance.vehicles
    columns = ["day", "mix_id", "hour", "pack_id", "segment", "day_spread_frac", "swaps_per_hour"]
    parts = []
    if "day_spread_frac" in vehicles:
        spreading = vehicles[vehicles["day_spread_frac"] > 0]
        for key, classes in spreading.groupby(["segment", "day_spread_frac"]):
            of_classes = rows[rows["vehicle_id"].isin(classes["vehicle_id"])]
            if of_classes.empty:
                continue
            of_part = pd.DataFrame([key], columns=["segment", "day_spread_frac"])
            parts.append(hours_of(of_classes).merge(of_part, how="cross"))
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def _days(
    instance: Instance, days: Sequence[str], swaps: pd.DataFrame, mix: str, factor: float
) -> list[pd.DataFrame]:
    """Rows of `mix_hours` for each of some days with the same swaps but for the busy factor."""
    parts = []
    for day in days:
        is_busy = day in BUSY_DAYS
        shares = day_shares(instance, HOLIDAY if is_busy else WORKDAY)
        hours = _by_hour(swaps, mix, shares)
        busy = factor if is_busy else 1.0
        parts.append(hours.assign(day=day, swaps_per_hour=hours["swaps_per_hour"] * busy))
    return parts


def _by_hour(swaps: pd.DataFrame, mix: str, shares: pd.DataFrame) -> pd.DataFrame:
    """``mix_id, pack_id, hour, swaps_per_hour`` of ``<mix>, segment, pack_id, swaps_per_day``."""
    by_segment = (
        swaps[swaps["swaps_per_day"] > 0]
        .groupby([mix, "pack_id", "segment"])["swaps_per_day"]
        .sum()
        .unstack("segment")
        .reindex(columns=shares.index)
        .fillna(0.0)
    )
    by_hour = by_segment.dot(shares).rename_axis(["mix_id", "pack_id"])
    return by_hour.reset_index().melt(
        ["mix_id", "pack_id"], var_name="hour", value_name="swaps_per_hour"
    )


def _mix_hours(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["day", "mix_id", "hour", "pack_id", "swaps_per_hour"]
    rows = pd.concat(parts)[columns].astype({"hour": np.int64})
    return rows.sort_values(columns[:-1], ignore_index=True)


def _swaps_by_days(
    instance: Instance, corridor_swaps: pd.DataFrame
) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """Swaps a day before the holiday's factor, for the winter days and for the mean ones."""
    weight = instance.scenario.corridors.winter_weight
    winter = corridor_swaps[corridor_swaps["season"] == SEASONS[0]]
    weights = corridor_swaps["season"].map(dict(zip(SEASONS, (weight, 1 - weight), strict=True)))
    mean = (
        (corridor_swaps["swaps_per_day"] * weights)
        .groupby([corridor_swaps[name] for name in _ROAD_KEY[1:]])
        .sum()
        .reset_index(name="swaps_per_day")
    )
    return [(WINTER_DAYS, winter[[*_ROAD_KEY[1:], "swaps_per_day"]]), (MEAN_DAYS, mean)]


def mix_turns(
    instance: Instance, rates: pd.DataFrame, winter: pd.DataFrame, packs: pd.DataFrame
) -> pd.DataFrame:
    """A pack's stay in a bay by day, city, station type and pack: mean over the city's swaps.

    Parameters
    ----------
    instance, rates, winter, packs
        As of `service_tables`.

    Returns
    -------
    DataFrame
        ``day, mix_id, station_type_id, pack_id, heat_h, heat_kw, charge_h, charge_kw``, powers at
        the grid. ``heat_h heat_kw + charge_h charge_kw`` is the mean energy that a turn draws.
        The winter days have the coldest design day's turns, the others the mean over all months'
        design days: as nothing else is known of a month's turns, somewhat too long.
    """
    vehicles = packs[[*FLEET_KEY, "vehicles"]]
    cold = vehicles.merge(winter, on=FLEET_KEY, validate="1:1")
    cold = cold.assign(swaps=cold["vehicles"] * cold["design_swaps_per_vehicle_day"])
    months = vehicles.merge(rates, on=FLEET_KEY, validate="1:m")
    days = months["month"].map(dict(enumerate(DAYS_PER_MONTH, start=1)))
    months = months.assign(swaps=months["vehicles"] * months["swaps_per_vehicle_day"] * days)
    types = instance.stations["station_type_id"].tolist()
    return _mean_turns(instance, [(WINTER_DAYS, cold), (MEAN_DAYS, months)], "city_id", types)


def road_mix_turns(
    instance: Instance,
    rates: pd.DataFrame,
    winter: pd.DataFrame,
    corridor_stations: pd.DataFrame,
    corridor_swaps: pd.DataFrame,
) -> pd.DataFrame:
    """`mix_turns` of corridor stations: those of the nearest city, at the station's own mix.

    Parameters
    ----------
    instance, rates, winter, corridor_stations, corridor_swaps
        As of `service_tables`.

    Returns
    -------
    DataFrame
        As `mix_turns`.
    """
    near = corridor_stations.set_index("corridor_station_id")["near_city_id"]
    on_winter, on_mean = (
        swaps.assign(city_id=swaps["corridor_station_id"].map(near))
        for _, swaps in _swaps_by_days(instance, corridor_swaps)
    )
    cold = on_winter.merge(winter, on=FLEET_KEY, validate="m:1")
    months = on_mean.merge(rates, on=FLEET_KEY, validate="m:m")
    of_month = months["month"].map(dict(enumerate(DAYS_PER_MONTH, start=1)))
    day_rows = [
        (WINTER_DAYS, cold.assign(swaps=cold["swaps_per_day"])),
        (MEAN_DAYS, months.assign(swaps=months["swaps_per_day"] * of_month)),
    ]
    types = corridor_stations["station_type_id"].unique().tolist()
    return _mean_turns(instance, day_rows, "corridor_station_id", types)


def _mean_turns(
    instance: Instance,
    day_rows: Sequence[tuple[tuple[str, ...], pd.DataFrame]],
    mix: str,
    station_type_ids: list[str],
) -> pd.DataFrame:
    """Means of `bay_columns` over rows, weighted by ``swaps``."""
    parts = []
    for days, rows in day_rows:
        rows = rows[rows["swaps"] > 0]
        key = [rows[mix].rename("mix_id"), rows["pack_id"]]
        for type_id in station_type_ids:
            heat_h, charge_h, charge_kw = (
                rows[name].to_numpy(float) for name in bay_columns(type_id)
            )
            sums = (
                pd.DataFrame(
                    {"heat_h": heat_h, "charge_h": charge_h, "charge_kwh": charge_h * charge_kw},
                    index=rows.index,
                )
                .mul(rows["swaps"], axis=0)
                .groupby(key)
                .sum()
            )
            mean = sums.div(rows["swaps"].groupby(key).sum(), axis=0).reset_index()
            mean = mean.assign(
                station_type_id=type_id,
                heat_kw=instance.scenario.physics.bay_heater_kw,
                charge_kw=mean["charge_kwh"] / mean["charge_h"],
            )
            parts += [mean.assign(day=day) for day in days]
    key_columns = ["day", "mix_id", "station_type_id", "pack_id"]
    columns = [*key_columns, "heat_h", "heat_kw", "charge_h", "charge_kw"]
    return pd.concat(parts)[columns].sort_values(key_columns, ignore_index=True)


def station_service(
    instance: Instance,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    next_stations: pd.DataFrame,
) -> pd.DataFrame:
    """What each station in a city has, and which share of its city's swaps comes there.

    Parameters
    ----------
    instance, zones, stations, next_stations
        As of `service_tables`.

    Returns
    -------
    DataFrame
        ``station_id, mix_id, city_id, station_type_id, bays, lane_s, grid_kw, handling_h,
        share_frac, next_station_id, next_min`` (both missing where there is none), in the order of
        ``stations``. ``share_frac`` is the station's part of its city's peak load, the swaps that
        no station serves included.
    """
    total = zones.groupby("city_id")["peak_swaps_per_hour"].sum()
    peak = stations["peak_swaps_per_hour"].to_numpy(float)
    of_city = stations["city_id"].map(total).fillna(0.0).to_numpy(float)
    onward = next_stations.set_index("station_id").reindex(stations["site_id"])
    return _with_types(
        instance,
        pd.DataFrame(
            {
                "station_id": stations["site_id"].to_numpy(),
                "mix_id": stations["city_id"].to_numpy(),
                "city_id": stations["city_id"].to_numpy(),
                "station_type_id": stations["station_type_id"].to_numpy(),
                "share_frac": np.divide(peak, of_city, out=np.zeros_like(peak), where=of_city > 0),
                "next_station_id": onward["next_station_id"].to_numpy(object),
                "next_min": onward["next_min"].to_numpy(float),
            }
        ),
    )


def _road_service(instance: Instance, corridor_stations: pd.DataFrame) -> pd.DataFrame:
    """Corridor stations have all of a mix of their own, and no other to go on to."""
    names = corridor_stations["corridor_station_id"].to_numpy()
    return _with_types(
        instance,
        pd.DataFrame(
            {
                "station_id": names,
                "mix_id": names,
                "city_id": None,
                "station_type_id": corridor_stations["station_type_id"].to_numpy(),
                "share_frac": 1.0,
                "next_station_id": None,
                "next_min": math.nan,
            }
        ),
    )


def _with_types(instance: Instance, rows: pd.DataFrame) -> pd.DataFrame:
    """Add what the station type says, in the order of the table's columns."""
    types = instance.stations.set_index("station_type_id").loc[rows["station_type_id"]]
    rows = rows.assign(
        bays=types["bays"].to_numpy(np.int64),
        lane_s=lane_s(types),
        grid_kw=types["grid_kw"].to_numpy(float),
        handling_h=types["handling_s"].to_numpy(float) / SECONDS_PER_HOUR,
    )
    texts = ["station_id", "mix_id", "city_id", "station_type_id", "next_station_id"]
    columns = ["station_id", "mix_id", "city_id", "station_type_id", "bays", "lane_s", "grid_kw",
               "handling_h", "share_frac", "next_station_id", "next_min"]  # fmt: skip
    return rows[columns].astype(dict.fromkeys(texts, "str"))


def lane_s(stations: pd.DataFrame) -> FloatArray:
    """Time for which a vehicle keeps the lane, of rows of the table of station types [s].

    Returns
    -------
    ndarray, shape (num_rows,)
        ``lane_s``, or ``seconds_per_swap`` where the table has no such column.
    """
    column = "lane_s" if "lane_s" in stations.columns else "seconds_per_swap"
    return stations[column].to_numpy(float)
