"""Supply, markets, certificates, passport and brands of a run: its tables, and figures by market.

Takes tables that a plan brings (`planner.planning`); leaves drawing and writing to the rooms below.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

MARKET_QUARTER, GATE_VALUE, OFFER = "market_quarter", "gate_value", "offer"
SUPPLY_FLOW, SUPPLY_SOURCE, SUPPLY_VALUE = "supply_flow", "supply_source", "supply_value"
BUYER_QUARTER, MATERIAL_QUARTER = "buyer_quarter", "material_quarter"
PASSPORT_FLOW, PASSPORT_POINT = "passport_flow", "passport_point"
BID_SHEET, DECLARATION_STATUS = "bid_sheet", "declaration_status"
BRAND_QUARTER, LAUNCH, CAR_MODEL = "brand_quarter", "launch", "car_model"
MARKET_QUARTERS = "market_quarters"

SHEETS: dict[str, tuple[str, ...]] = {
    "Supply and markets": (
        MARKET_QUARTERS, SUPPLY_SOURCE, MATERIAL_QUARTER, BUYER_QUARTER, SUPPLY_VALUE,
        SUPPLY_FLOW, MARKET_QUARTER,
    ),
    "Certificates": (GATE_VALUE, OFFER),
    "Passport": (PASSPORT_FLOW, BID_SHEET, DECLARATION_STATUS),
    "Passport points": (PASSPORT_POINT,),
    "Brands": (LAUNCH, CAR_MODEL, BRAND_QUARTER),
}  # fmt: skip
"""What readers look for, and the tables that tell it, the shortest first."""

SWAP_CAR = "swap_car"
APPLICATIONS = {
    SWAP_CAR: "swap cars",
    "fixed_car": "fixed-pack cars",
    "ess": "stationary storage",
    "off_road": "off-road machines",
}
"""Uses of cells by id, the vehicles of the plan first."""

FILLED, TO_ASK, UNKNOWN, NOT_ASKED = "filled", "ask_supplier", "unknown", "not_asked"
POINT_STATUS = {
    FILLED: "filled from the plan",
    TO_ASK: "to ask the supplier",
    UNKNOWN: "unknown",
    NOT_ASKED: "not asked for",
}
"""What becomes of a point of the passport: status, and what a reader calls it."""

POINT_COUNTS = {
    FILLED: "num_filled", TO_ASK: "num_supplier", UNKNOWN: "num_unknown",
    NOT_ASKED: "num_not_asked",
}  # fmt: skip
"""Column of the table ``passport_flow`` that counts the points of a status."""


def application_name(application: str) -> str:
    """What a reader calls a use; an id that is not known stands for itself.

    >>> application_name("ess"), application_name("ships")
    ('stationary storage', 'ships')
    """
    return APPLICATIONS.get(application, application)


def closed_gates(gates: pd.DataFrame, quarter: str) -> "pd.Series[bool]":
    """Which gates let nothing through in a quarter: asked for by then, and not held yet.

    Parameters
    ----------
    gates : DataFrame
        ``asked_from`` (missing: always), ``opens_used`` (missing: never).
    quarter : str
        As ``2027Q1``.
    """
    asked, opens = (gates[name].astype("string") for name in ("asked_from", "opens_used"))
    return ((asked.isna() | (asked <= quarter)) & (opens.isna() | (opens > quarter))).astype(bool)


def tells_gates(tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether the gates' table tells of applications and dates, as runs of this version do."""
    return {"application", "opens_used"} <= set(tables.get(GATE_VALUE, pd.DataFrame()).columns)


def market_quarters(tables: Mapping[str, pd.DataFrame], cities: pd.DataFrame) -> pd.DataFrame:
    """Each market quarter by quarter.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        ``market_quarter``; ``city_quarter``, ``gate_value`` and ``buyer_quarter`` if they are
        there.
    cities : DataFrame
        ``city_id, market``.

    Returns
    -------
    DataFrame, sorted by market and quarter
        ``market, quarter, vehicles, vehicles_without_pack, delivered_gwh``, per chemistry
        ``delivered_<id>`` and ``stock_<id>`` [packs] and ``open_<id>`` (whether a pack of it may be
        delivered), ``carbon_t, num_gates_closed``, and of other buyers ``asked_gwh, served_gwh``.
    """
    rows = tables[MARKET_QUARTER]
    keys = ["market", "quarter"]
    index = pd.MultiIndex.from_frame(rows[keys].drop_duplicates().sort_values(keys))
    found = pd.DataFrame(index=index)
    grouped = rows.groupby(keys)
    found["vehicles"] = grouped["vehicles"].sum().astype("float64")
    found["vehicles_without_pack"] = _without_pack(tables, cities, index)
    found["delivered_gwh"] = grouped["delivered_gwh"].sum().astype("float64")
    for chemistry in sorted(rows["chemistry"].unique()):
        of_kind = rows[rows["chemistry"] == chemistry].groupby(keys)
        for head, column in (("delivered", "delivered_packs"), ("stock", "stock_packs")):
            sums = of_kind[column].sum().reindex(index, fill_value=0.0)
            found[f"{head}_{chemistry}"] = sums.astype("float64")
        is_open = of_kind["open"].any().reindex(index, fill_value=False)
        found[f"open_{chemistry}"] = is_open.astype(bool)
    found["carbon_t"] = grouped["carbon_t"].sum(min_count=1).astype("float64")
    if tells_gates(tables):
        found["num_gates_closed"] = [
            int((closed_gates(tables[GATE_VALUE], quarter)
                 & (tables[GATE_VALUE]["market"] == market)).sum())
            for market, quarter in index
        ]  # fmt: skip
    if BUYER_QUARTER in tables:
        sums = tables[BUYER_QUARTER].groupby(keys)[["asked_gwh", "served_gwh"]].sum()
        found[["asked_gwh", "served_gwh"]] = sums.reindex(index, fill_value=0.0).astype("float64")
    return found.reset_index()


def market_figures(
    tables: Mapping[str, pd.DataFrame], cities: pd.DataFrame, planning_quarter: str
) -> pd.DataFrame:
    """Each market in the planning quarter.

    Parameters
    ----------
    tables, cities
        As of `market_quarters`; cities also with ``num_stations``.
    planning_quarter : str
        As ``2027Q1``.

    Returns
    -------
    DataFrame, sorted by market
        ``market, num_cities, num_stations, vehicles, vehicles_without_pack``; per chemistry
        ``delivered_<id>`` [packs up to and with the quarter], ``open_from_<id>`` (first quarter in
        which a pack may be delivered; missing if none); ``delivered_gwh`` (likewise); of gates
        ``num_gates_closed``, ``dearest_certificate`` and ``dearest_saving_cny``.
    """
    rows = tables[MARKET_QUARTER]
    quarters = market_quarters(tables, cities)
    found = pd.DataFrame(index=pd.Index(sorted(rows["market"].unique()), name="market"))
    here = cities.groupby("market")
    found["num_cities"] = here.size().reindex(found.index, fill_value=0).astype("int64")
    found["num_stations"] = (
        here["num_stations"].sum().reindex(found.index, fill_value=0).astype("int64")
    )
    now = quarters[quarters["quarter"] == planning_quarter].set_index("market")
    for name in ("vehicles", "vehicles_without_pack"):
        found[name] = now[name].reindex(found.index).astype("float64")
    so_far = rows[rows["quarter"] <= planning_quarter]
    for chemistry in sorted(rows["chemistry"].unique()):
        of_kind = so_far[so_far["chemistry"] == chemistry].groupby("market")["delivered_packs"]
        found[f"delivered_{chemistry}"] = (
            of_kind.sum().reindex(found.index, fill_value=0.0).astype("float64")
        )
        is_open = rows[(rows["chemistry"] == chemistry) & rows["open"].astype(bool)]
        first = is_open.groupby("market")["quarter"].min().reindex(found.index)
        found[f"open_from_{chemistry}"] = first.astype("string")
    found["delivered_gwh"] = (
        so_far.groupby("market")["delivered_gwh"].sum().reindex(found.index, fill_value=0.0)
    ).astype("float64")
    if tells_gates(tables):
        found = found.join(_gates_by_market(tables[GATE_VALUE], planning_quarter, found.index))
    return found.reset_index()


def _gates_by_market(gates: pd.DataFrame, quarter: str, markets: "pd.Index[str]") -> pd.DataFrame:
    closed = gates[closed_gates(gates, quarter)].groupby("market").size()
    told = gates[gates["saving_cny"] > 0].sort_values(
        ["saving_cny", "certificate"], ascending=[False, True], kind="stable"
    )
    dearest = told.drop_duplicates("market").set_index("market")
    return pd.DataFrame(
        {
            "num_gates_closed": closed.reindex(markets, fill_value=0).astype("int64"),
            "dearest_certificate": dearest["certificate"].reindex(markets).astype("string"),
            "dearest_saving_cny": (
                dearest["saving_cny"].reindex(markets, fill_value=0.0).astype("float64")
            ),
        },
        index=markets,
    )


def _without_pack(
    tables: Mapping[str, pd.DataFrame], cities: pd.DataFrame, index: pd.MultiIndex
) -> "pd.Series[float]":
    """Vehicles without a pack by market and quarter; NaN where the run does not tell."""
    if "city_quarter" not in tables:
        return pd.Series(np.nan, index, dtype="float64")
    market_of = dict(zip(cities["city_id"], cities["market"], strict=True))
    told = tables["city_quarter"]
    sums = told.groupby([told["city_id"].map(market_of).rename("market"), "quarter"])
    return sums["vehicles_without_pack"].sum().reindex(index).astype("float64")
