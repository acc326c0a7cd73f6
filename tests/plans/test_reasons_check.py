"""The check of what stations and sites are said to cost finds what is planted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.errors import CheckError
from planner.instance import Instance
from planner.planning.joined_network import reach_on_network
from planner.planning.result import Planned
from planner.plans.covered_loss import covered_loss
from planner.plans.plan import Evaluation
from planner.plans.reasons_check import check_reasons
from planner.plans.worth import Reached


@pytest.fixture(scope="module")
def reached(tutorial: Instance) -> Reached:
    _, reach = reach_on_network(tutorial)
    return Reached(reach.ptr, reach.zone_idx, reach.drive_min)


def _with(planned: Planned, **columns: object) -> Evaluation:
    stations = planned.evaluation.stations
    return replace(planned.evaluation, stations=stations.assign(**columns))


def test_the_plan_passes(planned_tutorial: Planned, reached: Reached) -> None:
    planned = planned_tutorial
    check_reasons(planned.instance, planned.evaluation, planned.candidates, reached)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"replacement_cost_low": 1e6}, "replacement_cost of A"),
        ({"replacement_cost": -1.0, "replacement_cost_low": -1.0}, "replacement_cost of A"),
        ({"replacement_cost": np.nan}, "replacement_cost of A"),
        ({"site_status": "existing"}, "station A has replacement cost"),
        ({"next_best_site_id": "B"}, "next_best_site_id of A is B"),
    ],
)
def test_planted_faults_are_found(
    planned_tutorial: Planned, reached: Reached, columns: dict[str, object], told: str
) -> None:
    with pytest.raises(CheckError, match=told):
        check_reasons(
            planned_tutorial.instance, _with(planned_tutorial, **columns),
            planned_tutorial.candidates, reached,
        )  # fmt: skip


def _roomy(planned: Planned) -> Evaluation:
    """Stations that are never full."""
    return _with(planned, capacity_swaps_per_hour=1e6)


def test_the_loss_of_an_exchange_is_that_of_the_zones(
    tutorial: Instance, planned_tutorial: Planned, reached: Reached
) -> None:
    evaluation = _roomy(planned_tutorial)
    sites, open_ids = tutorial.sites["site_id"], evaluation.stations["site_id"]
    swaps = evaluation.zones.set_index("zone_id")["swaps_per_day"].loc[tutorial.zones["zone_id"]]

    def covered(ids: "pd.Series[str]") -> float:
        zones = [reached.zone_idx[reached.ptr[j] : reached.ptr[j + 1]]
                 for j in np.flatnonzero(sites.isin(ids))]  # fmt: skip
        return float(swaps.to_numpy()[np.unique(np.concatenate(zones))].sum())

    leaving = np.flatnonzero(sites.isin(open_ids))
    for entering in [-1, *np.flatnonzero(~sites.isin(open_ids))]:
        found = covered_loss(
            tutorial, evaluation, reached, leaving, np.full(len(leaving), entering)
        )
        for at, site in enumerate(leaving):
            after = open_ids[open_ids != sites[site]].tolist()
            after += [sites[entering]] if entering >= 0 else []
            expected = covered(open_ids) - covered(pd.Series(after))
            assert np.isnan(found[at]) or found[at] == pytest.approx(expected)
        assert np.isfinite(found).all() or entering >= 0


def test_a_cost_above_that_of_its_own_exchange_is_found(
    planned_tutorial: Planned, reached: Reached
) -> None:
    evaluation = _roomy(planned_tutorial)
    costs = evaluation.stations["replacement_cost"]
    dearer = evaluation.stations.assign(replacement_cost=costs + 1e4)
    with pytest.raises(CheckError, match="upper end of A"):
        check_reasons(
            planned_tutorial.instance, replace(evaluation, stations=dearer),
            planned_tutorial.candidates, reached,
        )  # fmt: skip
