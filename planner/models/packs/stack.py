"""Pack problems of several countries as one, that share what is produced; and its plan taken apart.

Cities, groups, options and packs of the problems stand one after the other. Packs are told apart by
problem although their types may be alike: so that each problem keeps a pool of its own, from which
packs are moved (4) and leave (5), and no used pack goes to another country. What they share are the
rows on production, materials and buyers, which know chemistries only.

    min  sum_m cost_m(x_m)   s.t.  x_m in X_m for each problem m;  sum_m delivered_m within supply

For any split of the supply the plans of the problems alone are together a plan of the whole, so
that the whole costs no more than their sum; it is Benders' and Dantzig's block-angular program
(G. B. Dantzig and P. Wolfe, Decomposition principle for linear programs, Operations Research 8,
1960), small enough here to be solved at once.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.linalg

from planner.arrays import IndexArray
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.supply import PackSupply


@dataclass(frozen=True)
class Part:
    """Where one problem stands in the stacked one.

    Attributes
    ----------
    cities, packs, groups, options, markets : slice
        Its positions among those of all.
    """

    cities: slice
    packs: slice
    groups: slice
    options: slice
    markets: slice


def parts_of(problems: Sequence[PackAssignmentProblem]) -> tuple[Part, ...]:
    """Where each problem stands in `stack_problems`.

    Parameters
    ----------
    problems : sequence of PackAssignmentProblem

    Returns
    -------
    tuple of Part
        In the order of the problems.
    """

    def slices(counts: Sequence[int]) -> list[slice]:
        ends = np.cumsum([0, *counts]).tolist()
        return [slice(low, high) for low, high in itertools.pairwise(ends)]

    return tuple(
        Part(*of_problem)
        for of_problem in zip(
            slices([each.num_cities for each in problems]),
            slices([each.num_packs for each in problems]),
            slices([each.num_groups for each in problems]),
            slices([each.num_options for each in problems]),
            slices([each.min_order.shape[1] for each in problems]),
            strict=True,
        )
    )


def stack_problems(
    problems: Sequence[PackAssignmentProblem], supply: PackSupply
) -> PackAssignmentProblem:
    """One problem of all, that share one supply.

    Parameters
    ----------
    problems : sequence of PackAssignmentProblem
        At least one; with the same quarters, chemistries and costs of a vehicle without a pack, and
        without caps on carbon of their own. What they say of supply is left aside.
    supply : PackSupply
        What all of them share, with the buyers beside them.

    Returns
    -------
    PackAssignmentProblem
        Its packs are those of each problem, one after the other.

    Raises
    ------
    ValueError
        If the problems do not go together, with what differs.
    """
    _check_together(problems, supply)
    parts = parts_of(problems)
    num_quarters = problems[0].num_quarters
    num_cities, num_packs = parts[-1].cities.stop, parts[-1].packs.stop
    delivery = np.zeros((num_quarters, num_cities, num_packs), dtype=bool)
    stock = np.zeros((num_cities, num_packs))
    for problem, part in zip(problems, parts, strict=True):
        delivery[:, part.cities, part.packs] = problem.delivery_allowed
        stock[part.cities, part.packs] = problem.initial_stock

    def joined(name: str, axis: int = 0) -> Any:
        return np.concatenate([getattr(each, name) for each in problems], axis=axis)

    def shifted(name: str, to: str) -> IndexArray:
        pairs = zip(problems, parts, strict=True)
        return np.concatenate(
            [getattr(each, name) + getattr(part, to).start for each, part in pairs]
        ).astype(np.int32)

    return PackAssignmentProblem(
        vehicles=joined("vehicles", 1),
        group_city_idx=shifted("group_city_idx", "cities"),
        option_group_idx=shifted("option_group_idx", "groups"),
        option_pack_idx=shifted("option_pack_idx", "packs"),
        option_allowed=joined("option_allowed", 1),
        option_packs=joined("option_packs", 1),
        option_cost=joined("option_cost", 1),
        delivery_allowed=delivery,
        pack_chemistry_idx=joined("pack_chemistry_idx"),
        pack_kwh=joined("pack_kwh"),
        lease_cost=joined("lease_cost"),
        life_quarters=joined("life_quarters"),
        initial_stock=stock,
        initial_retirement=joined("initial_retirement", 1),
        relocation_cost=joined("relocation_cost"),
        no_pack_cost=problems[0].no_pack_cost,
        supply=supply,
        accepting_frac=joined("accepting_frac", 1),
        city_market_idx=shifted("city_market_idx", "markets"),
        min_order=scipy.linalg.block_diag(*(each.min_order for each in problems)),
        carbon_kg=joined("carbon_kg"),
        carbon_cap_kg=math.inf,
    )


def unstack_plan(
    problems: Sequence[PackAssignmentProblem], plan: PackAssignment
) -> tuple[PackAssignment, ...]:
    """The plan of a stacked problem, taken apart.

    Parameters
    ----------
    problems : sequence of PackAssignmentProblem
        As they were stacked.
    plan : PackAssignment
        Of the stacked problem.

    Returns
    -------
    tuple of PackAssignment
        In the order of the problems, without a basis. What is said of supply, materials and
        buyers, and the proof, stay those of the whole: a part has none of its own.
    """
    return tuple(
        replace(
            plan,
            option_vehicles=plan.option_vehicles[:, part.options],
            without_pack=plan.without_pack[:, part.groups],
            **{
                name: getattr(plan, name)[:, part.cities, part.packs]
                for name in (
                    "stock", "delivered", "retired", "moved_in", "moved_out", "pack_value",
                )
            },
            order_open=plan.order_open[:, part.packs, part.markets],
            basis=None,
        )
        for part in parts_of(problems)
    )  # fmt: skip


def cost_of(problem: PackAssignmentProblem, plan: PackAssignment) -> float:
    """What a plan costs by the terms of a problem, buyers' worth left out.

    Parameters
    ----------
    problem : PackAssignmentProblem
    plan : PackAssignment
        Of a problem with the same cities, groups, options and packs.

    Returns
    -------
    float
        Of all quarters [CNY].
    """
    terms = (
        problem.option_cost * plan.option_vehicles,
        problem.no_pack_cost[:, None] * plan.without_pack,
        problem.lease_cost * plan.stock,
        problem.relocation_cost * plan.moved_in,
    )
    return math.fsum(math.fsum(term.ravel().tolist()) for term in terms)


def _check_together(problems: Sequence[PackAssignmentProblem], supply: PackSupply) -> None:
    if not problems:
        raise ValueError("there must be at least one problem")
    num_chemistries = supply.material_kg_per_kwh.shape[1]
    for number, problem in enumerate(problems):
        if not np.array_equal(problem.no_pack_cost, problems[0].no_pack_cost):
            raise ValueError(f"problem {number}: quarters or no_pack_cost are not the first one's")
        if problem.accepting_frac.shape[2] != num_chemistries:
            raise ValueError(f"problem {number}: its chemistries are not those of the supply")
        if math.isfinite(problem.carbon_cap_kg):
            raise ValueError(f"problem {number}: a carbon cap of its own is not kept in a whole")
