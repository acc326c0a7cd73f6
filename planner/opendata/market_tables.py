"""Tables of markets and of a shared supply: gates, offers and other buyers of one instance.

Takes the tables of all markets; gives the rows that an instance needs, and what swap cars elsewhere
take of the cells. Leaves out the tables that every instance has alike.
"""

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance.tables import PARAMETER_SETS, SWAP_CAR
from planner.opendata.country import MARKET

ELSEWHERE = "swap cars of other markets"
"""Name of the buyer that stands for swap cars which are not the instance's own."""

DERIVED_TABLES = ("gates", "offers", "other_buyers")
"""Tables of which an instance takes the rows of its markets."""

_STEP_GWH = 1e-6
"""One kilowatt-hour: what others take is rounded down to it."""


def market_tables(
    read: Callable[[str], pd.DataFrame],
    markets: Collection[str],
    vehicles: float = 0.0,
    vehicles_elsewhere: float = 0.0,
) -> dict[str, pd.DataFrame]:
    """Gates, offers and other buyers for the markets of an instance.

    Parameters
    ----------
    read : callable
        Gives the tables ``gates``, ``offers``, ``other_buyers`` and ``supply`` as text.
    markets : collection of str
        Markets of the instance's cities.
    vehicles : float
        Swap vehicles of the instance.
    vehicles_elsewhere : float
        Swap vehicles that share the cells with them; 0 where the instance has them all.

    Returns
    -------
    dict of str to DataFrame
        ``other_buyers``: contracts of any market, buyers by price of these markets, and swap cars
        elsewhere; ``gates``: all of these markets, and those of a buyer's market and use;
        ``offers``: of these markets, rows without a market for each abroad that has none of its
        own; left out where there are none.
    """
    buyers = read("other_buyers")
    is_here = buyers["market"].isin(list(markets))
    buyers = buyers[is_here | (buyers["basis"] == "contract")]
    gates, offers = read("gates"), read("offers")
    stated = gates.get("application", pd.Series("", index=gates.index))
    use = gates["market"] + " " + stated.replace("", SWAP_CAR)
    needed = set(buyers["market"] + " " + buyers["application"])
    gates = gates[gates["market"].isin(list(markets)) | use.isin(needed)]
    if vehicles_elsewhere > 0:
        share = vehicles_elsewhere / (vehicles_elsewhere + vehicles)
        others = swap_cars_elsewhere(read("supply"), buyers, share)
        told = f"{vehicles_elsewhere:.0f} of {vehicles_elsewhere + vehicles:.0f}"
        source = (
            f"INF: what contracts and buyers by price here leave of the series, times the share of "
            f"swap vehicles elsewhere, {told} (?: swap_vehicles_elsewhere in assumptions.csv)"
        )
        others = others.assign(source=source)
        buyers = pd.concat([buyers, others], ignore_index=True).fillna("")
    offers = _offers_in(offers, markets)
    return {"gates": gates, "other_buyers": buyers} | ({"offers": offers} if len(offers) else {})


def _offers_in(offers: pd.DataFrame, markets: Collection[str]) -> pd.DataFrame:
    """The offers of some markets; those without a market are made in all others but the home's."""
    own = offers[offers["market"].isin(list(markets))]
    others = sorted(set(markets) - set(own["market"]) - {MARKET})
    anywhere = offers[offers["market"] == ""]
    return pd.concat([own, *(anywhere.assign(market=market) for market in others)])


def swap_cars_elsewhere(
    supply: pd.DataFrame, buyers: pd.DataFrame, elsewhere_frac: float
) -> pd.DataFrame:
    """Contracts of swap cars that are not the instance's own, by chemistry and quarter.

    In each parameter set they take ``elsewhere_frac`` of the series that contracts, as far as
    pilot cells do not serve them, and asks by price leave; nothing where these take all.

    Parameters
    ----------
    supply, buyers : DataFrame
        The tables ``supply`` and ``other_buyers``, as numbers or as text.
    elsewhere_frac : float
        Share of all swap vehicles.

    Returns
    -------
    DataFrame
        Rows of ``other_buyers`` as text, without a source.
    """
    kind = supply["kind"] if "kind" in supply else pd.Series("series", index=supply.index)
    key = ["chemistry", "quarter"]
    series = supply[kind != "pilot"]
    rows = series[key].drop_duplicates().sort_values(key, ignore_index=True)
    index = pd.MultiIndex.from_frame(rows)
    is_contract = buyers["basis"] == "contract"
    for which in PARAMETER_SETS:
        made, pilot, owed, asked = (
            _sum_gwh(frame, which, key, index)
            for frame in (series, supply[kind == "pilot"], buyers[is_contract],
                          buyers[~is_contract])
        )  # fmt: skip
        left = made - np.maximum(owed - pilot, 0.0) - asked
        steps = np.floor(elsewhere_frac * np.maximum(left, 0.0) / _STEP_GWH)
        name = "gwh" if which == "mid" else f"gwh_{which}"
        rows[name] = [f"{gwh:.6f}" for gwh in steps * _STEP_GWH]
    return rows.assign(buyer=ELSEWHERE, market="", application=SWAP_CAR, basis="contract")


def _sum_gwh(frame: pd.DataFrame, which: str, key: list[str], index: pd.MultiIndex) -> FloatArray:
    """Energy of a parameter set by chemistry and quarter; 0 without rows."""
    gwh = pd.to_numeric(frame["gwh"])
    if f"gwh_{which}" in frame:
        gwh = pd.to_numeric(frame[f"gwh_{which}"]).fillna(gwh)
    by_row = frame[key].assign(gwh=gwh)
    sums = by_row.groupby(key)["gwh"].sum().reindex(index, fill_value=0.0)
    return sums.to_numpy(dtype=np.float64)
