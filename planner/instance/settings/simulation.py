"""Section ``[simulation]``: the day that is simulated at every station, and how drivers behave."""

from typing import Literal

from planner.instance.settings.section import Section, setting

DayKind = Literal["winter_peak", "winter_design", "mean", "holiday"]


class Simulation(Section):
    """The simulation that confirms or refutes a plan's stations."""

    day: DayKind = setting(
        "winter_peak", "the day: the winter design day of the busiest demand, that stations are "
        "sized for; that of mean demand; a mean day of the year; the busiest holiday, in mean "
        "weather",
    )  # fmt: skip
    replications: int = setting(
        200, "days simulated at most, each with other drivers; 0 leaves the simulation out", ge=0,
        le=10_000,
    )  # fmt: skip
    precision_frac: float = setting(
        0.002, "enough days are simulated when the interval of the share served in time, of all "
        "stations together, is no wider than this to either side", gt=0, le=1,
    )  # fmt: skip
    station_precision_frac: float = setting(
        0.01, "and when that of the share served in time in the busy hours is so for 95 in 100 "
        "stations", gt=0, le=1,
    )  # fmt: skip
    patience_min: float = setting(
        30.0, "a driver who waited so long for a full pack gives up", unit="min",
        source="?: assumed; no survey found", gt=0, le=1440,
    )  # fmt: skip
    goes_on: bool = setting(
        True, "whether a driver who gives up goes on to the nearest other station by road, once"
    )
    exchange: Literal["pack", "envelope"] = setting(
        "pack", "whether a driver takes a pack of the type that was planned for the vehicle alone, "
        "or any that fits",
    )  # fmt: skip
