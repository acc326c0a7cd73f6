"""The study file: one base instance, and the scenarios that are made from it."""

import itertools
import math
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from planner.instance import suggest
from planner.instance.read_said import read_said
from planner.instance.settings.scale import Column, Said, Scale, said
from planner.outputs.kpi import known_kpis

Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._-]+$")]
Value = bool | int | float | str
Settings = dict[str, Any]

MAX_SCENARIOS = 100_000
TORNADO_FIGURES = (
    "swaps_served_frac", "coldest_sodium_ion_frac", "warmest_sodium_ion_frac",
    "stations_below_minus_10c_frac", "cost_per_swap_cny",
)  # fmt: skip
"""What a study of one assumption at a time compares if its file does not say."""


class Variant(Said):
    """What one scenario changes against the base."""

    title: str = said("for people; made from the differences if left out", "")
    settings: Settings = said(
        "settings of scenario.toml, by section; also tables.NAME.file to swap a table", {}
    )
    scale: list[Scale] = said("columns that are multiplied", [])


def setting_path(place: str) -> tuple[str, ...]:
    """The names of a setting from the outside in, written as a dotted key of TOML.

    Parameters
    ----------
    place : str

    Raises
    ------
    ValueError
        If it is no dotted key.

    Examples
    --------
    >>> setting_path("siting.num_stations"), setting_path("gates.quantile_of.'UN 38.3'")
    (('siting', 'num_stations'), ('gates', 'quantile_of', 'UN 38.3'))
    """
    if "\n" not in place and "#" not in place:
        with suppress(tomllib.TOMLDecodeError):
            names, inner = list[str](), tomllib.loads(f"{place} = 0")
            while isinstance(inner, dict):
                (name, inner), *_ = inner.items()
                names.append(name)
            return tuple(names)
    raise ValueError(
        f"{place!r} is no dotted key; e.g. siting.num_stations, or with names in quotes"
    )


class Axis(Said):
    """What a sweep varies: a setting, or the factor of a table's column."""

    setting: str | None = said(
        "a setting of scenario.toml, e.g. siting.num_stations; a name with dots or spaces in "
        "quotes: gates.quantile_of.'UN 38.3'", None,
    )  # fmt: skip
    factor_of: Column | None = said("a column that is multiplied by the axis's value", None)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.setting is None) == (self.factor_of is None):
            raise ValueError("give either setting or factor_of")
        if self.setting is not None:
            setting_path(self.setting)
        return self

    @model_validator(mode="after")
    def _factors_are_numbers(self) -> Self:
        ends = [getattr(self, name, 0) for name in ("low", "high")]
        for value in [*getattr(self, "values", []), *ends] if self.factor_of else []:
            if isinstance(value, bool | str) or value < 0:
                raise ValueError(f"{value!r} is no factor; give numbers of at least 0")
        return self

    @property
    def target(self) -> str:
        """What it changes, in words."""
        return self.factor_of.place if self.factor_of else str(self.setting)

    @property
    def path(self) -> tuple[str, ...]:
        """What it changes, from the outside in; no two axes of a sweep change the same."""
        return (self.factor_of.place,) if self.factor_of else setting_path(str(self.setting))


class ListedAxis(Axis):
    """An axis whose values are listed."""

    values: list[Value] = said("values, in order", min_length=1)


class RangeAxis(Axis):
    """An axis between two values, that a random sample is drawn from."""

    low: float = said("least value")
    high: float = said("greatest value")
    whole: bool = said("whole numbers only, both ends included", False)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be less than high")
        return self


class Grid(Said):
    """Every combination of the axes' values."""

    method: Literal["grid"] = said("every combination of the axes' values")
    axes: list[ListedAxis] = said("what varies; the last axis varies fastest", min_length=1)


class ValueList(Said):
    """The axes' first values together, then their second ones, and so on."""

    method: Literal["list"] = said("first values together, then the second ones, ...")
    axes: list[ListedAxis] = said("what varies; as many values on each axis", min_length=1)

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        if len({len(axis.values) for axis in self.axes}) > 1:
            raise ValueError("axes of a list have equally many values; for all pairs use grid")
        return self


class LatinHypercube(Said):
    """A Latin hypercube sample: each axis is divided evenly, each part drawn from once."""

    method: Literal["latin_hypercube"] = said("random, but evenly spread over each axis")
    axes: list[RangeAxis] = said("what varies", min_length=1)
    num: int = said("scenarios", ge=1, le=MAX_SCENARIOS)
    seed: int = said("same seed, same sample", 0, ge=0, le=2**31 - 1)


class Assumption(Said):
    """A contested assumption: what its low and its high end change against the base."""

    title: str = said("the assumption, for people", min_length=1)
    low: Variant | None = said("its low end; left out where the base is it", None)
    high: Variant | None = said("its high end; left out where the base is it", None)

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both")
        for end in (self.low, self.high):
            if end is not None and not end.settings and not end.scale:
                raise ValueError("an end changes nothing; give settings or scale, or leave it out")
        return self

    @property
    def ends(self) -> dict[str, Variant]:
        """The ends that are given, by name."""
        ends = {"low": self.low, "high": self.high}
        return {name: variant for name, variant in ends.items() if variant is not None}


class OneAtATime(Said):
    """The base, and each assumption at its ends while all others stay as they are."""

    method: Literal["one_at_a_time"] = said("the base, then one assumption changed at a time")
    figures: list[str] = said(
        "figures of a run that are compared, e.g. swaps_served_frac", list(TORNADO_FIGURES),
        min_length=1,
    )  # fmt: skip
    assumptions: dict[Name, Assumption] = said("what is changed, by name", min_length=1)

    @model_validator(mode="after")
    def _known_figures(self) -> Self:
        kpis = known_kpis()
        for name in self.figures:
            if not any(kpi.stands_for(name) for kpi in kpis):
                known = [kpi.name for kpi in kpis]
                raise ValueError(f"unknown figure {name}; {suggest(name, known)}")
        return self


Sweep = Annotated[Grid | ValueList | LatinHypercube | OneAtATime, Field(discriminator="method")]


class Limits(Said):
    """What each run may take; kept from outside, by ending its processes."""

    memory_mb: float | None = said("resident memory of a run's processes together [MB]", None, gt=0)
    time_s: float | None = said(
        "duration of a run, reading and writing included [s]; for a plan within a time set "
        "settings.solver.time_limit_s instead", None, gt=0,
    )  # fmt: skip
    attempts: int = said("starts of a run whose process dies", 2, ge=1, le=100)


class Study(Said):
    """A whole study file."""

    schema_version: Literal[1]
    name: Name = said("short name, also of the folder of results")
    title: str = said("what the study is about, for people", "")
    instance: str = said("folder of the base instance, seen from the study file")
    scenario: str | None = said("named variant in the instance's scenario.toml", None)
    settings: Settings = said("settings that hold for every scenario", {})
    scale: list[Scale] = said("columns that are multiplied in every scenario", [])
    limits: Limits = Limits()
    scenarios: dict[Name, Variant] = said("scenarios one by one, by name", {})
    sweeps: dict[Name, Sweep] = said("families of scenarios, by name", {})

    @model_validator(mode="after")
    def _has_scenarios(self) -> Self:
        if not self.scenarios and not self.sweeps:
            raise ValueError("no scenario; add [scenarios.NAME] or [sweeps.NAME]")
        for name, sweep in self.sweeps.items():
            if isinstance(sweep, OneAtATime):
                continue
            for one, other in itertools.combinations(sweep.axes, 2):
                common = min(len(one.path), len(other.path))
                if one.path[:common] == other.path[:common]:
                    raise ValueError(f"sweeps.{name}: two axes change {one.target}")
            sizes = [len(axis.values) for axis in sweep.axes] if sweep.method == "grid" else [0]
            if math.prod(sizes) > MAX_SCENARIOS:
                raise ValueError(f"sweeps.{name}: a grid of {math.prod(sizes):,} scenarios")
        return self


def read_study(path: Path) -> Study:
    """Read and validate a study file.

    Raises
    ------
    InputError
        With all faults found.
    """
    return read_said(path, Study, "no such study file; give one (docs/batch.md)")
