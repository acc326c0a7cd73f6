"""The first sheet's text: what was planned, how good it provably is, and where what stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.workbook.formats import number_format

_FIGURES = (
    ("Stations", "num_stations", ""),
    ("Bays", "num_bays", ""),
    ("Investment", "capex_cny", "CNY, station and plot, packs not included"),
    ("Swaps asked for", "swaps_per_day", "per day, mean of the year"),
    ("Swaps served", "swaps_per_day_served", "per day, mean of the year"),
    ("Share of swaps served", "swaps_served_frac", "of the swaps asked for"),
    ("Swaps per station", "swaps_per_station_day", "per day"),
    ("Use of stations", "mean_utilisation_frac", "of capacity, whole day"),
    ("Households served", "households_served_frac", "of car-owning households, by drive time"),
    ("Households near", "households_near_frac", "of car-owning households, as the crow flies"),
    ("Mean drive", "mean_drive_min", "minutes from zone to station"),
    ("Swap vehicles", "vehicles", "in the planning quarter"),
    ("Vehicles without pack", "vehicles_without_pack", ""),
    ("Vehicles with sodium-ion", "vehicles_sodium_ion", ""),
    ("Sodium-ion packs", "packs_sodium_ion_gwh", "GWh, in vehicles and stations"),
    ("Vehicles with LFP", "vehicles_lfp", ""),
    ("LFP packs", "packs_lfp_gwh", "GWh, in vehicles and stations"),
    ("Below promised range", "vehicles_below_promised_range",
     "vehicles, on the winter design day"),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A line of the cover: label, figure with its format, and what it counts."""

    label: str
    value: float
    number_format: str
    note: str


def proof(run: Mapping[str, Any]) -> str:
    """What is proven about the plan, in one sentence."""
    unit = run["objective_unit"]
    if run["status"] == "OPTIMAL":
        return f"Proven optimal: no plan within the same limits serves more {unit}."
    return (
        f"Within {run['gap_frac']:.2%} of the optimum, proven: this plan serves "
        f"{run['objective']:,.0f} {unit}; no plan within the same limits serves more than "
        f"{run['bound']:,.0f}."
    )


def key_figures(run: Mapping[str, Any]) -> list[Figure]:
    """Figures of the whole plan; one that the run does not tell is left out."""
    kpi = run["kpi"]
    return [
        Figure(label, float(kpi[name]), number_format(name, is_whole=kpi[name] % 1 == 0), note)
        for label, name, note in _FIGURES
        if name in kpi
    ]


def model_rows(run: Mapping[str, Any]) -> list[tuple[str, str, float, float, float, str]]:
    """Per model its name, status, objective, bound, gap and unit."""
    return [
        (
            name.replace("_", " "),
            model["status"],
            float(model["objective"]),
            float(model["bound"]),
            float(model["gap_frac"]),
            model["unit"],
        )
        for name, model in run["models"].items()
    ]
