"""A plan over time by label: openings, whom each period's stations serve, prices and bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.models.national.solve import solve_national
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.planning.paid_packs import label_capacity
from planner.planning.phasing.openings import Phased
from planner.planning.siting.problem import label_allocation
from planner.planning.siting.standing import find_standing, station_types_by_size
from planner.planning.station_packs import Stage
from planner.plans import EARLIEST_SHARE, PHASED_MONEY, SHARE_UNIT, ModelResult, share_model
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac

CNY_PER_MILLION = 1e6
OWN_GAP_FRAC = 0.003
"""Gap at which the search for a period's own bound ends."""


def label_phases(instance: Instance, phased: Phased) -> dict[str, pd.DataFrame]:
    """Openings, allocation and capacity by period, as fields of `planner.plans.Plan`."""
    firsts = [period[0] for period in instance.scenario.periods]
    earlier = list(zip(firsts, phased.stages, phased.rates, strict=True))[:-1]
    found = {"openings": _openings(instance, phased.stages)}
    if earlier:
        found["phase_allocation"] = pd.concat(
            [
                _of_period(label_allocation(instance, stage.site_idx, stage.allocation), first)
                for first, stage, _ in earlier
            ],
            ignore_index=True,
        )
        found["phase_capacity"] = pd.concat(
            [
                _of_period(label_capacity(instance, rate.swaps_per_hour), first)
                for first, _, rate in earlier
            ],
            ignore_index=True,
        )
    return found


def _of_period(table: pd.DataFrame, first: str) -> pd.DataFrame:
    table.insert(0, "quarter", first)
    return table


def _openings(instance: Instance, stages: Sequence[Stage]) -> pd.DataFrame:
    """A row per station and period in which it opens, grows or is rebuilt."""
    names = instance.sites["site_id"].to_numpy(object)
    types = station_types_by_size(instance)["station_type_id"].to_numpy(object)
    standing = find_standing(instance)
    stands = np.where(standing.is_worn_out, CLOSED, standing.type_idx)
    tables = []
    for period, stage in zip(instance.scenario.periods, stages, strict=True):
        site_idx, type_idx = stage.site_idx, stage.allocation.type_idx
        changes = stands[site_idx] != type_idx
        stands[site_idx] = type_idx
        tables.append(
            pd.DataFrame(
                {
                    "site_id": names[site_idx[changes]],
                    "quarter": period[0],
                    "station_type_id": types[type_idx[changes]],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def phasing_results(instance: Instance, phased: Phased) -> list[ModelResult]:
    """How far the openings got: what they serve, and what else was asked of them.

    Where a share is to be served early, each period before has a model of its own that says how
    much of its swaps any plan can serve.

    What is served is that of the stations as they are sized. Where money is to be least, nothing
    but the swaps that are asked bounds it; ``phased_money`` then has the proof.
    """
    proof, earliest = phased.solution.proof, phased.openings.earliest
    firsts = [period[0] for period in instance.scenario.periods]
    for_money = proof.sense == "min"
    served = math.fsum(phased.served)
    bound = math.fsum(phased.problem.value.ravel()) if for_money else proof.bound
    prices = {
        f"{name}_discounted_swaps": float(values.max())
        for name, values in zip(phased.solution.resources, unit_values(phased), strict=True)
    }
    results = [
        _result("phasing", "max", "discounted swaps", served, max(bound, served), proof.wall_s,
                {} if for_money else prices)
    ]  # fmt: skip
    if for_money:
        results.append(
            _result(
                PHASED_MONEY, "min", "discounted CNY", proof.objective, proof.bound, proof.wall_s
            )
        )
    if earliest is not None and earliest.node is not None:
        number, least = earliest.node + 1.0, earliest.not_before + 1.0
        results.append(_result(EARLIEST_SHARE, "min", "periods", number, least, proof.wall_s))
        results += [
            _result(share_model(quarter), "max", SHARE_UNIT, found, bound, proof.wall_s)
            for quarter, found, bound in zip(
                firsts[: earliest.node], earliest.found_frac, earliest.bound_frac, strict=False
            )
        ]
    return results


def _result(
    name: str,
    sense: Sense,
    unit: str,
    objective: float,
    bound: float,
    wall_s: float,
    prices: Mapping[str, float] | None = None,
) -> ModelResult:
    gap = gap_frac(objective, bound, sense=sense)
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    return ModelResult(name, sense, unit, status, objective, bound, gap, wall_s, prices or {})


def unit_values(phased: Phased) -> FloatArray:
    """What one more unit of each limit in each period would bring, (num_limits, num_periods)."""
    from_node = phased.problem.tree.from_node
    return np.array(
        [
            from_node @ price if limit.carries_over else price
            for limit, price in zip(phased.problem.limits, phased.solution.price, strict=True)
        ]
    )


def with_phase_values(
    table: pd.DataFrame, phased: Phased, own_bound_frac: FloatArray
) -> pd.DataFrame:
    """The table of periods with what one more opening, and money, would bring, and own bounds.

    Parameters
    ----------
    table : DataFrame
        A row per period, in order.
    phased : Phased
    own_bound_frac : ndarray, shape (num_periods,)
        From `own_bounds`; NaN where there is none.
    """
    values = {}
    if phased.solution.proof.sense == "max":
        values = dict(zip(phased.solution.resources, unit_values(phased), strict=True))
    unknown = np.full(len(table), np.nan)
    served, asked = phased.served, phased.problem.value.sum(axis=0)
    most = own_bound_frac * asked
    lost = np.divide(most - served, most, out=unknown.copy(), where=most > 0)
    return table.assign(
        opening_value=values.get("openings", unknown),
        money_value=values.get("money", unknown) * CNY_PER_MILLION,
        own_bound_frac=own_bound_frac,
        nested_loss_frac=np.maximum(lost, 0.0),
    )


def own_bounds(
    phased: Phased, options: SolveOptions, stop: StopRequest | None = None
) -> FloatArray:
    """Share of its swaps that no plan for each period alone exceeds, shape (num_periods,).

    Parameters
    ----------
    phased : Phased
    options : SolveOptions
        The time limit holds for all periods together.
    stop : threading.Event or alike, optional
    """
    problem = phased.problem
    num_periods = problem.tree.num_nodes
    of_period = replace(
        options,
        time_limit_s=max(1.0, options.time_limit_s / num_periods),
        gap_frac=max(options.gap_frac, OWN_GAP_FRAC),
    )
    found = []
    for number in range(num_periods):
        total = problem.value[:, number].sum()
        if total == 0:
            found.append(np.nan)
            continue
        solution = solve_national(_alone(problem, number), of_period, stop=stop)
        found.append(min(1.0, solution.proof.bound / total))
    return np.array(found)


def _alone(problem: PhasedProblem, number: int) -> SizedCoverageProblem:
    """A period as if nothing stood before but what must: with all slots and money up to it."""
    alone = problem.column_problem(number)
    rules, node = alone.coverage.rules, int(problem.node_of[number])
    up_to = problem.tree.from_node[:, node]
    by_name = {limit.name: limit for limit in problem.limits}
    most, budget = rules.most, rules.budget
    if "openings" in by_name:
        amount = by_name["openings"].amount[up_to].sum()
        most = int(min(most, (~problem.is_new).sum() + amount))
    if "money" in by_name:
        budget = float(by_name["money"].amount[up_to].sum())
    if "total_money" in by_name:
        budget = min(budget, float(by_name["total_money"].amount[up_to].sum()))
    cities = rules.cities
    assert cities is not None
    rules = replace(
        rules,
        most=most,
        budget=budget,
        cities=replace(cities, min_stations=np.zeros_like(cities.min_stations)),
    )
    return replace(alone, coverage=replace(alone.coverage, rules=rules))
