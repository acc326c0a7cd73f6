"""Columns of the tables, and what multiplies them: how scenarios state changes of data."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from planner.instance.names import suggest


def said(meaning: str, default: Any = ..., **bounds: Any) -> Any:
    """A field with its meaning for the JSON Schema; must be given where there is no default."""
    return Field(default, description=meaning, **bounds)


class Said(BaseModel):
    """A part of a file that people write: an unknown key is told with the one that is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {key}; {suggest(key, list(cls.model_fields))}")
        return data


class Column(Said):
    """A number column of a table, or those of its rows that hold given values."""

    table: str = said("table of the instance format, e.g. supply")
    column: str = said("one of its number columns, e.g. gwh")
    where: dict[str, str | list[str]] = said(
        "rows meant: column = value, or a list of values; all rows if left out", {}
    )

    @property
    def rows(self) -> str:
        """The rows meant, in words; empty for all."""
        told = " and ".join(
            f"{name} = {value if isinstance(value, str) else ' or '.join(value)}"
            for name, value in self.where.items()
        )
        return f" where {told}" if told else ""

    @property
    def place(self) -> str:
        """Table, column and rows in words."""
        return f"{self.table}.{self.column}{self.rows}"


class Scale(Column):
    """A column multiplied by a factor."""

    factor: float = said("what its numbers are multiplied by", ge=0)

    def __str__(self) -> str:
        return f"{self.table}.{self.column} x {self.factor:g}{self.rows}"
