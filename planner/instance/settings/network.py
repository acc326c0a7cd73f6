"""Section ``[network]``: how fast roads are driven, and how zones and sites join them."""

from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from planner.instance.settings.section import Section, setting

Hour = Literal["peak", "mean"]
"""Hour of a drive: the busiest of a working day, or the mean of a day."""

HOURS: tuple[Hour, ...] = get_args(Hour)


class Network(Section):
    """How fast roads are driven, and how zones and sites join them."""

    planning_hour: Hour = setting(
        "peak", "hour whose drive times decide who reaches a station: the peak, when most people "
        "drive, or the mean of the day",
    )  # fmt: skip
    peak_speed_frac: float = setting(
        0.72, "speed in the peak hour as a share of the roads' free-flow speed; 1 with "
        "mean_speed_frac 1 where speed_kmh of the table roads is planned with as it stands",
        source="M: Harbin, first quarter of 2020: 29.6 km/h in the peak over 41 in free flow "
        "(Amap); Tianjin's peak 26.9 km/h would be 0.66", gt=0, le=1,
    )  # fmt: skip
    mean_speed_frac: float = setting(
        0.88, "speed on the mean of a day as a share of the roads' free-flow speed",
        source="INF: Zhongshan's 36 km/h all day over Harbin's 41 in free flow (Amap)",
        gt=0, le=1,
    )  # fmt: skip
    access_speed_kmh: float = setting(
        20.0, "mean speed between a zone and the nearest mapped road, at any hour", unit="km/h",
        source="?: assumed for local streets, which traffic hardly slows", ge=1, le=120,
    )  # fmt: skip
    access_detour_frac: float = setting(
        0.3, "local streets are longer than the straight line by this share",
        source="?: assumed", ge=0, le=3,
    )  # fmt: skip
    max_access_km: float = setting(
        3.0, "a zone or site farther than this from any road is not connected", unit="km",
        source="?: twice the diameter of an H3 resolution-8 cell, about", gt=0, le=50,
    )  # fmt: skip

    drive_area_min: list[Annotated[float, Field(gt=0, le=60)]] = setting(
        [5.0, 10.0], "times whose drive areas are drawn: from where a station is reached within "
        "them; none are drawn of an empty list", unit="min",
        source="?: assumed, half the usual standard and the whole", max_length=4,
    )  # fmt: skip

    @model_validator(mode="after")
    def _has_ascending_areas(self) -> Self:
        minutes = self.drive_area_min
        if any(later <= earlier for earlier, later in pairwise(minutes)):
            raise ValueError("drive_area_min must ascend: each time longer than the one before")
        return self

    @model_validator(mode="after")
    def _is_slowest_in_the_peak(self) -> Self:
        if self.mean_speed_frac < self.peak_speed_frac:
            raise ValueError(
                "mean_speed_frac must not be less than peak_speed_frac: give both, 1 and 1 where "
                "speeds of the roads are those planned with"
            )
        return self

    def speed_frac(self, hour: Hour | None = None) -> float:
        """Share of the free-flow speed that is driven at an hour, the planning hour if left out."""
        fracs = {"peak": self.peak_speed_frac, "mean": self.mean_speed_frac}
        return fracs[hour or self.planning_hour]
