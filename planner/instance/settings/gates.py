"""Section ``[gates]``: at which of its uncertain dates each certificate is held."""

from typing import Annotated

from pydantic import Field

from planner.instance.settings.section import Section, setting

Quantile = Annotated[float, Field(ge=0, le=1)]


class Gates(Section):
    """Which of its earliest, expected and latest dates each certificate and qualification takes."""

    quantile: float = setting(
        0.5, "place of all dates between the earliest and the latest: below 0.3 the earliest "
        "(opens_low), from 0.7 on the latest (opens_high), between them the expected (opens); "
        "drawn evenly from 0 to 1 it gives them the weights 0.3, 0.4, 0.3",
        source="Swanson's rule for three-point estimates (30-40-30)", ge=0, le=1,
    )  # fmt: skip
    quantile_of: dict[str, Quantile] = setting(
        {}, "the same for single certificates, by name, and for qualification (all offers)",
    )  # fmt: skip
