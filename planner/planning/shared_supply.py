"""One supply for all uses: sources, materials and other buyers of an instance as arrays.

Takes the tables of supply, materials and buyers with the dates of the gates; gives the pack model's
`PackSupply` and what its indices stand for. Rows before the first quarter count with it: what was
made then lies in store, less what was sold. Leaves out the vehicles (`planner.planning.packs`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray
from planner.instance import Instance
from planner.instance.dated_gates import filled, gate_dates, open_in
from planner.instance.tables import APPLICATIONS, SWAP_CAR
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import solve_pack_assignment
from planner.models.packs.supply import PackSupply
from planner.solving.options import SolveOptions
from planner.units import KG_PER_TONNE, KWH_PER_GWH

SOURCE = ["chemistry", "supplier", "plant", "made_for", "kind"]
BUYER = ["buyer", "market", "application", "chemistry", "basis"]
CONTRACT_MARGIN = 1.1
"""Contracts are dearer to miss than anything else by so much."""


@dataclass(frozen=True)
class SupplyLabels:
    """What the indices of a `PackSupply` stand for; applications are those of `APPLICATIONS`.

    Attributes
    ----------
    sources : DataFrame
        ``chemistry, supplier, plant, made_for, kind``; texts are empty where not stated.
    buyers : DataFrame
        ``buyer, market, application, chemistry, basis``.
    materials : tuple of str
        Those with a limit.
    asked_kwh, worth : ndarray, shape (num_quarters, num_buyers)
        What buyers ask for, whether gates are open or not, and what a kilowatt-hour is stated to
        be worth (0 where nothing is stated) [kWh, CNY/kWh].
    """

    sources: pd.DataFrame
    buyers: pd.DataFrame
    materials: tuple[str, ...]
    asked_kwh: FloatArray
    worth: FloatArray


def assemble_supply(
    instance: Instance, chemistries: tuple[str, ...], dates: pd.DataFrame | None = None
) -> tuple[PackSupply, SupplyLabels]:
    """The supply of an instance; contracts still without a price (`price_contracts`).

    Parameters
    ----------
    instance : Instance
    chemistries : tuple of str
        In the order of the problem's; rows of others are left out.
    dates : DataFrame, optional
        From `planner.instance.dated_gates.gate_dates`, with other dates where one asks about them.
    """
    sources, produced_kwh = _sources(instance, chemistries)
    materials, material_kg, kg_per_kwh = _materials(instance, chemistries)
    buyers, asked_kwh, open_kwh, worth = _buyers(instance, chemistries, dates)
    serves = (sources["made_for"].to_numpy()[:, None] == np.array(APPLICATIONS)) | (
        sources["made_for"] == ""
    ).to_numpy()[:, None]
    serves[:, APPLICATIONS.index(SWAP_CAR)] &= (sources["kind"] != "pilot").to_numpy()
    index = pd.Index(chemistries)
    supply = PackSupply(
        produced_kwh=produced_kwh,
        source_chemistry_idx=index.get_indexer(pd.Index(sources["chemistry"])).astype(np.int32),
        source_serves=serves.astype(bool),
        material_kg=material_kg,
        material_kg_per_kwh=kg_per_kwh,
        buyer_chemistry_idx=index.get_indexer(pd.Index(buyers["chemistry"])).astype(np.int32),
        buyer_application_idx=pd.Index(APPLICATIONS)
        .get_indexer(pd.Index(buyers["application"]))
        .astype(np.int32),
        buyer_kwh=open_kwh,
        buyer_worth=worth,
    )
    return supply, SupplyLabels(sources, buyers, materials, asked_kwh, worth)


def price_contracts(problem: PackAssignmentProblem, labels: SupplyLabels) -> PackAssignmentProblem:
    """The problem with contracts that come first, as far as supply reaches.

    A contract asks for no more than all contracts together can get of the sources, found as the
    pack model without vehicles and without buyers by price. Each of its kilowatt-hours is then
    dearer to miss than any other use can make it: `contract_cny_per_kwh`. So all that is asked for
    is served, and no money of the plan's cost stands for it.

    Parameters
    ----------
    problem : PackAssignmentProblem
        With the supply of `assemble_supply`.
    labels : SupplyLabels
    """
    supply = problem.supply
    contracts = (labels.buyers["basis"] == "contract").to_numpy()
    if not (supply.buyer_kwh[:, contracts] > 0).any():
        return problem
    alone = _without_vehicles(problem, contracts)
    reached = solve_pack_assignment(alone, SolveOptions(deterministic=True)).buyer_served
    asked = np.where(contracts, np.minimum(supply.buyer_kwh, reached), supply.buyer_kwh)
    price = contract_cny_per_kwh(problem)
    worth = np.where(contracts, price, supply.buyer_worth)
    return replace(problem, supply=replace(supply, buyer_kwh=asked, buyer_worth=worth))


def price_contracts_again(
    problem: PackAssignmentProblem, labels: SupplyLabels
) -> PackAssignmentProblem:
    """`price_contracts` of a problem whose contracts had a price, for other options.

    How far supply reaches for contracts no vehicle changes.

    Parameters
    ----------
    problem : PackAssignmentProblem
        From `price_contracts`, with other options.
    labels : SupplyLabels
    """
    if np.array_equal(problem.supply.buyer_worth, labels.worth):
        return problem
    contracts = (labels.buyers["basis"] == "contract").to_numpy()
    unpriced = replace(problem, supply=replace(problem.supply, buyer_worth=labels.worth))
    worth = np.where(contracts, contract_cny_per_kwh(unpriced), labels.worth)
    return replace(problem, supply=replace(problem.supply, buyer_worth=worth))


def contract_cny_per_kwh(problem: PackAssignmentProblem) -> float:
    """A price of energy above what any vehicle or buyer by price can make of it [CNY/kWh].

    Notes
    -----
    A pack k that came in quarter q is worth, in each quarter that it stands, at most the most
    that the vehicles of one of its options o save by it, (no_pack_cost - option_cost_o) /
    option_packs_o: that follows from the duals of a vehicle's row, at most no_pack_cost, and of an
    option in use. The sum over its life, per energy, is v. A kilowatt-hour takes from the others
    the capacity of one source and its mass of each material m, of which another chemistry may need
    less; both uses pay at most v. Hence no kilowatt-hour can cost more than

        v (1 + sum_m max_h,h' kg_mh / kg_mh')
    """
    supply = problem.supply
    lacking = problem.no_pack_cost[:, None] - problem.option_cost
    saved = np.where(problem.option_allowed, lacking / problem.option_packs, 0.0).clip(min=0.0)
    by_pack = np.zeros((problem.num_quarters, problem.num_packs))
    for pack in range(problem.num_packs):
        by_pack[:, pack] = saved[:, problem.option_pack_idx == pack].max(axis=1, initial=0.0)
    worth = max(1.0, float((by_pack.sum(axis=0) / problem.pack_kwh).max(initial=0.0)))
    worth = max(worth, float(supply.buyer_worth.max(initial=0.0)))
    ratios = 0.0
    for kg in supply.material_kg_per_kwh:
        used = kg[kg > 0]
        ratios += used.max() / used.min() if used.size else 0.0
    return CONTRACT_MARGIN * worth * (1.0 + ratios)


def _without_vehicles(problem: PackAssignmentProblem, buyers: BoolArray) -> PackAssignmentProblem:
    """Sources and some of the buyers alone: one city, no vehicles, no packs to place."""
    quarters, packs, supply = problem.num_quarters, problem.num_packs, problem.supply
    nobody = np.zeros((quarters, 0))
    return replace(
        problem,
        vehicles=nobody,
        group_city_idx=np.zeros(0, np.int32),
        option_group_idx=np.zeros(0, np.int32),
        option_pack_idx=np.zeros(0, np.int32),
        option_allowed=nobody.astype(bool),
        option_packs=nobody,
        option_cost=nobody,
        delivery_allowed=np.zeros((quarters, 1, packs), bool),
        initial_stock=np.zeros((1, packs)),
        initial_retirement=np.zeros((quarters, packs)),
        accepting_frac=np.ones((quarters, 0, problem.num_chemistries)),
        city_market_idx=np.zeros(1, np.int32),
        min_order=np.zeros((packs, problem.num_markets)),
        supply=replace(
            supply,
            buyer_kwh=np.where(buyers, supply.buyer_kwh, 0.0),
            buyer_worth=np.where(buyers, 1.0, np.zeros_like(supply.buyer_worth)),
        ),
    )


def quarter_positions(instance: Instance, named: "pd.Series[str]") -> "pd.Series[int]":
    """Positions of quarters in the horizon: the first for those before it, -1 after it."""
    quarters = instance.scenario.quarters
    position = {name: number for number, name in enumerate(quarters)}
    return named.map(lambda name: 0 if name < quarters[0] else position.get(name, -1)).astype(int)


def _by_quarter(values: pd.DataFrame, keys: pd.DataFrame, num_quarters: int) -> FloatArray:
    """Sums of ``amount`` by ``quarter_idx`` and the row of ``keys`` that agrees, (quarters, n)."""
    of_key = pd.MultiIndex.from_frame(keys).get_indexer(
        pd.MultiIndex.from_frame(values[list(keys.columns)])
    )
    sums = np.zeros((num_quarters, len(keys)))
    np.add.at(sums, (values["quarter_idx"].to_numpy(), of_key), values["amount"].to_numpy(float))
    return sums


def _sources(instance: Instance, chemistries: tuple[str, ...]) -> tuple[pd.DataFrame, FloatArray]:
    supply = instance.supply
    rows = pd.DataFrame(
        {
            "chemistry": supply["chemistry"],
            "supplier": filled(supply, "supplier", ""),
            "plant": filled(supply, "plant", ""),
            "made_for": filled(supply, "application", ""),
            "kind": filled(supply, "kind", "series"),
            "quarter_idx": quarter_positions(instance, supply["quarter"]),
            "amount": supply["gwh"].astype(float) * KWH_PER_GWH,
        }
    )
    rows = rows[rows["chemistry"].isin(chemistries)]
    sources = rows[SOURCE].drop_duplicates().sort_values(SOURCE, ignore_index=True)
    within = rows[rows["quarter_idx"] >= 0]
    return sources, _by_quarter(within, sources, len(instance.scenario.quarters))


def _materials(
    instance: Instance, chemistries: tuple[str, ...]
) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Names of limited materials, their cumulative mass, and what chemistries need of each."""
    supply, quarters = instance.material_supply, instance.scenario.quarters
    qualified = filled(supply, "qualified_from", "")
    usable = supply[(qualified <= supply["quarter"]).to_numpy(bool)]
    used = instance.materials[instance.materials["chemistry"].isin(chemistries)]
    names = tuple(sorted(set(supply["material"]) & set(used["material"])))
    kg = np.zeros((len(quarters), len(names)))
    per_kwh = np.zeros((len(names), len(chemistries)))
    for number, name in enumerate(names):
        rows = usable[usable["material"] == name]
        for quarter_idx, quarter in enumerate(quarters):
            tonnes = rows.loc[rows["quarter"] <= quarter, "tonnes"].astype(float)
            kg[quarter_idx, number] = math.fsum(tonnes) * KG_PER_TONNE
    of_name, of_chemistry = (
        pd.Index(labels).get_indexer(pd.Index(used[column]))
        for labels, column in ((names, "material"), (chemistries, "chemistry"))
    )
    limited = of_name >= 0
    needs = filled(used, "kg_per_kwh", 0.0).to_numpy(float)
    per_kwh[of_name[limited], of_chemistry[limited]] = needs[limited]
    return names, kg, per_kwh


def _buyers(
    instance: Instance, chemistries: tuple[str, ...], dates: pd.DataFrame | None
) -> tuple[pd.DataFrame, FloatArray, FloatArray, FloatArray]:
    """Buyers, what they ask for, how much of it where gates are open, and its worth."""
    dates = gate_dates(instance) if dates is None else dates
    table, num_quarters = instance.other_buyers, len(instance.scenario.quarters)
    rows = pd.DataFrame(
        {
            "buyer": table["buyer"],
            "market": filled(table, "market", ""),
            "application": table["application"],
            "chemistry": table["chemistry"],
            "basis": table["basis"],
            "quarter": table["quarter"],
            "quarter_idx": quarter_positions(instance, table["quarter"]),
            "kwh": table["gwh"].astype(float) * KWH_PER_GWH,
            "worth": filled(table, "worth_cny_per_kwh", 0.0).astype(float),
        }
    )
    rows = rows[rows["chemistry"].isin(chemistries)]
    buyers = rows[BUYER].drop_duplicates().sort_values(BUYER, ignore_index=True)
    rows = rows[rows["quarter_idx"] >= 0]
    is_open = pd.Series(True, index=rows.index)
    for (application, quarter), group in rows.groupby(["application", "quarter"]):
        gates = open_in(instance, str(application), str(quarter), dates)
        for row, market, chemistry in group[["market", "chemistry"]].itertuples():
            is_open[row] = market == "" or bool(gates.loc[market, chemistry])
    asked, opened, money = (
        _by_quarter(rows.assign(amount=amount), buyers, num_quarters)
        for amount in (rows["kwh"], rows["kwh"] * is_open, rows["kwh"] * rows["worth"])
    )
    worth = np.divide(money, asked, out=np.zeros_like(money), where=asked > 0)
    return buyers, asked, opened, worth


def label_supply(
    instance: Instance, labels: SupplyLabels, solution: PackAssignment
) -> dict[str, pd.DataFrame]:
    """What is made, taken and sold, as fields of `Plan`; no rows of zeros but for buyers.

    Nothing is made that is not taken, and all as late as the plan's sources can: that takes no more
    of any material in any quarter.

    Parameters
    ----------
    instance : Instance
        For its quarters.
    labels : SupplyLabels
    solution : PackAssignment
    """
    quarters = np.array(instance.scenario.quarters, dtype=object)

    def rows(values: FloatArray, places: pd.DataFrame, is_told: BoolArray) -> pd.DataFrame:
        at = np.nonzero(is_told)
        told = places.iloc[at[1]].reset_index(drop=True)
        told.insert(0, "quarter", quarters[at[0]])
        if values.ndim > 2:
            told["application"] = np.array(APPLICATIONS, dtype=object)[at[2]]
        return told.assign(gwh=values[at] / KWH_PER_GWH)

    made = _made_in_time(solution.made, solution.supply_flow.sum(axis=2))
    buyers = rows(solution.buyer_served, labels.buyers, labels.asked_kwh > 0)
    return {
        "supply_made": rows(made, labels.sources, made > 0),
        "supply_flow": rows(solution.supply_flow, labels.sources, solution.supply_flow > 0),
        "buyers": buyers.rename(columns={"gwh": "served_gwh"}),
    }


def _made_in_time(most: FloatArray, taken: FloatArray) -> FloatArray:
    """Made as late as can be, of at most so much, for what is taken; (quarters, sources)."""
    made, needed = np.zeros_like(most), np.zeros(most.shape[1])
    for quarter_idx in reversed(range(len(most))):
        needed += taken[quarter_idx]
        made[quarter_idx] = np.minimum(most[quarter_idx], needed)
        needed -= made[quarter_idx]
    made[0] += needed  # the solver's rounding
    return made
