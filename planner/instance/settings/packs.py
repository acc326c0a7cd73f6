"""Section ``[packs]``: what packs must do, and how many are available."""

from typing import Literal

from planner.instance.settings.section import Section, setting


class Packs(Section):
    """What the packs must do, and how many are to be had."""

    promised_range_km: float = setting(
        250.0, "range promised to drivers on the winter design day, between two swaps: within the "
        "share of the pack that they use", unit="km",
        source="?: planning target; cars are sold on 400-500 km CLTC", ge=0, le=1000,
    )  # fmt: skip
    promise: Literal["penalty", "constraint"] = setting(
        "penalty", "whether a pack that misses the promise costs "
        "(costs.range_shortfall_cny_per_km) or is not given out: its vehicles get none",
    )  # fmt: skip
    carbon_cap_kt: float | None = setting(
        None, "carbon footprint at most of making all packs that are delivered within the horizon "
        "(packs.kgco2e_per_kwh); no limit if left out", unit="kt", ge=0, le=1e9,
    )  # fmt: skip
