"""The tutorial's scenario of openings with its plan made up by hand: no solver says what opens."""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pandas as pd

from planner.instance import Instance, read_instance
from planner.physics.climate import city_climate
from planner.planning.joined_network import audit, join_network
from planner.planning.pipeline import plan
from planner.plans import Evaluation, ModelResult, Plan, check_labels
from planner.plans.derived import Derived, derive
from tests.conftest import TUTORIAL

SWAPS_PER_DAY = 272.316731190058
"""What the town asks for, in every quarter alike."""
DAYS = (92.0, 92.0, 90.25)
"""Of July to September, October to December, and January to March in a mean year."""


class Phased(NamedTuple):
    """An instance, a plan of it, and what the check derives of the instance once."""

    instance: Instance
    plan: Plan
    derived: Derived

    def check(self) -> Evaluation:
        """Judge the plan, drive times included."""
        audited = audit(self.instance, join_network(self.instance), self.plan)
        return check_labels(self.instance, self.plan, audited, self.derived)


@cache
def phased_tutorial() -> Phased:
    """B opens first, then A, at last D; packs are those of a plan without openings."""
    instance = read_instance(TUTORIAL, scenario_name="phased")
    scenario = instance.scenario
    unphased = scenario.model_copy(update={"phasing": type(scenario.phasing)()})
    planned = plan(replace(instance, scenario=unphased)).plan
    earlier = pd.DataFrame(
        [
            ("2026Q3", "Z3", "B", 1.0), ("2026Q3", "Z4", "B", 0.0), ("2026Q3", "Z5", "B", 1.0),
            ("2026Q4", "Z1", "A", 1.0), ("2026Q4", "Z2", "A", 0.0), ("2026Q4", "Z3", "A", 1.0),
            ("2026Q4", "Z4", "B", 0.0), ("2026Q4", "Z5", "B", 1.0),
        ],
        columns=["quarter", "zone_id", "site_id", "drive_min"],
    ).assign(share_frac=1.0)  # fmt: skip
    openings = pd.DataFrame(
        [("B", "2026Q3", "choco_30"), ("A", "2026Q4", "choco_30"), ("D", "2027Q1", "choco_14")],
        columns=["site_id", "quarter", "station_type_id"],
    )
    held = planned.station_packs
    opens = held["station_id"].map(openings.set_index("site_id")["quarter"])
    served = discounted_served(2700, 4900, 6200)
    return Phased(
        instance,
        replace(
            planned,
            station_packs=held[held["quarter"] >= opens].reset_index(drop=True),
            openings=openings,
            phase_allocation=earlier,
            phase_capacity=pd.concat(
                [planned.capacity.assign(quarter=quarter) for quarter in ("2026Q3", "2026Q4")],
                ignore_index=True,
            ),
            models=(
                *planned.models,
                ModelResult(
                    "phasing", "max", "discounted swaps", "OPTIMAL", served, served, 0.0, 0.0
                ),
            ),
        ),
        derive(instance, city_climate(instance)),
    )  # fmt: skip


def discounted_served(*households: float) -> float:
    """Discounted swaps of the households served in each quarter, of the town's 6,200."""
    by_year = 1.08**-0.25
    return sum(
        SWAPS_PER_DAY * served / 6200 * days * by_year**number
        for number, (served, days) in enumerate(zip(households, DAYS, strict=True))
    )
