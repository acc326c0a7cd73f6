"""Tables of alternatives hold together, for every siting question."""

from pathlib import Path

import numpy as np
import pytest

from planner.instance import read_instance
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.pipeline import plan
from planner.planning.reasons.alternatives import Alternatives, find_alternatives
from planner.planning.reasons.sited import Sited, sited_of_run
from planner.planning.result import Planned
from planner.solving.options import SolveOptions

WITHIN = (0.01, 0.1)
OPTIONS = SolveOptions(time_limit_s=4.0)


@pytest.fixture(scope="module")
def sited(tmp_path_factory: pytest.TempPathFactory, planned_tutorial: Planned) -> Sited:
    run = write_run(planned_tutorial, tmp_path_factory.mktemp("run") / "town", Outputs.TABLES)
    return sited_of_run(run, None, OPTIONS)


@pytest.fixture(scope="module")
def found(sited: Sited) -> Alternatives:
    return find_alternatives(sited, WITHIN, 4)


def _check(found: Alternatives, sited: Sited) -> None:
    plans, sites, curve = found.plans, found.sites, found.curve
    assert plans["plan"].tolist() == list(range(len(plans)))
    assert plans.loc[0, "objective"] == pytest.approx(sited.siting.objective, rel=1e-6)
    zero = ["loss_frac", "places_differ", "sites_differ", "moved_swaps_per_day", "share_of_bonus"]
    assert (plans.loc[0, zero] == 0).all()
    assert (plans["loss_frac"] <= max(WITHIN) + 1e-12).all()
    assert (plans["places_differ"] <= plans["sites_differ"]).all()
    worse = plans["objective"].iloc[0] - plans["objective"]
    sign = 1.0 if sited.siting.sense == "max" else -1.0
    scale = abs(plans["objective"].iloc[0])
    assert plans["loss_frac"].to_numpy() == pytest.approx((sign * worse / scale).to_numpy())
    both = curve.dropna()
    assert len(both) >= len(WITHIN)
    assert (both["places_found"] <= both["places_proven_most"]).all()
    for _, rows in curve.groupby("counted_from"):
        assert rows["within_frac"].tolist() == list(WITHIN)
        assert rows["places_found"].dropna().is_monotonic_increasing
        assert rows["places_proven_most"].dropna().is_monotonic_increasing
    from_plan = curve[curve["counted_from"] == "plan"]
    assert plans["places_differ"].max() <= from_plan["places_found"].max()
    in_plan = np.isin(
        sited.instance.sites["site_id"].to_numpy(),
        sited.instance.sites["site_id"].to_numpy()[sited.siting.open_site_idx],
    )
    assert (sites["in_plan"] == in_plan).all()
    assert sites["frequency_frac"].between(0.0, 1.0).all()
    assert (sites.loc[sites["label"] == "must_have", "in_plan"]).all()
    assert not (sites.loc[sites["label"] == "never", "in_plan"]).any()
    assert not sites.loc[sites["label"].isin(["seen_in_all", "not_seen"]), "proven"].any()
    seen = sites.loc[sites["label"] == "optional", "frequency_frac"]
    assert seen.between(0.0, 1.0, inclusive="neither").all()
    cells = found.hexagons
    assert (cells["least"] <= cells["mean"]).all()
    assert (cells["mean"] <= cells["most"]).all()
    assert cells["in_plan"].between(cells["least"], cells["most"]).all()
    assert cells["in_plan"].sum() == len(sited.siting.open_site_idx)
    assert cells["mean"].sum() == pytest.approx(sites["frequency_frac"].sum())
    steps = found.city_steps
    assert (steps["cost_low"] <= steps["cost_found"] + 1e-9).all()
    assert (steps["stations"] + steps["step"] >= 0).all()


def test_tables_agree_with_each_other(found: Alternatives, sited: Sited) -> None:
    _check(found, sited)
    assert set(found.city_steps["step"]) <= {-10, -5, -2, -1, 1, 2, 5, 10}
    assert len(found.city_steps) > 0


def test_locked_sites_are_labelled_as_such(found: Alternatives, sited: Sited) -> None:
    rules = sited.task.problem.rules
    assert (found.sites.loc[rules.forced, "label"] == "must_have").all()
    assert (found.sites.loc[rules.forbidden, "label"] == "never").all()


@pytest.mark.parametrize("question", ["p_median", "set_cover", "facility_location"])
def test_every_question_has_alternatives(
    question: str, tutorial_copy: Path, tmp_path: Path
) -> None:
    planned = plan(read_instance(tutorial_copy, scenario_name=question))
    sited = sited_of_run(write_run(planned, tmp_path / "run", Outputs.TABLES), None, OPTIONS)
    _check(find_alternatives(sited, WITHIN, 3), sited)


def test_what_cannot_be_asked_is_refused(sited: Sited) -> None:
    for within, plans in (((), 3), ((0.0,), 3), ((1.5,), 3), ((0.01,), 0)):
        with pytest.raises(ValueError, match="losses must lie"):
            find_alternatives(sited, within, plans)
