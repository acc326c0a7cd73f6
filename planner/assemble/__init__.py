"""From labels to the models' arrays, and from their answers back to labels."""

from planner.assemble.objectives import (
    LEAST_LOAD_PER_VALUE,
    YearlyCosts,
    assemble_facility_location,
    assemble_p_median,
    assemble_set_cover,
    cheapest_type_idx,
    served_at_least_cost,
    usable_sites_within_reach,
)
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
    "LEAST_LOAD_PER_VALUE",
    "PackLabels",
    "StationAnswer",
    "YearlyCosts",
    "assemble_allocation",
    "assemble_facility_location",
    "assemble_p_median",
    "assemble_pack_assignment",
    "assemble_set_cover",
    "assemble_siting",
    "assigned_vehicles",
    "cheapest_type_idx",
    "earlier_gates",
    "label_allocation",
    "label_packs",
    "label_stations",
    "served_at_least_cost",
    "usable_sites_within_reach",
]
