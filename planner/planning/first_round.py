"""The first round's packs, and what stations can take with them: before any station is planned.

Both are the same for all scenarios of one fleet with the same packs, supply and costs, however many
stations they plan: kept for those.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray
from planner.instance import Instance
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import solve_pack_assignment
from planner.physics.fleet import FleetOperation
from planner.planning.array_cache import ArrayCache, content_key
from planner.planning.packs import StationAnswer
from planner.planning.paid_packs import PlannedPacks, plan_packs_by
from planner.planning.service import Capacity, station_capacity
from planner.solving.linear_basis import LinearBasis
from planner.solving.options import SolveOptions
from planner.solving.proof import Proof
from planner.solving.status import Status


@dataclass(frozen=True)
class KeptPacks:
    """A `PackAssignment` as arrays alone.

    Attributes
    ----------
    status : str array, shape (1,)
    numbers : float array, shape (5,)
        Objective, bound, gap and seconds of the proof; value of carbon.
    basis_columns, basis_rows : uint8 arrays
        Empty where there is no basis.
    order_open : bool array
    option_vehicles, without_pack, stock, delivered, retired, moved_in, moved_out, made, \
supply_flow, buyer_served, supply_value, application_value, material_value, \
pack_value : float arrays
    """

    status: NDArray[np.str_]
    numbers: FloatArray
    basis_columns: NDArray[np.uint8]
    basis_rows: NDArray[np.uint8]
    order_open: BoolArray
    option_vehicles: FloatArray
    without_pack: FloatArray
    stock: FloatArray
    delivered: FloatArray
    retired: FloatArray
    moved_in: FloatArray
    moved_out: FloatArray
    made: FloatArray
    supply_flow: FloatArray
    buyer_served: FloatArray
    supply_value: FloatArray
    application_value: FloatArray
    material_value: FloatArray
    pack_value: FloatArray


_ARRAYS = [field.name for field in fields(KeptPacks)][4:]


def first_packs(
    instance: Instance, fleet: FleetOperation, options: SolveOptions, cache: ArrayCache | None
) -> PlannedPacks:
    """Packs as if all swaps were served, from those kept where the problem is the same.

    Parameters
    ----------
    instance, fleet, options
        As of `plan_packs`.
    cache : ArrayCache, optional
    """

    def solve(problem: PackAssignmentProblem) -> PackAssignment:
        if cache is None:
            return solve_pack_assignment(problem, options)
        supply = tuple(vars(problem.supply).values())
        key = content_key("packs", *({**vars(problem), "supply": supply}.values()))
        kept = cache.once(KeptPacks, key, lambda: _keep(solve_pack_assignment(problem, options)))
        return _given(kept)

    return plan_packs_by(instance, fleet, StationAnswer.everywhere(instance), solve)


def first_capacity(
    instance: Instance, fleet: FleetOperation, vehicles: FloatArray, cache: ArrayCache | None
) -> Capacity:
    """What station types can do with the first packs.

    Parameters
    ----------
    instance, fleet, vehicles
        As of `station_capacity`.
    cache : ArrayCache, optional
    """
    if cache is None:
        return station_capacity(instance, fleet, vehicles)
    scenario = instance.scenario
    key = content_key(
        "capacity", scenario.service, scenario.throughput, scenario.demand, instance.stations,
        instance.packs, instance.vehicles, *vars(fleet).values(), vehicles,
    )  # fmt: skip
    return cache.once(Capacity, key, lambda: station_capacity(instance, fleet, vehicles))


def _keep(packs: PackAssignment) -> KeptPacks:
    proof, basis = packs.proof, packs.basis or LinearBasis(b"", b"")
    return KeptPacks(
        status=np.array([proof.status.value]),
        numbers=np.array(
            [proof.objective, proof.bound, proof.gap_frac, proof.wall_s, packs.carbon_value]
        ),
        basis_columns=np.frombuffer(basis.columns, np.uint8),
        basis_rows=np.frombuffer(basis.rows, np.uint8),
        **{name: getattr(packs, name) for name in _ARRAYS},
    )


def _given(kept: KeptPacks) -> PackAssignment:
    objective, bound, gap, wall_s, carbon_value = kept.numbers.tolist()
    basis = LinearBasis(kept.basis_columns.tobytes(), kept.basis_rows.tobytes())
    return PackAssignment(
        proof=Proof(Status(str(kept.status[0])), objective, bound, gap, "min", "CNY", wall_s),
        basis=basis if basis.columns else None,
        carbon_value=carbon_value,
        **{name: getattr(kept, name) for name in _ARRAYS},
    )
