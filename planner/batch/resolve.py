"""A study's scenarios with all that decides their results, and how they differ from the base."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from planner.batch.study import OneAtATime, Settings, Study, Variant
from planner.batch.sweeps import places_of_ends, write_out
from planner.errors import Fault, InputError
from planner.instance import (
    SCENARIO_FILE,
    Scenario,
    merge_settings,
    read_one_table,
    read_scenario,
    validate_settings,
)
from planner.instance.scale_tables import match_faults, scale_faults
from planner.instance.settings.scale import Scale

_NOT_OVERRIDDEN = ("name", "title", "schema_version", "scenarios")


@dataclass(frozen=True)
class ResolvedScenario:
    """One scenario of a study.

    Attributes
    ----------
    name : str
        In the study.
    settings : dict
        What replaces the settings of the base instance.
    scale : tuple of Scale
        Columns that are multiplied.
    scenario : Scenario
        Every setting filled in.
    varied : mapping of place to value
        What differs between the study's scenarios: settings such as ``siting.num_stations``,
        scaled columns with their factors. The same places for every scenario.
    differences : tuple of str
        What differs from the base, for people.
    """

    name: str
    settings: Settings
    scale: tuple[Scale, ...]
    scenario: Scenario
    varied: Mapping[str, Any]
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Resolved:
    """A study, written out.

    Attributes
    ----------
    study : Study
    instance : Path
        Folder of the base instance.
    base : tuple of str
        What the study changes in the instance for all scenarios.
    scenarios : tuple of ResolvedScenario
        Named ones first, then the sweeps'.
    """

    study: Study
    instance: Path
    base: tuple[str, ...]
    scenarios: tuple[ResolvedScenario, ...]


def resolve(study: Study, path: Path) -> Resolved:
    """Write a study's scenarios out.

    Parameters
    ----------
    study : Study
    path : Path
        Its file: what ``instance`` is seen from, and the name that faults carry.

    Raises
    ------
    InputError
        With every override that the instance format does not know or that meets no row.
    """
    folder = (path.parent / study.instance).resolve()
    if not folder.is_dir():
        remedy = "no such folder; give the base instance, seen from the study file"
        raise InputError([Fault(path.name, None, "instance", study.instance, remedy)])
    own, _, faults = read_scenario(folder / SCENARIO_FILE, study.scenario, {})
    if own is None or faults:
        raise InputError(faults, source=str(folder))
    base, faults = _with_changes(own, study.settings, path.name, "settings")
    faults += _scale_faults(study.scale, path.name, "scale")
    if base is None:
        raise InputError(faults, source=str(path))
    resolved: dict[str, ResolvedScenario] = {}
    for place, name, variant in _variants(study):
        if name in resolved:
            remedy = "two scenarios have this name; names are unique"
            faults.append(Fault(path.name, None, place, name, remedy))
            continue
        scenario, wrong = _with_changes(base, variant.settings, path.name, f"{place}.settings")
        wrong += _scale_faults(variant.scale, path.name, f"{place}.scale")
        faults += [fault for fault in wrong if fault not in faults]
        if scenario is not None:
            resolved[name] = _resolve_one(study, base, name, variant, scenario)
    faults += [] if faults else _match_faults(resolved.values(), folder, path.name)
    if faults:
        raise InputError(faults, source=str(path))
    common = (*_differences(own, base), *map(str, study.scale))
    return Resolved(study, folder, common, _with_all_varied(list(resolved.values()), base))


def _variants(study: Study) -> Iterator[tuple[str, str, Variant]]:
    for name, variant in study.scenarios.items():
        yield f"scenarios.{name}", name, variant
    for name, sweep in study.sweeps.items():
        places = places_of_ends(name, sweep) if isinstance(sweep, OneAtATime) else {}
        for of_sweep, variant in write_out(name, sweep).items():
            yield places.get(of_sweep, f"sweeps.{name}"), of_sweep, variant


def _with_changes(
    base: Scenario, settings: Settings, file: str, place: str
) -> tuple[Scenario | None, list[Fault]]:
    faults = [
        Fault(file, None, f"{place}.{key}", "", "set by the study itself; remove it")
        for key in settings
        if key in _NOT_OVERRIDDEN
    ]
    whole = merge_settings(base.model_dump(exclude_none=True), settings)
    scenario, wrong = validate_settings(file, whole, f"{place}.")
    return (None if faults else scenario), faults + wrong


def _resolve_one(
    study: Study, base: Scenario, name: str, variant: Variant, scenario: Scenario
) -> ResolvedScenario:
    differences = (*_differences(base, scenario), *map(str, variant.scale))
    title = variant.title or f"{base.title or base.name}: {', '.join(differences) or 'as it is'}"
    settings = merge_settings(study.settings, variant.settings) | {"name": name, "title": title}
    before, after = _flat(base), _flat(scenario)
    varied = {place: value for place, value in after.items() if before.get(place) != value}
    varied |= {scale.place: scale.factor for scale in variant.scale}
    return ResolvedScenario(
        name,
        settings,
        (*study.scale, *variant.scale),
        scenario.model_copy(update={"name": name, "title": title, "scenarios": {}}),
        varied,
        differences,
    )


def _with_all_varied(
    scenarios: Sequence[ResolvedScenario], base: Scenario
) -> tuple[ResolvedScenario, ...]:
    """Give each scenario a value wherever any of them differs from the base."""
    places = dict.fromkeys(place for scenario in scenarios for place in scenario.varied)
    factors = {scale.place for scenario in scenarios for scale in scenario.scale}
    unchanged = _flat(base) | dict.fromkeys(factors, 1.0)
    return tuple(
        replace(
            scenario,
            varied={place: scenario.varied.get(place, unchanged.get(place)) for place in places},
        )
        for scenario in scenarios
    )


def _scale_faults(scales: Sequence[Scale], file: str, place: str) -> list[Fault]:
    return [
        Fault(file, None, place, str(scale), remedy)
        for scale in scales
        for remedy in scale_faults(scale)
    ]


def _match_faults(scenarios: Iterable[ResolvedScenario], folder: Path, file: str) -> list[Fault]:
    """Scales that meet no row of their table; a table that cannot be read fails its own run."""
    frames: dict[tuple[str, str], Any] = {}
    faults: dict[Fault, None] = {}
    for scenario in scenarios:
        for scale in scenario.scale:
            source = scenario.scenario.of_table(scale.table)
            key = (scale.table, source.model_dump_json())
            if key not in frames:
                frames[key] = read_one_table(folder, scale.table, scenario.scenario)[0]
            if frames[key] is not None:
                for remedy in match_faults(scale, frames[key]):
                    faults[Fault(file, None, scenario.name, str(scale), remedy)] = None
    return list(faults)


def _differences(base: Scenario, scenario: Scenario) -> list[str]:
    before, after = _flat(base), _flat(scenario)
    return [
        f"{place} = {_shown(value)} (not {_shown(before.get(place))})"
        for place, value in after.items()
        if before.get(place) != value
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "set" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _flat(scenario: Scenario) -> dict[str, Any]:
    """Settings by place, those that are not set left out."""

    def walk(place: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from walk(f"{place}.{name}" if place else name, inner)
        elif value is not None:
            yield place, value

    whole = scenario.model_dump(mode="json", exclude={*_NOT_OVERRIDDEN})
    return dict(walk("", whole))
