"""Which brands' and models' cars get the packs of a plan, quarter by quarter.

Takes a plan's packs by vehicle class and the split of classes over models; gives tables and
figures. Leaves out who decides it: a plan knows classes, and brands are read off it afterwards.
"""

from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.instance.car_models import ModelSplit, split_models
from planner.instance.tables import SWAP_CAR
from planner.plans.labels import positions_of
from planner.plans.launches import launch_figures, launch_table
from planner.plans.model_filling import ROUNDING, fill_models

NO_PACK = ""
"""Chemistry of the cars that have none."""
NO_MODEL = ""
"""Brand, group and model of the cars whose class has no model on sale."""
IN_PLAN = "in the plan"
_COLUMNS = ["quarter", "brand", "group", "model", "market", "chemistry", "vehicles", "accepts"]


def brand_tables(
    instance: Instance,
    plan_packs: pd.DataFrame,
    fleet: pd.DataFrame,
    market_quarter: pd.DataFrame,
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Packs by brand and model, cars without, and what becomes of the launches announced.

    Parameters
    ----------
    instance : Instance
        What the plan was made for.
    plan_packs : DataFrame
        ``Plan.packs``: ``quarter, city_id, vehicle_id, pack_id, vehicles``.
    fleet : DataFrame
        ``Derived.fleet``: ``quarter, city_id, vehicle_id, vehicles``.
    market_quarter : DataFrame
        ``quarter, market, pack_id, delivered_packs`` at least.

    Returns
    -------
    figures : dict of str to float
        ``brands, car_models`` with cars in the planning quarter, ``cars_without_model``,
        ``cars_misplaced``; with launches those of `planner.plans.launches.launch_figures`.
    tables : dict of str to DataFrame
        ``brand_quarter``: ``quarter, brand, group, model, market, chemistry`` (empty: no pack),
        ``vehicles, accepts`` (whether the model takes the chemistry); ``car_model``: see
        `model_states`; with launches ``launch``. Nothing for an instance without models.
    """
    if instance.car_models.empty:
        return {}, {}
    split = split_models(instance)
    brands = brand_quarters(instance, split, plan_packs, fleet)
    tables = {"brand_quarter": brands, "car_model": model_states(instance, split)}
    figures = _figures(brands[brands["quarter"] == instance.scenario.planning_quarter])
    if len(instance.launches):
        tables["launch"] = launch_table(instance, market_quarter)
        figures |= launch_figures(tables["launch"])
    return figures, tables


def brand_quarters(
    instance: Instance, split: ModelSplit, plan_packs: pd.DataFrame, fleet: pd.DataFrame
) -> pd.DataFrame:
    """Cars by quarter, model, market and chemistry.

    Parameters
    ----------
    instance : Instance
    split : ModelSplit
        From `planner.instance.car_models.split_models`.
    plan_packs, fleet : DataFrame
        As of `brand_tables`.

    Returns
    -------
    DataFrame
        As ``brand_quarter`` of `brand_tables`, rows with cars alone; sums over the models are the
        plan's, but for rounding. ``accepts`` is False only where more cars have packs of several
        chemistries that models refuse than models take them (see
        `planner.plans.model_filling.fill_models`); True where there is no pack or no model.
    """
    num_models, num_chemistries = len(split.models), len(split.chemistries)
    fleets = _sum_up(instance, split, fleet)
    amounts = np.zeros((*fleets.shape, num_chemistries))
    chemistry = instance.packs.set_index("pack_id")["chemistry"]
    of_pack = plan_packs["pack_id"].map(chemistry)
    for idx, name in enumerate(split.chemistries):
        amounts[..., idx] = _sum_up(instance, split, plan_packs[of_pack == name])
    # Whole cars and amounts agree to the solver's tolerance: a plan may have a hair more packs.
    fleets = np.maximum(fleets, amounts.sum(axis=-1))
    num_quarters, num_markets, _ = fleets.shape
    # The last model is none, the last chemistry no pack.
    cars = np.zeros((num_quarters, num_markets, num_models + 1, num_chemistries + 1))
    refused = np.zeros_like(cars)
    for quarter, market, vehicle in zip(*np.nonzero(fleets), strict=True):
        here = (quarter, market)
        share, amount = split.share_frac[(*here, vehicle)], amounts[(*here, vehicle)]
        size = fleets[(*here, vehicle)]
        if not share.any():
            cars[here][-1] += np.append(amount, max(0.0, size - amount.sum()))
            continue
        of_model = share * size
        placed, misplaced = fill_models(of_model, amount, split.accepts[quarter])
        without = np.maximum(0.0, of_model - placed.sum(axis=1) - misplaced.sum(axis=1))
        without[without <= ROUNDING * size] = 0.0
        # As many are without a pack as the plan says.
        without *= (size - amount.sum()) / without.sum() if without.any() else 0.0
        cars[here][:-1] += np.column_stack([placed, without])
        refused[here][:-1, :-1] += misplaced
    return _label(instance, split, cars, refused)


def model_states(instance: Instance, split: ModelSplit) -> pd.DataFrame:
    """Every model of the tables, and why it has cars in the plan or has not.

    Parameters
    ----------
    instance : Instance
    split : ModelSplit
        From `planner.instance.car_models.split_models`.

    Returns
    -------
    DataFrame
        Rows of ``car_models`` in their order: ``model, brand, group, market, application,
        envelope, segment, swap_version_from, sales_per_quarter`` and ``state``: in the plan, fixed
        pack, swap version not announced, no class in this instance, no city in its market, on sale
        after the plan's last quarter, or no sales.
    """
    columns = ["model", "brand", "market", "application", "envelope", "segment",
               "swap_version_from", "sales_per_quarter"]  # fmt: skip
    rows = instance.car_models.reindex(columns=columns).reset_index(drop=True)
    rows.insert(2, "group", _groups(instance, rows["brand"]))
    planned = np.asarray((split.share_frac > 0).any(axis=(0, 1, 2)), dtype=bool)
    states = np.full(len(rows), "fixed pack", dtype=object)
    states[(rows["application"] == SWAP_CAR).to_numpy(bool)] = [
        IN_PLAN if is_planned else _why_not(instance, model)
        for is_planned, model in zip(planned, split.models.itertuples(), strict=True)
    ]
    rows["state"] = states
    texts = [name for name in columns if name != "sales_per_quarter"]
    rows[texts] = rows[texts].fillna("")
    return rows.astype({"sales_per_quarter": float})


def _why_not(instance: Instance, model: Any) -> str:
    classes, markets = instance.vehicles, set(instance.cities["market"])
    of_class = classes["envelope"] == model.envelope
    if not pd.isna(model.segment):
        of_class &= classes["segment"] == model.segment
    if pd.isna(model.swap_version_from):
        return "swap version not announced"
    if not of_class.any():
        return "no class in this instance"
    others = instance.car_models[instance.car_models["model"] == model.model]
    elsewhere = markets - set(others.get("market", pd.Series(dtype=str)).dropna())
    if not (elsewhere if pd.isna(model.market) else {model.market} & markets):
        return "no city in its market"
    if model.swap_version_from > instance.scenario.quarters[-1]:
        return "on sale after the plan's last quarter"
    return "no sales"


def _figures(planned: pd.DataFrame) -> dict[str, float]:
    named = planned["model"] != NO_MODEL
    return {
        "brands": int(planned.loc[named, "brand"].nunique()),
        "car_models": int(planned.loc[named, "model"].nunique()),
        "cars_without_model": float(planned.loc[~named, "vehicles"].sum()),
        "cars_misplaced": float(planned.loc[~planned["accepts"], "vehicles"].sum()),
    }


def _groups(instance: Instance, brands: "pd.Series[str]") -> "pd.Series[str]":
    """The group of each brand; empty where none is told."""
    known = instance.brands.reindex(columns=["brand", "group"]).set_index("brand")["group"]
    return brands.map(known).fillna("").astype("str")


def _sum_up(instance: Instance, split: ModelSplit, rows: pd.DataFrame) -> FloatArray:
    """Vehicles of rows of cities, shape (num_quarters, num_markets, num_vehicles)."""
    quarters = instance.scenario.quarters
    shape = len(quarters), len(split.markets), len(instance.vehicles)
    market_idx = np.searchsorted(split.markets, instance.cities["market"].tolist())
    where = (
        positions_of(rows["quarter"], pd.Series(quarters, dtype="str")),
        market_idx[positions_of(rows["city_id"], instance.cities["city_id"])],
        positions_of(rows["vehicle_id"], instance.vehicles["vehicle_id"]),
    )
    sums = np.zeros(shape)
    np.add.at(sums, where, rows["vehicles"].to_numpy(float))
    return sums


def _label(
    instance: Instance, split: ModelSplit, cars: FloatArray, refused: FloatArray
) -> pd.DataFrame:
    """Rows of ``brand_quarter``, sorted; two rows where a model takes some cars only by force."""
    models = np.append(split.models["model"].to_numpy(object), NO_MODEL)
    brands = np.append(split.models["brand"].to_numpy(object), NO_MODEL)
    chemistries = np.array([*split.chemistries, NO_PACK], dtype=object)
    parts = []
    for vehicles, accepts in ((cars, True), (refused, False)):
        quarter, market, model, chemistry = np.nonzero(vehicles)
        parts.append(
            pd.DataFrame(
                {
                    "quarter": np.array(instance.scenario.quarters, dtype=object)[quarter],
                    "brand": brands[model],
                    "model": models[model],
                    "market": np.array(split.markets, dtype=object)[market],
                    "chemistry": chemistries[chemistry],
                    "vehicles": vehicles[quarter, market, model, chemistry],
                    "accepts": np.full(len(quarter), accepts),
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    texts = ["quarter", "brand", "model", "market", "chemistry"]
    rows = rows.astype(dict.fromkeys(texts, "str"))
    rows["group"] = _groups(instance, rows["brand"])
    order = ["quarter", "market", "brand", "model", "chemistry", "accepts"]
    return rows.sort_values(order, ignore_index=True)[_COLUMNS]
