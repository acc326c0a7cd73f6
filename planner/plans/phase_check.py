"""Every rule on a plan over time, on its own labels: openings, rates, money, loads, service."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.limits import LIMIT_TOLERANCE
from planner.plans.build_limits import build_limits
from planner.plans.labels import positions_of
from planner.plans.phase_rows import NONE, Stages, spent_cny
from planner.plans.phase_targets import target_violations
from planner.plans.plan import Evaluation, Plan
from planner.plans.station_costs import standing_type_ids, worn_out_sites
from planner.plans.station_sizes import size_violations

_TOLERANCE = 1e-6
"""Relative; as of `planner.plans.check`."""

UNIT = "discounted swaps"
"""Of what the model of openings states as its objective."""


def phase_label_violations(instance: Instance, plan: Plan) -> Iterator[str]:
    """Labels of the tables over time that are not known, or repeat.

    Parameters
    ----------
    instance : Instance
    plan : Plan
        All its other labels are known and unique.
    """
    firsts = pd.Series([period[0] for period in instance.scenario.periods], dtype="str")
    tables = {
        "openings": (plan.openings, firsts, ["quarter", "site_id"]),
        "phase_allocation": (plan.phase_allocation, firsts[:-1], ["quarter", "zone_id", "site_id"]),
        "phase_capacity": (
            plan.phase_capacity, firsts[:-1], ["quarter", "city_id", "station_type_id"]
        ),
    }  # fmt: skip
    known = {
        "site_id": plan.stations["site_id"],
        "zone_id": instance.zones["zone_id"],
        "city_id": instance.cities["city_id"],
        "station_type_id": instance.stations["station_type_id"],
    }
    for name, (frame, quarters, key) in tables.items():
        if firsts.empty and len(frame):
            yield f"{name} has {len(frame)} rows, no phasing is asked for"
            continue
        place = np.zeros(len(frame), dtype=np.int64)
        for column in ["quarter", *(column for column in known if column in frame.columns)]:
            labels = known.get(column, quarters)
            position = positions_of(frame[column], labels)
            if column in key:
                place = place * (len(labels) + 1) + position + 1
            unknown = position < 0
            if unknown.any():
                label = frame[column].iloc[unknown.argmax()]
                yield f"{name}: {column} {label} is not known ({unknown.sum()} such)"
        repeated = len(place) - len(np.unique(place))
        if repeated:
            yield f"{name}: {repeated} rows repeat the key {', '.join(key)}"


def phase_violations(
    instance: Instance,
    plan: Plan,
    stages: Stages,
    evaluation: Evaluation,
    audited_min: FloatArray,
) -> Iterator[str]:
    """Every rule over time that a plan breaks, in words; none without phasing.

    Parameters
    ----------
    instance : Instance
    plan : Plan
        Its labels are known and unique.
    stages : Stages
        Of the plan.
    evaluation : Evaluation
        With the tables of `planner.plans.phase_rows.phase_tables`.
    audited_min : ndarray, shape (num_phase_allocation_rows,)
        Drive times recomputed.
    """
    if not instance.scenario.periods:
        return
    yield from _stages(instance, plan, stages)
    yield from _dates(instance, stages)
    yield from _fits(instance, stages)
    yield from _rates(instance, stages)
    yield from _money(instance, stages)
    yield from _loads(evaluation)
    yield from _service(plan, stages)
    yield from _drive_times(instance, plan, audited_min)
    yield from _objective(plan, evaluation)
    yield from target_violations(instance, plan, evaluation)


def _stages(instance: Instance, plan: Plan, stages: Stages) -> Iterator[str]:
    """Openings lead to the plan's stations, and no station shrinks on the way."""
    types = instance.stations["station_type_id"].to_numpy(object)
    bays = np.append(instance.stations["bays"].to_numpy(float), -1.0)
    planned = plan.stations["station_type_id"].to_numpy(object)
    last = stages.type_idx[:, -1]
    for row, site_id in enumerate(stages.site_ids):
        if last[row] == NONE:
            yield f"station {site_id} is in the plan, but never opens"
        elif types[last[row]] != planned[row]:
            yield (
                f"station {site_id} is {types[last[row]]} in the last period, {planned[row]} in "
                "the plan"
            )
    smaller = bays[stages.type_idx] < bays[stages.earlier]
    # What is worn out may be rebuilt smaller.
    smaller[:, 0] &= ~stages.site_ids.isin(worn_out_sites(instance)).to_numpy()
    for row, period in np.argwhere(smaller).tolist():
        yield f"{stages.first_quarters[period]}: station {stages.site_ids.iloc[row]} shrinks"
    at = positions_of(plan.openings["site_id"], stages.site_ids)
    when = positions_of(plan.openings["quarter"], pd.Series(stages.first_quarters))
    same = (stages.earlier == stages.type_idx)[at, when]
    worn_out = stages.site_ids.isin(worn_out_sites(instance)).to_numpy()[at] & (when == 0)
    for opening in plan.openings[same & ~worn_out].itertuples():
        yield f"{opening.quarter}: an opening at {opening.site_id} changes nothing"


def _dates(instance: Instance, stages: Stages) -> Iterator[str]:
    """What exists stands from the first period, what is committed in time, nothing too early."""
    sites = instance.sites.iloc[stages.site_idx]
    periods = instance.scenario.periods
    for row in np.flatnonzero((sites["status"] == "existing").to_numpy() & (stages.opens > 0)):
        yield f"site {stages.site_ids.iloc[row]} is existing, but opens as if it were new"
    opens = [
        stages.first_quarters[period] if 0 <= period < len(periods) else ""
        for period in stages.opens
    ]
    if "earliest_quarter" in sites.columns:
        dated = zip(stages.site_ids, opens, sites["earliest_quarter"], strict=True)
        for site_id, quarter, earliest in dated:
            if quarter and not pd.isna(earliest) and quarter < earliest:
                yield f"station {site_id} stands from {quarter}, its earliest quarter is {earliest}"
    if "opens_quarter" in sites.columns:
        lasts = {period[0]: period[-1] for period in periods}
        due = sites["opens_quarter"].where(sites["status"] == "committed")
        for site_id, quarter, committed in zip(stages.site_ids, opens, due, strict=True):
            if quarter and not pd.isna(committed) and not quarter <= committed <= lasts[quarter]:
                yield f"station {site_id} opens in {quarter}, it is committed for {committed}"


def _fits(instance: Instance, stages: Stages) -> Iterator[str]:
    """Types on the way that do not fit; those of the last period are the plan's own."""
    types, standing = instance.stations, standing_type_ids(instance)
    worn_out = worn_out_sites(instance)
    for period in range(stages.type_idx.shape[1] - 1):
        kind = stages.type_idx[:, period]
        rows = np.flatnonzero((kind != NONE) & (kind != stages.earlier[:, period]))
        names = stages.site_ids.iloc[rows].reset_index(drop=True)
        stood = names.map(standing)
        built = types.iloc[kind[rows]].reset_index(drop=True)
        construction = np.where(stood.isna(), "new", "enlarged")
        yield from (
            f"{stages.first_quarters[period]}: {violation}"
            for violation in size_violations(
                instance,
                pd.DataFrame(
                    {
                        "site_id": names,
                        "station_type_id": built["station_type_id"],
                        "bays": built["bays"],
                        "grid_kw": built["grid_kw"],
                        "construction": np.where(names.isin(worn_out), "rebuilt", construction),
                        "standing_type_id": stood,
                    }
                ),
            )
        )


def _rates(instance: Instance, stages: Stages) -> Iterator[str]:
    """New stations within the rates of the nation and of each city."""
    limits = build_limits(instance)
    sites = instance.sites.iloc[stages.site_idx]
    is_new = (sites["status"] != "existing").to_numpy()
    opens = stages.opens[:, None] == np.arange(stages.type_idx.shape[1])
    city_id = sites["city_id"].to_numpy(object)
    of_city = {name: opens[is_new & (city_id == name)] for name in limits.city_openings}
    for place, opened, most in (
        ("", opens[is_new], limits.openings),
        *((f", city {name}", of_city[name], most) for name, most in limits.city_openings.items()),
    ):
        number = opened.sum(axis=0)
        made = number.cumsum() if limits.openings_carry_over else number
        until = "up to " if limits.openings_carry_over else ""
        for period in np.flatnonzero(made > most * (1 + LIMIT_TOLERANCE)):
            yield (
                f"{until}{stages.first_quarters[period]}{place}: {made[period]} stations open, the "
                f"build rate allows {most[period]:g}"
            )


def _money(instance: Instance, stages: Stages) -> Iterator[str]:
    limits, spent = build_limits(instance), spent_cny(instance, stages)
    until = ""
    if limits.budget_carries_over:
        spent, until = spent.cumsum(), "up to "
    for period in np.flatnonzero(spent > limits.budget_cny * (1 + LIMIT_TOLERANCE)):
        yield (
            f"{until}{stages.first_quarters[period]}: the stations cost {spent[period]:,.0f} CNY, "
            f"the budget is {limits.budget_cny[period]:,.0f}"
        )


def _loads(evaluation: Evaluation) -> Iterator[str]:
    rows = evaluation.tables["station_phase"]
    limit = rows["capacity_swaps_per_hour"] * (1 + _TOLERANCE) + _TOLERANCE
    for row in rows[~(rows["peak_swaps_per_hour"] <= limit)].itertuples():
        yield (
            f"{row.quarter}: station {row.site_id} has a load of {row.peak_swaps_per_hour:.3f} "
            f"swaps per hour, its capacity is {row.capacity_swaps_per_hour:.3f}"
        )


def _service(plan: Plan, stages: Stages) -> Iterator[str]:
    """Shares within (0, 1], zones served once, by stations that stand."""
    rows = plan.phase_allocation
    part = rows["share_frac"].to_numpy(float)
    if not ((part > 0) & (part <= 1 + 1e-9)).all():
        yield "a share of phase_allocation lies outside (0, 1]"
    period = positions_of(rows["quarter"], pd.Series(stages.first_quarters))
    station = positions_of(rows["site_id"], stages.site_ids)
    closed = stages.type_idx[station, period] == NONE
    first = np.unique(np.column_stack([period, station])[closed], axis=0)
    for when, where in first:
        yield (
            f"{stages.first_quarters[when]}: station {stages.site_ids.iloc[where]} serves before "
            "it stands"
        )
    zone, zone_ids = pd.factorize(rows["zone_id"])
    for when, quarter in enumerate(stages.first_quarters):
        of = period == when
        total = np.bincount(zone[of], part[of], minlength=len(zone_ids))
        for zone_id in np.asarray(zone_ids)[total > 1 + 1e-9]:
            yield f"{quarter}: zone {zone_id} is served more than once"


def _drive_times(instance: Instance, plan: Plan, audited: FloatArray) -> Iterator[str]:
    rows, standard = plan.phase_allocation, instance.scenario.siting.drive_time_min
    stated = rows["drive_min"].to_numpy(float)
    if audited.shape != stated.shape:
        yield f"{len(audited)} drive times were audited for {len(stated)} rows of phase_allocation"
        return
    wrong = np.flatnonzero(~(np.abs(audited - stated) <= _TOLERANCE * standard))
    for row in wrong[:5]:
        yield (
            f"{rows['quarter'].iloc[row]}, zone {rows['zone_id'].iloc[row]}: drive time stated "
            f"{stated[row]:.6f} min, audited {audited[row]:.6f}"
        )
    if len(wrong) > 5:
        yield f"and {len(wrong) - 5} more drive times of phase_allocation differ"
    late = int((audited > standard * (1 + LIMIT_TOLERANCE)).sum())
    if late:
        yield f"{late} rows of phase_allocation serve from beyond {standard:g} min"


def _objective(plan: Plan, evaluation: Evaluation) -> Iterator[str]:
    """What the model of openings states."""
    stated = [model for model in plan.models if model.name == "phasing"]
    if len(stated) != 1:
        yield f"{len(stated)} models state the openings, one must"
    for model in stated:
        if model.unit != UNIT:
            yield f"the openings are measured in {model.unit}, not in {UNIT}"
        found = evaluation.kpi["discounted_swaps_served"]
        if not abs(found - model.objective) <= _TOLERANCE * max(1.0, abs(found)):
            yield f"{found:.6f} discounted swaps are served, the plan states {model.objective:.6f}"
