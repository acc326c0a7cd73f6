"""Flow refuelling: the problem and its solution, without how one leads to the other."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists, freeze
from planner.solving.proof import Proof
from planner.solving.rules import SiteRules


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
    needs : Lists, num_paths of sets
        Sets that each path needs; with none it is driven anyway (the stations of the cities
        suffice).
    members : Lists, num_sets of sites
        Sites from which one arc of a round trip is reached with the energy left, each named once
        in a set and direction; an empty set is reached from nowhere.
    is_return : bool array, shape (num_members,)
        Whether the site is passed on the way back: a stop of its own, which matters to capacity
        alone.
    load : float array, shape (num_paths,)
        Swaps an hour that the flow makes at a station where all its vehicles swap, >= 0.
    season_idx : int array, shape (num_paths,)
        Season of each path: loads of different seasons do not add up.
    capacity : float array, shape (num_sites,)
        Swaps an hour that a station at the site can do, >= 0; inf for no limit.
    rules : SiteRules
        Locks, cost of a station at each site [CNY], budget [CNY] and the most stations; neither a
        least number nor limits by city.
    """

    value: FloatArray
    flow_idx: IntArray
    needs: Lists
    members: Lists
    is_return: BoolArray
    load: FloatArray
    season_idx: IntArray
    capacity: FloatArray
    rules: SiteRules

    def __post_init__(self) -> None:
        for name in ("flow_idx", "load", "season_idx"):
            if getattr(self, name).shape != self.value.shape:
                raise ValueError(f"{name} must have one entry per path")
        if self.capacity.shape != (self.rules.num_sites,) or self.rules.cost.ndim != 1:
            raise ValueError("capacity and the rules' cost must have one entry per site")
        for name, values in (("value", self.value), ("load", self.load)):
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if not (self.capacity >= 0).all() or not self.rules.budget >= 0:
            raise ValueError("capacity and budget must be >= 0")
        if self.rules.least > 0 or self.rules.cities is not None:
            raise ValueError("corridors know neither a least number of stations nor cities' limits")
        self.needs.check("needs", self.num_paths, self.num_sets)
        self.members.check("members", self.num_sets, self.num_sites)
        if self.is_return.shape != self.members.idx.shape:
            raise ValueError("is_return must have one entry per member of a set")
        freeze(self)

    @property
    def num_paths(self) -> int:
        """Number of paths."""
        return len(self.value)

    @property
    def num_sets(self) -> int:
        """Number of cover sets."""
        return self.members.num_lists

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.capacity)


@dataclass(frozen=True)
class FlowRefuelling:
    """Corridor stations and how good they are.

    Attributes
    ----------
    open_site_idx : int array
        Open sites, forced ones included, ascending.
    driven_frac : float array, shape (num_paths,)
        Share of the flow that is driven on the path; of a flow's paths the most valuable that can.
    proof : Proof
        Of the value refuelled; in the cheapest variant of the money for the stations.
    """

    open_site_idx: IntArray
    driven_frac: FloatArray
    proof: Proof
