"""The independent check accepts what the models made and rejects every way of spoiling it."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from planner.errors import CheckError
from planner.instance import Instance
from planner.planning.check_plan import check_plan
from planner.planning.result import Planned
from planner.plans import LEAST_MONEY, Plan


def test_accepts_and_recomputes(tutorial: Instance, planned_tutorial: Planned) -> None:
    evaluation = check_plan(tutorial, planned_tutorial.plan)
    stated = planned_tutorial.evaluation.kpi
    assert evaluation.kpi == {name: stated[name] for name in evaluation.kpi}
    # What only the simulation knows is no part of the check.
    simulated = set(planned_tutorial.tables["simulation_figure"]["figure"])
    assert stated.keys() - evaluation.kpi.keys() == simulated - evaluation.kpi.keys()
    assert evaluation.kpi["swaps_per_day_served"] == pytest.approx(
        planned_tutorial.plan.models[0].objective
    )
    for name in ("stations", "zones", "cities", "packs"):
        own = getattr(evaluation, name)
        # What the search for reasons knows stands beside it.
        pd.testing.assert_frame_equal(own, getattr(planned_tutorial.evaluation, name)[own.columns])


def _set(frame: str, row: int, column: str, value: object) -> Callable[[Plan], Plan]:
    def spoil(plan: Plan) -> Plan:
        changed = getattr(plan, frame).copy()
        changed.loc[row, column] = value
        return replace(plan, **{frame: changed})

    return spoil


def _model(**changes: float) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, models=(replace(plan.models[0], **changes), *plan.models[1:]))


def _packs_model(**changes: float) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, models=(plan.models[0], replace(plan.models[1], **changes)))


def _add(frame: str, **row: object) -> Callable[[Plan], Plan]:
    def spoil(plan: Plan) -> Plan:
        longer = pd.concat([getattr(plan, frame), pd.DataFrame([row])], ignore_index=True)
        return replace(plan, **{frame: longer})

    return spoil


def _drop(frame: str, row: int) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **{frame: getattr(plan, frame).drop(index=row)})


def _spoil_stock(packs: float) -> Callable[[Plan], Plan]:
    def spoil(plan: Plan) -> Plan:
        changed = plan.station_packs.astype({"packs": float})
        changed.loc[0, "packs"] = packs
        return replace(plan, station_packs=changed)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_set("stations", 0, "site_id", "X"), "site_id X is not known"),
        (_set("stations", 0, "site_id", "B"), "repeat the key site_id"),
        (_add("stations", site_id="C", station_type_id="choco_14"), "3 stations are open, .* 2"),
        (_add("stations", site_id="E", station_type_id="choco_14"), "site E is forbidden"),
        (_set("stations", 0, "station_type_id", "choco_14"), "has a load of .* swaps per hour"),
        (_set("allocation", 0, "drive_min", 0.5), "stated 0.500000 min, audited"),
        (_set("allocation", 0, "zone_id", "Z8"), "audited inf"),
        (_set("allocation", 1, "zone_id", "Z1"), "repeat the key zone_id, site_id"),
        (_set("allocation", 0, "share_frac", 0.0), r"outside \(0, 1\]"),
        (
            _add("allocation", zone_id="Z3", site_id="B", share_frac=0.1, drive_min=1.0),
            "zone Z3 is served more than once",
        ),
        (
            _add("allocation", zone_id="Z6", site_id="C", share_frac=1.0, drive_min=3.0),
            "site_id C is not known",
        ),
        (_set("packs", 0, "vehicles", 349.0), "more packs assigned than vehicles"),
        (_set("packs", 0, "vehicles", 0.0), "a row of packs has no vehicle"),
        (_set("packs", 0, "quarter", "2031Q1"), "quarter 2031Q1 is not known"),
        (_set("packs", 0, "pack_id", "lfp_99"), "pack_id lfp_99 is not known"),
        (_set("packs", 2, "pack_id", "na_25"), "more packs na_25 in use than there are"),
        (_spoil_stock(2.5), "are no whole number"),
        (_set("station_packs", 0, "packs", 0), "are no whole number"),
        (_set("station_packs", 0, "packs", 31), "31 packs|do not fit its bays"),
        (_set("station_packs", 0, "packs", 29), "in use than there are|do not fit its bays"),
        (_set("station_packs", 0, "station_id", "C"), "packs stand at C, where no station is"),
        (_set("station_packs", 0, "pack_id", "lfp_99"), "pack_id lfp_99 is not known"),
        (_set("capacity", 1, "swaps_per_hour", 0.1), "has a load of .* swaps per hour"),
        (_set("capacity", 1, "station_type_id", "choco_14"), "repeat the key"),
        (_drop("capacity", 1), "has a load of .* swaps per hour, its capacity is nan"),
        (
            _add("openings", site_id="A", quarter="2027Q1", station_type_id="choco_30"),
            "openings has 1 rows, no phasing is asked for",
        ),
        (_set("pack_flows", 0, "delivered", -1.0), "a flow of packs is negative"),
        (_set("pack_flows", 0, "stock", 1000.0), "the stock of lfp_25 does not balance"),
        (_set("pack_flows", 0, "moved_in", 3.0), "lfp_25 moved in and out do not agree"),
        (_set("pack_flows", 0, "retired", 3.0), "3.000 lfp_25 retire, 0.000 are due"),
        (
            _set("pack_flows", 1, "delivered", 700.0),
            "sodium_ion go to swap_car, .* are taken",
        ),
        (_model(objective=230.0), "the plan states 230"),
        (_model(bound=200.0), "is better than its bound"),
        (_packs_model(objective=1.0), "the packs cost .* CNY, the plan states 1.00"),
    ],
)
def test_rejects(
    tutorial: Instance,
    planned_tutorial: Planned,
    spoil: Callable[[Plan], Plan],
    expected: str,
) -> None:
    with pytest.raises(CheckError, match=expected):
        check_plan(tutorial, spoil(planned_tutorial.plan))


@pytest.mark.parametrize(
    ("table", "changes", "expected"),
    [
        ("sites", {"status": ["candidate", "candidate", "existing", "candidate", "forbidden"]},
         "site C is existing or committed but not open"),
        ("sites", {"max_bays": [14, 14, 14, 14, 14]}, "site A has more bays than fit"),
        ("sites", {"grid_kw": [900.0] * 5}, "site A needs more grid power than it has"),
        ("sites", {"site_cost_cny": [3e6] * 5}, "the stations cost 16,000,000 CNY, the budget is"),
        ("cities", {"min_stations": 3}, "city town has 2 stations, min_stations 3"),
        ("cities", {"max_stations": 1}, "city town has 2 stations, max_stations 1"),
        ("gates", {"opens": [None, None]}, "used in CN in 2027Q1 without GB 38031-2025"),
        ("packs", {"available_from": ["2024Q4", "2027Q2"]}, "it is not on offer before 2027Q2"),
        ("packs", {"envelope": ["#25", "#20"]}, "na_25 does not fit"),
    ],
)  # fmt: skip
def test_rejects_what_the_instance_forbids(
    tutorial: Instance,
    planned_tutorial: Planned,
    table: str,
    changes: dict[str, list[object]],
    expected: str,
) -> None:
    siting = tutorial.scenario.siting.model_copy(update={"budget_cny": 12e6})
    stricter = replace(
        tutorial,
        scenario=tutorial.scenario.model_copy(update={"siting": siting}),
        **{table: getattr(tutorial, table).assign(**changes)},
    )
    with pytest.raises(CheckError, match=expected):
        check_plan(stricter, planned_tutorial.plan)


@pytest.mark.parametrize(
    ("status", "spacing_km", "is_refused"),
    [("candidate", 2.5, True), ("existing", 2.5, False), ("candidate", 1.9, False)],
)
def test_new_stations_keep_the_spacing(
    tutorial: Instance, planned_tutorial: Planned, status: str, spacing_km: float, is_refused: bool
) -> None:
    siting = tutorial.scenario.siting.model_copy(update={"min_spacing_km": spacing_km})
    is_one = tutorial.sites["site_id"].isin(["A", "B"])
    spaced = replace(
        tutorial,
        scenario=tutorial.scenario.model_copy(update={"siting": siting}),
        sites=tutorial.sites.assign(status=tutorial.sites["status"].mask(is_one, status)),
    )
    # What stands is free: the plan's money is not looked at here.
    models = tuple(each for each in planned_tutorial.plan.models if each.name != LEAST_MONEY)
    found = replace(planned_tutorial.plan, models=models)
    if is_refused:
        with pytest.raises(CheckError, match=r"A and B are 2\.000 km apart, .* is 2\.5"):
            check_plan(spaced, found)
    else:
        check_plan(spaced, found)
