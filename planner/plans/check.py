"""The independent check: every constraint of the planning problem, on the plan's own labels."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.errors import CheckError
from planner.geodesy import great_circle_km, to_sphere_km
from planner.instance import Instance
from planner.instance.tables import APPLICATIONS, SHUT
from planner.limits import LIMIT_TOLERANCE
from planner.plans.derived import Derived
from planner.plans.evaluate import evaluate_plan
from planner.plans.labels import are_known
from planner.plans.pack_rows import pack_violations
from planner.plans.phase_check import phase_label_violations, phase_violations
from planner.plans.phase_rows import stages_of
from planner.plans.plan import LEAST_MONEY, AuditedTimes, Evaluation, Plan, TripShare
from planner.plans.question import judge_of
from planner.plans.station_costs import closing_cny
from planner.plans.station_packs import station_pack_violations
from planner.plans.station_sizes import size_violations
from planner.plans.supply_rows import BUYER, SOURCE

NO_TRIPS = TripShare()
_TOLERANCE = 1e-6
"""Relative; sums over a million rows in another order differ by less."""


def check_labels(
    instance: Instance,
    plan: Plan,
    audited: AuditedTimes,
    derived: Derived,
    trips: TripShare = NO_TRIPS,
) -> Evaluation:
    """Recompute a plan from the instance's rows and verify every limit.

    Parameters
    ----------
    instance : Instance
        What the plan was made for.
    plan : Plan
        Decisions by label.
    audited : AuditedTimes
        Drive times, recomputed by other code than the plan's.
    derived : Derived
        From `planner.plans.derived.derive`, of the instance.
    trips : TripShare
        What corridor stations take of the siting's limits and add to its objective, recomputed
        likewise (`planner.planning.corridors.check_corridors`).

    Returns
    -------
    Evaluation
        The recomputed figures, that all outputs are written from.

    Raises
    ------
    CheckError
        With every violation found; such a plan is never written.
    """
    violations = list(_labels(instance, plan))
    violations = violations or list(phase_label_violations(instance, plan))
    if not violations:
        evaluation = evaluate_plan(instance, plan, audited, derived)
        violations += _stations(instance, evaluation, trips)
        stages = stages_of(instance, plan)
        violations += phase_violations(instance, plan, stages, evaluation, audited.phase_min)
        violations += station_pack_violations(instance, plan, stages)
        violations += _shares(plan)
        violations += _drive_times(instance, plan, audited.allocation_min)
        violations += _hours(instance, audited)
        violations += pack_violations(instance, plan, evaluation.periods, derived)
        violations += judge_of(instance.scenario.siting.objective).violations(
            instance, evaluation.kpi, audited.station_min, audited.site_min
        )
        violations += _objectives(instance, plan, evaluation, trips)
        if not violations:
            return evaluation
    listed = "\n".join(f"  {violation}" for violation in violations)
    raise CheckError(
        "the plan fails its independent check and was not written; this is a defect of the "
        f"planner, please report it:\n{listed}"
    )


def _labels(instance: Instance, plan: Plan) -> Iterator[str]:
    """Every label known and, where it must be, unique."""
    for frame, column, known in (
        (plan.stations, "site_id", instance.sites["site_id"]),
        (plan.stations, "station_type_id", instance.stations["station_type_id"]),
        (plan.allocation, "zone_id", instance.zones["zone_id"]),
        (plan.allocation, "site_id", plan.stations["site_id"]),
        (plan.packs, "quarter", pd.Series(instance.scenario.quarters)),
        (plan.packs, "city_id", instance.cities["city_id"]),
        (plan.packs, "vehicle_id", instance.vehicles["vehicle_id"]),
        (plan.packs, "pack_id", instance.packs["pack_id"]),
        (plan.pack_flows, "quarter", pd.Series(instance.scenario.quarters)),
        (plan.pack_flows, "city_id", instance.cities["city_id"]),
        (plan.pack_flows, "pack_id", instance.packs["pack_id"]),
        (plan.station_packs, "quarter", pd.Series(instance.scenario.quarters)),
        (plan.station_packs, "pack_id", instance.packs["pack_id"]),
        *((frame, name, known) for frame in (plan.supply_made, plan.supply_flow, plan.buyers)
          for name, known in (("quarter", pd.Series(instance.scenario.quarters)),
                              ("chemistry", instance.packs["chemistry"]))),
        (plan.supply_flow, "application", pd.Series(APPLICATIONS)),
        (plan.capacity, "city_id", instance.cities["city_id"]),
        (plan.capacity, "station_type_id", instance.stations["station_type_id"]),
    ):  # fmt: skip
        unknown = frame[column][~are_known(frame[column], known)]
        if len(unknown):
            yield f"{column} {unknown.iloc[0]} is not known ({len(unknown)} such)"
    for name, frame, key in (
        ("stations", plan.stations, ["site_id"]),
        ("allocation", plan.allocation, ["zone_id", "site_id"]),
        ("packs", plan.packs, ["quarter", "city_id", "vehicle_id", "pack_id"]),
        ("pack_flows", plan.pack_flows, ["quarter", "city_id", "pack_id"]),
        ("station_packs", plan.station_packs, ["quarter", "station_id", "pack_id"]),
        ("capacity", plan.capacity, ["city_id", "station_type_id"]),
        ("supply_made", plan.supply_made, ["quarter", *SOURCE]),
        ("supply_flow", plan.supply_flow, ["quarter", *SOURCE, "application"]),
        ("buyers", plan.buyers, ["quarter", *BUYER]),
        ("packs_per_turning", plan.packs_per_turning, ["quarter", "city_id", "pack_id"]),
    ):
        repeated = int(frame.duplicated(key).sum())
        if repeated:
            yield f"{name}: {repeated} rows repeat the key {', '.join(key)}"


def _stations(instance: Instance, evaluation: Evaluation, trips: TripShare) -> Iterator[str]:
    stations, sites = evaluation.stations, instance.sites
    siting = instance.scenario.siting
    num_open = len(stations) + trips.num_stations
    if siting.num_stations is not None and num_open > siting.num_stations:
        yield f"{num_open} stations are open, the budget is {siting.num_stations}"
    spent_cny = stations["capex_cny"].sum() + closing_cny(instance) + trips.capex_cny
    if siting.budget_cny is not None and spent_cny > siting.budget_cny * (1 + LIMIT_TOLERANCE):
        yield f"the stations cost {spent_cny:,.0f} CNY, the budget is {siting.budget_cny:,.0f}"
    yield from _city_limits(instance, evaluation)
    yield from _spacing(instance, stations)
    must = sites.loc[sites["status"].isin(["existing", "committed"]), "site_id"]
    for site_id in must[~must.isin(stations["site_id"])]:
        yield f"site {site_id} is existing or committed but not open"
    for status in SHUT:
        for site_id in stations.loc[stations["site_status"] == status, "site_id"]:
            yield f"site {site_id} is {status} but open"
    yield from size_violations(instance, stations)
    limit = stations["capacity_swaps_per_hour"] * (1 + _TOLERANCE) + _TOLERANCE
    for row in stations[~(stations["peak_swaps_per_hour"] <= limit)].itertuples():
        yield (
            f"station {row.site_id} has a load of {row.peak_swaps_per_hour:.3f} swaps per hour, "
            f"its capacity is {row.capacity_swaps_per_hour:.3f}"
        )


def _city_limits(instance: Instance, evaluation: Evaluation) -> Iterator[str]:
    built = evaluation.cities.set_index("city_id")["num_stations"]
    for column, sign in (("min_stations", 1), ("max_stations", -1)):
        if column in instance.cities.columns:
            limit = instance.cities.set_index("city_id")[column]
            for city_id in limit.index[sign * (limit - built.reindex(limit.index)) > 0]:
                yield f"city {city_id} has {built[city_id]} stations, {column} {limit[city_id]}"


def _spacing(instance: Instance, stations: pd.DataFrame) -> Iterator[str]:
    """Stations nearer to each other than the least spacing, unless both stand anyway."""
    least_km = instance.scenario.siting.min_spacing_km
    if least_km is None or len(stations) < 2:
        return
    placed = instance.sites.set_index("site_id").loc[stations["site_id"]]
    lon, lat = placed["lon"].to_numpy(float), placed["lat"].to_numpy(float)
    is_new = ~placed["status"].isin(["existing", "committed"]).to_numpy()
    near = KDTree(to_sphere_km(lon, lat)).query_pairs(least_km, output_type="ndarray")
    near = near[is_new[near].any(axis=1)]
    apart_km = great_circle_km(lon[near[:, 0]], lat[near[:, 0]], lon[near[:, 1]], lat[near[:, 1]])
    for row in np.flatnonzero(apart_km < least_km * (1 - LIMIT_TOLERANCE)):
        one, other = placed.index[near[row]]
        yield (
            f"stations {one} and {other} are {apart_km[row]:.3f} km apart, "
            f"min_spacing_km is {least_km:g}"
        )


def _shares(plan: Plan) -> Iterator[str]:
    share = plan.allocation["share_frac"]
    if not ((share > 0) & (share <= 1 + 1e-9)).all():
        yield "a share of the allocation lies outside (0, 1]"
    by_zone = share.groupby(plan.allocation["zone_id"]).sum()
    for zone_id in by_zone[by_zone > 1 + 1e-9].index:
        yield f"zone {zone_id} is served more than once"


def _drive_times(instance: Instance, plan: Plan, audited: np.ndarray) -> Iterator[str]:
    standard = instance.scenario.siting.drive_time_min
    stated = plan.allocation["drive_min"].to_numpy(float)
    if audited.shape != stated.shape:
        yield f"{len(audited)} drive times were audited for {len(stated)} rows of the allocation"
        return
    wrong = ~(np.abs(audited - stated) <= 1e-6 * standard)
    for row in np.flatnonzero(wrong)[:5]:
        zone_id = plan.allocation["zone_id"].iloc[row]
        yield f"zone {zone_id}: drive time stated {stated[row]:.6f} min, audited {audited[row]:.6f}"
    if wrong.sum() > 5:
        yield f"and {wrong.sum() - 5} more drive times differ"
    late = int((audited > standard * (1 + LIMIT_TOLERANCE)).sum())
    if late:
        yield f"{late} zones are served from beyond the standard of {standard:g} min"


def _hours(instance: Instance, audited: AuditedTimes) -> Iterator[str]:
    """The planning hour's reach is the one planned with, and the peak reaches no farther."""
    planned = instance.scenario.network.planning_hour
    by_hour, slack = audited.hour_min, _TOLERANCE * instance.scenario.siting.drive_time_min
    nearest_min = audited.station_min[:, 0]
    same = np.isclose(by_hour[planned], nearest_min, rtol=0, atol=slack)
    if not same.all():
        yield f"{(~same).sum()} zones are not as far from a station as at the {planned} hour"
    nearer = by_hour["peak"] < by_hour["mean"] - slack
    if nearer.any():
        yield f"{nearer.sum()} zones are nearer to a station at the peak than at the mean hour"


def _objectives(
    instance: Instance, plan: Plan, evaluation: Evaluation, trips: TripShare
) -> Iterator[str]:
    siting, question = plan.models[0], instance.scenario.siting.objective
    expected = judge_of(question).measure(instance.scenario)
    if (siting.sense, siting.unit) != (expected.sense, expected.unit):
        yield (
            f"the siting's objective is {siting.sense} {siting.unit}, {question} asks for "
            f"{expected.sense} {expected.unit}"
        )
    name = expected.figure
    found = evaluation.kpi[name] + trips.swaps_per_day
    if not abs(found - siting.objective) <= _TOLERANCE * max(1.0, abs(found)):
        yield f"{name} is {found:.6f}, the plan states {siting.objective:.6f}"
    packs = plan.models[1]
    if abs(evaluation.pack_cost_cny - packs.objective) > _TOLERANCE * max(1.0, packs.objective):
        yield (
            f"the packs cost {evaluation.pack_cost_cny:.2f} CNY, the plan states "
            f"{packs.objective:.2f}"
        )
    for model in plan.models:
        spent = evaluation.kpi["capex_cny"]
        differs = abs(spent - model.objective) > _TOLERANCE * max(1.0, spent)
        if model.name == LEAST_MONEY and differs:
            yield f"the stations cost {spent:.2f} CNY, the plan states {model.objective:.2f}"
        slack = _TOLERANCE * max(1.0, abs(model.bound))
        better = model.objective - model.bound
        if (better if model.sense == "max" else -better) > slack:
            yield (
                f"model {model.name}: the objective {model.objective:.6f} is better than its "
                f"bound {model.bound:.6f}"
            )
