"""The problem of openings by period from an instance.

Takes the siting problem of the planning quarter (what fits, costs and limits after the last
period), and the vehicles and capacities of every period; gives one column of values, loads and
capacities per period. Leaves out how it is solved.
"""

import math
from collections.abc import Sequence

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.instance import Instance, Scenario
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import Tree
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.physics.fleet import FleetOperation
from planner.planning.siting.build_rates import build_rates, committed_periods, first_periods
from planner.planning.siting.problem import zone_loads, zone_values
from planner.units import DAYS_PER_MONTH, MONTHS_PER_QUARTER, QUARTERS_PER_YEAR


def quarter_weights(scenario: Scenario) -> dict[str, float]:
    """Discounted days of each quarter in which stations open.

    days / (1 + rate)^(k/4) of the k-th quarter, counted from the first one's 0.
    """
    quarters = [quarter for period in scenario.periods for quarter in period]
    weights = {}
    for number, quarter in enumerate(quarters):
        month = (int(quarter[-1]) - 1) * MONTHS_PER_QUARTER
        days = math.fsum(DAYS_PER_MONTH[month : month + MONTHS_PER_QUARTER])
        years = number / QUARTERS_PER_YEAR
        weights[quarter] = days / (1 + scenario.phasing.discount_rate) ** years
    return weights


def discounts(scenario: Scenario) -> FloatArray:
    """What money spent in each period counts, by its first quarter, shape (num_periods,)."""
    started = np.cumsum([0, *(len(period) for period in scenario.periods[:-1])])
    return np.asarray((1 + scenario.phasing.discount_rate) ** (-started / QUARTERS_PER_YEAR))


def period_weights(scenario: Scenario) -> FloatArray:
    """Discounted days of each period, shape (num_periods,)."""
    weights = quarter_weights(scenario)
    return np.array([math.fsum(weights[name] for name in names) for names in scenario.periods])


def assemble_phasing(
    instance: Instance,
    fleet: FleetOperation,
    siting: SizedCoverageProblem,
    vehicles: FloatArray,
    capacity: Sequence[FloatArray],
) -> PhasedProblem:
    """The problem of openings: a zone is worth its discounted swaps of each period.

    Parameters
    ----------
    instance : Instance
        With periods.
    fleet : FleetOperation
    siting : SizedCoverageProblem
        From `planner.planning.siting.problem.assemble_siting`.
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
        Vehicles per pack; loads of a period are those of its last quarter.
    capacity : sequence of ndarray, shape (num_cities, num_types)
        Of each period, for the vehicles of its last quarter [1/h].

    Returns
    -------
    PhasedProblem
        A line of periods. Limits: ``stations`` after the last period; ``openings`` and ``money``
        by period where they are limited, money also where it is to be least; ``total_money`` where
        money of a period expires and there is a budget of all periods, too.
    """
    scenario, rules = instance.scenario, siting.coverage.rules
    periods, quarters = scenario.periods, scenario.quarters
    weights, fits = quarter_weights(scenario), siting.capacity > 0
    cities = rules.cities_or_one()
    is_new = (instance.sites["status"] != "existing").to_numpy(bool)
    num_periods, rates = len(periods), build_rates(instance)
    may_stand, must_stand = _when(instance, rules.usable, rules.forced, is_new)
    limits = [
        PhasedLimit("stations", np.ones(fits.shape), _all_at_once(rules.most, num_periods), True),
        *_money(instance, rules.cost, rates.budget_cny, rules.budget),
    ]
    if np.isfinite(rates.openings).any():
        opening = np.broadcast_to(is_new[:, None].astype(float), fits.shape)
        carries_over = scenario.phasing.openings_carry_over
        limits.append(PhasedLimit("openings", opening, rates.openings, carries_over))
    ends = [quarters.index(period[-1]) for period in periods]
    return PhasedProblem(
        tree=Tree.line(num_periods),
        node_of=np.arange(num_periods),
        reach=siting.coverage.reach,
        value=np.column_stack(
            [
                np.sum([weights[name] * zone_values(instance, fleet, name) for name in names], 0)
                for names in periods
            ]
        ),
        load=np.column_stack([zone_loads(instance, fleet, vehicles[end]) for end in ends]),
        capacity=np.stack(
            [np.where(fits, rate[cities.city_idx], 0.0) for rate in capacity], axis=2
        ),
        may_stand=may_stand,
        must_stand=must_stand,
        is_new=is_new,
        limits=tuple(limits),
        cities=PhasedCities(
            city_idx=cities.city_idx,
            least=cities.min_stations,
            most=cities.max_stations,
            rate=rates.city_openings,
            carries_over=scenario.phasing.openings_carry_over,
            names=cities.names,
        ),
    )


def _when(
    instance: Instance, usable: BoolArray, forced: BoolArray, is_new: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Whether a station may, and must, stand at each site in each period."""
    periods = np.arange(len(instance.scenario.periods))
    opens = committed_periods(instance)[:, None]
    may = usable[:, None] & (periods >= np.maximum(first_periods(instance)[:, None], opens))
    due = np.where(opens >= 0, opens, np.where(is_new[:, None], periods[-1], 0))
    return may, forced[:, None] & (periods >= due)


def _money(
    instance: Instance, cost: FloatArray, by_period: FloatArray, total: float
) -> list[PhasedLimit]:
    """Money by period and of all periods; one limit where what is left may be spent later."""
    carries_over = instance.scenario.phasing.budget_carries_over
    is_counted = instance.scenario.phasing.objective == "least_money"
    if carries_over:
        up_to = np.minimum(np.cumsum(by_period), total)
        with np.errstate(invalid="ignore"):
            amount = np.nan_to_num(np.diff(up_to, prepend=0.0), nan=math.inf, posinf=math.inf)
        is_limited = np.isfinite(up_to).any() or is_counted
        return [PhasedLimit("money", cost, amount, True)] if is_limited else []
    limits = []
    if np.isfinite(by_period).any() or is_counted:
        limits.append(PhasedLimit("money", cost, by_period, False))
    if math.isfinite(total) and total < by_period.sum():
        name = "total_money" if limits else "money"
        limits.append(PhasedLimit(name, cost, _all_at_once(total, len(by_period)), True))
    return limits


def _all_at_once(total: float, num_periods: int) -> FloatArray:
    """A total as amounts that carry over."""
    return np.array([float(total), *np.zeros(num_periods - 1)])
