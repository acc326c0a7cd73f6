"""What may stand at each site and what it costs in new money: stations that stand are paid for."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.instance import Instance
from planner.instance.tables import quarters_between
from planner.units import QUARTERS_PER_YEAR


class Standing(NamedTuple):
    """Which station stands at each site, shape (num_sites,).

    Attributes
    ----------
    type_idx : int array
        Its type by size; -1 where none stands, or nothing fits.
    is_worn_out : bool array
        Whether it has reached the end of its life by the planning quarter.
    is_assumed : bool array
        Whether its type is not stated: the smallest that fits is taken.
    """

    type_idx: IntArray
    is_worn_out: BoolArray
    is_assumed: BoolArray


def station_types_by_size(instance: Instance) -> pd.DataFrame:
    """Station types from the smallest to the largest number of bays."""
    return instance.stations.sort_values(["bays", "station_type_id"], ignore_index=True)


def find_standing(instance: Instance) -> Standing:
    """Read from the table of sites what stands where."""
    sites, types = instance.sites, station_types_by_size(instance)
    stands = (sites["status"] == "existing").to_numpy()
    stated = _stated_type(sites, types)
    room = _room_for(sites, types)
    smallest = np.where(room.any(axis=1), room.argmax(axis=1), -1)
    worn_out = np.zeros(len(sites), dtype=np.bool_)
    if "opened" in sites.columns:
        planned, life = instance.scenario.planning_quarter, instance.scenario.siting.station_years
        opened = sites["opened"].to_numpy(object)
        dated = stands & sites["opened"].notna().to_numpy(bool)
        ages = [len(quarters_between(opened[row], planned)) - 1 for row in np.flatnonzero(dated)]
        worn_out[dated] = np.array(ages, dtype=np.float64) >= life * QUARTERS_PER_YEAR
    type_idx = np.where(stands, np.where(stated >= 0, stated, smallest), -1)
    return Standing(type_idx, worn_out, stands & (stated < 0))


def fitting_types(instance: Instance, standing: Standing) -> BoolArray:
    """Whether a type may stand at a site, shape (num_sites, num_types), types by size.

    A new station keeps the site's room and power and the types on offer. One that stands may stay
    as it is or grow; one that is worn out may be rebuilt in any size. A committed one whose type
    is stated is of that type.
    """
    sites, types = instance.sites, station_types_by_size(instance)
    fits = _room_for(sites, types) & _offered(types)
    own = np.arange(len(types)) == standing.type_idx[:, None]
    grows = types["bays"].to_numpy() > _bays_at(types, standing.type_idx)[:, None]
    keeps = (standing.type_idx >= 0) & ~standing.is_worn_out
    fits = np.where(keeps[:, None], own | (fits & grows), fits | own)
    committed = (sites["status"] == "committed").to_numpy()
    stated = np.where(committed, _stated_type(sites, types), -1)
    of_stated = np.arange(len(types)) == stated[:, None]
    return np.asarray(np.where((stated >= 0)[:, None], of_stated, fits), dtype=np.bool_)


def station_cost_cny(instance: Instance, standing: Standing) -> FloatArray:
    """New money that a station of each type takes at a site, shape (num_sites, num_types) [CNY].

    A new station takes its capex and the plot's cost; one that stands nothing as it is, and what
    the capex of a larger one exceeds its own by plus the site's ``enlarging_cny``; one that is worn
    out the capex, its plot being there.
    """
    sites = instance.sites
    capex = station_types_by_size(instance)["capex_cny"].to_numpy(float)
    new = capex + _money(sites, "site_cost_cny")[:, None]
    stands, kind = standing.type_idx >= 0, np.maximum(standing.type_idx, 0)
    more = np.maximum(capex - capex[kind][:, None], 0.0)
    enlarged = more + _money(sites, "enlarging_cny")[:, None]
    own = np.arange(len(capex)) == kind[:, None]
    kept = np.where(own, 0.0, enlarged)
    at_standing = np.where(standing.is_worn_out[:, None], capex, kept)
    return np.where(stands[:, None], at_standing, new)


def closing_cost_cny(instance: Instance) -> float:
    """What the stations that close take of the money in every plan [CNY]."""
    closes = (instance.sites["status"] == "closing").to_numpy()
    return float(_money(instance.sites, "closing_cny")[closes].sum())


def assume_standing(instance: Instance) -> list[dict[str, str]]:
    """The assumption on stations that stand without a stated type, if there are any."""
    assumed = find_standing(instance).is_assumed
    names = instance.sites.loc[assumed, "site_id"].tolist()
    if not names:
        return []
    return [
        {
            "item": "existing stations whose type is not stated",
            "value": f"{len(names):,} stations",
            "mark": "INF",
            "source": "taken as the smallest type that fits; state sites.station_type_id: "
            + ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if names[10:] else ""),
        }
    ]  # fmt: skip


def _stated_type(sites: pd.DataFrame, types: pd.DataFrame) -> IntArray:
    """Type that each site's row states, -1 where it states none."""
    if "station_type_id" not in sites.columns:
        return np.full(len(sites), -1, dtype=np.int64)
    stated = pd.Index(types["station_type_id"]).get_indexer(pd.Index(sites["station_type_id"]))
    return np.asarray(stated, dtype=np.int64)


def _room_for(sites: pd.DataFrame, types: pd.DataFrame) -> BoolArray:
    """Whether room and power of a site suffice for a type, shape (num_sites, num_types)."""
    fits = np.ones((len(sites), len(types)), dtype=np.bool_)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            fits &= sites[limit].to_numpy()[:, None] >= types[need].to_numpy()
    return fits


def _offered(types: pd.DataFrame) -> BoolArray:
    if "offered" not in types.columns:
        return np.ones(len(types), dtype=np.bool_)
    return types["offered"].to_numpy(bool)


def _bays_at(types: pd.DataFrame, type_idx: IntArray) -> IntArray:
    bays: IntArray = types["bays"].to_numpy(np.int64)
    return np.where(type_idx >= 0, bays[np.maximum(type_idx, 0)], 0)


def _money(sites: pd.DataFrame, column: str) -> FloatArray:
    if column not in sites.columns:
        return np.zeros(len(sites))
    return sites[column].fillna(0.0).to_numpy(float)
