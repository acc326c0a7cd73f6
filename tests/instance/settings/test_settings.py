"""Settings say what they are: every one of every section."""

import pytest

from planner.instance import Scenario, describe_settings, read_instance
from planner.instance.settings.section import Section

SECTIONS = {
    name: field.annotation
    for name, field in Scenario.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}


def test_there_is_a_section_for_each_part_of_a_plan() -> None:
    assert {"siting", "packs", "corridors", "costs", "solver", "physics"} <= set(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_has_a_meaning_and_a_default(name: str) -> None:
    section = SECTIONS[name]
    assert section is not None
    for setting, field in section.model_fields.items():
        assert field.description, f"{name}.{setting}"
        assert not field.is_required(), f"{name}.{setting}"
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        assert {"unit", "source"} <= set(extra), f"{name}.{setting}"


def test_what_is_not_set_is_told_with_its_default() -> None:
    instance = read_instance("instances/tutorial")
    rows = {row["item"]: row for row in describe_settings(instance.scenario)}
    assert "scenario siting.drive_time_min" in rows
    promised = rows["scenario service.within_frac"]
    assert (promised["value"], promised["mark"]) == ("0.95", "?")
    # Without it the service level holds: nothing is assumed in its place.
    assert "scenario throughput.utilisation_frac" not in rows
