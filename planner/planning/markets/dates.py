"""What dates change: each certificate a quarter earlier, and all of them drawn at random.

Takes a joint plan; solves the joint pack problem again with other permissions and other open
demands of buyers, near the plan. Savings and shares are those of plans as before a run's first
round.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.errors import NoPlanError
from planner.instance import Instance
from planner.instance.dated_gates import QUALIFICATION, closed_in, filled, gate_dates
from planner.instance.tables import SWAP_CAR
from planner.planning.markets.joint import JointPlan, JointProblem, solve_joint, with_instances
from planner.planning.markets.study import Dates
from planner.planning.markets.tables import delivered_gwh, money_cny
from planner.solving.options import SolveOptions
from planner.solving.status import OPTIMAL_GAP_FRAC

GATE_COLUMNS = (
    "member", "market", "application", "chemistry", "certificate", "scope", "opens_low", "opens",
    "opens_high", "opens_used", "opens_earlier", "saving_cny",
)  # fmt: skip
_KEY = ["market", "application", "chemistry", "certificate"]
_DATES = ["opens", "opens_low", "opens_high"]


def gate_savings(
    plan: JointPlan,
    options: SolveOptions,
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """What each binding gate one quarter earlier would save all members together, dearest first.

    Parameters
    ----------
    plan : JointPlan
    options : SolveOptions
        The time limit holds for all gates together.
    say : callable
        Told how far it is.

    Returns
    -------
    DataFrame
        `GATE_COLUMNS`: gates that are closed in some quarter, of swap cars in markets with cities
        and of other uses that a buyer has. A gate without a date, or with one beyond the horizon,
        opens in the last quarter. ``saving_cny``: packs cost less by so much, what buyers' energy
        is stated to be worth counted as earned; 0 where another gate stays closed, negative where a
        contract then takes what cars had, missing where the time limit came first.
    """
    started, problem = time.perf_counter(), plan.problem
    rows = list(_late_gates(problem))
    found = []
    for number, (member, row) in enumerate(rows, start=1):
        say(f"{number} of {len(rows)}: {row['market']}, {row['certificate']}")
        opened = _opened(problem, member, row)
        left_s = options.time_limit_s - (time.perf_counter() - started)
        saving = 0.0
        if _differs(problem, opened):
            saving = math.nan if left_s <= 0 else _saving(plan, opened, options, left_s)
        found.append({"member": member, **row, "saving_cny": saving})
    table = pd.DataFrame(found, columns=list(GATE_COLUMNS))
    return table.sort_values(
        ["saving_cny", "member", *_KEY], ascending=[False] + [True] * 5, ignore_index=True
    )


def _late_gates(problem: JointProblem) -> Iterator[tuple[str, dict[str, object]]]:
    """Gates closed in some quarter: of each member's cars, then of other uses."""
    for member in problem.members:
        markets = set(member.instance.cities["market"])
        for row in _closed_rows(problem, member.instance):
            if row["application"] == SWAP_CAR and row["market"] in markets:
                yield member.name, row
    buyers = problem.supply_labels.buyers[["market", "application", "chemistry"]]
    asked = set(buyers.itertuples(index=False, name=None))
    for row in _closed_rows(problem, problem.shared):
        if row["application"] != SWAP_CAR and tuple(row[name] for name in _KEY[:3]) in asked:
            yield "", row


def _closed_rows(problem: JointProblem, instance: Instance) -> Iterator[dict[str, object]]:
    quarters, dates = problem.quarters, gate_dates(instance)
    is_late = np.any([closed_in(dates, quarter) for quarter in quarters], axis=0)
    late = dates[is_late & dates["chemistry"].isin(problem.chemistries).to_numpy()]
    for row in late.to_dict("records"):
        opens = row["opens_used"]
        in_horizon = isinstance(opens, str) and quarters[0] < opens <= quarters[-1]
        earlier = quarters[quarters.index(opens) - 1] if in_horizon else quarters[-1]
        named = {str(name): value for name, value in row.items() if name in GATE_COLUMNS}
        yield named | {"opens_earlier": earlier}


def _opened(problem: JointProblem, member: str, row: dict[str, object]) -> JointProblem:
    """The problem with one gate open from its earlier date on."""
    by_name = {each.name: each.instance for each in problem.members} | {"": problem.shared}
    instance = by_name[member]
    gates = instance.gates
    is_meant = np.all(
        [filled(gates, name, SWAP_CAR if name == "application" else "") == row[name]
         for name in _KEY], axis=0,
    )  # fmt: skip
    dated = {
        name: filled(gates, name).where(~is_meant, row["opens_earlier"])
        for name in _DATES
        if name in gates
    }
    return with_instances(problem, {member: replace(instance, gates=gates.assign(**dated))})


def _differs(problem: JointProblem, other: JointProblem) -> bool:
    """Whether anything is allowed, or asked for, that was not."""
    pairs = (
        (problem.whole.option_allowed, other.whole.option_allowed),
        (problem.whole.delivery_allowed, other.whole.delivery_allowed),
        (problem.whole.supply.buyer_kwh, other.whole.supply.buyer_kwh),
    )
    return not all(np.array_equal(one, another) for one, another in pairs)


def _saving(plan: JointPlan, opened: JointProblem, options: SolveOptions, left_s: float) -> float:
    """What a problem that allows more costs less [CNY]."""
    try:
        again = solve_joint(opened, replace(options, time_limit_s=left_s), plan.whole)
    except NoPlanError:
        return math.nan
    before = money_cny(plan)
    saving = before - money_cny(again)
    return saving if abs(saving) > OPTIMAL_GAP_FRAC * abs(before) else 0.0


@dataclass(frozen=True)
class DrawnDates:
    """Joint plans of sampled dates.

    Attributes
    ----------
    draws : DataFrame
        ``draw`` and the quantile of each certificate and of the qualification, by name.
    delivered : DataFrame
        ``draw, member, quarter, chemistry, gwh``.
    costs : DataFrame
        ``draw, money_cny`` (what packs cost, less what other buyers' energy is worth), ``status,
        objective_cny, bound_cny, gap_frac, seconds``.
    """

    draws: pd.DataFrame
    delivered: pd.DataFrame
    costs: pd.DataFrame


def draw_dates(
    plan: JointPlan,
    dates: Dates,
    options: SolveOptions,
    say: Callable[[str], None] = lambda line: None,
) -> DrawnDates:
    """Plan all members for sampled dates, one draw after the other.

    Parameters
    ----------
    plan : JointPlan
        Near which each draw's plan is looked for.
    dates : Dates
        How many draws.
    options : SolveOptions
        The time limit holds for each draw.
    say : callable
        Told how far it is.

    Returns
    -------
    DrawnDates

    Notes
    -----
    A Latin hypercube (M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21, 1979) over the
    quantile of each certificate's date, the same in all markets that ask for the certificate, and
    of the qualification. Certificates are drawn apart: no correlation between them is known.
    """
    names = _uncertain(plan.problem)
    quantiles = _sample(len(names), dates)
    delivered, costs = [], []
    for draw, row in enumerate(quantiles, start=1):
        say(f"draw {draw} of {dates.num}")
        of = dict(zip(names, row.tolist(), strict=True))
        problem = with_instances(
            plan.problem,
            {each.name: _at(each.instance, of) for each in plan.problem.members}
            | {"": _at(plan.problem.shared, of)},
        )
        drawn = solve_joint(problem, options, plan.whole)
        proof = drawn.whole.proof
        told = (str(proof.status), proof.objective, proof.bound, proof.gap_frac, proof.wall_s)
        costs.append((draw, money_cny(drawn), *told))
        delivered.append(_by_member(drawn).assign(draw=draw))
    columns = ["draw", "money_cny", "status", "objective_cny", "bound_cny", "gap_frac", "seconds"]
    return DrawnDates(
        draws=pd.DataFrame(quantiles, columns=names).assign(draw=np.arange(1, dates.num + 1)),
        delivered=pd.concat(delivered, ignore_index=True),
        costs=pd.DataFrame(costs, columns=columns),
    )


def spread_of_draws(drawn: DrawnDates) -> pd.DataFrame:
    """What members get over the draws, and how likely each has had a first pack.

    Returns
    -------
    DataFrame
        ``member, quarter, chemistry, p10_gwh, p50_gwh, p90_gwh, had_first_frac``: energy delivered
        up to and with the quarter at three quantiles of the draws, and the share of draws in which
        some was.
    """
    place = ["member", "chemistry", "draw"]
    rows = drawn.delivered.sort_values([*place, "quarter"])
    rows = rows.assign(so_far=rows.groupby(place, sort=False)["gwh"].cumsum())
    groups = rows.groupby(["member", "quarter", "chemistry"], sort=False)["so_far"]
    table = pd.DataFrame(
        {f"p{100 * at:.0f}_gwh": groups.quantile(at) for at in (0.1, 0.5, 0.9)}
        | {"had_first_frac": groups.agg(lambda gwh: (gwh > 0).mean())}
    )
    return table.reset_index()


def _uncertain(problem: JointProblem) -> list[str]:
    """Certificates with more than one date, and the qualification if there are offers."""
    names = set[str]()
    for instance in (*(each.instance for each in problem.members), problem.shared):
        rows = gate_dates(instance)
        rows = rows[rows["binding"] & rows["chemistry"].isin(problem.chemistries)]
        cells = [rows[name].fillna("") for name in _DATES]
        wide = (cells[0] != cells[1]) | (cells[0] != cells[2])
        names |= set(rows.loc[wide, "certificate"])
        if len(instance.offers):
            names.add(QUALIFICATION)
    return sorted(names)


def _sample(num_axes: int, dates: Dates) -> FloatArray:
    from scipy.stats.qmc import LatinHypercube

    if num_axes == 0:
        return np.zeros((dates.num, 0))
    return np.asarray(LatinHypercube(num_axes, rng=dates.seed).random(dates.num))


def _at(instance: Instance, quantiles: dict[str, float]) -> Instance:
    """The instance with each certificate's date at its quantile."""
    scenario = instance.scenario
    gates = scenario.gates.model_copy(
        update={"quantile_of": {**scenario.gates.quantile_of, **quantiles}}
    )
    return replace(instance, scenario=scenario.model_copy(update={"gates": gates}))


def _by_member(plan: JointPlan) -> pd.DataFrame:
    """``member, quarter, chemistry, gwh``, zeros included."""
    problem = plan.problem
    rows = [
        (member.name, quarter, chemistry, gwh)
        for member, of_member in zip(problem.members, delivered_gwh(plan), strict=True)
        for quarter, row in zip(problem.quarters, of_member, strict=True)
        for chemistry, gwh in zip(problem.chemistries, row.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["member", "quarter", "chemistry", "gwh"])
