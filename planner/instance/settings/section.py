"""What the sections of scenario.toml are made of: a setting, with unit, bounds and source."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from planner.instance.tables import QUARTER_PATTERN

Quarter = Annotated[str, Field(pattern=f"^{QUARTER_PATTERN}$")]


def setting(
    default: Any, meaning: str, *, unit: str = "", source: str = "", only_for: str = "",
    **bounds: Any,
) -> Any:  # fmt: skip
    """A setting with its default, and what `docs/scenario.schema.json` tells of it.

    Parameters
    ----------
    default : object
        ``...`` where the setting must be given.
    meaning : str
        One sentence for the planner who sets it.
    unit : str
        Empty for numbers without one.
    source : str
        Where the default comes from, with its mark.
    only_for : str
        The question that it belongs to, where it belongs to one.
    **bounds : object
        As in `pydantic.Field`.

    Returns
    -------
    object
        A pydantic field.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if only_for:
        extra["only_for"] = only_for
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)


class Section(BaseModel):
    """A table of scenario.toml: unknown settings are faults, values keep their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
