"""Limits that no plan can keep, as far as the tables alone tell; roads are not looked at."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import InfeasibleError
from planner.instance.read import Instance
from planner.instance.tables import SHUT

_MOST_NAMED = 5


def check_limits(instance: Instance) -> None:
    """Say why no plan can keep the limits on stations, where it takes no roads to know.

    Parameters
    ----------
    instance : Instance
        Statuses of sites, limits by city, number of stations and money are looked at.

    Raises
    ------
    InfeasibleError
        Naming sites and cities.
    """
    sites, siting = instance.sites, instance.scenario.siting
    most = len(sites) if siting.num_stations is None else siting.num_stations
    is_forced = sites["status"].isin(["existing", "committed"]).to_numpy()
    is_usable = ~sites["status"].isin(SHUT).to_numpy() & (
        is_forced | np.isfinite(_cheapest_cny(instance))
    )
    if is_forced.sum() > most:
        raise InfeasibleError(
            f"{is_forced.sum()} sites are forced open (existing or committed: "
            f"{_named(sites['site_id'][is_forced])}), but at most {most} stations are allowed"
        )
    fewest = 0
    for city_id, least, largest, num_forced, num_usable in _limits_by_city(
        instance, is_forced, is_usable
    ):
        can_open = min(largest, num_usable)
        if least > can_open:
            raise InfeasibleError(
                f"city {city_id}: at least {least} stations, but at most {can_open} can be open"
            )
        if num_forced > largest:
            raise InfeasibleError(
                f"city {city_id}: {num_forced} sites are forced open, but at most {largest} "
                "stations are allowed"
            )
        fewest += max(least, num_forced)
    if fewest > most:
        raise InfeasibleError(
            f"locks and limits by city take {fewest} stations, but at most {most} are allowed"
        )
    _check_money(instance)
    _check_commitments(instance)


def _limits_by_city(
    instance: Instance, is_forced: NDArray[np.bool_], is_usable: NDArray[np.bool_]
) -> list[tuple[str, int, int, int, int]]:
    """Id, fewest, most, forced and usable sites of each city."""
    cities, of_site = instance.cities, instance.sites["city_id"]
    nothing = pd.Series(0, index=cities.index)
    forced, usable = (
        cities["city_id"].map(of_site[mask].value_counts()).fillna(0).astype(int)
        for mask in (is_forced, is_usable)
    )
    least = cities.get("min_stations", nothing)
    largest = cities.get("max_stations", nothing + len(of_site))
    return list(
        zip(
            *(column.tolist() for column in (cities["city_id"], least, largest, forced, usable)),
            strict=True,
        )
    )


def _check_money(instance: Instance) -> None:
    budget_cny = instance.scenario.siting.budget_cny
    is_committed = (instance.sites["status"] == "committed").to_numpy()
    cost_cny = math.fsum(_cheapest_cny(instance)[is_committed])
    if budget_cny is not None and math.isfinite(cost_cny) and cost_cny > budget_cny * (1 + 1e-9):
        raise InfeasibleError(
            f"committed stations ({_named(instance.sites['site_id'][is_committed])}) cost "
            f"{cost_cny:,.0f} CNY at least, the budget is {budget_cny:,.0f} CNY"
        )


def _check_commitments(instance: Instance) -> None:
    """Committed stations must fit into the openings of their periods, and of all periods."""
    periods, phasing = instance.scenario.periods, instance.scenario.phasing
    if not periods:
        return
    committed = instance.sites[instance.sites["status"] == "committed"]
    nothing = pd.Series(None, index=committed.index, dtype=object)
    opens, rates = committed.get("opens_quarter", nothing), instance.build_rates
    places = [("", committed["site_id"].notna(), rates[rates["city_id"].isna()],
               phasing.openings_per_quarter)]  # fmt: skip
    places += [
        (f" in city {city_id}", committed["city_id"] == city_id, rows, None)
        for city_id, rows in rates.groupby("city_id")
    ]
    reasons = []
    for place, is_here, rows, otherwise in places:
        most = dict.fromkeys(sum(periods, ()), math.inf if otherwise is None else otherwise)
        known = rows.dropna(subset=["openings"])
        most |= dict(zip(known["quarter"], known["openings"], strict=True))
        spans = [(period[0], list(period), opens.isin(period)) for period in periods]
        if phasing.openings_carry_over:
            ends = np.cumsum([len(period) for period in periods]).tolist()
            until = [list(most)[:end] for end in ends]
            spans = [(f"up to {names[-1]}", names, opens.isin(names)) for names in until]
        for when, names, is_due in [*spans, ("in all periods", list(most), is_here)]:
            due, allowed = committed["site_id"][is_here & is_due], sum(most[name] for name in names)
            if len(due) > allowed + 1e-9:
                stations = "1 station is" if len(due) == 1 else f"{len(due)} stations are"
                reasons.append(
                    f"{stations} committed{place} {when} ({_named(due)}), the build rate allows "
                    f"{allowed:g}"
                )
                break
    if reasons:
        raise InfeasibleError("; ".join(reasons))


def _cheapest_cny(instance: Instance) -> NDArray[np.float64]:
    """Cost of the cheapest type that fits each site, and of its plot; inf where none fits."""
    sites, types = instance.sites, instance.stations
    cost = np.full(len(sites), math.inf)
    for station in types.to_dict("records"):
        fits = np.full(len(sites), bool(station.get("offered", True)))
        for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
            if limit in sites.columns:
                fits &= sites[limit].to_numpy() >= station[need]
        if "station_type_id" in sites.columns:
            stated = sites["station_type_id"].where(sites["status"] == "committed")
            is_this = (stated == station["station_type_id"]).fillna(False).to_numpy(bool)
            fits = np.where(stated.notna(), is_this, fits)
        cost[fits] = np.minimum(cost[fits], station["capex_cny"])
    return cost + (sites["site_cost_cny"].to_numpy(float) if "site_cost_cny" in sites else 0.0)


def _named(ids: "pd.Series[str]") -> str:
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more
