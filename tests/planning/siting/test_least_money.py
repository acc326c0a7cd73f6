"""The second level of every question: the same for less money, sizes included."""

from dataclasses import replace

import pandas as pd
import pytest

from planner.errors import CheckError
from planner.instance import Instance
from planner.planning.check_plan import check_plan
from planner.planning.pipeline import plan
from planner.plans import LEAST_MONEY, ModelResult
from planner.plans.plan import Plan

QUESTIONS = ["max_coverage", "p_median", "set_cover"]


def asked(instance: Instance, objective: str, **siting: object) -> Instance:
    settings = instance.scenario.siting.model_copy(update={"objective": objective, **siting})
    return replace(instance, scenario=instance.scenario.model_copy(update={"siting": settings}))


def money_of(found: Plan) -> ModelResult:
    return next(model for model in found.models if model.name == LEAST_MONEY)


@pytest.mark.parametrize(("num_stations", "least_cny"), [(2, 10e6), (3, 13e6), (4, 12e6)])
def test_sizes_and_number_are_those_that_cost_least(
    tutorial: Instance, num_stations: int, least_cny: float
) -> None:
    """Two of 30 bays, or two of 30 and one of 14, or four of 14 serve all that so many can."""
    planned = plan(asked(tutorial, "max_coverage", num_stations=num_stations))
    assert planned.evaluation.kpi["capex_cny"] == least_cny
    money = money_of(planned.plan)
    assert (money.status, money.objective, money.bound) == ("OPTIMAL", least_cny, least_cny)


@pytest.mark.parametrize("objective", QUESTIONS)
def test_of_two_sites_at_one_place_the_cheaper_plot_is_taken(
    tutorial: Instance, objective: str
) -> None:
    sites = tutorial.sites.assign(site_cost_cny=0.0)
    twin = sites[sites["site_id"] == "A"].assign(site_id="A2", site_cost_cny=1e5)
    sites.loc[sites["site_id"] == "A", "site_cost_cny"] = 9e5
    twins = replace(
        tutorial,
        sites=pd.concat([sites, twin]).sort_values("site_id", ignore_index=True),
    )
    found = plan(asked(twins, objective, num_stations=3)).plan
    assert "A" not in found.stations["site_id"].tolist()
    assert money_of(found).status == "OPTIMAL"


@pytest.mark.parametrize("objective", QUESTIONS)
def test_no_station_is_built_that_nothing_needs(tutorial: Instance, objective: str) -> None:
    few, many = (plan(asked(tutorial, objective, num_stations=number)) for number in (4, 5))
    assert few.evaluation.kpi["capex_cny"] == many.evaluation.kpi["capex_cny"]
    name = {"p_median": "swap_min_per_day"}.get(objective, "swaps_per_day_served")
    assert few.evaluation.kpi[name] == pytest.approx(many.evaluation.kpi[name])


def test_yearly_costs_are_money_themselves(tutorial: Instance) -> None:
    found = plan(asked(tutorial, "facility_location", num_stations=4)).plan
    assert LEAST_MONEY not in [model.name for model in found.models]


def test_the_check_adds_up_the_money(tutorial: Instance) -> None:
    found = plan(tutorial).plan
    models = tuple(
        replace(model, objective=model.objective - 1e6) if model.name == LEAST_MONEY else model
        for model in found.models
    )
    with pytest.raises(CheckError, match=r"the stations cost 10000000\.00 CNY"):
        check_plan(tutorial, replace(found, models=models))
