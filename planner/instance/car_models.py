"""Which models a vehicle class consists of, and how many of its vehicles take a chemistry.

Takes the tables of brands, models and supply; gives shares by market, class, model and quarter.
Leaves out which model's cars get which pack of a plan: that is `planner.plans.brands`'s.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray
from planner.instance.read import Instance
from planner.instance.tables import SWAP_CAR, quarters_between

PILOT = "pilot"
"""Kind of supply that no swap car gets."""


@dataclass(frozen=True)
class ModelSplit:
    """Vehicle classes as models, by quarter q, market m, vehicle class v and model i.

    Attributes
    ----------
    models : DataFrame
        Rows of ``car_models`` that swap packs: ``model, brand, market, envelope, segment,
        swap_version_from, sales_per_quarter``; missing where nothing is said.
    markets : tuple of str
        Of the instance's cities, sorted.
    chemistries : tuple of str
        Of the instance's packs, sorted.
    share_frac : ndarray, shape (num_quarters, num_markets, num_vehicles, num_models)
        Share of the class's vehicles; adds up to 1 over the models, or to 0 where there is none.
    accepts : bool ndarray, shape (num_quarters, num_models, num_chemistries)
        Whether cars of the model take packs of the chemistry.
    """

    models: pd.DataFrame
    markets: tuple[str, ...]
    chemistries: tuple[str, ...]
    share_frac: FloatArray
    accepts: BoolArray

    @property
    def accepting_frac(self) -> FloatArray:
        """Share of a class's vehicles that take a chemistry, as `accepting_frac` by market.

        Exactly 1 where no model refuses, exactly 0 where all do.
        """
        shares = self.share_frac[:, :, :, None, :]
        takes = self.accepts.transpose(0, 2, 1)[:, None, None]
        refusing = (shares * ~takes).sum(axis=-1)
        return np.where(refusing > 0, np.minimum((shares * takes).sum(axis=-1), 1.0), 1.0)


def accepting_frac(instance: Instance) -> FloatArray:
    """Share of each city's vehicles of each class whose cars take packs of a chemistry.

    Parameters
    ----------
    instance : Instance
        Cities, vehicles, packs, and the tables of brands and models; without models nothing is
        refused.

    Returns
    -------
    ndarray, shape (num_quarters, num_cities, num_vehicles, num_chemistries)
        Quarters of the scenario, cities and vehicles as in their tables, chemistries of the packs
        sorted; in [0, 1], and 1 for a class without models on sale in the quarter.

    Notes
    -----
    As in `split_models`, with s the share of a model i and a = 1 where it takes chemistry h::

        A[q, c, v, h] = sum_i s[q, market(c), v, i] a[q, i, h]
    """
    split = split_models(instance)
    market_idx = np.searchsorted(split.markets, instance.cities["market"].tolist())
    return np.asarray(split.accepting_frac[:, market_idx])


def split_models(instance: Instance) -> ModelSplit:
    """Split the vehicles of every class over the models on sale.

    Parameters
    ----------
    instance : Instance
        Vehicles, and the tables of brands and models.

    Returns
    -------
    ModelSplit
        Without rows in ``car_models`` one without models.

    Notes
    -----
    Cars of a model that stand in a market are taken as those sold since its swap version came, for
    no stock by model is published::

        s[q, m, v, i] = f_i n[q, i] / sum_j f_j n[q, j]

    over the models j that swap packs of the class's envelope, serve its segment and are sold in the
    market; n are the quarters on sale up to q, that of the start and q included, and f the sales in
    a quarter. A model whose sales are not known is taken to sell the mean of those j whose sales
    are, and one car where none are. A row for a market stands there in place of the model's row
    for all markets. Models that sell nothing have no cars.
    """
    models = _swap_models(instance)
    markets = tuple(sorted(instance.cities["market"].unique()))
    on_sale = _quarters_on_sale(instance, models)
    present = (
        (on_sale > 0)[:, None, None, :]
        & _sold_in(models, markets)[None, :, None, :]
        & _suits(instance, models)[None, None, :, :]
    )
    sales = models["sales_per_quarter"].to_numpy(float)
    is_known = present & ~np.isnan(sales)
    num_known = is_known.sum(axis=-1, keepdims=True)
    mean = np.where(is_known, sales, 0.0).sum(axis=-1, keepdims=True) / np.maximum(num_known, 1)
    rate = np.where(np.isnan(sales), np.where(num_known > 0, mean, 1.0), sales)
    cars = np.where(present, rate * on_sale[:, None, None, :], 0.0)
    total = cars.sum(axis=-1, keepdims=True)
    shares = np.divide(cars, total, out=np.zeros_like(cars), where=total > 0)
    chemistries = tuple(sorted(instance.packs["chemistry"].unique()))
    return ModelSplit(models, markets, chemistries, shares, _accepts(instance, models, chemistries))


def acceptance(
    instance: Instance, model: str, brand: str, chemistry: str, application: str = SWAP_CAR
) -> tuple[str | None, str | None]:
    """Quarters from which a model takes a chemistry, as far as car and as supplier go.

    Parameters
    ----------
    instance : Instance
    model, brand, chemistry : str
        The model's brand decides whom the cells may come from.
    application : str, optional
        Use of the cells: the model's.

    Returns
    -------
    released : str or None
        From which the car's battery management is released for it; "" if it always was, None if it
        never is.
    supplied : str or None
        In which the brand's only supplier of the chemistry first makes it in series; "" if the
        brand buys from anybody, or nothing limits the chemistry; None if he never does. Supply that
        names nobody counts as his.
    """
    rows = instance.model_chemistries
    rows = rows[(rows["model"] == model) & (rows["chemistry"] == chemistry)]
    if rows.empty:
        released: str | None = ""
    else:
        stated = rows.reindex(columns=["accepted_from"])["accepted_from"].dropna()
        released = None if stated.empty else str(stated.min())
    return released, _supplied_from(instance, brand, chemistry, application)


def _supplied_from(instance: Instance, brand: str, chemistry: str, application: str) -> str | None:
    buys, sources = instance.brand_suppliers, instance.supply
    only = buys[
        (buys["brand"] == brand) & (buys["chemistry"] == chemistry) & buys["exclusive"].astype(bool)
    ]
    made = sources[sources["chemistry"] == chemistry]
    if only.empty or made.empty:
        return ""
    made = made.reindex(columns=["supplier", "application", "kind", "quarter", "gwh"])
    made = made[
        (made["supplier"].isna() | made["supplier"].isin(only["supplier"]))
        & (made["application"].isna() | (made["application"] == application))
        & (made["kind"] != PILOT)
        & (made["gwh"].astype(float) > 0)
    ]
    return None if made.empty else str(made["quarter"].min())


def _swap_models(instance: Instance) -> pd.DataFrame:
    columns = ["model", "brand", "market", "envelope", "segment", "swap_version_from"]
    table = instance.car_models
    rows = table[table["application"] == SWAP_CAR].reindex(columns=[*columns, "sales_per_quarter"])
    return rows.astype({"sales_per_quarter": float}).reset_index(drop=True)


def _quarters_on_sale(instance: Instance, models: pd.DataFrame) -> FloatArray:
    """Quarters from the model's first to each of the scenario's, shape (quarters, models)."""
    starts = models["swap_version_from"]
    return np.array(
        [
            [0 if pd.isna(start) else len(quarters_between(start, quarter)) for start in starts]
            for quarter in instance.scenario.quarters
        ],
        dtype=np.float64,
    ).reshape(len(instance.scenario.quarters), len(models))


def _sold_in(models: pd.DataFrame, markets: tuple[str, ...]) -> BoolArray:
    """Whether a row speaks for its model in a market, shape (num_markets, num_models)."""
    market, model = models["market"], models["model"]
    return np.array(
        [
            (market == name) | (market.isna() & ~model.isin(model[market == name]))
            for name in markets
        ],
        dtype=bool,
    ).reshape(len(markets), len(models))


def _suits(instance: Instance, models: pd.DataFrame) -> BoolArray:
    """Whether a class may consist of a model, shape (num_vehicles, num_models)."""
    classes = instance.vehicles
    segment = models["segment"].to_numpy(object)
    fits = classes["envelope"].to_numpy(object)[:, None] == models["envelope"].to_numpy(object)
    served = pd.isna(segment) | (classes["segment"].to_numpy(object)[:, None] == segment)
    return np.asarray(fits & served, dtype=bool)


def _accepts(instance: Instance, models: pd.DataFrame, chemistries: tuple[str, ...]) -> BoolArray:
    quarters = instance.scenario.quarters
    accepts = np.zeros((len(quarters), len(models), len(chemistries)), dtype=bool)
    for model_idx, (model, brand) in enumerate(zip(models["model"], models["brand"], strict=True)):
        for chemistry_idx, chemistry in enumerate(chemistries):
            froms = acceptance(instance, model, brand, chemistry)
            accepts[:, model_idx, chemistry_idx] = [
                all(start is not None and start <= quarter for start in froms)
                for quarter in quarters
            ]
    return accepts
