"""What the winters of a region say for sodium-ion packs, and what speaks for them where none do."""

import pandas as pd

COLD_C = 0.0
"""Design temperature below which lithium packs lose notably; ?: assumed for telling only."""


def winter_rows(cities: pd.DataFrame, packs: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Rows of the assumptions on winters as a reason for sodium-ion packs.

    Parameters
    ----------
    cities : DataFrame
        ``name_en``, ``winter_design_c`` and the monthly means.
    packs : DataFrame
        The ``packs`` table as text.

    Returns
    -------
    list of (item, value, mark, source)
    """
    design_c = cities["winter_design_c"].astype(float)
    coldest = str(cities["name_en"].iloc[int(design_c.argmin())])
    num_cold = int((design_c < COLD_C).sum())
    found = (
        f"{num_cold} of {len(cities)} cities have a winter design temperature below "
        f"{COLD_C:g} C; the coldest is {coldest} with {design_c.min():g} C"
    )
    rows = [
        (
            "winter as a reason for sodium-ion",
            found if num_cold else f"none: no winter argues for sodium-ion here. {found}",
            "INF",
            "design temperatures of cities.csv; the packs' curves.csv says what cold takes",
        )
    ]
    if num_cold:
        return rows
    number = packs.assign(
        cost=pd.to_numeric(packs["cost_cny_per_kwh"]), life=pd.to_numeric(packs["cycle_life"])
    )
    mean = number.groupby("chemistry")[["cost", "life"]].mean()
    if not {"lfp", "sodium_ion"} <= set(mean.index):
        return rows
    lfp, sodium = mean.loc["lfp"], mean.loc["sodium_ion"]
    return [
        *rows,
        (
            "what argues for sodium-ion where no winter does",
            f"cycle life, {sodium['life']:,.0f} against {lfp['life']:,.0f} cycles, where packs "
            f"are cycled more than {lfp['life'] / 10:,.0f} times a year (a calendar life of 10 "
            "years); supply without lithium",
            "INF",
            "packs.csv, its middle figures; costs.max_pack_years of scenario.toml",
        ),
        (
            "what argues against sodium-ion where no winter does",
            f"price, {sodium['cost']:,.0f} against {lfp['cost']:,.0f} CNY/kWh, and less energy in "
            "the same envelope, so more swaps for the same kilometres",
            "INF",
            "packs.csv, its middle figures; the low and high ends differ more than these",
        ),
    ]
