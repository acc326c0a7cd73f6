"""What the sections of scenario.toml are made of: a setting, with unit, bounds and source."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from planner.instance.tables import QUARTER_PATTERN

Quarter = Annotated[str, Field(pattern=f"^{QUARTER_PATTERN}$")]


def setting(
    default: Any, meaning: str, *, unit: str = "", source: str = "", only_for: str = "",
    **bounds: Any,
) -> Any:  # fmt: skip
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if only_for:
        extra["only_for"] = only_for
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
