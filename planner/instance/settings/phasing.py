"""Section ``[phasing]``: which station opens when."""

from typing import Literal

from planner.instance.settings.section import Quarter, Section, setting


class Phasing(Section):
    """Openings by period, up to the planning quarter."""

    first_quarter: Quarter | None = setting(
        None, "stations open from this quarter on, up to and with planning_quarter; without it all "
        "of them stand in planning_quarter, whenever they were built",
    )  # fmt: skip
    quarters_per_period: int = setting(
        1, "quarters that are planned as one: what opens in a period stands from its first day, "
        "and is planned for its last quarter; the first period may be shorter", ge=1, le=40,
    )  # fmt: skip
    objective: Literal["discounted_swaps", "earliest_share", "least_money"] = setting(
        "discounted_swaps", "most swaps served over all periods; the earliest period with "
        "share_frac served (and then most swaps); or least money for share_by_quarter",
    )  # fmt: skip
    discount_rate: float = setting(
        0.08, "what a swap a year later counts less", unit="per year",
        source="?: assumed; between the 5 % of costs.interest_rate and a founder's 12 %",
        ge=0, le=1,
    )  # fmt: skip
    openings_per_quarter: float | None = setting(
        None, "new stations in a quarter at most (table build_rates replaces it by quarter)",
        ge=0, le=1_000_000,
    )  # fmt: skip
    openings_carry_over: bool = setting(
        False, "whether openings left in a period may be made later"
    )
    budget_cny_per_quarter: float | None = setting(
        None, "money for stations in a quarter at most (table build_rates replaces it by quarter)",
        unit="CNY", ge=0, le=1e15,
    )  # fmt: skip
    budget_carries_over: bool = setting(True, "whether money left in a period may be spent later")
    share_frac: float | None = setting(
        None, "share of the swaps that is to be served as early as can be", gt=0, le=1,
    )  # fmt: skip
    share_by_quarter: dict[Quarter, float] = setting(
        {}, "shares of the swaps that are to be served for the least money, by quarter"
    )

    @property
    def planned(self) -> bool:
        """Whether openings are planned by period."""
        return self.first_quarter is not None
