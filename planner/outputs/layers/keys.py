"""Which columns tell the rows of a layer apart, and which name rows of another layer.

One list of what is meant; what the rows do not bear out is left away, so that every key holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.outputs.layers.layer import Layer

_UNIQUE = {
    "stations": ("site_id",),
    "cities": ("city_id",),
    "candidates": ("site_id",),
    "allocation": ("origin_id", "site_id"),
    "service_areas": ("site_id",),
    "drive_areas": ("station_id", "minutes"),
    "land": ("land_id",),
    "zones": ("zone_id",),
    "zones_overview": ("h3_cell",),
    "zones_overview_coarse": ("h3_cell",),
    "climate_regions": ("climate_class",),
    "chemistry_regions": ("dominant_chemistry",),
    "corridor_stations": ("corridor_station_id",),
    "station_phases": ("site_id", "quarter"),
    "city_phases": ("city_id", "quarter"),
    "future_sites": ("site_id",),
    "packs": ("city_id", "vehicle_id", "pack_id"),
    "chemistries": ("chemistry",),
    "station_hour": ("site_id", "hour"),
    "city_quarter": ("city_id", "quarter"),
    "city_month": ("city_id", "month"),
    "supply_value": ("quarter", "chemistry"),
    "gate_value": ("market", "application", "chemistry", "certificate"),
    "markets": ("market",),
    "market_quarters": ("market", "quarter"),
    "market_quarter": ("market", "pack_id", "quarter"),
    "buyer_quarter": ("buyer", "market", "application", "chemistry", "quarter"),
    "material_quarter": ("material", "quarter"),
    "offer": ("market", "pack_id", "supplier"),
    "passport_flow": ("market", "pack_id", "quarter"),
    "passport_point": ("market", "pack_id", "quarter", "point"),
    "bid_sheet": ("pack_id",),
    "brand_quarter": ("quarter", "model", "market", "chemistry"),
    "launch": ("model", "market", "pack_id", "quarter"),
    "coupling": ("round",),
    "range_curve": ("vehicle_id", "pack_id", "ambient_c"),
    "curve_case": ("curve_set",),
    "curve_cost": ("planned_for", "true_set"),
    "curve_city": ("city_id", "curve_set"),
    "corridor_unconnected": ("city_id",),
    "simulation_figure": ("figure",),
    "station_wait": ("station_id",),
    "wait_histogram": ("from_min",),
    "no_pack_hour": ("city_id", "hour"),
    "no_pack_type": ("pack_id",),
    "station_packs": ("quarter", "station_id", "pack_id"),
    "station_service": ("station_id",),
    "pack_type": ("pack_id",),
    "mix_hour": ("day", "mix_id", "hour", "pack_id"),
    "mix_turn": ("day", "mix_id", "station_type_id", "pack_id"),
    "phase": ("quarter",),
    "siting_packs": ("city_id", "vehicle_id", "pack_id"),
    "siting_capacity": ("city_id", "station_type_id"),
    "kpi": ("name",),
    "run_info": ("key",),
}

_NAMES = {
    "site_id": ("stations", "site_id"),
    "station_id": ("stations", "site_id"),
    "main_site_id": ("stations", "site_id"),
    "leaves_site_id": ("stations", "site_id"),
    "next_best_site_id": ("candidates", "site_id"),
    "next_station_id": ("stations", "site_id"),
    "corridor_station_id": ("corridor_stations", "corridor_station_id"),
    "city_id": ("cities", "city_id"),
    "chemistry": ("chemistries", "chemistry"),
    "dominant_chemistry": ("chemistries", "chemistry"),
    "pack_id": ("pack_type", "pack_id"),
    "market": ("markets", "market"),
}
"""Layer and column whose rows a column names, whatever layer it stands in."""

_ALWAYS_THERE = ("stations", "cities")
"""Layers of `_NAMES` that every run has."""


@dataclass(frozen=True)
class Reference:
    """A column whose values stand in a column of another layer, or are missing."""

    column: str
    layer: str
    target: str


@dataclass(frozen=True)
class Keys:
    """What identifies the rows of a layer, and what they point at.

    Attributes
    ----------
    unique : tuple of str
        Columns that tell the rows apart; empty if none do.
    references : tuple of Reference
        In the columns' order.
    """

    unique: tuple[str, ...]
    references: tuple[Reference, ...]


def keys_of(layers: Mapping[str, Layer]) -> dict[str, Keys]:
    """Keys of each layer that its rows bear out.

    Parameters
    ----------
    layers : mapping of str to Layer
        All that is written together. A layer without rows bears out what is meant.

    Returns
    -------
    dict of str to Keys
    """
    known = {
        target: set(layers[target[0]].frame[target[1]].dropna())
        for target in set(_NAMES.values())
        if target[0] in layers and target[1] in layers[target[0]].frame
    }
    return {name: Keys(_unique(layer), _references(layer, known)) for name, layer in layers.items()}


def meant_keys(layer: Layer) -> Keys:
    """Keys of a layer written before the others: it names rows of these if it is meant to."""
    named = [column for column in map(str, layer.frame.columns) if column in _NAMES]
    references = (
        Reference(column, *_NAMES[column]) for column in named if _NAMES[column][0] in _ALWAYS_THERE
    )
    return Keys(_unique(layer), tuple(references))


def _unique(layer: Layer) -> tuple[str, ...]:
    columns = list(_UNIQUE.get(layer.name, ()))
    if not columns or not set(columns) <= set(layer.frame.columns):
        return ()
    keys = layer.frame[columns]
    told_apart = not keys.isna().to_numpy().any() and not keys.duplicated().any()
    return tuple(columns) if told_apart else ()


def _references(
    layer: Layer, known: Mapping[tuple[str, str], set[object]]
) -> tuple[Reference, ...]:
    found = []
    for column in layer.frame.columns:
        target = _NAMES.get(str(column))
        if target is None or target not in known or target == (layer.name, column):
            continue
        named: pd.Series[str] = layer.frame[column].dropna()
        if set(named.unique()) <= known[target]:
            found.append(Reference(str(column), *target))
    return tuple(found)
