"""The whole of scenario.toml: its sections, and what holds between them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from planner.instance.settings.corridors import Corridors
from planner.instance.settings.costs import Costs
from planner.instance.settings.coupling import Coupling
from planner.instance.settings.demand import Demand
from planner.instance.settings.horizon import Horizon
from planner.instance.settings.network import Network
from planner.instance.settings.packs import Packs
from planner.instance.settings.physics import Physics
from planner.instance.settings.section import Quarter, Section, setting
from planner.instance.settings.service import Service
from planner.instance.settings.simulation import Simulation
from planner.instance.settings.siting import Siting
from planner.instance.settings.solver import Solver
from planner.instance.settings.sources import Sources
from planner.instance.settings.throughput import Throughput
from planner.instance.tables import quarters_between


class Scenario(Sources):
    """A whole scenario file."""

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")] = (
        setting(..., "short name, also of the run folder")
    )
    title: str = setting("", "what the scenario shows, for people")
    attribution: str = setting(
        "", "credits that the data's licences ask for; carried into every layer's metadata"
    )
    planning_quarter: Quarter = setting(..., "quarter that the stations are planned for")
    parameter_set: Literal["low", "mid", "high"] = setting(
        "mid", "set of contested figures, from the least to the most favourable to sodium-ion"
    )
    horizon: Horizon = Horizon()
    siting: Siting
    network: Network = Network()
    physics: Physics = Physics()
    demand: Demand = Demand()
    service: Service = Service()
    throughput: Throughput = Throughput()
    packs: Packs = Packs()
    costs: Costs = Costs()
    coupling: Coupling = Coupling()
    corridors: Corridors = Corridors()
    simulation: Simulation = Simulation()
    solver: Solver = Solver()
    scenarios: dict[str, dict[str, Any]] = setting(
        {}, "named variants: settings that replace those above, by section"
    )

    @model_validator(mode="after")
    def _plans_within_the_horizon(self) -> Self:
        if self.planning_quarter not in self.quarters:
            raise ValueError(
                "horizon must run from first_quarter to last_quarter with planning_quarter between"
            )
        return self

    @model_validator(mode="after")
    def _weighs_trips_against_swaps(self) -> Self:
        if self.corridors.funding == "national" and self.siting.objective != "max_coverage":
            raise ValueError(
                "corridors.funding national weighs trips against the swaps that cities serve: "
                "set siting.objective max_coverage, or other funding"
            )
        return self

    @model_validator(mode="after")
    def _counts_vehicles_by_stations(self) -> Self:
        if self.demand.vehicles_per_station is not None and self.siting.num_stations is None:
            raise ValueError(
                "demand.vehicles_per_station needs siting.num_stations: give both or neither"
            )
        return self

    @property
    def quarters(self) -> tuple[str, ...]:
        """The horizon's quarters in order."""
        first = self.horizon.first_quarter or self.planning_quarter
        last = self.horizon.last_quarter or self.planning_quarter
        return quarters_between(first, last)


def describe_settings(scenario: Scenario) -> list[dict[str, str]]:
    """List every setting with its value, source, and whether the default filled it in.

    Parameters
    ----------
    scenario : Scenario
        A validated scenario.

    Returns
    -------
    list of dict
        Keys ``item``, ``value``, ``mark``, ``source``; one entry per numeric setting that the
        siting's objective looks at.
    """
    rows = []
    for section_name in type(scenario).model_fields:
        section = getattr(scenario, section_name)
        if not isinstance(section, Section):
            continue
        for name, field in type(section).model_fields.items():
            extra = field.json_schema_extra
            stated = str(extra["source"]) if isinstance(extra, dict) else ""
            unit = str(extra["unit"]) if isinstance(extra, dict) else ""
            only_for = extra.get("only_for") if isinstance(extra, dict) else None
            if not stated or only_for not in (None, scenario.siting.objective):
                continue
            value = getattr(section, name)
            is_default = value == field.default or name not in section.model_fields_set
            mark, _, source = stated.partition(":")
            rows.append(
                {
                    "item": f"scenario {section_name}.{name}",
                    "value": f"{value} {unit}".strip(),
                    "mark": mark.strip() if is_default else "set",
                    "source": source.strip() if is_default else "set in scenario.toml",
                }
            )
    return rows
