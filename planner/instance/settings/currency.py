"""Section ``[currency]``: money that results are shown in beside CNY."""

from datetime import date
from typing import Self

from pydantic import model_validator

from planner.instance.settings.section import Section, setting


class Currency(Section):
    """Money that results are shown in beside CNY; tables and settings stay in CNY."""

    code: str = setting(..., "ISO 4217 code, e.g. EUR", pattern=r"^[A-Z]{3}$")
    cny_per_unit: float = setting(..., "price of one unit", unit="CNY", gt=0, le=1e6)
    date: str = setting(..., "day of the rate, YYYY-MM-DD")
    source: str = setting(..., "who stated the rate", min_length=1)

    @model_validator(mode="after")
    def _is_dated(self) -> Self:
        try:
            date.fromisoformat(self.date)
        except ValueError as error:
            raise ValueError(f"date {self.date!r} must be a day, YYYY-MM-DD") from error
        if self.code == "CNY":
            raise ValueError("figures are in CNY already; give another code, or no currency")
        return self
