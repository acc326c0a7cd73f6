"""Read the scenario file, or say everything that is wrong with it."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args

from pydantic import ValidationError

from planner.database import SAFE_PLACES, holds_password
from planner.errors import Fault
from planner.instance.cells import CONTROL, control_name
from planner.instance.find_table import size_faults
from planner.instance.names import suggest
from planner.instance.settings.scenario import Scenario
from planner.instance.settings.sources import Sources

MOST_BYTES = 10 * 2**20
"""A larger scenario file is refused before it is read."""

MOST_NESTED = 20
"""Tables and lists in each other: deeper than any setting lies."""

REMOVED: Mapping[tuple[str, ...], str] = {
    ("packs", "sold_elsewhere_frac"): "is no setting any more; write what others buy of the supply "
    "as rows of the table other_buyers: buyer, application, chemistry, quarter, gwh (the share "
    "times the quarter's supply), basis contract, source",
}
"""Settings of earlier versions, with what stands for them now."""

_SECRET_NAME = re.compile("pass|pwd|secret", re.IGNORECASE)


def read_scenario(
    path: Path, scenario_name: str | None, overrides: Mapping[str, Any]
) -> tuple[Scenario | None, Sources, list[Fault]]:
    """Read and validate a scenario file.

    Parameters
    ----------
    path : Path
        The file, in TOML.
    scenario_name : str or None
        Named variant in its ``[scenarios]``; the others are validated as well.
    overrides : mapping of section to mapping of setting to value
        Settings, those outside sections by their name, that replace those of the file.

    Returns
    -------
    scenario : Scenario or None
        None if there is a fault.
    sources : Sources
        What it says of the tables' files; as far as valid, so that their faults can be told too.
    faults : list of Fault
        All of them.
    """
    if not path.is_file():
        remedy = "file is missing; every instance needs one"
        return None, Sources(), [Fault(path.name, None, "", "", remedy)]
    faults = size_faults(path, MOST_BYTES)
    if faults:
        return None, Sources(), faults
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError:
        remedy = "tables and lists are nested too deeply; write them flat"
        return None, Sources(), [Fault(path.name, None, "", "", remedy)]
    except (OSError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        row = int(line.group(1)) if line else None
        remedy = "write valid UTF-8 TOML"
        return None, Sources(), [Fault(path.name, row, "", str(error), remedy)]
    faults = _strange_values(path.name, settings) + _strange_values(path.name, overrides)
    if faults:
        return None, Sources(), faults
    variants = settings.get("scenarios", {})
    if not isinstance(variants, dict):
        variants = {}  # told of by the settings' own check
    names = [name for name, changes in variants.items() if isinstance(changes, dict)]
    for name in names:
        prefix = f"scenarios.{name}."
        changed = merge_settings(settings, variants[name])
        faults += validate_settings(path.name, changed, prefix)[1]
    if scenario_name is not None and scenario_name not in names:
        remedy = f"no such scenario; choose one of: {', '.join(names) or 'none is defined'}"
        faults.append(Fault(path.name, None, "scenarios", scenario_name, remedy))
    elif scenario_name is not None:
        settings = merge_settings(settings, variants[scenario_name])
    settings = merge_settings(settings, overrides)
    scenario, base_faults = validate_settings(path.name, settings, "")
    seen = {fault.column for fault in base_faults}
    repeated = [fault for fault in faults if fault.column.split(".", 2)[-1] in seen]
    faults = base_faults + [fault for fault in faults if fault not in repeated]
    return scenario, scenario or _sources(settings), faults


def _strange_values(file: str, settings: Mapping[str, Any]) -> list[Fault]:
    """Control characters in names and texts, and what is nested more deeply than any setting."""
    faults = []
    left: list[tuple[tuple[str, ...], Any]] = [((), settings)]
    while left:
        place, value = left.pop()
        where = ".".join(place)
        if len(place) > MOST_NESTED:
            remedy = "tables and lists are nested too deeply; write them flat"
            return [Fault(file, None, where, "", remedy)]
        for text in (value, *place[-1:]):
            found = CONTROL.search(text) if isinstance(text, str) else None
            if found:
                remedy = f"holds the control character {control_name(found[0])}; remove it"
                faults.append(Fault(file, None, where, _without_secrets(text, where), remedy))
        if isinstance(value, Mapping):
            left += [((*place, str(name)), each) for name, each in value.items()]
        elif isinstance(value, list):
            left += [((*place, str(number)), each) for number, each in enumerate(value, start=1)]
    return sorted(set(faults))


def _without_secrets(text: str, place: str) -> str:
    """A value as a fault may show it: nothing of one that is or holds a password."""
    name = place.rpartition(".")[2]
    return "" if _SECRET_NAME.search(name) or holds_password(text) else text


def _sources(settings: Mapping[str, Any]) -> Sources:
    """What a faulty scenario file says of the tables, so that their faults are told as well."""
    said = {name: settings[name] for name in Sources.model_fields if name in settings}
    try:
        return Sources.model_validate(said)
    except ValidationError:
        return Sources()


def merge_settings(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with changes laid over them, section by section.

    >>> merge_settings({"siting": {"near_km": 3.0}}, {"siting": {"num_stations": 2}})
    {'siting': {'near_km': 3.0, 'num_stations': 2}}
    """
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = merge_settings(old, value) if nested else value  # type: ignore[arg-type]
    return merged


def validate_settings(
    file: str, settings: Mapping[str, Any], prefix: str
) -> tuple[Scenario | None, list[Fault]]:
    """A scenario of these settings, or what is wrong with them.

    Parameters
    ----------
    file : str
        Name that faults carry.
    settings : mapping
        As in a scenario file.
    prefix : str
        Stands before the setting's place in a fault.
    """
    try:
        return Scenario.model_validate(settings), []
    except ValidationError as error:
        faults = []
        for detail in error.errors():
            where = (prefix + ".".join(str(part) for part in detail["loc"])).rstrip(".")
            # What does not fit together has no one value: the whole section is not repeated.
            at_odds = detail["type"] == "value_error" and isinstance(detail["input"], Mapping)
            is_left_out = detail["type"] == "missing" or at_odds
            value = "" if is_left_out else _without_secrets(repr(detail["input"]), where)
            faults.append(Fault(file, None, where, value, _setting_remedy(detail)))
        return None, faults


def _setting_remedy(detail: Any) -> str:
    if detail["type"] == "missing":
        return "setting is missing; add it"
    if detail["type"] != "extra_forbidden":
        return str(detail["msg"]).removeprefix("Value error, ")
    *sections, unknown = (str(part) for part in detail["loc"])
    if (*sections, unknown) in REMOVED:
        return REMOVED[(*sections, unknown)]
    if _SECRET_NAME.search(unknown):
        return f"unknown key; remove it, and put a password into {SAFE_PLACES}"
    model: Any = Scenario
    for section in sections:
        # Of a list or a mapping such as `tables`, the next part of the place is a number or a key.
        kinds = get_args(model)
        model = kinds[-1] if kinds else model.model_fields[section].annotation
        if isinstance(model, UnionType):  # a section that may be left out
            model = next(kind for kind in get_args(model) if kind is not NoneType)
    return "unknown key; " + suggest(unknown, list(model.model_fields))
