"""Shares that were asked of openings over time: that they are served, and what is said of the rest.

A share of a period is that of all its swaps: of every quarter, as discounted swaps count them. It
is recomputed here, and so is the money that is to be least. That no plan serves a share earlier
cannot be: what is stated of it must then say so of every period before.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from planner.instance import Instance
from planner.plans.plan import (
    EARLIEST_SHARE,
    PHASED_MONEY,
    SHARE_UNIT,
    Evaluation,
    ModelResult,
    Plan,
    share_model,
)

_TOLERANCE = 1e-6
"""Relative; as of `planner.plans.check`."""


def target_violations(instance: Instance, plan: Plan, evaluation: Evaluation) -> Iterator[str]:
    """What a plan over time breaks of ``phasing.objective``, in words.

    Parameters
    ----------
    instance : Instance
        With phasing.
    plan : Plan
    evaluation : Evaluation
        With the tables of `planner.plans.phase_rows.phase_tables`.
    """
    objective = instance.scenario.phasing.objective
    for name, asked in ((PHASED_MONEY, "least_money"), (EARLIEST_SHARE, "earliest_share")):
        number = sum(model.name == name for model in plan.models)
        if number != (objective == asked):
            yield f"{number} models state {name}, phasing.objective is {objective}"
            return
    if objective == "least_money":
        yield from _least_money(instance, plan, evaluation)
    if objective == "earliest_share":
        yield from _earliest_share(instance, plan, evaluation)


def _shares(evaluation: Evaluation) -> "pd.Series[float]":
    """Share of each period's swaps that is served, by its first quarter; 1 where none are asked."""
    table = evaluation.tables["phase"].set_index("quarter")
    asked = table["discounted_swaps"]
    share = (table["discounted_swaps_served"] / asked).where(asked > 0, 1.0)
    return share.astype(float)


def _model(plan: Plan, name: str) -> ModelResult | None:
    return next((model for model in plan.models if model.name == name), None)


def _least_money(instance: Instance, plan: Plan, evaluation: Evaluation) -> Iterator[str]:
    share, model = _shares(evaluation), _model(plan, PHASED_MONEY)
    for quarter, wanted in instance.scenario.phasing.share_by_quarter.items():
        if share[quarter] < wanted * (1 - _TOLERANCE):
            yield f"{quarter}: {share[quarter]:.4%} are served, {wanted:.4%} are wanted"
    spent = evaluation.kpi["discounted_capex_cny"]
    if model is not None and abs(spent - model.objective) > _TOLERANCE * max(1.0, spent):
        yield (
            f"the stations cost {spent:.2f} discounted CNY, the plan states {model.objective:.2f}"
        )


def _earliest_share(instance: Instance, plan: Plan, evaluation: Evaluation) -> Iterator[str]:
    share, model = _shares(evaluation), _model(plan, EARLIEST_SHARE)
    wanted = instance.scenario.phasing.share_frac
    if model is None or wanted is None:
        return
    enough = (share >= wanted * (1 - _TOLERANCE)).to_numpy()
    number, least = model.objective, model.bound
    if number not in range(1, len(share) + 1) or least not in range(1, int(number) + 1):
        yield (
            f"{EARLIEST_SHARE} states period {number:g}, none before {least:g}; there are "
            f"{len(share)}"
        )
        return
    at = int(number) - 1
    if not enough[at]:
        yield (f"{share.index[at]}: {share.iloc[at]:.4%} are served, {wanted:.4%} are wanted")
    if enough[:at].any():
        first = int(np.argmax(enough))
        yield (
            f"{share.index[first]}: {share.iloc[first]:.4%} are served, so that {wanted:.4%} are "
            f"not served first in {share.index[at]}, as the plan states"
        )
    for position in range(at):
        yield from _period_before(
            plan, str(share.index[position]), float(share.iloc[position]), wanted,
            is_ruled_out=position < least - 1,
        )  # fmt: skip


def _period_before(
    plan: Plan, quarter: str, share: float, wanted: float, *, is_ruled_out: bool
) -> Iterator[str]:
    """What is stated of a period before the one in which the share is served."""
    model = _model(plan, share_model(quarter))
    if model is None or model.unit != SHARE_UNIT or model.sense != "max":
        yield f"{quarter}: no model says what share any plan can serve"
        return
    if share > model.bound + _TOLERANCE:
        yield (
            f"{quarter}: {share:.4%} are served, more than the {model.bound:.4%} that no plan is "
            "stated to pass"
        )
    if is_ruled_out and model.bound >= wanted:
        yield (
            f"{quarter}: {wanted:.4%} are stated to be out of reach, the bound is {model.bound:.4%}"
        )
