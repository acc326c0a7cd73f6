"""Section ``[service]``: the service level that stations are planned for."""

from typing import Self

from pydantic import model_validator

from planner.instance.settings.section import Section, setting


class Service(Section):
    """What stations promise their drivers on the winter design day's busiest hours."""

    wait_min: float = setting(
        5.0, "a driver is served in time who waits no longer for lane and full pack", unit="min",
        source="?: planning target; operators report 5 to 7 min from in to out", ge=0, le=120,
    )  # fmt: skip
    within_frac: float = setting(
        0.95, "share of drivers who are served in time", source="?: planning target", gt=0, lt=1
    )
    margin_frac: float = setting(
        0.02, "share by which stations are planned above within_frac: drivers sent on by other "
        "stations, and a verdict that chance does not decide, take it", source="INF: at 0.97 a "
        "hundred to two hundred simulated days confirm 95 % at 97 % of the stations of china-140",
        ge=0, lt=1,
    )  # fmt: skip
    late_swap_cny: float = setting(
        9.0, "what a driver who is not served in time costs: stations hold further packs where "
        "these bring more than their lease", unit="CNY", source="INF: a quarter of an hour at 36 "
        "CNY/h, the value of time in costs.swap_cny", ge=0, le=1000,
    )  # fmt: skip
    busy_hours: int = setting(
        4, "hours of the day, the busiest, in which that share must be kept",
        source="?: planning target", ge=1, le=24,
    )  # fmt: skip

    @property
    def planned_frac(self) -> float:
        """Share of drivers served in time that stations are planned for."""
        return self.within_frac + self.margin_frac

    @model_validator(mode="after")
    def _plans_for_a_share(self) -> Self:
        if self.planned_frac >= 1:
            raise ValueError(
                f"within_frac and margin_frac together are {self.planned_frac:g}, no packs serve "
                "every driver in time: lower one of them"
            )
        return self
