"""What the pack model's prices tell, as tables: packs in cities, supply, certificates."""

import numpy as np
import pandas as pd

from planner.instance import Instance
from planner.models.packs.solve import gate_values
from planner.planning.packs import earlier_gates
from planner.planning.rounds import Fitted
from planner.plans.pack_rows import supply_used
from planner.solving.options import SolveOptions


def with_pack_values(
    instance: Instance, city_quarter: pd.DataFrame, fitted: Fitted
) -> pd.DataFrame:
    """The table of cities by quarter with what one more pack there would save."""
    where = [
        pd.Index(instance.scenario.quarters).get_indexer(pd.Index(city_quarter["quarter"])),
        pd.Index(instance.cities["city_id"]).get_indexer(pd.Index(city_quarter["city_id"])),
    ]
    values = {
        f"pack_value_{pack_id}_cny": fitted.packs.pack_value[where[0], where[1], pack_idx]
        for pack_idx, pack_id in enumerate(instance.packs["pack_id"])
    }
    return city_quarter.assign(**values)


def supply_values(instance: Instance, pack_flows: pd.DataFrame, fitted: Fitted) -> pd.DataFrame:
    """Supply by quarter, how far it is used, and what one more kWh then would save."""
    table = supply_used(instance, pack_flows)
    quarter_idx = pd.Index(instance.scenario.quarters).get_indexer(pd.Index(table["quarter"]))
    chemistry_idx = pd.Index(fitted.pack_labels.chemistries).get_indexer(
        pd.Index(table["chemistry"])
    )
    return table.assign(value_cny_per_kwh=fitted.packs.supply_value[quarter_idx, chemistry_idx])


def unknown_savings(instance: Instance, fitted: Fitted) -> pd.DataFrame:
    """The table of `gate_savings` where nothing is known of what they would save."""
    gates, _ = earlier_gates(instance, fitted.pack_problem, fitted.pack_labels)
    return gates.assign(saving_cny=np.nan)


def gate_savings(instance: Instance, fitted: Fitted, options: SolveOptions) -> pd.DataFrame:
    """What each binding gate's opening one quarter earlier would save, dearest first.

    Missing where the time limit came first.
    """
    gates, openings = earlier_gates(instance, fitted.pack_problem, fitted.pack_labels)
    savings = gate_values(fitted.pack_problem, fitted.packs, openings, options)
    table = gates.assign(saving_cny=[savings[label] for label in openings])
    return table.sort_values(
        ["saving_cny", "market", "chemistry", "certificate"],
        ascending=[False, True, True, True], ignore_index=True,
    )  # fmt: skip
