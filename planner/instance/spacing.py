"""Leave out candidate sites that are nearer to a better one than the scenario's least spacing."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.instance.notes import Note
from planner.limits import at_least

STANDING = ("existing", "committed")
"""Sites that stay, and keep candidates at a distance, however near to each other they are."""
_NAMED_SITES = 10
_SITES_AT_ONCE = 2_000


def thin_candidates(
    sites: pd.DataFrame,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    *,
    min_spacing_km: float,
    near_km: float,
) -> tuple[pd.DataFrame, Note]:
    """Candidates by falling load, each kept if none that was kept is too near.

    Parameters
    ----------
    sites : DataFrame
        Forbidden ones, and those that no station type fits, stay and keep nobody away.
    zones : DataFrame
        With ``lon`` and ``lat``. The load of a site is what they hold of
        ``car_owning_households`` within ``near_km`` of it; of equal loads the first id wins.
    stations : DataFrame
        Station types.
    min_spacing_km : float
        Along the great circle, > 0. Standing sites come first.
    near_km : float

    Returns
    -------
    DataFrame
        The sites that are left.
    Note
        What was left out.

    Notes
    -----
    Whatever is built on the rest keeps the spacing, and no site that was left out could be added
    to all the others. Another choice of sites may do better: bounds of plans hold for this one.
    """
    load = _load(sites, zones, near_km)
    standing = sites["status"].isin(STANDING).to_numpy()
    counts = standing | ((sites["status"] == "candidate").to_numpy() & _fits_any(sites, stations))
    order = np.lexsort((sites["site_id"].to_numpy(str), -load, ~standing))
    xyz = to_sphere_km(sites["lon"], sites["lat"])
    tree, kept, left_out = KDTree(xyz), ~counts, np.zeros(len(sites), np.bool_)
    for site in order[counts[order]].tolist():
        if not standing[site]:
            around = np.array(tree.query_ball_point(xyz[site], min_spacing_km), dtype=np.int64)
            others = around[kept[around] & counts[around]]
            apart_km = chord_to_arc_km(np.linalg.norm(xyz[others] - xyz[site], axis=1))
            left_out[site] = not at_least(apart_km, min_spacing_km).all()
        kept[site] = not left_out[site]
    names = np.sort(sites["site_id"].to_numpy(str)[left_out]).tolist()
    more = f" and {len(names) - _NAMED_SITES:,} more" if len(names) > _NAMED_SITES else ""
    note = Note(
        item=f"candidate sites nearer than {min_spacing_km:g} km to one with more households",
        value=f"{len(names):,} sites left out",
        mark="INF",
        source=f"siting.min_spacing_km: {', '.join(names[:_NAMED_SITES]) or 'none'}{more}",
    )
    return sites[~left_out].reset_index(drop=True), note


def _load(sites: pd.DataFrame, zones: pd.DataFrame, near_km: float) -> NDArray[np.float64]:
    """Car-owning households around each site."""
    households = zones["car_owning_households"].to_numpy(float)
    tree = KDTree(to_sphere_km(zones["lon"], zones["lat"]))
    xyz, load = to_sphere_km(sites["lon"], sites["lat"]), []
    for first in range(0, len(sites), _SITES_AT_ONCE):
        near = tree.query_ball_point(xyz[first : first + _SITES_AT_ONCE], near_km)
        load += [math.fsum(households[around]) for around in near]
    return np.array(load)


def _fits_any(sites: pd.DataFrame, stations: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether some station type fits a site."""
    fits = np.ones((len(sites), len(stations)), np.bool_)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            has = sites[limit].to_numpy(float)[:, None]
            fits &= at_least(has, stations[need].to_numpy(float))
    return np.asarray(fits.any(axis=1))
