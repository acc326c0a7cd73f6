"""What each member may plan with: its share of the joint plan's supply, as a table `supply`.

A member's share is what the joint plan delivers to it, and its part of what nobody takes. The
shares of all members and what other buyers get are together no more than what is made.
"""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.planning.markets.joint import JointPlan
from planner.planning.markets.tables import delivered_gwh
from planner.units import KWH_PER_GWH

KEPT_GWH = 1e-9
"""Shares are whole multiples of this, rounded down: a kilowatt-hour."""
_COLUMNS = ("chemistry", "quarter", "supplier", "plant", "kind", "gwh", "source")


def member_supply(plan: JointPlan, title: str) -> dict[str, pd.DataFrame]:
    """The supply table of each member's own run.

    Parameters
    ----------
    plan : JointPlan
    title : str
        The study, for the column ``source``.

    Returns
    -------
    dict of member's name to DataFrame
        ``chemistry, quarter, supplier, plant, kind, gwh, source``: a row per source that serves
        swap cars and quarter, zeros included, so that a limited chemistry stays limited.

    Notes
    -----
    A quarter's deliveries of a member come from the sources in the proportion in which swap cars
    take from them in that quarter. Spare is what is made and no use takes up to and with any later
    quarter, and what could be made besides: of that, the same share of each source and quarter, as
    far as materials reach. It goes to the members in proportion to all their deliveries of the
    chemistry.
    """
    joint = plan.problem
    sources = joint.supply_labels.sources
    chemistry_idx = joint.whole.supply.source_chemistry_idx
    serves = joint.whole.supply.source_serves[:, 0]
    by_source = plan.whole.supply_flow[:, :, 0] / KWH_PER_GWH
    spare = _spare_gwh(plan)
    delivered = delivered_gwh(plan)
    total = np.sum([each.sum(axis=0) for each in delivered], axis=0)
    tables = {}
    for member, of_member in zip(joint.members, delivered, strict=True):
        part = np.divide(
            of_member.sum(axis=0), total, out=np.zeros_like(total), where=total > 0
        )  # of all deliveries, by chemistry
        rows = []
        for number, chemistry in enumerate(joint.chemistries):
            here = np.flatnonzero((chemistry_idx == number) & serves)
            if not (chemistry_idx == number).any():
                continue
            flows = by_source[:, here]
            whole = flows.sum(axis=1, keepdims=True)
            frac = np.divide(flows, whole, out=np.zeros_like(flows), where=whole > 0)
            gwh = frac * of_member[:, [number]] + spare[:, here] * part[number]
            gwh = np.floor(gwh / KEPT_GWH) * KEPT_GWH
            named = sources.iloc[here][["supplier", "plant", "kind"]].to_dict("records") or [
                {"supplier": "", "plant": "", "kind": "series"}
            ]
            gwh = gwh if len(here) else np.zeros((len(joint.quarters), 1))
            rows += [
                {"chemistry": chemistry, "quarter": quarter, **name,
                 "gwh": round(float(gwh[q, s]), 9),
                 "source": f"share of {member.name} in the joint plan of {title}"}
                for s, name in enumerate(named)
                for q, quarter in enumerate(joint.quarters)
            ]  # fmt: skip
        table = pd.DataFrame(rows, columns=list(_COLUMNS))
        said_nothing = [name for name in ("supplier", "plant") if (table[name] == "").all()]
        tables[member.name] = table.drop(columns=said_nothing)
    return tables


def _spare_gwh(plan: JointPlan) -> FloatArray:
    """What nobody takes of each source, by quarter, shape (num_quarters, num_sources) [GWh]."""
    supply, made = plan.problem.whole.supply, plan.whole.made.cumsum(axis=0)
    stored = made - plan.whole.supply_flow.sum(axis=2).cumsum(axis=0)
    kept = np.minimum.accumulate(stored[::-1], axis=0)[::-1].clip(min=0.0)
    idle = (supply.produced_kwh.cumsum(axis=0) - made).clip(min=0.0)
    kg = supply.source_kg_per_kwh.T
    needed, left = idle @ kg, (supply.material_kg - made @ kg).clip(min=0.0)
    reaches = np.divide(left, needed, out=np.ones_like(needed), where=needed > 0)
    spare = kept + idle * min(1.0, float(reaches.min(initial=1.0)))
    return np.asarray(np.diff(spare, axis=0, prepend=0.0).clip(min=0.0) / KWH_PER_GWH)
