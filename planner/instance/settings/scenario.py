"""The whole of scenario.toml: its sections, and what holds between them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from planner.instance.settings.corridors import Corridors
from planner.instance.settings.costs import Costs
from planner.instance.settings.coupling import Coupling
from planner.instance.settings.currency import Currency
from planner.instance.settings.demand import Demand
from planner.instance.settings.gates import Gates
from planner.instance.settings.horizon import Horizon
from planner.instance.settings.network import Network
from planner.instance.settings.packs import Packs
from planner.instance.settings.phasing import Phasing
from planner.instance.settings.physics import Physics
from planner.instance.settings.section import Quarter, Section, setting
from planner.instance.settings.service import Service
from planner.instance.settings.simulation import Simulation
from planner.instance.settings.siting import Siting
from planner.instance.settings.solver import Solver
from planner.instance.settings.sources import Sources
from planner.instance.settings.throughput import Throughput
from planner.instance.settings.uncertainty import Uncertainty
from planner.instance.tables import quarters_between


class Scenario(Sources):
    """A whole scenario file."""

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")] = (
        setting(..., "short name, also of the run folder")
    )
    title: str = setting("", "what the scenario shows, for people")
    attribution: str = setting(
        "",
        "credits that the data's licences ask for; carried into every layer's metadata. "
        "OpenStreetMap's is added where a file shows that it comes from there",
    )
    planning_quarter: Quarter = setting(..., "quarter that the stations are planned for")
    parameter_set: Literal["low", "mid", "high"] = setting(
        "mid", "set of contested figures, from the least to the most favourable to sodium-ion"
    )
    horizon: Horizon = Horizon()
    siting: Siting
    phasing: Phasing = Phasing()
    uncertainty: Uncertainty = Uncertainty()
    network: Network = Network()
    physics: Physics = Physics()
    demand: Demand = Demand()
    service: Service = Service()
    throughput: Throughput = Throughput()
    packs: Packs = Packs()
    gates: Gates = Gates()
    costs: Costs = Costs()
    currency: Currency | None = setting(
        None, "money that results are shown in beside CNY; CNY alone if left out"
    )
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

    @model_validator(mode="after")
    def _phases_within_the_horizon(self) -> Self:
        phasing, first = self.phasing, self.phasing.first_quarter
        if first is None:
            return self
        if first not in self.quarters or first > self.planning_quarter:
            raise ValueError(
                "phasing.first_quarter must lie in the horizon, at or before planning_quarter"
            )
        if self.siting.objective != "max_coverage":
            raise ValueError(
                "phasing plans the openings of most swaps served: set siting.objective "
                "max_coverage, or leave phasing.first_quarter out"
            )
        if self.corridors.funding == "national":
            raise ValueError(
                "phasing does not share its limits with corridors: set corridors.funding own or "
                "none, or leave phasing.first_quarter out"
            )
        if phasing.objective == "earliest_share" and phasing.share_frac is None:
            raise ValueError("phasing.objective earliest_share needs phasing.share_frac")
        if phasing.objective == "least_money" and not phasing.share_by_quarter:
            raise ValueError("phasing.objective least_money needs phasing.share_by_quarter")
        firsts = {period[0] for period in self.periods}
        for quarter, share in phasing.share_by_quarter.items():
            if quarter not in firsts or not 0 < share <= 1:
                raise ValueError(
                    f"phasing.share_by_quarter: {quarter} = {share:g} must be the first quarter "
                    "of a period and a share in (0, 1]"
                )
        return self

    @model_validator(mode="after")
    def _hedges_what_is_served(self) -> Self:
        uncertainty = self.uncertainty
        if not uncertainty.planned:
            return self
        if self.siting.objective != "max_coverage":
            raise ValueError(
                "uncertainty plans for swaps served: set siting.objective max_coverage, or state "
                "no futures"
            )
        if self.corridors.funding != "none":
            raise ValueError(
                "uncertainty does not plan corridors: set corridors.funding none, or state no "
                "futures"
            )
        if self.periods and self.phasing.objective != "discounted_swaps":
            raise ValueError(
                "uncertainty plans openings for most swaps served: set phasing.objective "
                "discounted_swaps, or state no futures"
            )
        firsts = [period[0] for period in self.periods]
        if uncertainty.news_quarter not in (None, *firsts[1:]):
            raise ValueError(
                f"uncertainty.news_quarter {uncertainty.news_quarter} must be the first quarter of "
                f"a period of phasing after the first: {', '.join(firsts[1:]) or 'there is none'}"
            )
        return self

    @property
    def periods(self) -> tuple[tuple[str, ...], ...]:
        """The quarters of each period in which stations open; none without phasing.

        Counted back from the planning quarter, so that the last period ends with it.
        """
        if self.phasing.first_quarter is None:
            return ()
        quarters = quarters_between(self.phasing.first_quarter, self.planning_quarter)
        step = self.phasing.quarters_per_period
        ends = range(len(quarters), 0, -step)
        return tuple(quarters[max(end - step, 0) : end] for end in reversed(ends))

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
