"""Tables of supply, markets, certificates, passport and brands, made up so that they agree.

Two markets, CN and EU, and two chemistries, of which only the cells of sodium-ion packs are short:
what a source makes is what somebody gets, what a market is delivered is what the swap cars get.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from planner.planning.result import Planned

QUARTERS = ("2026Q4", "2027Q1", "2027Q2")
MARKETS = ("CN", "EU")
PACKS = (("lfp_25", "lfp", 56.0), ("na_25", "sodium_ion", 45.0))
SHORT = "sodium_ion"
"""The chemistry whose cells are short: the last of `PACKS`."""
SERIES_GWH, PILOT_GWH = (0.020, 0.040, 0.080), (0.004, 0.004, 0.004)
DELIVERED = {
    ("CN", "lfp_25"): (400.0, 300.4, 200.0),
    ("CN", "na_25"): (300.0, 500.0, 700.2),
    ("EU", "lfp_25"): (50.0, 60.0, 70.3),
    ("EU", "na_25"): (0.0, 0.0, 120.8),
}
"""Packs by market and pack in each of `QUARTERS`."""
OPEN_FROM = {"CN": "2026Q4", "EU": "2027Q2"}
"""First quarter in which the gates of a market let the short chemistry in."""
NUM_POINTS, NUM_FILLED, NUM_SUPPLIER = 6, 3, 2
"""Points of the made-up passport, those that the plan fills, and those to be asked for."""


def make_market_tables(market: str = MARKETS[0]) -> dict[str, pd.DataFrame]:
    """All tables of the contract; ``market`` stands in the place of the first."""
    quarters = _market_quarter()
    flow = _supply_flow(quarters)
    tables = {
        "supply_flow": flow,
        "supply_source": _supply_source(flow),
        "supply_value": _supply_value(flow),
        "buyer_quarter": _buyer_quarter(),
        "material_quarter": _material_quarter(flow),
        "market_quarter": quarters,
        "gate_value": _gate_value(),
        "offer": _offer(quarters),
        "passport_flow": _passport_flow(quarters),
        "passport_point": _passport_point(),
        "bid_sheet": _bid_sheet(),
        "declaration_status": _declaration_status(),
        "brand_quarter": _brand_quarter(quarters),
        "launch": _launch(),
    }
    return {
        name: frame.assign(market=frame["market"].replace(MARKETS[0], market))
        if "market" in frame
        else frame
        for name, frame in tables.items()
    }


def empty_market_tables() -> dict[str, pd.DataFrame]:
    """The same tables without rows."""
    return {name: frame.head(0) for name, frame in make_market_tables().items()}


def with_markets(planned: Planned, tables: Mapping[str, pd.DataFrame] | None = None) -> Planned:
    """A plan as if it had supply by source, offers, gates, declarations and brands."""
    of_markets = make_market_tables() if tables is None else tables
    return replace(planned, tables={**planned.tables, **of_markets})


def _market_quarter() -> pd.DataFrame:
    rows = []
    for (market, pack_id), packs in DELIVERED.items():
        chemistry, kwh = next((kind, kwh) for name, kind, kwh in PACKS if name == pack_id)
        first = OPEN_FROM[market] if chemistry == SHORT else QUARTERS[0]
        stock = 0.0
        for quarter, delivered in zip(QUARTERS, packs, strict=True):
            stock += delivered
            rows.append((
                quarter, market, chemistry, pack_id, 0.9 * stock, delivered, delivered * kwh / 1e6,
                stock, 100.0 if chemistry == SHORT else 0.0, first, quarter >= first,
                delivered * kwh * 80 / 1e3,
            ))  # fmt: skip
    columns = [
        "quarter", "market", "chemistry", "pack_id", "vehicles", "delivered_packs",
        "delivered_gwh", "stock_packs", "min_order_packs", "first_delivery", "open", "carbon_t",
    ]  # fmt: skip
    return _sorted(pd.DataFrame(rows, columns=columns), "quarter", "market", "pack_id")


def _buyer_quarter() -> pd.DataFrame:
    rows = [
        ("2026Q4", "grid storage", "CN", "ess", "contract", 0.010, 0.005, 900.0, "supply"),
        ("2027Q1", "grid storage", "CN", "ess", "contract", 0.010, 0.010, 900.0, ""),
        ("2027Q2", "grid storage", "CN", "ess", "contract", 0.015, 0.015, 900.0, ""),
        ("2027Q1", "storage abroad", "EU", "ess", "contract", 0.006, 0.0, 900.0, "gate"),
        ("2027Q2", "mining trucks", "", "off_road", "price", 0.030, 0.012, 40.0, "price"),
    ]
    frame = pd.DataFrame(
        rows,
        columns=["quarter", "buyer", "market", "application", "basis", "asked_gwh", "served_gwh",
                 "worth_cny_per_kwh", "limited_by"],
    )  # fmt: skip
    frame.insert(4, "chemistry", SHORT)
    frame.insert(8, "short_gwh", frame["asked_gwh"] - frame["served_gwh"])
    return frame


def _supply_flow(quarters: pd.DataFrame) -> pd.DataFrame:
    """Series cells to swap cars and buyers, pilot cells to machines off the road alone."""
    cars = quarters[quarters["chemistry"] == SHORT].groupby("quarter")["delivered_gwh"].sum()
    buyers = _buyer_quarter().groupby(["quarter", "application"])["served_gwh"].sum()
    rows = []
    for quarter in QUARTERS:
        pilot = PILOT_GWH[QUARTERS.index(quarter)] if quarter == QUARTERS[2] else 0.0
        off_road = float(buyers.get((quarter, "off_road"), 0.0))
        for kind, application, gwh in (
            ("series", "swap_car", float(cars[quarter])),
            ("series", "ess", float(buyers.get((quarter, "ess"), 0.0))),
            ("series", "off_road", off_road - pilot),
            ("pilot", "off_road", pilot),
        ):
            if gwh > 0:
                plant = "Ningde" if kind == "series" else "Ningde pilot line"
                rows.append((quarter, SHORT, "CATL", plant, kind, application, gwh))
    return pd.DataFrame(
        rows, columns=["quarter", "chemistry", "supplier", "plant", "kind", "application", "gwh"]
    )


def _supply_source(flow: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for number, quarter in enumerate(QUARTERS):
        for kind, plant, made_for, capacity in (
            ("series", "Ningde", "", SERIES_GWH[number]),
            ("pilot", "Ningde pilot line", "off_road", PILOT_GWH[number]),
        ):
            of_source = (flow["quarter"] == quarter) & (flow["plant"] == plant)
            used = float(flow.loc[of_source, "gwh"].sum())
            rows.append((quarter, SHORT, "CATL", plant, made_for, kind, capacity, used, used))
    return pd.DataFrame(
        rows,
        columns=["quarter", "chemistry", "supplier", "plant", "made_for", "kind", "capacity_gwh",
                 "made_gwh", "used_gwh"],
    )  # fmt: skip


def _supply_value(flow: pd.DataFrame) -> pd.DataFrame:
    used = flow[flow["application"] == "swap_car"].groupby("quarter")["gwh"].sum()
    used = used.reindex(QUARTERS, fill_value=0.0).cumsum()
    return pd.DataFrame(
        {
            "quarter": QUARTERS,
            "chemistry": SHORT,
            "produced_gwh": SERIES_GWH,
            "available_gwh": used.to_numpy() + 0.001,
            "used_gwh": used.to_numpy(),
            "value_cny_per_kwh": [62.5, 31.0, 4.6],
        }
    )


def _material_quarter(flow: pd.DataFrame) -> pd.DataFrame:
    made = flow.groupby("quarter")["gwh"].sum().reindex(QUARTERS, fill_value=0.0).cumsum()
    rows = []
    for quarter, gwh in made.items():
        for material, kg_per_kwh, available_t, value in (
            ("layered oxide precursor", 2.0, 2.2 * made[quarter] * 1e3, 3.5),
            ("hard carbon", 1.2, 4.0 * made[quarter] * 1e3, 0.0),
        ):
            rows.append((
                quarter, material, available_t, kg_per_kwh * float(gwh) * 1e3, value,
                material == "layered oxide precursor",
            ))  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["quarter", "material", "available_t", "used_t", "value_cny_per_kg", "tightest"],
    )


def _gate_value() -> pd.DataFrame:
    rows = [
        ("EU", "swap_car", "UNECE R100", "yes", None, "2027Q1", "2027Q2", "2028Q2", "2027Q2",
         "2027Q1", 2.4e6),
        ("EU", "swap_car", "battery passport", "yes", "2027Q1", "2027Q1", "2027Q2", None,
         "2027Q2", "2027Q1", 0.6e6),
        ("EU", "ess", "Art. 12 safety", "adapted", None, "2027Q1", "2027Q2", "2027Q4", "2027Q3",
         "2027Q2", 5.1e6),
        ("CN", "off_road", "T/CNESA 1006", "no", None, None, None, None, None, "2027Q2", 0.0),
    ]  # fmt: skip
    frame = pd.DataFrame(
        rows,
        columns=["market", "application", "certificate", "scope", "asked_from", "opens_low",
                 "opens", "opens_high", "opens_used", "opens_earlier", "saving_cny"],
    )  # fmt: skip
    frame.insert(2, "chemistry", SHORT)
    return frame


def _offer(quarters: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (market, pack_id), packs in DELIVERED.items():
        if pack_id != PACKS[-1][0]:
            continue
        whole = sum(packs)
        smallest = min(filter(None, packs))
        of_pack = quarters[(quarters["market"] == market) & (quarters["pack_id"] == pack_id)]
        rows.append((
            market, pack_id, "CATL", "2026Q2", 2, 0, 100.0, of_pack["first_delivery"].iloc[0],
            OPEN_FROM[market], whole, smallest,
        ))  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["market", "pack_id", "supplier", "samples_from", "qualification_quarters",
                 "lead_quarters", "min_order_packs", "first_delivery", "first_open",
                 "delivered_packs", "smallest_order_packs"],
    )  # fmt: skip


def _passport_flow(quarters: pd.DataFrame) -> pd.DataFrame:
    flows = quarters[(quarters["market"] == "EU") & (quarters["delivered_packs"] > 0)]
    rows = []
    for quarter, market, pack_id, packs in flows[
        ["quarter", "market", "pack_id", "delivered_packs"]
    ].itertuples(index=False):
        counts = (NUM_FILLED, NUM_SUPPLIER, 1, 0) if quarter >= "2027Q1" else (0, 0, 0, NUM_POINTS)
        rows.append((
            market, pack_id, quarter, packs, "ev", quarter >= "2027Q1", NUM_POINTS, *counts, 0.5
        ))  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["market", "pack_id", "quarter", "packs", "category", "asked", "num_points",
                 "num_filled", "num_supplier", "num_unknown", "num_not_asked", "declared_frac"],
    )  # fmt: skip


_POINTS = (
    (7, "Model", "mandatory", "filled", "na_25", "", "packs", ""),
    (10, "Mass", "mandatory", "filled", "290", "kg", "packs", ""),
    (12, "Chemistry", "mandatory", "filled", "by the pack", "", "packs", ""),
    (2, "Operator who registers it", "mandatory", "ask_supplier", "", "", "",
     "ask the supplier who registers the pack in the market"),
    (13, "Hazardous substances", "mandatory", "ask_supplier", "", "", "",
     "ask the supplier for the declaration of substances"),
    (24, "Share of renewable content", "voluntary", "unknown", "", "", "", "no source states it"),
)  # fmt: skip


def _passport_point() -> pd.DataFrame:
    flow = _passport_flow(_market_quarter())
    rows = [
        (market, pack_id, quarter, point, name, requirement,
         *((status, value, unit, table, action) if asked else ("not_asked", "", "", "", "")))
        for market, pack_id, quarter, asked in flow[
            ["market", "pack_id", "quarter", "asked"]
        ].itertuples(index=False)
        for point, name, requirement, status, value, unit, table, action in _POINTS
    ]  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["market", "pack_id", "quarter", "point", "name", "requirement", "status", "value",
                 "unit", "from_table", "action"],
    )  # fmt: skip


def _bid_sheet() -> pd.DataFrame:
    rows = [
        ("lfp_25", "lfp", "#25", 56.0, 360.0, 155.6, 3.2, 250.0, 333.0, 380.0, 400.0, 240.0, 400.0,
         65.0, 4000, "fits", ""),
        ("na_25", "sodium_ion", "#25", 45.0, 310.0, 145.2, 3.0, 180.0, 312.0, 416.0, 400.0, 240.0,
         400.0, 80.0, 10000, "outside the voltage window", "warranty"),
    ]  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["pack_id", "chemistry", "envelope", "nominal_kwh", "mass_kg", "wh_per_kg",
                 "cell_v", "min_v", "nominal_v", "max_v", "max_mass_kg", "envelope_min_v",
                 "envelope_max_v", "kgco2e_per_kwh", "cycle_life", "verdict", "missing"],
    )  # fmt: skip


def _declaration_status() -> pd.DataFrame:
    rows = [
        ("na_25", "EU", "conflict minerals", "not_applicable", None, "CMRT", "", "", "", 120.8),
        ("na_25", "EU", "nail penetration", "held", "2025Q3", "GB 38031-2025", "CATARC",
         "no fire", "", 120.8),
        ("lfp_25", "EU", "CE", "asked", None, "2023/1542", "", "", "", 180.3),
    ]  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["pack_id", "market", "item", "status", "held_from", "standard", "verifier",
                 "value", "unit", "flow_packs"],
    )  # fmt: skip


def _brand_quarter(quarters: pd.DataFrame) -> pd.DataFrame:
    """Two thirds of each market's cars are Nevo's, the others Aion's; some have no pack."""
    rows = []
    for quarter in QUARTERS:
        for market in MARKETS:
            here = quarters[(quarters["quarter"] == quarter) & (quarters["market"] == market)]
            on_pack = here.groupby("chemistry")["vehicles"].sum()
            for brand, group, model, share in (
                ("Nevo", "Changan", "A05", 2 / 3), ("Aion", "GAC", "UT", 1 / 3),
            ):  # fmt: skip
                for chemistry, vehicles in (*on_pack.items(), ("", 30.0)):
                    rows.append((
                        quarter, brand, group, model, market, chemistry, share * vehicles,
                        chemistry != SHORT or quarter > QUARTERS[0],
                    ))  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["quarter", "brand", "group", "model", "market", "chemistry", "vehicles",
                 "accepts"],
    )  # fmt: skip


def _launch() -> pd.DataFrame:
    rows = [
        ("A05", "Nevo", "EU", "na_25", "2027Q1", 100.0, "2027Q2", 1, 0.0, 100.0, True,
         "UNECE R100 opens in 2027Q2"),
        ("UT", "Aion", "CN", "na_25", "2027Q1", 600.0, "2026Q4", 0, 800.0, 0.0, False, ""),
        ("A05", "Nevo", "CN", "na_25", "2028Q1", 900.0, None, 4, 0.0, 900.0, True,
         "the model does not accept the chemistry"),
    ]  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["model", "brand", "market", "pack_id", "quarter", "packs", "first_possible",
                 "quarters_late", "delivered_packs", "packs_short", "at_risk", "reason"],
    )  # fmt: skip


def _sorted(frame: pd.DataFrame, *by: Sequence[str] | str) -> pd.DataFrame:
    return frame.sort_values(list(by), ignore_index=True)
