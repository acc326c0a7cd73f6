"""What stands and who is served period by period, recomputed from the instance's rows by label.

Takes a plan's openings and who serves whom in each period; leaves out whether any limit is kept
(`planner.plans.phase_check`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance, Scenario
from planner.plans.build_limits import build_limits
from planner.plans.derived import Derived
from planner.plans.fleet_rows import FLEET_KEY, station_packs_by_city
from planner.plans.labels import positions_of
from planner.plans.plan import Plan
from planner.plans.question import share
from planner.plans.station_costs import new_money_cny, standing_type_ids, worn_out_sites
from planner.plans.zone_swaps import swaps_by_city, zone_shares
from planner.units import DAYS_PER_MONTH, MONTHS_PER_QUARTER, QUARTERS_PER_YEAR

NONE = -1
"""Stands for the type where no station is."""


@dataclass(frozen=True)
class Stages:
    """Which type stands at each of a plan's stations, period by period.

    Types are rows of the instance's table, `NONE` where no station stands.

    Attributes
    ----------
    site_ids : Series
        Of the plan's stations, in its order.
    site_idx : int array, shape (num_stations,)
        Their rows in the instance's table of sites.
    before : int array, shape (num_stations,)
        What stands before the first period.
    type_idx : int array, shape (num_stations, num_periods)
        A plan without phasing has one period, in which all of them stand.
    first_quarters : tuple of str
        First quarter of each period.
    """

    site_ids: "pd.Series[str]"
    site_idx: IntArray
    before: IntArray
    type_idx: IntArray
    first_quarters: tuple[str, ...]

    @property
    def earlier(self) -> IntArray:
        """What stands in the period before each, shape (num_stations, num_periods)."""
        return np.asarray(np.column_stack([self.before, self.type_idx])[:, :-1])

    @property
    def opens(self) -> IntArray:
        """Period in which each station opens; -1 if it stands before, num_periods if never."""
        stands = np.column_stack([self.before, self.type_idx]) != NONE
        first = stands.argmax(axis=1) - 1
        opens = np.where(stands.any(axis=1), first, self.type_idx.shape[1])
        return np.asarray(opens, dtype=np.int64)

    def in_quarter(self, quarter: str) -> IntArray:
        """What stands in a quarter of the horizon, shape (num_stations,)."""
        begun = sum(first <= quarter for first in self.first_quarters)
        return np.asarray(np.column_stack([self.before, self.type_idx])[:, begun])


def stages_of(instance: Instance, plan: Plan) -> Stages:
    """Follow the openings of a plan, whose labels are known."""
    site_ids, kinds = plan.stations["site_id"], instance.stations["station_type_id"]
    site_idx = positions_of(site_ids, instance.sites["site_id"])
    if not instance.scenario.periods:
        types = positions_of(plan.stations["station_type_id"], kinds)
        return Stages(site_ids, site_idx, types, types[:, None], ("",))
    firsts = tuple(period[0] for period in instance.scenario.periods)
    before = positions_of(site_ids.map(standing_type_ids(instance)), kinds)
    built = np.full((len(site_ids), len(firsts)), NONE)
    built[
        positions_of(plan.openings["site_id"], site_ids),
        positions_of(plan.openings["quarter"], pd.Series(firsts)),
    ] = positions_of(plan.openings["station_type_id"], kinds)
    type_idx, last = np.empty_like(built), before
    for period in range(len(firsts)):
        last = np.where(built[:, period] == NONE, last, built[:, period])
        type_idx[:, period] = last
    return Stages(site_ids, site_idx, before, type_idx, firsts)


def opening_quarters(instance: Instance, stages: Stages) -> "pd.Series[str]":
    """First quarter of the period in which each station opens, by site_id.

    Missing for those that stand before, and without phasing.
    """
    num_periods = len(instance.scenario.periods)
    names = [
        stages.first_quarters[period] if 0 <= period < num_periods else None
        for period in stages.opens
    ]
    return pd.Series(names, index=stages.site_ids, dtype="str")


def quarter_days(quarter: str) -> float:
    """Days of a quarter in a mean year.

    >>> quarter_days("2027Q1")
    90.25
    """
    start = (int(quarter[-1]) - 1) * MONTHS_PER_QUARTER
    return sum(DAYS_PER_MONTH[start : start + MONTHS_PER_QUARTER])


def discount(scenario: Scenario) -> "pd.Series[float]":
    """What counts 1 in the first quarter of phasing, by quarter of phasing.

    (1 + r)^(-k / 4) in the k-th quarter after the first.
    """
    quarters = [quarter for period in scenario.periods for quarter in period]
    years = np.arange(len(quarters)) / QUARTERS_PER_YEAR
    return pd.Series((1 + scenario.phasing.discount_rate) ** -years, index=quarters)


@dataclass(frozen=True)
class _Demand:
    """Swaps by period, shape (num_periods, num_cities, num_segments) each.

    ``asked`` [1/day] and ``peak`` [1/h] are those of a period's last quarter, ``worth`` the
    discounted swaps of all its quarters.
    """

    asked: FloatArray
    peak: FloatArray
    worth: FloatArray


def _demand(
    instance: Instance, derived: Derived, packs: pd.DataFrame, shares: "pd.Series[float]"
) -> _Demand:
    periods = instance.scenario.periods
    quarters = [quarter for period in periods for quarter in period]
    ends = np.cumsum([len(period) for period in periods])
    winter = derived.winter
    default = derived.fleet[derived.fleet["quarter"].isin(quarters)].merge(
        winter[winter["default"]], on=["city_id", "vehicle_id"], validate="m:1"
    )
    key = [default["quarter"], default["city_id"], default["segment"]]
    swaps = default["vehicles"] * default["swaps_per_vehicle_day"]
    asked = swaps_by_city(instance, key, swaps, quarters)
    rows = packs[packs["quarter"].isin(quarters)].merge(
        winter[[*FLEET_KEY, "design_swaps_per_vehicle_day"]], on=FLEET_KEY, validate="m:1"
    )
    in_peak = shares.reindex(pd.MultiIndex.from_frame(rows[["city_id", "segment"]])).to_numpy()
    per_hour = rows["vehicles"] * rows["design_swaps_per_vehicle_day"] * in_peak
    peak = swaps_by_city(
        instance,
        [rows["quarter"], rows["city_id"], rows["segment"]],
        per_hour * instance.scenario.demand.peak_day_factor,
        quarters,
    )
    weight = _weights(instance.scenario).to_numpy()
    worth = np.add.reduceat(asked * weight[:, None, None], np.append(0, ends[:-1]), axis=0)
    return _Demand(asked[ends - 1], peak[ends - 1], worth)


def _weights(scenario: Scenario) -> "pd.Series[float]":
    """Discounted days of each quarter of phasing."""
    factor = discount(scenario)
    return factor.mul(np.array([quarter_days(quarter) for quarter in factor.index]))


def phase_tables(
    instance: Instance,
    plan: Plan,
    stages: Stages,
    derived: Derived,
    packs: pd.DataFrame,
    shares: "pd.Series[float]",
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Figures and tables of a plan over time; none without phasing.

    Parameters
    ----------
    instance : Instance
    plan : Plan
        Its labels are known.
    stages : Stages
        From `stages_of`.
    derived : Derived
    packs : DataFrame
        From `planner.plans.fleet_rows.pack_rows`: packs in use by quarter.
    shares : Series
        From `planner.plans.fleet_rows.peak_shares`.

    Returns
    -------
    kpi : dict of str to float
        ``discounted_swaps, discounted_swaps_served, discounted_served_frac, discounted_capex_cny,
        openings, enlargements``.
    tables : dict of str to DataFrame
        ``phase``: ``quarter`` (first of the period)``, last_quarter, days, weight`` (discounted
        days)``, stations, opened, enlarged, openings_most`` (in the period, or up to it if what is
        left carries over; missing without a limit)``, spent_cny, budget_cny`` (likewise)``,
        discounted_swaps, discounted_swaps_served, swaps_per_day, swaps_per_day_served,
        served_frac``. Swaps per day are those of the last quarter, discounted swaps those of all
        the period's quarters.

        ``city_phase``: ``quarter, city_id, stations, opened, swaps_per_day, swaps_per_day_served,
        served_frac, station_packs`` (in the last quarter).

        ``station_phase``: every station that stands in a period, ``quarter, site_id, city_id,
        station_type_id, swaps_per_day, peak_swaps_per_hour, capacity_swaps_per_hour``.
    """
    periods = instance.scenario.periods
    if not periods:
        return {}, {}
    zone_share = zone_shares(instance).to_numpy()
    zone_city = positions_of(instance.zones["city_id"], instance.cities["city_id"])
    demand = _demand(instance, derived, packs, shares)
    service = _service(instance, plan, stages)
    num_cities, num_stations = len(instance.cities), len(stages.site_idx)
    worth, worth_served = np.zeros(len(periods)), np.zeros(len(periods))
    asked, served = np.zeros((2, len(periods), num_cities))
    loads, swaps = np.zeros((2, len(periods), num_stations))
    for period, (zone, station, part) in enumerate(service):
        per_day, per_hour, counted = (
            np.einsum("zs,zs->z", zone_share, by_city[period][zone_city])
            for by_city in (demand.asked, demand.peak, demand.worth)
        )
        served_frac = np.bincount(zone, part, minlength=len(zone_city))
        asked[period] = np.bincount(zone_city, per_day, minlength=num_cities)
        served[period] = np.bincount(zone_city, per_day * served_frac, minlength=num_cities)
        worth[period], worth_served[period] = counted.sum(), counted @ served_frac
        loads[period] = np.bincount(station, part * per_hour[zone], minlength=num_stations)
        swaps[period] = np.bincount(station, part * per_day[zone], minlength=num_stations)
    by_city = _city_phases(instance, plan, stages, asked, served)
    table = _phases(instance, stages, asked.sum(axis=1), served.sum(axis=1)).assign(
        discounted_swaps=worth, discounted_swaps_served=worth_served
    )
    spent = table["spent_cny"].to_numpy(float)
    kpi = {
        "discounted_swaps": float(worth.sum()),
        "discounted_swaps_served": float(worth_served.sum()),
        "discounted_served_frac": share(float(worth_served.sum()), float(worth.sum())),
        "discounted_capex_cny": float(
            spent @ discount(instance.scenario)[list(stages.first_quarters)].to_numpy(float)
        ),
        "openings": int(table["opened"].sum()),
        "enlargements": int(table["enlarged"].sum()),
    }
    tables = {
        "phase": table,
        "city_phase": by_city,
        "station_phase": _station_phases(instance, plan, stages, loads, swaps),
    }
    return kpi, tables


def _service(
    instance: Instance, plan: Plan, stages: Stages
) -> list[tuple[IntArray, IntArray, FloatArray]]:
    """Zone, station and share of each row of the allocation, period by period."""
    rows = []
    for frame in (plan.phase_allocation, plan.allocation):
        zone = positions_of(frame["zone_id"], instance.zones["zone_id"])
        station = positions_of(frame["site_id"], stages.site_ids)
        rows.append((zone, station, frame["share_frac"].to_numpy(float)))
    period = positions_of(plan.phase_allocation["quarter"], pd.Series(stages.first_quarters))
    (zone, station, part), last = rows
    earlier = [period == number for number in range(len(stages.first_quarters) - 1)]
    return [*((zone[of], station[of], part[of]) for of in earlier), last]


def _phases(
    instance: Instance, stages: Stages, asked: FloatArray, served: FloatArray
) -> pd.DataFrame:
    periods = instance.scenario.periods
    limits, weights = build_limits(instance), _weights(instance.scenario)
    quarters = [list(period) for period in periods]
    return pd.DataFrame(
        {
            "quarter": [period[0] for period in periods],
            "last_quarter": [period[-1] for period in periods],
            "days": [sum(map(quarter_days, period)) for period in periods],
            "weight": [float(weights[period].sum()) for period in quarters],
            "stations": (stages.type_idx != NONE).sum(axis=0),
            "opened": np.bincount(stages.opens + 1, minlength=len(periods) + 2)[1:-1],
            "enlarged": _enlarged(instance, stages),
            "openings_most": np.where(np.isfinite(limits.openings), limits.openings, np.nan),
            "spent_cny": spent_cny(instance, stages),
            "budget_cny": np.where(np.isfinite(limits.budget_cny), limits.budget_cny, np.nan),
            "swaps_per_day": asked,
            "swaps_per_day_served": served,
            "served_frac": np.divide(served, asked, out=np.zeros(len(asked)), where=asked > 0),
        }
    ).astype({"quarter": "str", "last_quarter": "str"})


def spent_cny(instance: Instance, stages: Stages) -> FloatArray:
    """New money for stations in each period, shape (num_periods,) [CNY].

    What the type that stands takes more of new money than the one before it; a station that is
    worn out is rebuilt in the first period.
    """
    cost = new_money_cny(instance)[stages.site_idx]
    padded = np.column_stack([cost, np.zeros(len(cost))])
    rows = np.arange(len(cost))[:, None]
    taken = padded[rows, stages.type_idx]
    return np.asarray(np.diff(taken, axis=1, prepend=0.0).sum(axis=0))


def _enlarged(instance: Instance, stages: Stages) -> IntArray:
    """Stations that get another type in each period, those rebuilt left out."""
    grows = (stages.earlier != NONE) & (stages.earlier != stages.type_idx)
    grows[:, 0] &= ~stages.site_ids.isin(worn_out_sites(instance)).to_numpy()
    return np.asarray(grows.sum(axis=0))


def _city_phases(
    instance: Instance, plan: Plan, stages: Stages, asked: FloatArray, served: FloatArray
) -> pd.DataFrame:
    city_ids, periods = instance.cities["city_id"], instance.scenario.periods
    num_cities = len(city_ids)
    city = positions_of(instance.sites["city_id"], city_ids)[stages.site_idx]
    stands = stages.type_idx != NONE
    opens = stages.opens[:, None] == np.arange(len(periods))
    by_city = [
        np.array([np.bincount(city[each], minlength=num_cities) for each in chosen.T])
        for chosen in (stands, opens)
    ]
    held = station_packs_by_city(instance, plan).groupby(["quarter", "city_id"])["packs"].sum()
    lasts = pd.MultiIndex.from_product([[period[-1] for period in periods], city_ids])
    rows = pd.DataFrame(
        {
            "quarter": np.repeat(list(stages.first_quarters), num_cities),
            "city_id": np.tile(city_ids.to_numpy(object), len(periods)),
            "stations": by_city[0].ravel(),
            "opened": by_city[1].ravel(),
            "swaps_per_day": asked.ravel(),
            "swaps_per_day_served": served.ravel(),
            "served_frac": np.divide(
                served, asked, out=np.zeros_like(asked), where=asked > 0
            ).ravel(),
            "station_packs": held.reindex(lasts).fillna(0).to_numpy(np.int64),
        }
    ).astype({"quarter": "str", "city_id": "str"})
    return rows.sort_values(["quarter", "city_id"], ignore_index=True)


def _station_phases(
    instance: Instance, plan: Plan, stages: Stages, loads: FloatArray, swaps: FloatArray
) -> pd.DataFrame:
    kinds = instance.stations["station_type_id"].to_numpy(object)
    capacity = pd.concat(
        [plan.phase_capacity, plan.capacity.assign(quarter=stages.first_quarters[-1])]
    ).set_index(["quarter", "city_id", "station_type_id"])["swaps_per_hour"]
    period, station = np.nonzero(stages.type_idx.T != NONE)
    rows = pd.DataFrame(
        {
            "quarter": np.array(stages.first_quarters)[period],
            "site_id": stages.site_ids.to_numpy(object)[station],
            "city_id": instance.sites["city_id"].to_numpy(object)[stages.site_idx[station]],
            "station_type_id": kinds[stages.type_idx[station, period]],
            "swaps_per_day": swaps[period, station],
            "peak_swaps_per_hour": loads[period, station],
        }
    ).astype(dict.fromkeys(["quarter", "site_id", "city_id", "station_type_id"], "str"))
    key = pd.MultiIndex.from_frame(rows[["quarter", "city_id", "station_type_id"]])
    rows["capacity_swaps_per_hour"] = capacity.reindex(key).to_numpy(float)
    return rows.sort_values(["quarter", "site_id"], ignore_index=True)
