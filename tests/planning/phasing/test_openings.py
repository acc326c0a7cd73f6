"""Openings in the pipeline: every plan here has passed the independent check."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.instance import Instance
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from tests.planning.phasing.phased_town import phased_town


def _result(planned: Planned, name: str) -> float:
    return next(model.objective for model in planned.plan.models if model.name == name)


def _packs(planned: Planned) -> pd.DataFrame:
    held = planned.plan.station_packs
    return held.groupby(["quarter", "station_id"])["packs"].sum().unstack(fill_value=0)


def test_one_period_is_the_siting_for_good(tutorial: Instance, planned_tutorial: Planned) -> None:
    planned = plan(phased_town(tutorial, first_quarter="2027Q1"))
    pd.testing.assert_frame_equal(planned.plan.stations, planned_tutorial.plan.stations)
    served = _result(planned_tutorial, "siting")
    assert _result(planned, "siting") == pytest.approx(served, rel=1e-9)
    assert _result(planned, "phasing") == pytest.approx(90.25 * served, rel=1e-9)
    assert planned.plan.phase_allocation.empty
    assert set(planned.plan.openings["quarter"]) == {"2027Q1"}


def test_packs_stand_where_and_when_stations_do(tutorial: Instance) -> None:
    """A stands from before; one more a quarter. Packs are there from its opening on, not before."""
    instance = phased_town(
        tutorial, first_quarter="2026Q4", openings_per_quarter=1, siting={"num_stations": 3},
        last_quarter="2027Q2",
    )  # fmt: skip
    status = ["existing", "candidate", "candidate", "candidate", "forbidden"]
    planned = plan(replace(instance, sites=instance.sites.assign(status=status)))
    openings = planned.plan.openings.set_index("site_id")["quarter"]
    new = openings.drop(index="A", errors="ignore")
    assert sorted(new) == ["2026Q4", "2027Q1"]
    held = _packs(planned)
    for site_id in planned.plan.stations["site_id"]:
        opens = new.get(site_id, "2026Q2")
        assert ((held[site_id] > 0) == (held.index >= opens)).all()
    phase = planned.tables["phase"]
    assert phase["stations"].tolist() == [2, 3]
    # More may be served with more stations, and no period serves more than alone it could.
    assert phase["served_frac"].is_monotonic_increasing
    assert (phase["served_frac"] <= phase["own_bound_frac"] + 1e-9).all()
    assert (phase["opening_value"] >= 0).all()
    # In the last quarter of the horizon all stations of the plan stand.
    assert (held.loc["2027Q2"] > 0).all()


def test_money_that_is_left_buys_later_stations(tutorial: Instance) -> None:
    """6 M CNY a quarter: a station of 5 M at once; what is left over buys more if it is kept."""
    spent = {}
    for keeps in (True, False):
        planned = plan(
            phased_town(
                tutorial, first_quarter="2026Q4", budget_cny_per_quarter=6e6,
                budget_carries_over=keeps, siting={"num_stations": 4},
            )
        )  # fmt: skip
        phase = planned.tables["phase"]
        spent[keeps] = phase["spent_cny"].to_numpy(float)
        assert np.isfinite(phase["money_value"]).all()
        assert phase["opening_value"].isna().all()
    assert (spent[False] <= 6e6).all()
    assert spent[True].sum() <= 12e6
    assert spent[True].sum() >= spent[False].sum()


def test_shares_by_quarter_take_the_least_money(tutorial: Instance) -> None:
    """Two stations reach 79 % of the households: for three quarters of the swaps no third opens."""
    planned = plan(
        phased_town(
            tutorial, first_quarter="2026Q4", openings_per_quarter=1, siting={"num_stations": 3},
            objective="least_money", share_by_quarter={"2027Q1": 0.75},
        )
    )  # fmt: skip
    money = next(model for model in planned.plan.models if model.name == "phased_money")
    phase = planned.tables["phase"]
    assert phase["stations"].tolist() == [1, 2]
    assert money.status == "OPTIMAL"
    assert money.objective == pytest.approx(phase["spent_cny"] @ [1.0, 1.08**-0.25])


def test_the_earliest_quarter_of_a_share_is_proven(tutorial: Instance) -> None:
    planned = plan(
        phased_town(
            tutorial, first_quarter="2026Q3", openings_per_quarter=1, siting={"num_stations": 3},
            objective="earliest_share", share_frac=0.75,
        )
    )  # fmt: skip
    models = {model.name: model for model in planned.plan.models}
    assert (models["earliest_share"].objective, models["earliest_share"].bound) == (2.0, 2.0)
    # One station reaches 2,900 of 6,200 households at most, and opens at once.
    assert 0.4 < models["share_2026Q3"].bound < 0.75
    assert planned.tables["phase"]["stations"].tolist() == [1, 2, 3]
