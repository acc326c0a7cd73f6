"""How drivers behave and how surely it is to be known: the scenario's settings as one record."""

from dataclasses import dataclass
from typing import Self

from planner.instance.settings.service import Service
from planner.instance.settings.simulation import Simulation
from planner.units import HOURS_PER_DAY


@dataclass(frozen=True)
class Behaviour:
    """What a simulation asks of sections ``[simulation]`` and ``[service]``.

    Attributes
    ----------
    patience_min : float
        Who waited so long at a station gives up, > 0 [min].
    goes_on : bool
        Whether he then goes on to the next station, once.
    any_of_envelope : bool
        Whether a driver takes any full pack that fits where his own type has none.
    wait_min : float
        A driver is on time who waits no longer, >= 0 [min].
    within_frac : float
        Share of the busy hours' drivers who should be on time, in (0, 1).
    busy_hours : int
        Number of those hours, the busiest of the day, 1 to 24.
    replications : int
        Days simulated at most, >= 1.
    precision_frac : float
        Half width of the network's interval at which days are enough, > 0.
    station_precision_frac : float
        Half width that the busy hours' interval of 95 in 100 stations must then have too, > 0.

    Raises
    ------
    ValueError
        If a figure lies outside.
    """

    patience_min: float = 30.0
    goes_on: bool = True
    any_of_envelope: bool = False
    wait_min: float = 5.0
    within_frac: float = 0.95
    busy_hours: int = 4
    replications: int = 200
    precision_frac: float = 0.002
    station_precision_frac: float = 0.01

    def __post_init__(self) -> None:
        if not 0.0 < self.patience_min <= 1440.0:
            raise ValueError("patience_min must be above 0 and at most 1440")
        if not self.wait_min >= 0.0:
            raise ValueError("wait_min must not be negative")
        if not 0.0 < self.within_frac < 1.0:
            raise ValueError("within_frac must lie between 0 and 1")
        if not 1 <= self.busy_hours <= HOURS_PER_DAY:
            raise ValueError("busy_hours must lie in 1 to 24")
        if self.replications < 1 or not min(self.precision_frac, self.station_precision_frac) > 0:
            raise ValueError("replications must be at least 1, both precisions above 0")

    @classmethod
    def of(cls, simulation: Simulation, service: Service) -> Self:
        """As a scenario has it, which asks for at least one replication."""
        return cls(
            simulation.patience_min, simulation.goes_on, simulation.exchange == "envelope",
            service.wait_min, service.within_frac, service.busy_hours, simulation.replications,
            simulation.precision_frac, simulation.station_precision_frac,
        )  # fmt: skip
