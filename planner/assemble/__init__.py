"""From labels to the models' arrays, and from their answers back to labels."""

from planner.assemble.packs import (
    PackLabels,
    StationAnswer,
    assemble_pack_assignment,
    assigned_vehicles,
    earlier_gates,
    label_packs,
)
from planner.assemble.siting import (
    assemble_allocation,
    assemble_siting,
    label_allocation,
    label_stations,
)

__all__ = [
    "PackLabels",
    "StationAnswer",
    "assemble_allocation",
    "assemble_pack_assignment",
    "assemble_siting",
    "assigned_vehicles",
    "earlier_gates",
    "label_allocation",
    "label_packs",
    "label_stations",
]
