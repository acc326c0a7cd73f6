"""The first sheet's text: what was planned, how good it provably is, and where what stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.outputs.workbook.formats import number_format
from planner.plans.question import measure_of_run

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
    ("Swaps within reach", "swaps_in_reach_frac", "of the swaps asked for, full stations included"),
    ("Mean way to the nearest", "mean_nearest_min", "minutes, of the swaps within reach"),
    ("Mean way counted", "mean_counted_min",
     "minutes, swaps beyond reach at siting.unserved_min"),
    ("Swaps covered", "swaps_covered_frac", "of the swaps asked for"),
    ("Stations of the cheapest size", "least_stations_cny", "CNY, plots included"),
    ("Yearly cost", "cost_cny_per_year", "CNY a year: the three below"),
    ("… stations", "stations_cny_per_year", "CNY a year, payments and opex"),
    ("… drives", "drive_cny_per_year", "CNY a year, drivers' time"),
    ("… swaps not served", "unserved_cny_per_year", "CNY a year"),
    ("Swap vehicles", "vehicles", "in the planning quarter"),
    ("Vehicles without pack", "vehicles_without_pack", ""),
    ("Vehicles with sodium-ion", "vehicles_sodium_ion", ""),
    ("Sodium-ion packs", "packs_sodium_ion_gwh", "GWh, in vehicles and stations"),
    ("Vehicles with LFP", "vehicles_lfp", ""),
    ("LFP packs", "packs_lfp_gwh", "GWh, in vehicles and stations"),
    ("Below promised range", "vehicles_below_promised_range",
     "vehicles, on the winter design day"),
    ("Corridor stations", "num_corridor_stations", "between cities"),
    ("Their investment", "corridor_capex_cny", "CNY, station and plot, packs not included"),
    ("Swaps on trips", "corridor_swaps_per_day",
     "full packs per day that refuelled trips take, at the seasons' weights"),
    ("Trips in winter", "trips_per_day_winter", "round trips between cities per day"),
    ("Refuelled in winter", "trips_refuelled_winter_frac", "of the trips between cities"),
    ("Trips in summer", "trips_per_day_summer", "round trips between cities per day"),
    ("Refuelled in summer", "trips_refuelled_summer_frac", "of the trips between cities"),
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
    words = measure_of_run(run).words
    found = words.plan(f"{run['objective']:,.0f}")
    if run["status"] == "OPTIMAL":
        return f"Proven optimal: this plan {found}; {words.limit('that')}."
    return (
        f"Within {run['gap_frac']:.2%} of the optimum, proven: this plan {found}; "
        f"{words.limit(format(run['bound'], ',.0f'))}."
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
