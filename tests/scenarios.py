"""Instances with other settings."""

from collections.abc import Mapping
from dataclasses import replace

from planner.instance import Instance

BY_HAND = {"throughput": {"utilisation_frac": 0.85}, "demand": {"peak_day_factor": 1.38}}
"""Loads and capacities of the tutorial that can be worked out by hand: a share of nameplate."""


def with_settings(instance: Instance, **sections: Mapping[str, object]) -> Instance:
    """The instance with some settings of some sections changed."""
    scenario = instance.scenario
    changed = {
        name: getattr(scenario, name).model_copy(update=dict(settings))
        for name, settings in sections.items()
    }
    return replace(instance, scenario=scenario.model_copy(update=changed))
