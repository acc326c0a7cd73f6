"""The pack model of all members at once: assembled, solved with its proof, and taken apart.

Stations count as before a run's first round: everything served, nothing crowded. What each member's
stations need in whole packs is known only once it is planned by itself, within its share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from planner.instance import Instance
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import solve_pack_assignment
from planner.models.packs.stack import Part, parts_of, stack_problems, unstack_plan
from planner.physics.climate import city_climate
from planner.physics.fleet import FleetOperation, check_turns, operate_fleet
from planner.planning.markets.members import MarketMember
from planner.planning.packs import PackLabels, StationAnswer, assemble_pack_assignment
from planner.planning.shared_supply import SupplyLabels, assemble_supply, price_contracts
from planner.solving.options import SolveOptions


@dataclass(frozen=True)
class JointProblem:
    """One pack problem of all members.

    Attributes
    ----------
    members : tuple of MarketMember
    fleets : tuple of FleetOperation
        Of each member.
    shared : Instance
        What all share: supply, materials, other buyers, gates of all.
    chemistries : tuple of str
        In the order of the problem's.
    problems, labels : tuples of PackAssignmentProblem, PackLabels
        Of each member; their supply counts for nothing.
    whole : PackAssignmentProblem
        All of them, with the shared supply, contracts priced.
    supply_labels : SupplyLabels
    """

    members: tuple[MarketMember, ...]
    fleets: tuple[FleetOperation, ...]
    shared: Instance
    chemistries: tuple[str, ...]
    problems: tuple[PackAssignmentProblem, ...]
    labels: tuple[PackLabels, ...]
    whole: PackAssignmentProblem
    supply_labels: SupplyLabels

    @property
    def quarters(self) -> tuple[str, ...]:
        """The quarters that all members have."""
        return self.members[0].instance.scenario.quarters

    @property
    def parts(self) -> tuple[Part, ...]:
        """Where each member stands in ``whole``."""
        return parts_of(self.problems)


@dataclass(frozen=True)
class JointPlan:
    """The answer to a joint problem.

    Attributes
    ----------
    problem : JointProblem
    whole : PackAssignment
        With the proof, and what is said of supply, materials and buyers.
    parts : tuple of PackAssignment
        Of each member.
    """

    problem: JointProblem
    whole: PackAssignment
    parts: tuple[PackAssignment, ...]


def operate_fleets(members: Sequence[MarketMember]) -> tuple[FleetOperation, ...]:
    """Vehicles, swaps and ranges of each member.

    Raises
    ------
    InputError
        If a pack's turn in a bay would take longer than a day.
    """
    fleets = []
    for member in members:
        fleet = operate_fleet(member.instance, city_climate(member.instance))
        check_turns(member.instance, fleet)
        fleets.append(fleet)
    return tuple(fleets)


def assemble_joint(
    members: Sequence[MarketMember], fleets: Sequence[FleetOperation], shared: Instance
) -> JointProblem:
    """The pack problems of all members, stacked.

    Parameters
    ----------
    members : sequence of MarketMember
        From `planner.planning.markets.members.read_members`.
    fleets : sequence of FleetOperation
        From `operate_fleets`.
    shared : Instance
        From `planner.planning.markets.members.shared_instance`.

    Returns
    -------
    JointProblem
    """
    made = [
        assemble_pack_assignment(each.instance, fleet, StationAnswer.everywhere(each.instance))
        for each, fleet in zip(members, fleets, strict=True)
    ]
    chemistries = made[0][1].chemistries
    supply, supply_labels = assemble_supply(shared, chemistries)
    problems = tuple(problem for problem, _ in made)
    whole = price_contracts(stack_problems(problems, supply), supply_labels)
    return JointProblem(
        members=tuple(members),
        fleets=tuple(fleets),
        shared=shared,
        chemistries=chemistries,
        problems=problems,
        labels=tuple(labels for _, labels in made),
        whole=whole,
        supply_labels=supply_labels,
    )


def solve_joint(
    problem: JointProblem, options: SolveOptions, start: PackAssignment | None = None
) -> JointPlan:
    """Plan all members at once.

    Parameters
    ----------
    problem : JointProblem
    options : SolveOptions
        For the time limit.
    start : PackAssignment, optional
        Answer to a joint problem of the same members.

    Returns
    -------
    JointPlan

    Raises
    ------
    NoPlanError
        If the time limit comes before any plan.
    """
    whole = solve_pack_assignment(problem.whole, options, start)
    return JointPlan(problem, whole, unstack_plan(problem.problems, whole))


def with_instances(problem: JointProblem, instances: Mapping[str, Instance]) -> JointProblem:
    """The joint problem with other instances of the same tables of cities, vehicles and packs.

    Parameters
    ----------
    problem : JointProblem
    instances : mapping of member's name to Instance
        Of some members; ``""`` stands for the shared one.

    Returns
    -------
    JointProblem
    """
    members = [
        replace(each, instance=instances.get(each.name, each.instance)) for each in problem.members
    ]
    return assemble_joint(members, problem.fleets, instances.get("", problem.shared))
