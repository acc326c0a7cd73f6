"""What a further station at each site would bring: input and result of a question for it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.plans.plan import Evaluation

FloatArray = NDArray[np.float64]
_LEAST_SAVING_FRAC = 1e-9
"""Of the largest saving: less is rounding."""
LEAST_SWAPS_PER_DAY = 1e-6
"""What rounding of shares leaves of a zone that is served whole."""


class Reached(NamedTuple):
    """Who reaches whom within the standard, in the rows' order of the instance's tables.

    Site j reaches zones ``zone_idx[ptr[j]:ptr[j + 1]]`` in ``drive_min`` minutes.
    """

    ptr: NDArray[np.int64]
    zone_idx: NDArray[np.int32]
    drive_min: FloatArray

    @property
    def site_idx(self) -> NDArray[np.int64]:
        """Site of each pair."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))


class Candidates(NamedTuple):
    """All sites of an instance beside a plan.

    Attributes
    ----------
    instance, evaluation, reached
        What was planned, the plan's figures, and who reaches whom.
    prices : mapping of str to float
        Of the siting model's limits; those without one are missing.
    cost_cny : ndarray, shape (num_sites,)
        Of the cheapest type that fits; NaN where none does.
    swaps, unserved : ndarray, shape (num_sites,)
        Swaps per day within reach, and those of them that no station serves.
    """

    instance: Instance
    evaluation: Evaluation
    reached: Reached
    prices: Mapping[str, float]
    cost_cny: FloatArray
    swaps: FloatArray
    unserved: FloatArray

    @property
    def zones(self) -> pd.DataFrame:
        """The evaluation's zones by zone_id, in the rows' order of the instance."""
        return self.evaluation.zones.set_index("zone_id").loc[self.instance.zones["zone_id"]]

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Whether a station stands at each site."""
        open_ids = self.evaluation.stations["site_id"]
        return self.instance.sites["site_id"].isin(open_ids).to_numpy()


class Worth(NamedTuple):
    """What a station at each site would bring, in a question's own terms.

    Attributes
    ----------
    saving, weighed : ndarray, shape (num_sites,)
        Its gain, and what that is compared with; in the texts of the question's reasons.
    columns : mapping of str to ndarray
        For the table of candidates.
    holds : mapping of str to bool ndarray
        Where each of the question's reasons holds; without ``city_full``, which is known to all,
        and the last.
    """

    saving: FloatArray
    weighed: FloatArray
    columns: Mapping[str, FloatArray]
    holds: Mapping[str, NDArray[np.bool_]]


def negligible(saving: FloatArray) -> float:
    """Savings up to this are rounding."""
    return _LEAST_SAVING_FRAC * max(1.0, float(saving.max(initial=0.0)))
