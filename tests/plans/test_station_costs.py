"""Least cost of a station at each site: one function for the models and the check."""

from dataclasses import replace

import numpy as np
import pytest

from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.joined_network import reach_on_network
from planner.planning.service import station_capacity
from planner.planning.siting.as_other_problem import site_cost
from planner.planning.siting.problem import assemble_siting
from planner.plans.station_costs import least_cost_cny, least_cost_cny_per_year


@pytest.fixture(scope="module")
def crowded(tutorial: Instance) -> Instance:
    """Plots of different cost; no type fits the second site that may hold a station."""
    free = np.flatnonzero((tutorial.sites["status"] == "candidate").to_numpy())
    bays = np.full(len(tutorial.sites), 100)
    bays[free[1]] = 1
    plot_cny = 1000.0 * np.arange(len(tutorial.sites))
    return replace(tutorial, sites=tutorial.sites.assign(max_bays=bays, site_cost_cny=plot_cny))


def test_sites_that_no_type_fits_have_no_cost(crowded: Instance) -> None:
    tight = (crowded.sites["max_bays"] == 1).to_numpy()
    for cost in (least_cost_cny(crowded), least_cost_cny_per_year(crowded)):
        assert np.isnan(cost).tolist() == tight.tolist()
    cheapest = crowded.stations["capex_cny"].min() + crowded.sites["site_cost_cny"]
    assert least_cost_cny(crowded)[~tight].tolist() == cheapest[~tight].tolist()


def test_models_take_the_same_costs_and_none_where_nothing_fits(crowded: Instance) -> None:
    fleet = operate_fleet(crowded, city_climate(crowded))
    _, reach = reach_on_network(crowded)
    vehicles = np.ones(fleet.design_range_km.shape[:3])
    capacity = station_capacity(crowded, fleet, vehicles).swaps_per_hour
    problem = assemble_siting(crowded, reach, fleet, vehicles, capacity)
    assert site_cost(problem).tolist() == np.nan_to_num(least_cost_cny(crowded)).tolist()
    assert problem.rules.forbidden[np.isnan(least_cost_cny(crowded))].all()
