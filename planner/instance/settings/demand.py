"""Section ``[demand]``: from daily swaps to the hour that stations are sized for."""

from planner.instance.settings.section import Section, setting
from planner.units import HOURS_PER_DAY


class Demand(Section):
    """From daily swaps to the hour that stations are sized for."""

    peak_hour_frac: float = setting(
        0.08, "share of the day's swaps in its busiest hour",
        source="?: assumed; no hour-of-day profile is published", ge=1 / HOURS_PER_DAY, le=1,
    )  # fmt: skip
    peak_day_factor: float = setting(
        1.38, "busiest day over the mean day",
        source="INF: NIO holiday peaks 41.5 over a mean of 30 swaps per station and day "
        "(autogear, news18a 2025-2026)", ge=1, le=10,
    )  # fmt: skip
