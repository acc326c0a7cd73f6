"""A town in the EU with two pack types, small enough that its sheets can be told by hand."""

import pandas as pd

LFP, NA = "lfp_25", "na_25"
QUARTERS = ("2026Q4", "2027Q1", "2027Q3", "2028Q3")


def table(text: str) -> pd.DataFrame:
    """Rows of words, a header above; ``-`` is missing, numbers and flags become such."""
    lines = [line.split() for line in text.strip().splitlines()]
    cells = {"true": True, "false": False, "-": None}
    rows = [[cells.get(word, word) for word in line] for line in lines[1:]]
    frame = pd.DataFrame(rows, columns=lines[0])
    for name in frame.columns:
        try:
            frame[name] = pd.to_numeric(frame[name])
        except (ValueError, TypeError):
            continue
    return frame


GATES = table("""
market application chemistry  certificate                  binding asked_from opens  evidence
EU     swap_car    sodium_ion EU_battery_passport_         true    2027Q1     2026Q4 -
EU     swap_car    lfp        EU_battery_passport_         true    2027Q1     2026Q4 -
EU     swap_car    sodium_ion UN_38.3                      true    -          2026Q1 report_7
EU     swap_car    sodium_ion EU_declaration_of_conformity true    -          2026Q4 doc_12
EU     ess         sodium_ion EU_battery_passport_         true    2027Q1     2027Q1 -
MY     swap_car    sodium_ion MS_2818_battery_passport     false   -          -      -
""")
GATES["certificate"] = GATES["certificate"].str.replace("_", " ").str.strip()

MATERIALS = table("""
material         chemistry  kg_per_kwh critical hazardous recycled_frac
oxide_precursor  sodium_ion 2.0        false    true      0.1
hard_carbon      sodium_ion 1.5        false    false     0.0
manganese        sodium_ion 0.005      true     false     0.0
lithium_salt     lfp        0.6        true     true      0.25
graphite         lfp        1.0        true     false     0.0
""")
MATERIALS["material"] = MATERIALS["material"].str.replace("_", " ")

PACKS = pd.DataFrame(
    {
        "pack_id": [LFP, NA],
        "maker": [None, "CATL"],
        "mass_kg": [380.0, 410.0],
        "cell_v": [3.2, 3.0],
        "min_v": [None, 240.0],
        "nominal_v": [None, 360.0],
        "max_v": [None, 460.0],
        "kgco2e_per_kwh": [None, 80.0],
        "kgco2e_per_kwh_low": [None, 60.0],
        "kgco2e_per_kwh_high": [None, 100.0],
        "end_of_life_frac": [0.8, 0.7],
        "warranty_years": [8.0, None],
    }
)

DECLARATIONS = table("""
pack_id market item          point status         value held_from standard  verifier unit
na_25   -      resistance    38    held           0.9   2027Q3    IEC       TUV      mOhm
na_25   -      CE            -     held           -     -         -         -        -
na_25   EU     CE            -     asked          -     2027Q4    -         -        -
na_25   -      ISO20400      -     not_applicable -     -         -         -        -
na_25   -      renewable     24    asked          -     2028Q1    -         -        -
""")

DECLARATIONS["point"] = DECLARATIONS["point"].astype("Int64")  # as reading gives it

SUPPLY_FLOW = table("""
quarter chemistry  supplier plant   kind   application gwh
2026Q4  sodium_ion CATL     Yibin   series swap_car    0.03
2026Q4  sodium_ion CATL     Jining  series swap_car    0.01
2026Q4  sodium_ion CATL     Jining  series ess         0.02
2027Q3  sodium_ion CATL     Yibin   series swap_car    0.02
2027Q3  sodium_ion CATL     -       series swap_car    0.02
""")

MARKET_QUARTER = pd.DataFrame(
    [
        (quarter, market, pack_id, packs)
        for market in ("EU", "MY", "CN")
        for pack_id, packs in ((LFP, 100.0), (NA, 300.0))
        for quarter in QUARTERS
    ],
    columns=["quarter", "market", "pack_id", "delivered_packs"],
)
