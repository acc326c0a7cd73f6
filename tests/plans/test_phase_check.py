"""The check over time accepts openings made up by hand and rejects every way of spoiling them."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pandas as pd
import pytest

from planner.errors import CheckError
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.plans import LEAST_MONEY, SHARE_UNIT, ModelResult, Plan, share_model
from planner.plans.phase_rows import NONE, stages_of
from planner.plans.phase_targets import target_violations
from tests.phased_tutorial import (
    DAYS,
    SWAPS_PER_DAY,
    Phased,
    discounted_served,
    phased_tutorial,
)

Spoil = Callable[[Plan], Plan]


def test_accepts_what_was_worked_out_by_hand() -> None:
    found = phased_tutorial().check()
    by_year = 1.08**-0.25
    table = found.tables["phase"]
    assert table.drop(columns=["discounted_swaps", "discounted_swaps_served"]).to_dict("list") == {
        "quarter": ["2026Q3", "2026Q4", "2027Q1"],
        "last_quarter": ["2026Q3", "2026Q4", "2027Q1"],
        "days": list(DAYS),
        "weight": pytest.approx([92.0, 92.0 * by_year, 90.25 * by_year**2]),
        "stations": [1, 2, 3],
        "opened": [1, 1, 1],
        "enlarged": [0, 0, 0],
        "openings_most": [1.0, 1.0, 1.0],
        "spent_cny": [5e6, 5e6, 3e6],
        "budget_cny": pytest.approx([float("nan")] * 3, nan_ok=True),
        "swaps_per_day": pytest.approx([SWAPS_PER_DAY] * 3),
        "swaps_per_day_served": pytest.approx(
            [SWAPS_PER_DAY * served / 6200 for served in (2700, 4900, 6200)]
        ),
        "served_frac": pytest.approx([2700 / 6200, 4900 / 6200, 1.0]),
    }
    stated = {name: found.kpi[name] for name in (
        "discounted_swaps", "discounted_swaps_served", "discounted_served_frac",
        "discounted_capex_cny", "openings", "enlargements",
    )}  # fmt: skip
    asked, served = discounted_served(6200, 6200, 6200), discounted_served(2700, 4900, 6200)
    assert stated == {
        "discounted_swaps": pytest.approx(asked),
        "discounted_swaps_served": pytest.approx(served),
        "discounted_served_frac": pytest.approx(served / asked),
        "discounted_capex_cny": pytest.approx(5e6 + 5e6 * by_year + 3e6 * by_year**2),
        "openings": 3,
        "enlargements": 0,
    }
    assert table["discounted_swaps"].sum() == pytest.approx(asked)
    assert table["discounted_swaps_served"].sum() == pytest.approx(served)
    assert found.stations.set_index("site_id")["opening_quarter"].to_dict() == {
        "A": "2026Q4", "B": "2026Q3", "D": "2027Q1",
    }  # fmt: skip


def test_the_last_period_is_the_plan_itself() -> None:
    given = phased_tutorial()
    found = given.check()
    last = found.tables["station_phase"].query("quarter == '2027Q1'").reset_index(drop=True)
    columns = ["site_id", "city_id", "station_type_id", "swaps_per_day", "peak_swaps_per_hour",
               "capacity_swaps_per_hour"]  # fmt: skip
    pd.testing.assert_frame_equal(last[columns], found.stations[columns])
    town = found.tables["city_phase"]
    assert town["city_id"].tolist() == ["town"] * 3
    assert town["stations"].tolist() == [1, 2, 3]
    assert town["opened"].tolist() == [1, 1, 1]
    held = given.plan.station_packs.groupby("quarter")["packs"].sum()
    assert town["station_packs"].tolist() == held.tolist()
    served = found.kpi["swaps_per_day_served"]
    assert town["swaps_per_day_served"].iloc[-1] == pytest.approx(served)
    loads = found.tables["station_phase"].set_index(["quarter", "site_id"])["peak_swaps_per_hour"]
    first = found.kpi["peak_swaps_per_hour"] * 2700 / 6200
    assert loads["2026Q3", "B"] == pytest.approx(first, rel=0.02)  # only LFP then


def _set(frame: str, row: int, **values: object) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        changed = getattr(plan, frame).copy()
        for column, value in values.items():
            changed.loc[row, column] = value
        return replace(plan, **{frame: changed})

    return spoil


def _add(frame: str, *rows: dict[str, object]) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        longer = pd.concat([getattr(plan, frame), pd.DataFrame(rows)], ignore_index=True)
        return replace(plan, **{frame: longer})

    return spoil


def _drop(frame: str, row: int) -> Spoil:
    return lambda plan: replace(
        plan, **{frame: getattr(plan, frame).drop(index=row).reset_index(drop=True)}
    )


def _all(*spoils: Spoil) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        for each in spoils:
            plan = each(plan)
        return plan

    return spoil


def _model(**changes: Any) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        return replace(plan, models=(*plan.models[:-1], replace(plan.models[-1], **changes)))

    return spoil


def _costs(cny: float) -> Spoil:
    """What the level of least money states, changed with the stations."""
    return lambda plan: replace(
        plan,
        models=tuple(
            replace(model, objective=cny, bound=cny) if model.name == LEAST_MONEY else model
            for model in plan.models
        ),
    )


def _without_model(plan: Plan) -> Plan:
    return replace(plan, models=plan.models[:-1])


def _served(zone_id: str, site_id: str, share_frac: float, quarter: str = "2026Q3") -> Spoil:
    row = {"quarter": quarter, "zone_id": zone_id, "site_id": site_id, "share_frac": share_frac}
    return _add("phase_allocation", row | {"drive_min": 1.0})


def _opens(site_id: str, quarter: str, station_type_id: str) -> Spoil:
    row = {"site_id": site_id, "quarter": quarter, "station_type_id": station_type_id}
    return _add("openings", row)


def _packs(station_id: str, quarter: str, packs: int) -> Spoil:
    row = {"station_id": station_id, "quarter": quarter, "pack_id": "lfp_25", "packs": packs}
    return _add("station_packs", row)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        # Labels.
        (_set("openings", 0, site_id="C"), "openings: site_id C is not known"),
        (_set("openings", 0, quarter="2027Q2"), "openings: quarter 2027Q2 is not known"),
        (_set("openings", 0, station_type_id="x"), "openings: station_type_id x is not known"),
        (_opens("B", "2026Q3", "choco_14"), "openings: 1 rows repeat the key quarter, site_id"),
        (_served("Z9", "B", 1.0), "phase_allocation: zone_id Z9 is not known"),
        (_served("Z2", "C", 1.0), "phase_allocation: site_id C is not known"),
        (_served("Z6", "D", 1.0, "2027Q1"), "phase_allocation: quarter 2027Q1 is not known"),
        (_served("Z5", "B", 0.5), "phase_allocation: 1 rows repeat the key quarter, zone_id"),
        (_set("phase_capacity", 0, city_id="x"), "phase_capacity: city_id x is not known"),
        (_set("phase_capacity", 0, station_type_id="choco_30"),
         "phase_capacity: 1 rows repeat the key"),
        # What stands when.
        (_drop("openings", 2), "station D is in the plan, but never opens"),
        (_set("openings", 2, station_type_id="choco_30"),
         "station D is choco_30 in the last period, choco_14 in the plan"),
        (_all(_set("openings", 2, quarter="2026Q3", station_type_id="choco_30"),
              _opens("D", "2027Q1", "choco_14")), "2027Q1: station D shrinks"),
        (_opens("B", "2026Q4", "choco_30"), "2026Q4: an opening at B changes nothing"),
        (_set("openings", 1, quarter="2026Q3"),
         "station A stands from 2026Q3, its earliest quarter is 2026Q4"),
        (_set("openings", 2, quarter="2026Q4"),
         "2026Q4: 2 stations open, the build rate allows 1$"),
        # Who is served by whom.
        (_set("phase_capacity", 1, swaps_per_hour=15.0),
         "2026Q3: station B has a load of 16.* swaps per hour, its capacity is 15.000"),
        (_drop("phase_capacity", 1), "2026Q3: station B has a load of 16.*, its capacity is nan"),
        (_set("phase_allocation", 0, share_frac=0.0),
         r"a share of phase_allocation lies outside \(0, 1\]"),
        (_set("phase_allocation", 0, share_frac=1.5),
         r"a share of phase_allocation lies outside \(0, 1\]"),
        (_served("Z3", "B", 0.1, "2026Q4"), "2026Q4: zone Z3 is served more than once"),
        (_served("Z1", "A", 1.0), "2026Q3: station A serves before it stands"),
        (_set("phase_allocation", 0, drive_min=0.5),
         "2026Q3, zone Z3: drive time stated 0.500000 min, audited 1.000000"),
        (_served("Z2", "B", 1.0), "1 rows of phase_allocation serve from beyond 1.5 min"),
        (_drop("phase_allocation", 0), "discounted swaps are served, the plan states"),
        # Packs.
        (_packs("D", "2026Q4", 1), "2026Q4: packs stand at D before it opens"),
        (_set("station_packs", 0, packs=31), "2026Q3, station B: 31 packs do not fit its bays"),
        # What is stated.
        (_model(objective=1.0), "53981.8.* discounted swaps are served, the plan states 1.000000"),
        (_model(bound=1.0), "model phasing: the objective .* is better than its bound"),
        (_model(unit="CNY"), "the openings are measured in CNY"),
        (_without_model, "0 models state the openings, one must"),
    ],
)  # fmt: skip
def test_rejects(spoil: Spoil, expected: str) -> None:
    given = phased_tutorial()
    with pytest.raises(CheckError, match=f"(?m){expected}"):
        given._replace(plan=spoil(given.plan)).check()


def _phasing(**changes: object) -> Callable[[Phased], Phased]:
    return lambda given: _scenario(given, "phasing", **changes)


def _siting(**changes: object) -> Callable[[Phased], Phased]:
    return lambda given: _scenario(given, "siting", **changes)


def _scenario(given: Phased, section: str, **changes: object) -> Phased:
    scenario = given.instance.scenario
    changed = getattr(scenario, section).model_copy(update=changes)
    scenario = scenario.model_copy(update={section: changed})
    return given._replace(instance=replace(given.instance, scenario=scenario))


def _rates(*rows: tuple[str, str | None, int | None, float | None]) -> Callable[[Phased], Phased]:
    columns = ["quarter", "city_id", "openings", "budget_cny"]
    table = pd.DataFrame(rows, columns=columns).astype({"openings": "Int64", "budget_cny": float})
    return lambda given: given._replace(instance=replace(given.instance, build_rates=table))


def _sites(**columns: list[object]) -> Callable[[Phased], Phased]:
    """Columns of the sites A to E."""
    return lambda given: given._replace(
        instance=replace(given.instance, sites=given.instance.sites.assign(**columns))
    )


def _types(**columns: list[object]) -> Callable[[Phased], Phased]:
    return lambda given: given._replace(
        instance=replace(given.instance, stations=given.instance.stations.assign(**columns))
    )


def _planned(spoil: Spoil) -> Callable[[Phased], Phased]:
    return lambda given: given._replace(plan=spoil(given.plan))


def _changed(*changes: Callable[[Phased], Phased]) -> Phased:
    given = phased_tutorial()
    for change in changes:
        given = change(given)
    return given


def _wanted(share: float) -> Callable[[Phased], Phased]:
    return _phasing(objective="least_money", share_by_quarter={"2026Q4": share})


def _early(share: float) -> Callable[[Phased], Phased]:
    return _phasing(objective="earliest_share", share_frac=share)


def _stated(
    name: str, objective: float, bound: float | None = None, *, sense: str = "min", unit: str = ""
) -> Callable[[Phased], Phased]:
    """One more model, as good as its bound if none is given."""
    bound = objective if bound is None else bound
    model = ModelResult(name, sense, unit, "FEASIBLE", objective, bound, 0.0, 0.0)
    return _planned(lambda plan: replace(plan, models=(*plan.models, model)))


def _below(quarter: str, bound: float) -> Callable[[Phased], Phased]:
    """No plan serves more of a period's swaps."""
    return _stated(share_model(quarter), 0.0, bound, sense="max", unit=SHARE_UNIT)


_MONEY = 5e6 + 5e6 * 1.08**-0.25 + 3e6 * 1.08**-0.5
"""Discounted CNY of the plan made up by hand."""
_D_ENLARGED = _planned(
    _all(_set("openings", 2, quarter="2026Q4"), _opens("D", "2027Q1", "choco_30"),
         _set("stations", 2, station_type_id="choco_30"))
)  # fmt: skip
"""D opens as choco_14 with A, and grows in the last quarter."""
_TWO_A_QUARTER = _phasing(openings_per_quarter=2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Openings of the nation: a row of build_rates replaces the setting, what is left expires.
        ([_rates(("2026Q4", None, 0, None))],
         "2026Q4: 1 stations open, the build rate allows 0"),
        ([_rates(("2026Q4", None, 0, None)), _phasing(openings_carry_over=True)],
         "up to 2026Q4: 2 stations open, the build rate allows 1"),
        # Of a city.
        ([_rates(("2026Q4", "town", 0, None))],
         "2026Q4, city town: 1 stations open, the build rate allows 0"),
        ([_rates(*((quarter, "town", number, None) for quarter, number in
                   (("2026Q3", 1), ("2026Q4", 0), ("2027Q1", 9)))),
          _phasing(openings_carry_over=True)],
         "up to 2026Q4, city town: 2 stations open, the build rate allows 1"),
        # Money.
        ([_phasing(budget_cny_per_quarter=4.9e6, budget_carries_over=False)],
         "2026Q3: the stations cost 5,000,000 CNY, the budget is 4,900,000"),
        ([_phasing(budget_cny_per_quarter=4.9e6)],
         "up to 2026Q4: the stations cost 10,000,000 CNY, the budget is 9,800,000"),
        ([_phasing(budget_cny_per_quarter=5e6), _rates(("2026Q4", None, None, 4e6))],
         "up to 2026Q4: the stations cost 10,000,000 CNY, the budget is 9,000,000"),
        ([_siting(budget_cny=12e6)],
         "up to 2027Q1: the stations cost 13,000,000 CNY, the budget is 12,000,000"),
        ([_siting(budget_cny=13e6),
          _sites(status=["candidate"] * 4 + ["closing"], closing_cny=[0, 0, 0, 0, 1e6])],
         "up to 2027Q1: the stations cost 13,000,000 CNY, the budget is 12,000,000"),
        # Dates.
        ([_sites(status=["committed", *["candidate"] * 3, "forbidden"],
                 opens_quarter=["2027Q1", *[None] * 4])],
         "station A opens in 2026Q4, it is committed for 2027Q1"),
        ([_sites(status=["existing", *["candidate"] * 3, "forbidden"],
                 station_type_id=["choco_30", *[None] * 4], earliest_quarter=[None] * 5)],
         "2026Q4: an opening at A changes nothing"),
        # Sizes on the way.
        ([_TWO_A_QUARTER, _D_ENLARGED, _types(offered=[False, True])],
         "2026Q4: site D: choco_14 is not on offer"),
        ([_TWO_A_QUARTER, _D_ENLARGED, _sites(max_bays=[30, 30, 30, 13, 30])],
         "2026Q4: site D has more bays than fit"),
        ([_TWO_A_QUARTER, _D_ENLARGED, _planned(_packs("D", "2026Q4", 15))],
         "2026Q4, station D: 15 packs do not fit its bays"),
        # Shares that were wanted, and the money for them.
        ([_wanted(0.8), _stated("phased_money", _MONEY)],
         "2026Q4: 79.0323% are served, 80.0000% are wanted"),
        ([_wanted(0.79), _stated("phased_money", 12e6)],
         "the stations cost 12791.* discounted CNY, the plan states 12000000.00"),
        ([_wanted(0.79)], "0 models state phased_money, phasing.objective is least_money"),
        # A share as early as can be: served then, not before, and ruled out before.
        ([_early(0.8), _stated("earliest_share", 2.0), _below("2026Q3", 0.47)],
         "2026Q4: 79.0323% are served, 80.0000% are wanted"),
        ([_early(0.4), _stated("earliest_share", 2.0), _below("2026Q3", 0.47)],
         "2026Q3: 43.5484% are served, so that 40.0000% are not served first in 2026Q4"),
        ([_early(0.75), _stated("earliest_share", 2.0), _below("2026Q3", 0.76)],
         "2026Q3: 75.0000% are stated to be out of reach, the bound is 76.0000%"),
        ([_early(0.75), _stated("earliest_share", 2.0), _below("2026Q3", 0.4)],
         "2026Q3: 43.5484% are served, more than the 40.0000% that no plan is stated to pass"),
        ([_early(0.75), _stated("earliest_share", 2.0)],
         "2026Q3: no model says what share any plan can serve"),
        ([_early(0.75), _stated("earliest_share", 4.0)],
         "earliest_share states period 4, none before 4; there are 3"),
        ([_early(0.75)], "0 models state earliest_share, phasing.objective is earliest_share"),
        ([_stated("earliest_share", 2.0)],
         "1 models state earliest_share, phasing.objective is discounted_swaps"),
    ],
)  # fmt: skip
def test_rejects_what_the_instance_forbids(
    changes: list[Callable[[Phased], Phased]], expected: str
) -> None:
    with pytest.raises(CheckError, match=f"(?m){expected}"):
        _changed(*changes).check()


@pytest.mark.parametrize(
    "changes",
    [
        [_rates(("2026Q3", None, 2, None), ("2026Q4", None, 0, None)),
         _phasing(openings_carry_over=True)],
        [_rates(("2026Q4", "town", 1, None))],
        [_phasing(budget_cny_per_quarter=5e6, budget_carries_over=False)],
        [_siting(budget_cny=13e6)],
        [_sites(status=["committed", *["candidate"] * 3, "forbidden"],
                opens_quarter=["2026Q4", *[None] * 4])],
        [_wanted(0.79), _stated("phased_money", _MONEY)],
        [_early(0.75), _stated("earliest_share", 2.0), _below("2026Q3", 0.47)],
        # What is not ruled out may be stated as it is.
        [_early(0.75), _stated("earliest_share", 2.0, 1.0), _below("2026Q3", 1.0)],
    ],
)  # fmt: skip
def test_accepts_what_just_fits(changes: list[Callable[[Phased], Phased]]) -> None:
    _changed(*changes).check()


def test_a_station_that_grows_pays_the_difference_and_has_its_bays_then() -> None:
    found = _changed(_TWO_A_QUARTER, _D_ENLARGED, _planned(_costs(15e6))).check()
    table = found.tables["phase"]
    assert table["opened"].tolist() == [1, 2, 0]
    assert table["enlarged"].tolist() == [0, 0, 1]
    assert table["spent_cny"].tolist() == [5e6, 8e6, 2e6]
    assert table["openings_most"].tolist() == [2.0, 2.0, 2.0]
    assert found.kpi["enlargements"] == 1
    assert found.stations.set_index("site_id")["opening_quarter"]["D"] == "2026Q4"
    kinds = found.tables["station_phase"].set_index(["quarter", "site_id"])["station_type_id"]
    assert (kinds["2026Q4", "D"], kinds["2027Q1", "D"]) == ("choco_14", "choco_30")


def test_what_stands_before_opens_in_no_quarter_and_costs_what_it_grows() -> None:
    stands = _sites(
        status=["candidate", "existing", "candidate", "candidate", "forbidden"],
        station_type_id=[None, "choco_14", None, None, None],
        enlarging_cny=[0.0, 250_000.0, 0.0, 0.0, 0.0],
    )
    found = _changed(stands, _planned(_costs(10.25e6)), _rates(("2026Q3", None, 0, None))).check()
    table = found.tables["phase"]
    assert table["opened"].tolist() == [0, 1, 1]
    assert table["enlarged"].tolist() == [1, 0, 0]
    assert table["spent_cny"].tolist() == [2.25e6, 5e6, 3e6]
    opening = found.stations.set_index("site_id")["opening_quarter"]
    assert pd.isna(opening["B"])
    assert opening["A"] == "2026Q4"


def test_a_period_of_quarters_counts_each_of_them() -> None:
    served = discounted_served(2700, 6200, 6200)
    given = _changed(
        _phasing(quarters_per_period=2),
        _planned(
            _all(
                _set("openings", 1, quarter="2026Q4"),
                _set("openings", 2, quarter="2026Q4"),
                lambda plan: replace(
                    plan,
                    phase_allocation=plan.phase_allocation.query("quarter == '2026Q3'"),
                    phase_capacity=plan.phase_capacity.query("quarter == '2026Q3'"),
                ),
                _model(objective=served, bound=served),
            )
        ),
    )
    table = given.check().tables["phase"]
    assert table["quarter"].tolist() == ["2026Q3", "2026Q4"]
    assert table["last_quarter"].tolist() == ["2026Q3", "2027Q1"]
    assert table["days"].tolist() == [92.0, 182.25]
    assert table["openings_most"].tolist() == [1.0, 2.0]
    assert table["discounted_swaps_served"].sum() == pytest.approx(served)


def test_without_phasing_nothing_opens(planned_tutorial: Planned) -> None:
    evaluation = planned_tutorial.evaluation
    assert evaluation.stations["opening_quarter"].isna().all()
    assert not {"phase", "city_phase", "station_phase"} & set(evaluation.tables)
    assert "openings" not in evaluation.kpi


def test_no_other_order_serves_more() -> None:
    reached = {"A": {"Z1", "Z2", "Z3"}, "B": {"Z3", "Z4", "Z5"}, "C": {"Z2", "Z3", "Z4"},
               "D": {"Z6", "Z7", "Z8"}}  # fmt: skip
    instance = phased_tutorial().instance
    households = instance.zones.set_index("zone_id")["car_owning_households"]
    worth = {}
    for order in permutations(reached, 3):
        if order[0] != "A":  # no grid yet
            zones = [set().union(*(reached[site] for site in order[: n + 1])) for n in range(3)]
            worth[order] = discounted_served(*(households[list(each)].sum() for each in zones))
    assert max(worth, key=worth.__getitem__) == ("B", "A", "D")
    assert worth["B", "A", "D"] == pytest.approx(53_982, abs=0.5)
    assert worth["C", "D", "A"] == pytest.approx(48_201, abs=0.5)


def test_what_is_worn_out_is_rebuilt_in_the_first_period() -> None:
    worn = _sites(
        status=["candidate", "existing", "candidate", "candidate", "forbidden"],
        station_type_id=[None, "choco_30", None, None, None],
        opened=[None, "1990Q1", None, None, None],
    )
    # B stood as it will be: nothing but its money tells that it is rebuilt.
    found = _changed(worn, _planned(_drop("openings", 0))).check()
    assert found.tables["phase"]["spent_cny"].tolist() == [5e6, 5e6, 3e6]
    assert found.tables["phase"]["opened"].tolist() == [0, 1, 1]
    again = _changed(worn).check()
    pd.testing.assert_frame_equal(again.tables["phase"], found.tables["phase"])
    smaller = _changed(worn, _planned(_set("openings", 0, station_type_id="choco_14")))
    with pytest.raises(CheckError) as refused:
        smaller.check()
    assert "shrinks" not in str(refused.value)


def test_before_the_first_period_nothing_new_stands_and_after_the_last_all() -> None:
    stages = stages_of(phased_tutorial().instance, phased_tutorial().plan)
    assert stages.before.tolist() == [NONE] * 3
    assert [stages.in_quarter(quarter).tolist() for quarter in ("2026Q2", "2026Q4", "2027Q2")] == [
        [NONE, NONE, NONE], [1, 1, NONE], [1, 1, 0],
    ]  # fmt: skip


def test_the_planner_finds_what_was_worked_out_by_hand() -> None:
    given = phased_tutorial()
    found = plan(given.instance)
    order = ["quarter", "site_id", "station_type_id"]
    pd.testing.assert_frame_equal(
        found.plan.openings[order].sort_values(order, ignore_index=True),
        given.plan.openings[order].sort_values(order, ignore_index=True),
    )
    stated = next(model for model in found.plan.models if model.name == "phasing")
    assert stated.objective == pytest.approx(discounted_served(2700, 4900, 6200))
    assert stated.bound == pytest.approx(stated.objective)
    columns = ["quarter", "site_id", "station_type_id", "swaps_per_day"]
    pd.testing.assert_frame_equal(
        found.evaluation.tables["station_phase"][columns],
        given.check().tables["station_phase"][columns],
    )


def test_a_share_is_that_of_the_whole_period_as_the_model_counts_it() -> None:
    """Of a period that serves less at its end than on the whole, the whole counts."""
    given = _changed(_wanted(0.79), _stated("phased_money", _MONEY))
    evaluation = given.check()
    table = evaluation.tables["phase"].copy()
    table.loc[1, "served_frac"] = 0.5
    at_the_end = replace(evaluation, tables={**evaluation.tables, "phase": table})
    assert list(target_violations(given.instance, given.plan, at_the_end)) == []
    table = evaluation.tables["phase"].copy()
    table.loc[1, "discounted_swaps_served"] *= 0.9
    on_the_whole = replace(evaluation, tables={**evaluation.tables, "phase": table})
    assert list(target_violations(given.instance, given.plan, on_the_whole)) == [
        "2026Q4: 71.1290% are served, 79.0000% are wanted"
    ]
