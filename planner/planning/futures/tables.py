"""What a plan for many futures says, as tables: the futures, the measures, the sites.

Whatever is known within two ends is told as two ends.
"""

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray
from planner.instance import Instance
from planner.models.phasing.problem import CLOSED
from planner.models.robust.measure import Interval
from planner.planning.futures.hedge import Hedged
from planner.planning.siting.standing import find_standing, station_types_by_size
from planner.plans.future_check import FutureSwaps

_ROUNDING = 1e-9
"""Of what is served: sums in another order differ by less."""
_SHARE = "1"


def future_tables(
    instance: Instance, hedged: Hedged, swaps: tuple[FutureSwaps, ...]
) -> dict[str, pd.DataFrame]:
    """Tables of a plan for many futures.

    Parameters
    ----------
    instance : Instance
    hedged : Hedged
    swaps : tuple of FutureSwaps
        Recomputed by `planner.planning.futures.confirm`.

    Returns
    -------
    dict of str to DataFrame
        ``future``: ``future, weight, changes, swaps_per_day_asked, swaps_per_day_served,
        served_frac, best_lower, best_upper`` (the most that a plan for this future alone serves a
        day lies between them), ``regret_low_frac, regret_high_frac`` (what the plan lacks of it).

        ``measure``: ``measure, low, high, unit, meaning``.

        ``future_site``: a row per site that is in the plan or in some future's own best plan
        known, ``site_id, city_id, lon, lat, in_plan, chosen_frac`` (weight of the futures whose
        best plan known has it), and ``best_in_<future>`` each.

        ``future_opening``, where news parts the futures: ``future, site_id, quarter,
        station_type_id``.
    """
    tables = {
        "future": _futures(hedged, swaps),
        "measure": _measures(hedged),
        "future_site": _sites(instance, hedged),
    }
    if not hedged.joined.is_common:
        tables["future_opening"] = _openings(instance, hedged)
    return tables


def _futures(hedged: Hedged, swaps: tuple[FutureSwaps, ...]) -> pd.DataFrame:
    days = hedged.days
    asked, served = (np.array([getattr(each, name) for each in swaps]) / days
                     for name in ("asked", "served"))  # fmt: skip
    best = hedged.solution.best / days
    lower = np.maximum(best[:, 0], served)
    upper = np.maximum(best[:, 1], lower)
    return pd.DataFrame(
        {
            "future": [demand.future.name for demand in hedged.demands],
            "weight": [demand.future.weight for demand in hedged.demands],
            "changes": [demand.future.words for demand in hedged.demands],
            "swaps_per_day_asked": asked,
            "swaps_per_day_served": served,
            "served_frac": _share(served, asked),
            "best_lower": lower,
            "best_upper": upper,
            "regret_low_frac": _share(_above_rounding(lower - served, lower), lower),
            "regret_high_frac": _share(_above_rounding(upper - served, upper), upper),
        }
    )


def _above_rounding(missing: FloatArray, whole: FloatArray) -> FloatArray:
    return np.where(missing > _ROUNDING * whole, missing, 0.0)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0))


def _measures(hedged: Hedged) -> pd.DataFrame:
    found, per_day, swaps = hedged.solution, 1.0 / hedged.days, hedged.fitted.siting.unit
    rows: list[tuple[str, Interval | None, float, str, str]] = [
        ("expected", found.expected.of_plan, per_day, swaps, "served on average over the futures"),
        ("expected_best", found.expected.attainable, per_day, swaps,
         "most that any one plan serves on average"),
        ("cvar", found.cvar.of_plan, per_day, swaps,
         "served on average over the worst futures (tail_frac, mean_weight)"),
        ("cvar_best", found.cvar.attainable, per_day, swaps,
         "most that any one plan serves on average over the worst futures"),
        ("regret", found.regret.of_plan, 1.0, _SHARE,
         "what the plan misses of a future's own best, where it misses most"),
        ("regret_best", found.regret.attainable, 1.0, _SHARE,
         "least that any one plan misses where it misses most"),
        ("evpi", found.evpi, per_day, swaps,
         "what it would be worth to know the future before the stations are chosen"),
        ("vss", found.vss, per_day, swaps,
         "what planning for all futures brings over planning for their mean"
         + ("; zero by theory: no plan can fill a station" if found.vss_is_zero else "")),
        ("robustness_price", found.robustness_price, per_day, swaps,
         "what the plan gives up on average against the best average"),
    ]  # fmt: skip
    return pd.DataFrame(
        [
            (name, known.low * scale, known.high * scale, unit, meaning)
            for name, known, scale, unit, meaning in rows
            if known is not None
        ],
        columns=["measure", "low", "high", "unit", "meaning"],
    )


def _sites(instance: Instance, hedged: Hedged) -> pd.DataFrame:
    num_sites, joined = len(instance.sites), hedged.joined
    in_plan = np.zeros(num_sites, dtype=np.bool_)
    in_plan[hedged.stations.at_node(int(joined.node_of[hedged.shown, -1]))[0]] = True
    best = np.zeros((len(hedged.demands), num_sites), dtype=np.bool_)
    for number, plan in enumerate(hedged.solution.best_plan):
        last = int(joined.node_of[number, -1])
        best[number, plan.site_idx[plan.size[:, last] != CLOSED]] = True
    weight = np.array([demand.future.weight for demand in hedged.demands])
    rows = np.flatnonzero(in_plan | best.any(axis=0))
    sites = instance.sites[["site_id", "city_id", "lon", "lat"]].iloc[rows]
    return sites.assign(
        in_plan=in_plan[rows],
        chosen_frac=np.minimum(weight @ best[:, rows], 1.0),
        **_by_future(hedged, best[:, rows]),
    ).reset_index(drop=True)


def _by_future(hedged: Hedged, best: BoolArray) -> dict[str, BoolArray]:
    return {
        f"best_in_{demand.future.name}": best[number]
        for number, demand in enumerate(hedged.demands)
    }


def _openings(instance: Instance, hedged: Hedged) -> pd.DataFrame:
    """What opens or grows in each period of each future."""
    stations, firsts = hedged.stations, [period[0] for period in instance.scenario.periods]
    types = station_types_by_size(instance)["station_type_id"].to_numpy()
    site_ids = instance.sites["site_id"].to_numpy()
    before = find_standing(instance).type_idx[stations.site_idx]
    parts = []
    for number, demand in enumerate(hedged.demands):
        type_idx = stations.type_idx[:, hedged.joined.node_of[number]]
        earlier = np.column_stack([before, type_idx])[:, :-1]
        station, period = np.nonzero((type_idx != earlier) & (type_idx != CLOSED))
        parts.append(
            pd.DataFrame(
                {
                    "future": demand.future.name,
                    "site_id": site_ids[stations.site_idx[station]],
                    "quarter": np.array(firsts)[period],
                    "station_type_id": types[type_idx[station, period]],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
