"""Two towns in two markets that share a supply, with every table of supply, markets and brands."""

from dataclasses import replace

import pandas as pd

from planner.instance import Instance
from tests.cars import LFP, SODIUM, brands, in_quarters, models, refusals, table
from tests.curve_sets import cold_and_warm_town

QUARTERS = ("2026Q4", "2027Q1", "2027Q2", "2027Q3", "2027Q4")
CELLS = "invented"


def supply(*rows: tuple[object, ...]) -> pd.DataFrame:
    """``supply``: quarter, gwh, supplier, plant, application, kind, all of sodium-ion."""
    columns = "chemistry quarter gwh supplier plant application kind source"
    return table("supply", columns, [(SODIUM, *row, CELLS) for row in rows])


def buyers(*rows: tuple[object, ...]) -> pd.DataFrame:
    """``other_buyers``: buyer, market, application, quarter, gwh, basis, worth, of sodium-ion."""
    columns = "buyer market application chemistry quarter gwh basis worth_cny_per_kwh source"
    full = [(*row[:3], SODIUM, *row[3:], CELLS) for row in rows]
    return table("other_buyers", columns, full)


def gates(*rows: tuple[object, ...]) -> pd.DataFrame:
    """``gates``: market, application, chemistry, certificate, asked_from, low, opens, high."""
    columns = (
        "market application chemistry certificate asked_from opens_low opens opens_high binding "
        "scope evidence source"
    )
    return table("gates", columns, [(*row, True, "yes", None, CELLS) for row in rows])


def offers(*rows: tuple[object, ...]) -> pd.DataFrame:
    """``offers``: pack_id, market, supplier, samples_from, tested quarters, lead, least order."""
    columns = (
        "pack_id market supplier samples_from qualification_quarters lead_quarters "
        "min_order_packs source"
    )
    return table("offers", columns, [(*row, CELLS) for row in rows])


def materials(kg_per_kwh: float, *tonnes: tuple[str, float]) -> dict[str, pd.DataFrame]:
    """One material of sodium-ion, and what there is of it by quarter."""
    needs = [("precursor", SODIUM, kg_per_kwh, CELLS)]
    rows = [("precursor", "mine", quarter, amount, None, CELLS) for quarter, amount in tonnes]
    return {
        "materials": table("materials", "material chemistry kg_per_kwh source", needs),
        "material_supply": table(
            "material_supply", "material supplier quarter tonnes qualified_from source", rows
        ),
    }


def two_markets(tutorial: Instance) -> Instance:
    """The cold town in China, its warm copy in the EU, one supply for both, all tables at work."""
    towns = cold_and_warm_town(tutorial)
    towns = replace(towns, cities=towns.cities.assign(market=["CN", "EU"]))
    towns = in_quarters(towns, QUARTERS[0], QUARTERS[-1], "2027Q3")
    settings = towns.scenario.packs.model_copy(update={"carbon_cap_kt": 12.0})
    towns = replace(towns, scenario=towns.scenario.model_copy(update={"packs": settings}))
    series = [
        ("2026Q3", 0.004, "cells", "north", None, None),
        *((quarter, 0.012, "cells", "north", None, "series") for quarter in QUARTERS),
        *((quarter, 0.004, "cells", "south", "ess", None) for quarter in QUARTERS[2:]),
        *((quarter, 0.006, "start-up", None, None, "pilot") for quarter in QUARTERS[:3]),
    ]
    asked = [
        ("grid", "CN", "ess", "2026Q3", 0.001, "contract", None),
        *(("grid", "CN", "ess", quarter, 0.007, "contract", None) for quarter in QUARTERS),
        *(("grid", "EU", "ess", quarter, 0.002, "price", 90.0) for quarter in QUARTERS),
        *(("machines", None, "off_road", quarter, 0.003, "price", 20.0) for quarter in QUARTERS),
        *(("cars", "CN", "fixed_car", quarter, 0.002, "price", 4000.0) for quarter in QUARTERS),
    ]
    tables = {
        "adoption": _growing(towns),
        "packs": towns.packs.assign(kgco2e_per_kwh=[75.0, 70.0]),
        "supply": supply(*series),
        "other_buyers": buyers(*asked),
        "gates": gates(
            ("CN", "swap_car", SODIUM, "GB 38031", None, None, "2026Q3", None),
            ("EU", "swap_car", SODIUM, "R100", None, "2027Q1", "2027Q2", "2027Q4"),
            ("EU", "swap_car", LFP, "passport", "2027Q2", None, "2027Q3", None),
            ("EU", "ess", SODIUM, "CE", None, None, "2027Q1", None),
            ("CN", "ess", SODIUM, "storage", None, None, "2027Q1", None),
        ),
        "offers": offers(
            ("na_25", "CN", "cells", "2026Q4", 1, 0, 100.0),
            ("na_25", "EU", "cells", "2026Q4", 1, 1, 150.0),
            ("na_25", "EU", "late", "2027Q2", 1, 1, 400.0),
            ("lfp_25", "EU", "cells", "2024Q4", 1, 0, None),
        ),
        "brands": brands(("Sun", "Group"), ("Moon", None)),
        "car_models": models(
            ("Ray", "Sun", None, None, "2026Q1", 3000.0),
            ("Crater", "Moon", None, "private", "2026Q1", 1000.0),
        ),
        "model_chemistries": refusals(("Crater", SODIUM, "2027Q3")),
        "brand_suppliers": table(
            "brand_suppliers", "brand chemistry supplier exclusive source",
            [("Sun", SODIUM, "cells", True, CELLS)],
        ),
        "launches": table(
            "launches", "model market pack_id quarter packs source",
            [("Ray", "EU", "na_25", "2027Q1", 50.0, CELLS)],
        ),
        **materials(2.0, ("2026Q4", 60.0), ("2027Q1", 30.0), ("2027Q3", 60.0)),
    }  # fmt: skip
    return replace(towns, **tables)


def _growing(towns: Instance) -> pd.DataFrame:
    """A third of the vehicles at first, all in the last quarter."""
    rows = [
        (city_id, segment, quarter, frac)
        for city_id in towns.cities["city_id"]
        for segment in ("private", "taxi", "ride_hailing")
        for quarter, frac in zip(QUARTERS, (0.3, 0.45, 0.6, 0.8, 1.0), strict=True)
    ]
    return table("adoption", "city_id segment quarter swap_capable_frac", rows)
