"""What scenario.toml says of where tables stand: files, databases, layers, references, columns."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from planner.database import SAFE_PLACES, holds_password
from planner.instance.names import suggest
from planner.instance.settings.section import Section, setting
from planner.instance.tables import TABLES, Kind

Reference = Literal["WGS84", "CGCS2000", "GCJ-02", "BD-09"]

SHIFTED_REFERENCES = ("GCJ-02", "BD-09")
"""References without an EPSG code, some 500 m off in China: never stated by a file itself."""


SEPARATORS = (",", ";", "\t", "|")
"""Between the cells of a CSV file."""


class TableSource(Section):
    """Where a table stands, and how it differs there from the instance format."""

    file: Annotated[str, Field(pattern=r"^[^/\\]+$")] | None = setting(
        None, "file in the instance folder, if it is not called like the table"
    )
    layer: str | None = setting(
        None,
        "layer of the file, or sheet of a workbook; the one called like the table, or the only "
        "one, if left out",
    )
    url: Annotated[str, Field(min_length=1)] | None = setting(
        None, "database that holds the table instead of a file: postgresql://USER@HOST/DATABASE or "
        "another connection string of libpq, without a password",
    )  # fmt: skip
    table: Annotated[str, Field(min_length=1)] | None = setting(
        None, "table or view of the database, SCHEMA.TABLE or one in the search path"
    )
    where: Annotated[str, Field(min_length=1)] | None = setting(
        None, "condition in SQL on the database's rows, e.g. status <> 'sold'; all rows if left out"
    )
    coordinate_reference: Reference | None = setting(
        None, "reference of this table's coordinates; for GCJ-02 and BD-09 also against the "
        "reference that the file states, as software labels such data WGS84",
    )  # fmt: skip
    columns: dict[str, str] = setting(
        {}, "columns that have another name in the file: name in the file = name in the format"
    )
    ignore: list[str] = setting([], "columns of the file that are not used")
    constants: dict[str, str | int | float | bool] = setting(
        {}, "columns that the file lacks: name in the format = value of every row"
    )
    factors: dict[str, Annotated[float, Field(gt=0)]] = setting(
        {}, "columns in another unit: name in the format = what the file's numbers are multiplied "
        "by, e.g. length_km = 0.001 for metres",
    )  # fmt: skip
    encoding: str | None = setting(
        None, "encoding of a CSV file or Shapefile, e.g. GB18030; a CSV file without one is UTF-8, "
        "or UTF-16 where it shows",
    )  # fmt: skip
    separator: Literal[",", ";", "\t", "|"] | None = setting(
        None, "between the cells of a CSV file; the one its header is written with, if left out"
    )
    decimal: Literal[".", ","] | None = setting(
        None, "decimal mark of numbers that are text; found in the column's file, if left out"
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            bytes(4).decode(encoding or "UTF-8")
        except (LookupError, ValueError) as error:
            raise ValueError(f"{error}; e.g. UTF-8, GB18030, UTF-16, windows-1252") from error
        return encoding

    @field_validator("url")
    @classmethod
    def _without_password(cls, url: str | None) -> str | None:
        if url is not None and holds_password(url):
            raise ValueError(f"holds a password; take it out and put it into {SAFE_PLACES}")
        return url

    @model_validator(mode="after")
    def _stands_in_one_place(self) -> Self:
        if (self.url is None) != (self.table is None):
            given, lacks = ("url", "table") if self.table is None else ("table", "url")
            raise ValueError(f"{given} is given without {lacks}; a database's table needs both")
        if self.where is not None and self.url is None:
            raise ValueError("where is for tables of a database; give url and table, or remove it")
        of_files = ("file", "layer", "encoding", "separator")
        given = ", ".join(name for name in of_files if getattr(self, name) is not None)
        if self.url is not None and given:
            raise ValueError(f"url: the table stands in a database; remove {given}, or url")
        return self


class Sources(Section):
    """What the scenario file says of the tables' files."""

    coordinate_reference: Reference = setting(
        "WGS84", "reference of coordinates where neither `tables` nor a table's file states one"
    )
    tables: dict[str, TableSource] = Field(
        default={},
        description="tables whose files differ from the instance format, by name",
        json_schema_extra={"propertyNames": {"enum": list(TABLES)}},
    )

    @field_validator("tables")
    @classmethod
    def _known_tables(cls, tables: dict[str, TableSource]) -> dict[str, TableSource]:
        for name, source in tables.items():
            if name not in TABLES:
                raise ValueError(f"no table is called {name}; use one of: {', '.join(TABLES)}")
            kinds = {column.name: column.kind for column in TABLES[name].accepted}
            for column in (*source.constants, *source.factors):
                if column not in kinds:
                    raise ValueError(
                        f"{name} has no column {column}; {suggest(column, list(kinds))}"
                    )
            for column in source.factors:
                if kinds[column] not in (Kind.INTEGER, Kind.NUMBER):
                    raise ValueError(f"{column} of {name} holds no numbers; remove its factor")
                if column in source.constants:
                    raise ValueError(f"{column} of {name} is constant; remove its factor")
            has_places = name == "roads" or any(c.name == "lon" for c in TABLES[name].columns)
            if source.coordinate_reference is not None and not has_places:
                raise ValueError(f"{name} has no coordinates; remove its coordinate_reference")
        return tables

    def of_table(self, name: str) -> TableSource:
        """What is said of a table; nothing if it is not mentioned."""
        return self.tables.get(name, TableSource())
