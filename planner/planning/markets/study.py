"""The file of a study of markets: instances that are planned with one shared supply."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from planner.instance import suggest
from planner.instance.read_said import read_said
from planner.instance.settings.scale import Said, said

Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._-]+$")]
Settings = dict[str, Any]

MAX_SAMPLES = 10_000
OWN_SETTINGS = ("name", "title", "schema_version", "scenarios")
"""Of scenario.toml: a study does not set them."""
OWN_TABLES = ("supply", "material_supply", "other_buyers")
"""Of members: in place of them stands a member's share of what all of them have."""


class Member(Said):
    """An instance that takes part."""

    instance: str = said("folder of the instance, seen from the study file")
    scenario: str | None = said("named variant in the instance's scenario.toml", None)
    title: str = said("what people call it, short; the member's name if left out", "")
    settings: Settings = said("settings of this member alone, by section", {})


class Dates(Said):
    """A sample of the uncertain dates of all certificates and qualifications."""

    num: int = said("draws", ge=2, le=MAX_SAMPLES)
    seed: int = said("same seed, same draws", 0, ge=0, le=2**31 - 1)


class MarketStudy(Said):
    """A whole file of a study of markets."""

    schema_version: Literal[1]
    name: Name = said("short name, also of the folder of results")
    title: str = said("what the study is about, for people", "")
    supply_of: Name = said("member whose supply, materials and material_supply all share")
    other_buyers_of: list[Name] | None = said(
        "members whose other buyers take part, swap cars of other markets left out: those are "
        "members; supply_of alone if left out", None,
    )  # fmt: skip
    settings: Settings = said("settings that hold for every member", {})
    members: dict[Name, Member] = said("instances that are planned together, by name")
    time_limit_s: float = said("for the joint pack model [s]", 600.0, gt=0)
    gates_time_s: float = said(
        "for what certificates a quarter earlier would save, all together [s]", 600.0, ge=0
    )
    dates: Dates | None = said("sample of uncertain dates; none if left out", None)

    @model_validator(mode="after")
    def _known_members(self) -> Self:
        if len(self.members) < 2:
            raise ValueError("a study takes two members or more; add [members.NAME]")
        known = list(self.members)
        for place, names in (
            ("supply_of", [self.supply_of]),
            ("other_buyers_of", self.other_buyers_of or []),
        ):
            for name in names:
                if name not in self.members:
                    raise ValueError(f"{place}: no member is called {name}; {suggest(name, known)}")
        return self

    @model_validator(mode="after")
    def _leaves_own_settings(self) -> Self:
        said_in = {"settings": self.settings} | {
            f"members.{name}.settings": member.settings for name, member in self.members.items()
        }
        for place, settings in said_in.items():
            for key in settings:
                if key in OWN_SETTINGS:
                    raise ValueError(f"{place}.{key}: an instance says it itself; remove it")
        return self


def read_market_study(path: Path) -> MarketStudy:
    """Read and validate the file of a study of markets.

    Parameters
    ----------
    path : Path

    Returns
    -------
    MarketStudy

    Raises
    ------
    InputError
        With all faults found.
    """
    return read_said(path, MarketStudy, "no such study file; give one (docs/markets.md)")
