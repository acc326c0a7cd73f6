"""What a recipe says: a region, its cities, the fleet, the horizon, and the planner's own files."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from planner.errors import Fault, InputError
from planner.instance.settings.currency import Currency
from planner.instance.settings.section import Quarter, Section, setting

Level = Literal["offline", "grid", "full"]
Mark = Literal["MC", "M", "PR", "AN", "INF", "?"]
Share = Annotated[float, Field(ge=0, le=1)]
COUNTRY = r"^[A-Z]{2}$"


class GivenFile(Section):
    """A file of the planner's own, and where it comes from; its bytes lie in ``--data``."""

    file: str = setting(..., "path in the folder of --data", min_length=1)
    layer: str = setting("", "layer of a file that holds several")
    field: str = setting("", "column of the count, or band of a raster; the only one if left out")
    crs: str = setting("", "reference system where the file states none, e.g. EPSG:4326")
    sha256: str = setting("", "checksum that the file must have", pattern=r"^([0-9a-f]{64})?$")
    year: int = setting(..., "year that the figures are of", ge=1900, le=2100)
    source: str = setting(..., "who publishes it", min_length=1)
    licence: str = setting(..., "licence, e.g. CC BY 4.0", min_length=1)
    citation: str = setting("", "text that the licence asks for")
    mark: Mark = setting(..., "how sure: MC, M, PR, AN, INF or ?")


class Ground(Section):
    """Which ground: a name, countries, a box or a polygon; a box or polygon narrows the others."""

    name: str = setting("", "English name, ISO 3166 or UN M49 code, or EU")
    countries: list[Annotated[str, Field(pattern=COUNTRY)]] = setting(
        [], "ISO 3166 alpha-2 codes, in place of a name"
    )
    box: list[float] = setting(
        [], "west, south, east, north; west > east passes 180 degrees", unit="degrees"
    )
    polygon: GivenFile | None = setting(None, "polygons of the planner's own")

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.name and self.countries:
            raise ValueError("give a name or countries, not both")
        if not (self.name or self.countries or self.box or self.polygon):
            raise ValueError("give a name, countries, a box or a polygon")
        if self.box:
            if len(self.box) != 4:
                raise ValueError("a box is four numbers: west, south, east, north")
            west, south, east, north = self.box
            if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
                raise ValueError(
                    "a box is west, south, east, north in degrees, south < north; are longitude "
                    "and latitude swapped?"
                )
        return self


class Cities(Section):
    """Which places are cities of the plan."""

    min_residents: float = setting(
        100_000.0, "places of GeoNames from this size on are cities", unit="persons", ge=500
    )
    names: list[str] = setting([], "only these: English names or GeoNames ids")


class Fleet(Section):
    """Vehicles that the plan is for."""

    num_stations: int = setting(..., "stations of the plan", ge=1, le=1_000_000)
    vehicles_per_station: float | None = setting(
        None, "swap vehicles over stations; the model's value if left out", ge=1, le=100_000
    )
    mark: Mark = setting("?", "how sure these figures are")
    source: str = setting("assumed", "where they come from", min_length=1)


class Horizon(Section):
    """Quarters of the plan."""

    first_quarter: Quarter = setting(..., "first quarter")
    last_quarter: Quarter = setting(..., "last quarter, that stations are planned for")

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.first_quarter > self.last_quarter:
            raise ValueError("first_quarter must not lie after last_quarter")
        return self


class Number(Section):
    """A number of the model in place of the recipe's own, with where it comes from."""

    value: float = setting(..., "the number, in the unit of the model's table")
    mark: Mark = setting(..., "how sure: MC, M, PR, AN, INF or ?")
    source: str = setting(..., "where it comes from", min_length=1)


class Recipe(Section):
    """A whole recipe file."""

    schema_version: Literal[1]
    name: str = setting(..., "short name of the instance", pattern=r"^[A-Za-z0-9._-]{1,100}$")
    title: str = setting("", "what the instance is for, for people")
    facts: Literal["", "china", "nordic"] = setting(
        "", "further facts and numbers that come with the program"
    )
    region: Ground
    cities: Cities = Cities()
    fleet: Fleet | None = setting(None, "of the further facts if left out")
    horizon: Horizon
    currency: Currency | None = setting(None, "CNY alone if left out")
    people: GivenFile | None = setting(
        None, "people by cell or polygon: GeoPackage with a count column, or GeoTIFF (grid)"
    )
    streets: GivenFile | None = setting(
        None, "extract of OpenStreetMap, .osm.pbf: streets and candidate sites (full)"
    )
    tables: dict[str, GivenFile] = setting(
        {}, "tables in place of those that come with the program, as CSV with the same columns"
    )
    model: dict[str, Number] = setting({}, "numbers in place of the model's")

    @model_validator(mode="after")
    def _has_a_fleet(self) -> Self:
        if self.fleet is None and not self.facts:
            raise ValueError("give [fleet]")
        unknown = sorted(set(self.tables) - set(REPLACEABLE))
        if unknown:
            raise ValueError(
                f"[tables]: {', '.join(unknown)} cannot be replaced; choose of "
                f"{', '.join(REPLACEABLE)}"
            )
        return self

    @property
    def files(self) -> dict[str, GivenFile]:
        """The planner's own files, by their place in the recipe."""
        named = {
            "region.polygon": self.region.polygon,
            "people": self.people,
            "streets": self.streets,
            **{f"tables.{name}": said for name, said in self.tables.items()},
        }
        return {place: said for place, said in named.items() if said is not None}


REPLACEABLE = (
    "adoption", "climate", "countries", "curves", "declarations", "gates", "hour_profile",
    "km_per_day", "links", "material_supply", "materials", "offers", "other_buyers", "packs",
    "places", "stations", "supply", "vehicles",
)  # fmt: skip
"""Tables that a recipe may replace by a file of its own."""

SHIPPED = (
    "china-140", "nordic-export", "chile", "poland", "southeast-asia", "eu-export",
    "latin-america", "helsinki",
)  # fmt: skip
"""Recipes that come with the program."""


def recipe_text(name: str) -> str:
    """Text of a recipe file, or of a recipe that comes with the program.

    Parameters
    ----------
    name : str
        One of `SHIPPED`, or the path of a TOML file.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If there is no such recipe.
    """
    if name in SHIPPED:
        shipped = files("planner.opendata") / "recipes" / f"{name}.toml"
        return shipped.read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = (
            f"no such recipe; give one of {', '.join(SHIPPED)}, or a TOML file: planner "
            "build-instance --init REGION writes one"
        )
        raise InputError([Fault(name, None, "", "", remedy)]) from error


def parse_recipe(text: str, file: str) -> Recipe:
    """Check the text of a recipe.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Name that faults carry.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        With every fault of the text.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        row = int(line.group(1)) if line else None
        raise InputError([Fault(file, row, "", str(error), "write valid TOML")]) from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise InputError([_fault(file, detail) for detail in error.errors()]) from error


def _fault(file: str, detail: Any) -> Fault:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return Fault(file, None, where, "", "key is missing; add it")
    if detail["type"] == "value_error":
        return Fault(file, None, where, "", str(detail["ctx"]["error"]))
    return Fault(file, None, where, repr(detail["input"]), str(detail["msg"]))
