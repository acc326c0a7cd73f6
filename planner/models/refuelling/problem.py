"""Stations along roads: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, freeze


@dataclass(frozen=True)
class FlowRefuellingProblem:
    """Stations along roads so that the flows that can be driven on them are worth most.

    Sets: flows q in [0, num_flows), each with one path or several; paths r in [0, num_paths);
    cover sets S in [0, num_sets), shared by paths; candidate sites j in [0, num_sites). A path can
    be driven if each of its cover sets holds an open site, a flow if one of its paths can.

    Attributes
    ----------
    value : float array, shape (num_paths,)
        What refuelling the flow on that path is worth (vehicles, vehicle-km), >= 0.
    flow_idx : int array, shape (num_paths,)
        Flow of each path; counted on one of its paths at most.
    path_ptr, path_set_idx : int arrays, shape (num_paths + 1,) and (num_entries,)
        Path r needs the sets ``path_set_idx[path_ptr[r]:path_ptr[r + 1]]``; with none it is driven
        anyway (the stations of the cities suffice).
    set_ptr, set_site_idx : int arrays, shape (num_sets + 1,) and (num_members,)
        Sites from which one arc of a round trip is reached with the energy left, each named once
        in a set and direction; an empty set is reached from nowhere.
    set_is_return : bool array, shape (num_members,)
        Whether the site is passed on the way back: a stop of its own, which matters to capacity
        alone.
    load : float array, shape (num_paths,)
        Swaps an hour that the flow makes at a station where all its vehicles swap, >= 0.
    season_idx : int array, shape (num_paths,)
        Season of each path: loads of different seasons do not add up.
    capacity : float array, shape (num_sites,)
        Swaps an hour that a station at the site can do, >= 0; inf for no limit.
    cost : float array, shape (num_sites,)
        Money for a station at the site, >= 0 [CNY].
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    num_stations : int
        At most this many open sites, the forced ones included.
    budget : float
        Money for all stations, forced ones included; inf for no limit [CNY].
    """

    value: FloatArray
    flow_idx: IntArray
    path_ptr: IntArray
    path_set_idx: IntArray
    set_ptr: IntArray
    set_site_idx: IntArray
    set_is_return: BoolArray
    load: FloatArray
    season_idx: IntArray
    capacity: FloatArray
    cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    num_stations: int
    budget: float = np.inf

    def __post_init__(self) -> None:
        for name in ("flow_idx", "load", "season_idx"):
            if getattr(self, name).shape != self.value.shape:
                raise ValueError(f"{name} must have one entry per path")
        for name in ("cost", "forced", "forbidden"):
            if getattr(self, name).shape != self.capacity.shape:
                raise ValueError(f"{name} must have one entry per site")
        for name, values in (("value", self.value), ("load", self.load), ("cost", self.cost)):
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if not (self.capacity >= 0).all() or not self.budget >= 0:
            raise ValueError("capacity and budget must be >= 0")
        for lists, ptr, idx, end in (
            ("path", self.path_ptr, self.path_set_idx, self.num_sets),
            ("set", self.set_ptr, self.set_site_idx, self.num_sites),
        ):
            if not len(ptr) or ptr[0] != 0 or ptr[-1] != len(idx) or (np.diff(ptr) < 0).any():
                raise ValueError(f"{lists}_ptr must rise from 0 to the number of entries")
            if len(idx) and not (idx.min() >= 0 and idx.max() < end):
                raise ValueError(f"the entries of {lists} must lie in [0, {end})")
        if len(self.path_ptr) != len(self.value) + 1:
            raise ValueError("path_ptr must have one entry per path, and one more")
        if self.set_is_return.shape != self.set_site_idx.shape:
            raise ValueError("set_is_return must have one entry per member of a set")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        freeze(self)

    @property
    def num_paths(self) -> int:
        """Number of paths."""
        return len(self.value)

    @property
    def num_sets(self) -> int:
        """Number of cover sets."""
        return len(self.set_ptr) - 1

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.capacity)
