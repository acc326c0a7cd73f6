"""What predictions are made from: an instance, and the files of a run where there is one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.outputs.compare.read import FinishedRun
from planner.physics.climate import city_climate
from planner.physics.fleet import FleetOperation, operate_fleet

WITHOUT_RUN = "needs a plan; give a run folder by --run"


class LacksError(Exception):
    """Nothing can be predicted; says what is missing."""


@dataclass(frozen=True)
class Evidence:
    """An instance and, if given, a finished run of it.

    Attributes
    ----------
    instance : Instance
    finished : FinishedRun or None
    """

    instance: Instance
    finished: FinishedRun | None = None

    @cached_property
    def fleet(self) -> FleetOperation:
        """What the instance's vehicles do in its climate."""
        return operate_fleet(self.instance, city_climate(self.instance))

    @cached_property
    def vehicles(self) -> FloatArray:
        """Swap vehicles of the planning quarter, shape (num_cities, num_vehicles)."""
        scenario = self.instance.scenario
        return np.asarray(self.fleet.vehicles[scenario.quarters.index(scenario.planning_quarter)])

    @property
    def run(self) -> FinishedRun:
        """The finished run.

        Raises
        ------
        LacksError
            If none was given.
        """
        if self.finished is None:
            raise LacksError(WITHOUT_RUN)
        return self.finished

    def kpi(self, name: str) -> float:
        """A figure of the run.

        Raises
        ------
        LacksError
            If there is no run, or it lacks the figure: a run without simulation, mostly.
        """
        value = self.run.run["kpi"].get(name)
        if value is None:
            raise LacksError(f"the run has no figure {name}")
        return float(value)

    @property
    def cities(self) -> pd.DataFrame:
        """The run's cities by ``city_id``."""
        return self.run.tables["cities"].set_index("city_id")
