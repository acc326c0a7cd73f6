"""The packs planned anew under each set of curves, and what it is worth to know the true one.

Takes the finished stations as they answer the pack model; gives tables. Which stations would stand
under other curves is left out: their packs alone change.
"""

import itertools
import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.errors import NoPlanError
from planner.instance import BASE, Instance, curve_sets
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem, at_most
from planner.models.packs.solve import solve_pack_assignment
from planner.physics.climate import CityClimate
from planner.physics.fleet import check_turns, operate_fleet
from planner.planning.packs import StationAnswer, assemble_pack_assignment, assigned_vehicles
from planner.plans.city_chemistries import cities_at_each_end
from planner.solving.options import SolveOptions
from planner.units import QUARTERS_PER_YEAR

_NO_PACK = "none"


@dataclass(frozen=True)
class _Case:
    """The packs as planned if one set of curves is true."""

    problem: PackAssignmentProblem
    plan: PackAssignment
    by_chemistry: (
        FloatArray  # vehicles of the planning quarter, shape (num_cities, num_chemistries)
    )
    vehicles: FloatArray  # with and without pack, shape (num_cities,)


def contested_curves(
    instance: Instance, climate: CityClimate, stations: StationAnswer, options: SolveOptions
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Packs under each set of curves, and the value of settling which of them is true.

    The cost C(A, B) is that of all quarters under curves B with vehicles on the packs that they
    have under A: packs are bought and moved as B needs them, and vehicles for which supply then
    does not reach go without at their stated cost. What no knowledge costs is the expected value
    of perfect information (Raiffa and Schlaifer 1961, *Applied Statistical Decision Theory*),
    all sets equally likely::

        min over A of mean over B of C(A, B)  -  mean over B of C(B, B)

    Parameters
    ----------
    instance : Instance
        With at least one set beside the base.
    climate : CityClimate
        Of the instance.
    stations : StationAnswer
        What the plan's stations answer the pack model, under all sets alike.
    options : SolveOptions
        The time limit holds for all solves together.

    Returns
    -------
    figures : dict
        ``settling_cny`` over all quarters, ``settling_cny_per_year``, ``cities_contested``: cities
        whose main chemistry is not the same under all sets.
    tables : dict of DataFrame
        ``curve_case``: a row per set, the base first; ``curve_cost``: C, a row per pair;
        ``curve_city``: a row per city and set. Shares are of the planning quarter's vehicles.

    Raises
    ------
    NoPlanError
        If the time limit comes first.
    InputError
        If a pack's turn takes longer than a day under one of the sets.
    """
    started = time.perf_counter()
    names = (BASE, *curve_sets(instance.curves))

    def in_time() -> SolveOptions:
        left_s = options.time_limit_s - (time.perf_counter() - started)
        if left_s <= 0 and not options.deterministic:
            raise NoPlanError(
                f"packs under {len(names)} sets of curves: {options.time_limit_s:.3g} s did not "
                "suffice; raise solver.time_limit_s"
            )
        return replace(options, time_limit_s=max(left_s, 1e-3))

    cases: dict[str, _Case] = {}
    before = None
    for name in names:
        cases[name] = _case(instance, climate, stations, name, in_time(), before)
        before = cases[name].plan
    cost, without = np.zeros((2, len(names), len(names)))
    planned_idx = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    for (a, planned), (b, true) in itertools.product(enumerate(cases.values()), repeat=2):
        plan = (
            true.plan if a == b
            else solve_pack_assignment(at_most(true.problem, planned.plan), in_time())
        )  # fmt: skip
        cost[a, b] = plan.proof.objective
        without[a, b] = plan.without_pack[planned_idx].sum()
    return _figures(instance, cases, cost), {
        "curve_case": _cases(instance, cases, cost),
        "curve_cost": pd.DataFrame(
            {
                "planned_for": np.repeat(names, len(names)),
                "true_set": np.tile(names, len(names)),
                "cost_cny": cost.ravel(),
                "vehicles_without_pack": without.ravel(),
            }
        ),
        "curve_city": _cities(instance, cases),
    }


def _case(
    instance: Instance,
    climate: CityClimate,
    stations: StationAnswer,
    name: str,
    options: SolveOptions,
    start: PackAssignment | None,
) -> _Case:
    scenario = instance.scenario
    physics = scenario.physics.model_copy(update={"curve_set": "" if name == BASE else name})
    instance = replace(instance, scenario=scenario.model_copy(update={"physics": physics}))
    fleet = operate_fleet(instance, climate)
    check_turns(instance, fleet)
    problem, labels = assemble_pack_assignment(instance, fleet, stations)
    plan = solve_pack_assignment(problem, options, start)
    planned_idx = scenario.quarters.index(scenario.planning_quarter)
    by_pack = assigned_vehicles(fleet, problem, labels, plan, planned_idx).sum(axis=1)
    of_chemistry = instance.packs["chemistry"].to_numpy()[:, None] == _chemistries(instance)
    return _Case(problem, plan, by_pack @ of_chemistry, fleet.vehicles[planned_idx].sum(axis=1))


def _chemistries(instance: Instance) -> list[str]:
    return sorted(instance.packs["chemistry"].unique())


def _main_chemistry(instance: Instance, case: _Case) -> pd.Series:
    """The chemistry of most vehicles by city, the first by name among equals."""
    names = np.array([*_chemistries(instance), _NO_PACK], dtype=object)
    has_pack = case.by_chemistry.any(axis=1)
    return pd.Series(names[np.where(has_pack, case.by_chemistry.argmax(axis=1), -1)])


def _figures(instance: Instance, cases: dict[str, _Case], cost: FloatArray) -> dict[str, float]:
    settling_cny = max(0.0, float(cost.mean(axis=1).min() - np.diag(cost).mean()))
    main = [_main_chemistry(instance, case) for case in cases.values()]
    is_contested = np.any([each != main[0] for each in main], axis=0)
    years = len(instance.scenario.quarters) / QUARTERS_PER_YEAR
    return {
        "settling_cny": settling_cny,
        "settling_cny_per_year": settling_cny / years,
        "cities_contested": float(is_contested.sum()),
    }


def _cases(instance: Instance, cases: dict[str, _Case], cost: FloatArray) -> pd.DataFrame:
    chosen = list(cases).index(instance.scenario.physics.curve_set or BASE)
    winter_c = instance.cities["winter_design_c"].to_numpy(float)
    num_extreme = cities_at_each_end(len(winter_c))
    coldest_first = winter_c.argsort(kind="stable")
    groups = {
        "": coldest_first,
        "_coldest": coldest_first[:num_extreme],
        "_warmest": coldest_first[-num_extreme:],
    }
    shares = {
        f"{chemistry}{group}_frac": [
            _share(case.by_chemistry[city_idx, column], case.vehicles[city_idx])
            for case in cases.values()
        ]
        for group, city_idx in groups.items()
        for column, chemistry in enumerate(_chemistries(instance))
    }
    main = {name: _main_chemistry(instance, case) for name, case in cases.items()}
    counts = {
        f"cities_{chemistry}": [int((of_case == chemistry).sum()) for of_case in main.values()]
        for chemistry in _chemistries(instance)
    }
    return pd.DataFrame(
        {
            "curve_set": list(cases),
            "is_chosen": np.arange(len(cases)) == chosen,
            "pack_cost_cny": np.diag(cost),
            "regret_cny": np.maximum(0.0, cost[chosen] - np.diag(cost)),
            "mean_regret_cny": np.maximum(0.0, (cost - np.diag(cost)).mean(axis=1)),
            "cities_extreme": num_extreme,
            **shares,
            **counts,
        }
    )


def _share(part: FloatArray, whole: FloatArray) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else 0.0


def _cities(instance: Instance, cases: dict[str, _Case]) -> pd.DataFrame:
    rows = pd.concat(
        [
            pd.DataFrame(
                np.divide(
                    case.by_chemistry, case.vehicles[:, None],
                    out=np.zeros(case.by_chemistry.shape), where=case.vehicles[:, None] > 0,
                ),
                columns=[f"{chemistry}_frac" for chemistry in _chemistries(instance)],
            ).assign(
                city_id=instance.cities["city_id"], curve_set=name,
                main_chemistry=_main_chemistry(instance, case),
            )
            for name, case in cases.items()
        ]
    )  # fmt: skip
    rows["is_contested"] = rows.groupby("city_id")["main_chemistry"].transform("nunique") > 1
    first = ["city_id", "curve_set", "main_chemistry", "is_contested"]
    order = rows["curve_set"].map({name: rank for rank, name in enumerate(cases)})
    rows = rows.assign(order=order).sort_values(["city_id", "order"], ignore_index=True)
    return rows[[*first, *(name for name in rows if name not in (*first, "order"))]]
