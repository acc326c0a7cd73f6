"""Section ``[demand]``: how many of whom swap, and the hour that stations are sized for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.instance.settings.section import Section, setting
from planner.units import HOURS_PER_DAY

Segment = Literal["private", "taxi", "ride_hailing"]
_SUM_SLACK = 1e-6


class Demand(Section):
    """How many of whom swap, and the hour that stations are sized for."""

    peak_hour_frac: float = setting(
        0.08, "share of the day's swaps in its busiest hour",
        source="?: assumed; no hour-of-day profile is published", ge=1 / HOURS_PER_DAY, le=1,
    )  # fmt: skip
    peak_day_factor: float = setting(
        1.38, "busiest day over the mean day",
        source="INF: NIO holiday peaks 41.5 over a mean of 30 swaps per station and day "
        "(autogear, news18a 2025-2026)", ge=1, le=10,
    )  # fmt: skip
    vehicles_per_station: float | None = setting(
        None,
        "swap vehicles in the planning quarter over siting.num_stations: the tables' vehicles, "
        "their adoption and pack_stock are scaled to it; as the tables say if left out",
        gt=0, le=100_000,
    )  # fmt: skip
    fleet_mix: dict[Segment, Annotated[float, Field(ge=0, le=1)]] | None = setting(
        None,
        "each segment's share of the swap vehicles in the planning quarter, adding up to 1 (a "
        "segment left out has none): the tables are scaled to it; as they say if left out",
    )

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if self.fleet_mix is not None and abs(sum(self.fleet_mix.values()) - 1) > _SUM_SLACK:
            raise ValueError(
                f"the shares of fleet_mix add up to {sum(self.fleet_mix.values()):g}; "
                "make them add up to 1"
            )
        return self
