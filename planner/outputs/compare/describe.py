"""The tables of a comparison as layers: titles and meanings of their columns."""

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

from planner.outputs.layers.columns import WrittenColumn, columns_in_unit, describe_columns
from planner.outputs.layers.layer import CRS, Layer

LAYERS = ("stations_change", "cities_change", "corridor_stations_change")

_ABOUT = {
    "stations_change": ("stations", "Stations kept, resized, moved, gained and lost."),
    "cities_change": ("cities", "What changes in the cities that both runs have."),
    "models": ("", "Each model's result and proof; whether the difference is beyond the gaps."),
    "kpi": ("kpi", "Figures of the whole plan."),
    "packs_by_city": ("packs", "Packs by city and chemistry in the planning quarter."),
    "packs_by_quarter": ("city_quarter", "Packs by quarter and chemistry, all shared cities."),
    "supply_value": ("supply_value", "What more of each chemistry would be worth by quarter."),
    "gate_value": ("gate_value", "What it would save if a closed certification gate opened."),
    "market_change": (
        "market_quarter", "Packs that each market is delivered in all quarters, by chemistry."),
    "prices": ("", "Dual prices of each model."),
    "corridor_summary": ("corridor_summary", "Trips between cities that can be refuelled."),
    "corridor_stations_change": (
        "corridor_stations", "Corridor stations kept, gained and lost."),
    "verdicts_change": ("stations", "Stations of both runs whose verdict differs."),
    "station_packs_change": ("station_packs", "Packs of all stations by type."),
    "openings_change": ("stations", "When each station opens in the one and the other run."),
    "phase_change": ("phase", "Stations, money and service by period."),
    "future_change": ("future", "What the plans serve in each future, and miss of its best."),
    "measure_change": ("measure", "What the plans are worth over all futures, as intervals."),
    "reasons_change": ("stations", "What the base's stations cost to replace in both runs."),
    "settings": ("", "Settings that differ."),
    "inputs": ("", "Input files that differ, by sha256."),
}  # fmt: skip
"""Per table the run's table that describes its columns, and what it holds."""

_OWN = {
    "base_site_id": ("Site in the base", "Stable id of the site in the base; empty if gained"),
    "change": ("Change", "kept, resized, moved (less than 1 km), gained or lost"),
    "opening": ("Opening", "new (only the other run has the station), dropped (only the base has "
                "it), earlier, later or as before"),
    "change_opening_quarters": ("Later by [quarters]", "Quarters by which the other run opens the "
                                "station later; negative if earlier; empty if it stood before"),
    "next_best": ("Next best", "same or another site in the other run; made: the other run has "
                  "exchanged the station for its next best site"),
    "moved_km": ("Distance moved [km]", "Great-circle distance between the two places"),
    "name_en": ("City name", "Name in Latin letters"),
    "num_gained": ("Stations gained", "Stations that only the other run opens here"),
    "num_lost": ("Stations lost", "Stations that only the base opens here"),
    "num_moved": ("Stations moved", "Stations less than 1 km from where the base has them"),
    "num_resized": ("Stations resized", "Stations of another type on the same site"),
    "verdict": ("Verdict", "Whether the difference is more than the proven gaps, or the intervals "
                "of the simulation, leave open"),
    "change_low_value": ("Change, at least", "Lower end of the simulated difference's interval"),
    "change_high_value": ("Change, at most", "Upper end of the simulated difference's interval"),
    "base_verdict": ("Verdict, base", "Verdict of the base's simulation on the station"),
    "other_verdict": ("Verdict, other run", "Verdict of the other run's simulation"),
    "more_packs": ("Packs added", "Sum over the stations that have more than in the base"),
    "fewer_packs": ("Packs taken away", "Sum over the stations that have fewer than in the base"),
    "moved_packs": ("Packs moved", "Packs that stand at another station than in the base: the "
                    "smaller of added and taken away"),
    "change_frac": ("Relative change [0-1]", "Change as a share of the base"),
    "unit": ("Unit", "Unit of objective and bound, or of the figure; 1 for counts and shares"),
    "model": ("Model", "Name of the model"),
    "price": ("Price", "Name of the price; ends in its unit"),
    "setting": ("Setting", "Key in scenario.resolved.toml"),
    "file": ("File", "Input file"),
    "status": ("Status", "OPTIMAL, or FEASIBLE within the gap"),
    "objective": ("Objective", "Value of the plan"),
    "bound": ("Bound", "No plan can be better than this"),
    "gap_frac": ("Gap [0-1]", "Share of the bound that objective and bound are apart"),
    "chemistry": ("Cell chemistry", "Id of the cell chemistry"),
    "stock_packs": ("Packs in stock", "Packs standing in vehicles and stations in the quarter"),
    "value": ("Value", "Value in the run"),
}  # fmt: skip
_SIDES = {"base": "base", "other": "other run", "change": "change"}


def as_layers(tables: Mapping[str, pd.DataFrame], unit: str = "") -> dict[str, Layer]:
    """Tables of a comparison, ready to be written; those with places as points.

    Headings tell the objective's ``unit`` where they speak of it.
    """
    layers = {}
    for name, frame in tables.items():
        described = columns_in_unit((_column(name, column) for column in frame.columns), unit)
        shaped, geometry_type = frame, None
        if name in LAYERS:
            points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=CRS)
            shaped, geometry_type = gpd.GeoDataFrame(frame, geometry=points), "Point"
        layers[name] = Layer(name, _ABOUT[name][1], shaped, described, geometry_type)
    return layers


def _column(table: str, name: str) -> WrittenColumn:
    side, _, rest = name.partition("_")
    if name in _OWN or side not in _SIDES:
        title, description = _meaning(table, name)
        return WrittenColumn(name, name, title, description)
    title, description = _meaning(table, rest)
    text, unit, tail = title.partition(" [")
    return WrittenColumn(name, name, f"{text}, {_SIDES[side]}{unit}{tail}", description)


def _meaning(table: str, name: str) -> tuple[str, str]:
    if name in _OWN:
        return _OWN[name]
    (found,) = describe_columns(_ABOUT[table][0], [name])
    return found.title or name.replace("_", " ").capitalize(), found.description
