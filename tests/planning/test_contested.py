"""Packs under contested curves: the costs, what settling them is worth, and the tables."""

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from planner.errors import NoPlanError
from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.contested import contested_curves
from planner.planning.packs import StationAnswer, assemble_pack_assignment
from planner.planning.pipeline import plan
from planner.solving.options import SolveOptions
from tests.curve_sets import cold_and_warm_town, with_curve_sets

TABLES = {"curve_case", "curve_cost", "curve_city"}
SETS = ("base", "harsh", "kind")


def _contested(instance: Instance) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    stations = StationAnswer.everywhere(instance)
    return contested_curves(instance, city_climate(instance), stations, SolveOptions())


def _matrix(tables: dict[str, pd.DataFrame], column: str = "cost_cny") -> pd.DataFrame:
    cost: pd.DataFrame = tables["curve_cost"].pivot(
        index="planned_for", columns="true_set", values=column
    )
    return cost


def _by_hand(instance: Instance) -> np.ndarray:
    """C(A, B) of one quarter, one scarce chemistry and one free one: a fractional knapsack.

    Vehicles that save most for each kWh of the scarce chemistry get it (Dantzig 1957).
    """
    plans, costs = [], []
    for name in ("", "harsh", "kind"):
        physics = instance.scenario.physics.model_copy(update={"curve_set": name})
        scenario = instance.scenario.model_copy(update={"physics": physics})
        of_set = replace(instance, scenario=scenario)
        fleet = operate_fleet(of_set, city_climate(of_set))
        problem, labels = assemble_pack_assignment(of_set, fleet, StationAnswer.everywhere(of_set))
        assert problem.num_quarters == 1
        assert not problem.initial_stock.any()
        pack = problem.option_pack_idx
        each = problem.option_cost[0] + problem.option_packs[0] * problem.lease_cost[pack]
        kwh = problem.option_packs[0] * problem.pack_kwh[pack]
        scarce = labels.chemistries.index("sodium_ion")
        is_scarce = problem.pack_chemistry_idx[pack] == scarce
        assert problem.supply.source_chemistry_idx.tolist() == [scarce]
        sold_kwh = problem.supply.buyer_kwh[0].sum()
        supply_kwh = problem.supply.produced_kwh[0, 0] - sold_kwh
        left, given = supply_kwh, np.zeros(problem.num_options)
        vehicles = problem.vehicles[0, problem.option_group_idx]
        free = {g: o for o, g in enumerate(problem.option_group_idx) if not is_scarce[o]}
        saving = {o: each[free[g]] - each[o]
                  for o, g in enumerate(problem.option_group_idx) if is_scarce[o]}  # fmt: skip
        for o in sorted(saving, key=lambda o: saving[o] / kwh[o], reverse=True):
            given[o] = max(0.0, min(vehicles[o], left / kwh[o])) if saving[o] > 0 else 0.0
            left -= given[o] * kwh[o]
            given[free[problem.option_group_idx[o]]] = vehicles[o] - given[o]
        plans.append(given)
        costs.append((each, kwh, is_scarce, supply_kwh, problem.no_pack_cost[0]))
    matrix = np.zeros((3, 3))
    for a, given in enumerate(plans):
        for b, (each, kwh, is_scarce, supply_kwh, no_pack_cny) in enumerate(costs):
            # What supply does not reach for goes without: those whose pack is worth least by kWh.
            kept, left = given.copy(), supply_kwh
            worth = (no_pack_cny - each) / kwh
            for o in sorted(np.flatnonzero(is_scarce), key=worth.__getitem__, reverse=True):
                kept[o] = min(given[o], left / kwh[o])
                left -= kept[o] * kwh[o]
            matrix[a, b] = kept @ each + (given - kept).sum() * no_pack_cny
    return matrix


@pytest.mark.parametrize("sold_elsewhere", [1.0, 1.8])
def test_costs_equal_those_by_hand(tutorial: Instance, sold_elsewhere: float) -> None:
    towns = with_curve_sets(cold_and_warm_town(tutorial), harsh=0.3, kind=0.99)
    buyers = towns.other_buyers
    towns = replace(towns, other_buyers=buyers.assign(gwh=buyers["gwh"] * sold_elsewhere))
    _, tables = _contested(towns)
    assert _matrix(tables).to_numpy() == pytest.approx(_by_hand(towns), rel=1e-9)


def test_settling_is_worth_what_the_matrix_tells(tutorial: Instance) -> None:
    towns = with_curve_sets(cold_and_warm_town(tutorial), harsh=0.3, kind=0.99)
    figures, tables = _contested(towns)
    cost = _matrix(tables).to_numpy()
    best = np.diag(cost)
    assert (cost >= best * (1 - 1e-9)).all()  # nobody does better than who knows
    assert figures["settling_cny"] == pytest.approx(min(cost.mean(axis=1)) - best.mean())
    assert figures["settling_cny"] > 0
    # One quarter is planned.
    assert figures["settling_cny_per_year"] == pytest.approx(4 * figures["settling_cny"])
    cases = tables["curve_case"].set_index("curve_set")
    assert tuple(cases.index) == SETS
    assert cases.index[cases["is_chosen"]].tolist() == ["base"]
    assert cases["regret_cny"].to_numpy() == pytest.approx(cost[0] - best, abs=1e-3)
    # Kind curves move sodium-ion from the cold town to the warm one.
    cities = tables["curve_city"].set_index(["city_id", "curve_set"])
    assert figures["cities_contested"] == 2
    assert cities["is_contested"].all()
    assert cities.loc["town", "main_chemistry"].tolist() == ["sodium_ion", "sodium_ion", "lfp"]
    assert cities.loc["town_e", "main_chemistry"].tolist() == ["lfp", "lfp", "sodium_ion"]
    # Both towns are as large; the one is the coldest, the other the warmest.
    sodium = cities["sodium_ion_frac"].unstack("city_id").loc[list(SETS)]
    for group, share in (
        ("", sodium.mean(axis=1)), ("_coldest", sodium["town"]), ("_warmest", sodium["town_e"]),
    ):  # fmt: skip
        assert cases[f"sodium_ion{group}_frac"].to_numpy() == pytest.approx(share.to_numpy())
    assert cases[["cities_lfp", "cities_sodium_ion"]].to_numpy().tolist() == [[1, 1]] * 3


def test_the_chosen_set_is_the_one_that_is_regretted(tutorial: Instance) -> None:
    towns = with_curve_sets(cold_and_warm_town(tutorial), harsh=0.3, kind=0.99)
    physics = towns.scenario.physics.model_copy(update={"curve_set": "kind"})
    towns = replace(towns, scenario=towns.scenario.model_copy(update={"physics": physics}))
    _, tables = _contested(towns)
    cost = _matrix(tables).to_numpy()
    cases = tables["curve_case"].set_index("curve_set")
    assert cases.index[cases["is_chosen"]].tolist() == ["kind"]
    assert cases["regret_cny"].to_numpy() == pytest.approx(cost[2] - np.diag(cost), abs=1e-3)


def test_sets_that_say_the_same_are_settled(tutorial: Instance) -> None:
    towns = with_curve_sets(cold_and_warm_town(tutorial), one=0.6, other=0.6)
    base = towns.curves["curve_set"].isna() & towns.curves["chemistry"].eq("lfp")
    base &= towns.curves["quantity"].eq("usable_energy")
    own = towns.curves[towns.curves["curve_set"].eq("one")].assign(curve_set=np.nan)
    curves = pd.concat([towns.curves[~base], own], ignore_index=True)
    figures, tables = _contested(replace(towns, curves=curves))
    assert figures["settling_cny"] == pytest.approx(0.0, abs=1.0)
    assert figures["cities_contested"] == 0
    assert tables["curve_case"]["regret_cny"].to_numpy() == pytest.approx(0.0, abs=1.0)


def test_a_plan_has_the_tables_where_curves_are_contested(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(with_curve_sets(tutorial, kind=0.99))
    assert set(planned.tables) >= TABLES
    kpi = planned.evaluation.kpi
    assert kpi["settling_cny"] >= 0
    cost = _matrix(dict(planned.tables))
    assert kpi["settling_cny"] == pytest.approx(
        cost.mean(axis=1).min() - np.diag(cost).mean(), abs=1e-3
    )
    alone = plan(tutorial)
    assert not TABLES & set(alone.tables)
    assert "settling_cny" not in alone.evaluation.kpi
    assert "contested" not in [stage.name for stage in alone.clock.stages]

    def no_time(*_: Any, **__: Any) -> NoReturn:
        raise NoPlanError("no time")

    monkeypatch.setattr("planner.planning.contested.solve_pack_assignment", no_time)
    late = plan(with_curve_sets(tutorial, kind=0.99))
    assert [each.name for each in late.clock.left_out] == ["contested"]
    assert not TABLES & set(late.tables)
    assert late.plan.stations["site_id"].tolist() == planned.plan.stations["site_id"].tolist()


def test_the_time_limit_holds_for_all_sets_together(tutorial: Instance) -> None:
    towns = with_curve_sets(tutorial, kind=0.99)
    stations = StationAnswer.everywhere(towns)
    with pytest.raises(NoPlanError, match="did not suffice; raise solver"):
        contested_curves(towns, city_climate(towns), stations, SolveOptions(time_limit_s=1e-9))
