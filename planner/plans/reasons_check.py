"""The independent check of what stations and closed sites are said to cost the plan.

Checked of every row: ends of intervals in order and not below 0; no cost where a station stands or
is committed, or where none may stand; the next best is a closed site that may hold a station, and
who leaves for a closed site is a station that may go. Of a sample, where the question knows how
(`planner.plans.question.Judge.exchange_loss`): the loss of the exchange told is computed anew from
who reaches whom; the upper end is no more than that, as that plan is known, and the lower end is no
more either, as that plan loses no less. Not checked: searches that lead to other plans, and proofs.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from planner.errors import CheckError
from planner.instance import Instance
from planner.instance.tables import SHUT
from planner.plans.labels import positions_of
from planner.plans.plan import Evaluation
from planner.plans.question import judge_of
from planner.plans.worth import Reached

MOST_SAMPLED = 300
_TOLERANCE = 1e-6
_KEPT = ("existing", "committed")


def check_reasons(
    instance: Instance,
    evaluation: Evaluation,
    candidates: pd.DataFrame,
    reached: Reached,
    *,
    compares_exchanges: bool = True,
) -> None:
    """Check the columns of costs.

    Parameters
    ----------
    instance : Instance
    evaluation : Evaluation
        Its stations have ``replacement_cost, replacement_cost_low, next_best_site_id``.
    candidates : DataFrame
        With ``force_in_cost, force_in_cost_low, leaves_site_id``.
    reached : Reached
    compares_exchanges : bool
        Whether costs are against this very plan, so that exchanges tell them.

    Raises
    ------
    CheckError
        With every violation found.
    """
    stations = evaluation.stations
    violations = [
        *_intervals(stations, "replacement_cost"),
        *_intervals(candidates, "force_in_cost"),
        *_kept_stations(stations),
        *_shut_sites(candidates),
        *_partners(stations, "next_best_site_id", candidates, "force_in_cost"),
        *_partners(candidates, "leaves_site_id", stations, "replacement_cost"),
    ]
    if compares_exchanges and not violations:
        violations += _exchanges(instance, evaluation, reached)
    if violations:
        listed = "\n".join(f"  {violation}" for violation in violations)
        raise CheckError(f"what stations and sites cost fails its check:\n{listed}")


def _intervals(rows: pd.DataFrame, column: str) -> Iterator[str]:
    high, low = (rows[name].to_numpy(float) for name in (column, f"{column}_low"))
    known = ~np.isnan(high)
    margin = _TOLERANCE * np.maximum(1.0, np.where(np.isfinite(high), np.abs(high), 1.0))
    wrong = (np.isnan(low) == known) | (known & ~((low >= 0) & (low <= high + margin)))
    for at in np.flatnonzero(wrong)[:3]:
        yield f"{column} of {rows['site_id'].iloc[at]}: {low[at]:g} to {high[at]:g}"


def _kept_stations(stations: pd.DataFrame) -> Iterator[str]:
    is_kept = stations["site_status"].isin(_KEPT).to_numpy()
    has_cost = stations["replacement_cost"].notna().to_numpy()
    for at in np.flatnonzero(is_kept == has_cost)[:3]:
        said = "has" if is_kept[at] else "has no"
        yield f"station {stations['site_id'].iloc[at]} {said} replacement cost"


def _shut_sites(candidates: pd.DataFrame) -> Iterator[str]:
    is_shut = candidates["site_status"].isin(SHUT) & candidates["force_in_cost"].notna()
    for site in candidates.loc[is_shut, "site_id"].tolist()[:3]:
        yield f"site {site} may hold no station and has a force-in cost"


def _partners(rows: pd.DataFrame, column: str, others: pd.DataFrame, cost: str) -> Iterator[str]:
    """Who enters or leaves is in the other table, and may."""
    named = rows.loc[rows[column].notna(), ["site_id", column]]
    wrong = named[~named[column].isin(others.loc[others[cost].notna(), "site_id"])]
    for site, other in list(zip(wrong["site_id"], wrong[column], strict=True))[:3]:
        yield f"{column} of {site} is {other}, which cannot take that part"


def _exchanges(instance: Instance, evaluation: Evaluation, reached: Reached) -> Iterator[str]:
    loss_of = judge_of(instance.scenario.siting.objective).exchange_loss
    if loss_of is None:
        return
    stations = evaluation.stations
    rows = np.flatnonzero(np.isfinite(stations["replacement_cost"].to_numpy(float)))
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_SAMPLED)).astype(int)]
    told = stations.iloc[rows]
    sites = instance.sites["site_id"]
    leaving = positions_of(told["site_id"], sites)
    entering = positions_of(told["next_best_site_id"], sites)
    loss = loss_of(instance, evaluation, reached, leaving, entering)
    for name, kind in (("replacement_cost", "upper"), ("replacement_cost_low", "lower")):
        cost = told[name].to_numpy(float)
        wrong = cost > np.maximum(loss, 0.0) + _TOLERANCE * np.maximum(1.0, np.abs(loss))
        for at in np.flatnonzero(wrong)[:3]:
            yield (
                f"{kind} end of {told['site_id'].iloc[at]}: {cost[at]:g}, but its exchange for "
                f"{told['next_best_site_id'].iloc[at]} loses {loss[at]:g}"
            )
