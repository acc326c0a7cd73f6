"""Section ``[uncertainty]``: futures that one plan is made for, and how it is judged over them."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.instance.settings.scale import Column, Said, Scale, said
from planner.instance.settings.section import Quarter, Section, setting

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$")]
Delay = Annotated[int, Field(ge=0, le=40)]

WEIGHT_TOLERANCE = 1e-6
"""Weights add up to 1 within this."""


class Changes(Said):
    """What differs in a future from what the tables say."""

    scale: list[Scale] = said("columns that are multiplied", [])
    supply_delay_quarters: dict[str, Delay] = said(
        "quarters by which a chemistry's supply comes later, by chemistry", {}
    )
    certificate_delay_quarters: dict[str, Delay] = said(
        "quarters by which a chemistry's certificates that are still to come are later, by "
        "chemistry",
        {},
    )
    winter: str = said("a winter of the table winters", "")
    winter_shift_c: float = said(
        "degrees that the winter of every city is warmer than its climate says", 0.0, ge=-30, le=30
    )


class Future(Changes):
    """One future."""

    name: Name = said("short name; also of the columns that tell of it")
    weight: float = said("its probability", gt=0, le=1)


class Factor(Said):
    """Something that a random sample of futures draws."""

    name: Name = said("short name")
    factor_of: Column | None = said("a column that is multiplied by what is drawn", None)
    supply_delay_of: str = said("a chemistry whose supply comes so many quarters later", "")
    certificate_delay_of: str = said("a chemistry whose certificates come so much later", "")
    quantity: Literal["", "winter", "winter_shift_c"] = said(
        "winter draws one of the table winters, each as likely; winter_shift_c draws degrees", ""
    )
    low: float | None = said("least value", None)
    high: float | None = said("greatest value", None)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        told = [self.factor_of, self.supply_delay_of, self.certificate_delay_of, self.quantity]
        if sum(bool(each) for each in told) != 1:
            raise ValueError(
                "give one of factor_of, supply_delay_of, certificate_delay_of and quantity"
            )
        if self.quantity == "winter":
            if self.low is not None or self.high is not None:
                raise ValueError("a winter is drawn from the table: leave low and high out")
            return self
        if self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("give low and high, low less than high")
        if self.quantity != "winter_shift_c" and self.low < 0:
            raise ValueError("factors and delays are at least 0")
        if self.is_delay and self.high > 40:
            raise ValueError("a delay is 40 quarters at most")
        return self

    @property
    def is_delay(self) -> bool:
        """Whether whole quarters are drawn."""
        return bool(self.supply_delay_of or self.certificate_delay_of)


class Uncertainty(Section):
    """One plan for many futures."""

    futures: list[Future] = setting(
        [], "futures that are stated, each with its weight and with what differs in it"
    )
    samples: int = setting(
        0, "futures that are drawn from factors, equally likely, with the weight that the stated "
        "ones leave", ge=0, le=1000,
    )  # fmt: skip
    factors: list[Factor] = setting([], "what is drawn, all together, for every sample")
    seed: int = setting(0, "same seed, same samples", ge=0, le=2**31 - 1)
    measure: Literal["expected", "cvar", "regret", "p_robust"] = setting(
        "expected", "most swaps served on average; on average over the worst futures; with the "
        "least regret in the worst case; or on average with a share of each future's best kept",
    )  # fmt: skip
    tail_frac: float = setting(
        0.2, "cvar: probability of the worst futures that it averages", gt=0, le=1,
        source="?: assumed",
    )  # fmt: skip
    mean_weight: float = setting(
        0.0, "cvar: weight of the average over all futures beside it", ge=0, le=1,
        source="?: assumed",
    )  # fmt: skip
    robust_frac: float = setting(
        0.95, "p_robust: share of each future's best that the plan serves at least", gt=0, le=1,
        source="?: assumed",
    )  # fmt: skip
    optimize_on: int | None = setting(
        None, "futures that the plan is searched on, those that stand best for all; it is judged "
        "on all; without it all", ge=1, le=1000,
    )  # fmt: skip
    news_quarter: Quarter | None = setting(
        None, "with phasing: first quarter of the period in which it is known which future comes; "
        "what opens before is common, what opens from then on is planned for each future",
    )  # fmt: skip

    @property
    def planned(self) -> bool:
        """Whether the plan is made for several futures."""
        return bool(self.futures) or self.samples > 0

    @model_validator(mode="after")
    def _weights_add_up(self) -> Self:
        total = math.fsum(future.weight for future in self.futures)
        if self.samples:
            if not self.factors:
                raise ValueError("samples are drawn from factors: give factors, or no samples")
            if total >= 1:
                raise ValueError(
                    f"the weights of the stated futures add up to {total:g}, which leaves none to "
                    "the samples: lower them, or leave samples out"
                )
        elif self.futures and abs(total - 1) > WEIGHT_TOLERANCE:
            raise ValueError(
                f"the weights of the futures add up to {total:g}, not 1: "
                + ", ".join(f"{future.name} {future.weight:g}" for future in self.futures)
            )
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in (
            ("futures", [future.name for future in self.futures]),
            ("factors", [factor.name for factor in self.factors]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {what} have the name {', '.join(twice)}")
        if self.samples and any(name.startswith("sample_") for name in self.names_stated):
            raise ValueError("names that begin with sample_ are those of the samples")
        return self

    @property
    def names_stated(self) -> tuple[str, ...]:
        """Names of the stated futures."""
        return tuple(future.name for future in self.futures)
