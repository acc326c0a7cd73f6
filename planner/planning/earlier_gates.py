"""What each certificate would save if it were held one quarter earlier, by market and use."""

import math
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.errors import NoPlanError
from planner.instance import Instance
from planner.instance.dated_gates import closed_in, filled, gate_dates
from planner.instance.tables import SWAP_CAR, quarters_later
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import proven_saving, solve_pack_assignment
from planner.planning.packs import PackLabels, may_be_used, open_packs
from planner.planning.rounds import Fitted
from planner.planning.shared_supply import SupplyLabels, assemble_supply, price_contracts
from planner.solving.options import SolveOptions

GATE = ["market", "application", "chemistry", "certificate"]
COLUMNS = [
    *GATE, "scope", "asked_from", "opens_low", "opens", "opens_high", "opens_used", "opens_earlier",
]  # fmt: skip


def earlier_gates(instance: Instance) -> pd.DataFrame:
    """The binding gates that close some quarter of a use with demand, and an earlier date of each.

    Parameters
    ----------
    instance : Instance

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, index of ``instance.gates``; dates are missing where there is none.
        ``opens_earlier`` is the quarter before ``opens_used``; a gate without a date, or with one
        beyond the horizon, opens in the last quarter.
    """
    quarters, dates = instance.scenario.quarters, gate_dates(instance)
    closes = np.logical_or.reduce([closed_in(dates, quarter) for quarter in quarters])
    has_demand = dates["market"].isin(instance.cities["market"]) & (
        dates["application"] == SWAP_CAR
    )
    buyers = instance.other_buyers
    buyers = buyers[buyers["quarter"].between(quarters[0], quarters[-1]) & (buyers["gwh"] > 0)]
    asked = pd.MultiIndex.from_arrays(
        [filled(buyers, "market", ""), buyers["application"], buyers["chemistry"]]
    )
    has_demand |= pd.MultiIndex.from_frame(dates[GATE[:3]]).isin(asked)
    late = dates[closes & has_demand & dates["chemistry"].isin(instance.packs["chemistry"])]
    earlier = [
        quarters_later(opens, -1)
        if isinstance(opens, str) and opens <= quarters[-1]
        else quarters[-1]
        for opens in late["opens_used"]
    ]
    table: pd.DataFrame = late.assign(
        opens_earlier=pd.Series(earlier, index=late.index, dtype=object)
    )[COLUMNS]
    return table


def opened_problem(
    instance: Instance,
    problem: PackAssignmentProblem,
    labels: PackLabels,
    row: int,
    opens: str,
) -> PackAssignmentProblem:
    """The pack problem with one gate open from a quarter on: for vehicles and for buyers.

    Parameters
    ----------
    instance : Instance
    problem, labels : PackAssignmentProblem, PackLabels
        From `planner.planning.packs.assemble_pack_assignment`.
    row : int
        Label of the gate's row in ``instance.gates``.
    opens : str
        Its quarter.
    """
    dates = gate_dates(instance)
    dates["opens_used"] = dates["opens_used"].where(dates.index != row, opens)
    open_ = open_packs(instance, dates)
    of_option = labels.group_city_idx[problem.option_group_idx], problem.option_pack_idx
    supply, of_supply = assemble_supply(instance, labels.chemistries, dates)
    opened = replace(
        problem,
        delivery_allowed=open_,
        option_allowed=may_be_used(open_)[:, of_option[0], of_option[1]] & labels.keeps_promise,
        supply=supply,
    )
    return price_contracts(opened, of_supply)


def gate_savings(instance: Instance, fitted: Fitted, options: SolveOptions) -> pd.DataFrame:
    """What each binding gate's opening one quarter earlier would save, dearest first.

    Each opening is solved again. The saving is that of the vehicles' packs and what buyers would
    pay: those by price, and those by contract whose worth is stated.

    Parameters
    ----------
    instance : Instance
    fitted : Fitted
        The packs of the last round.
    options : SolveOptions
        The time limit holds for all openings together.

    Returns
    -------
    DataFrame
        `earlier_gates` with ``saving_cny``: >= 0, but where a contract whose worth is not stated
        takes what cars had; missing where the time limit came first, and no more than is proven
        where orders of a least size left a gap.
    """
    started = time.perf_counter()
    gates, labels = earlier_gates(instance), fitted.pack_labels
    before = _contracts_cny(fitted.pack_problem, labels.supply, fitted.packs)
    savings = []
    for row, opens in gates["opens_earlier"].items():
        left_s = options.time_limit_s - (time.perf_counter() - started)
        within = replace(options, time_limit_s=max(left_s, 1e-3))
        opened = opened_problem(instance, fitted.pack_problem, labels, int(str(row)), str(opens))
        try:
            plan = solve_pack_assignment(opened, within, fitted.packs)
        except NoPlanError:
            savings.append(math.nan)
        else:
            contracts = before - _contracts_cny(opened, labels.supply, plan)
            saving = proven_saving(fitted.packs, plan) - contracts
            is_contract = _asks_more(fitted.pack_problem, opened, labels.supply)
            savings.append(saving if is_contract else max(0.0, saving))
    table = gates.assign(saving_cny=np.array(savings, dtype=float))
    return table.sort_values(
        ["saving_cny", *GATE], ascending=[False, *(True for _ in GATE)], ignore_index=True
    )


def unknown_savings(instance: Instance) -> pd.DataFrame:
    """The table of `gate_savings` where nothing is known of what they would save."""
    return earlier_gates(instance).assign(saving_cny=np.nan).reset_index(drop=True)


def _asks_more(
    problem: PackAssignmentProblem, opened: PackAssignmentProblem, labels: SupplyLabels
) -> bool:
    """Whether contracts ask for more with the gate open: they are served, whatever it costs."""
    contracts = (labels.buyers["basis"] == "contract").to_numpy()
    more = opened.supply.buyer_kwh != problem.supply.buyer_kwh
    return bool(more[:, contracts].any())


def _contracts_cny(
    problem: PackAssignmentProblem, labels: SupplyLabels, plan: PackAssignment
) -> float:
    """What of a plan's cost is no money: prices that put contracts first, and stated worths."""
    supply = problem.supply
    unserved = (supply.buyer_kwh - plan.buyer_served) * supply.buyer_worth
    return float(unserved.sum() + (labels.worth * plan.buyer_served).sum())
