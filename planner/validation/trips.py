"""Roads and trips: drives on streets, and mobility between cities."""

import numpy as np
import pandas as pd

from planner.network.street_check import read_drive_times
from planner.planning.corridors import flow_figures
from planner.validation.evidence import Evidence, LacksError
from planner.validation.measured import SHARE

DRIVES = "drives in cities"
"""Topic of the comparison of a coarse road network with streets."""
_OF_STREETS = {
    "mean_min": ("mean of random drives", "min", "calibrated"),
    "speed_kmh": ("speed on the roads", "km/h", "calibrated"),
    "detour": ("shortest way over the straight line", SHARE, "held out"),
}
"""What each figure is, its unit and its role: coarse speeds were chosen to meet streets' times."""


def flow_figure(evidence: Evidence, name: str) -> float:
    """A figure of the gravity model's trips between the instance's cities."""
    if "population" not in evidence.instance.cities:
        raise LacksError("table cities has no population")
    value = flow_figures(evidence.instance)[name]
    if np.isnan(value):
        raise LacksError("no two cities are as far apart as a trip")
    return value


def drive_figure(_: Evidence, figure: str, place: str, hour: str) -> float:
    """A figure of the drives in a city at an hour."""
    rows = read_drive_times().query("figure == @figure and place == @place and hour == @hour")
    return float(rows["value"].iloc[0])


def drive_rows(_: Evidence) -> pd.DataFrame:
    """The same drives on streets and on the coarse roads of an instance, by place and hour.

    Returns
    -------
    DataFrame
        The columns of `planner.validation.compare.COLUMNS` but ``error``. Measured once on the
        roads that the rows name, whatever instance is held against measurement.
    """
    table = read_drive_times()
    rows = []
    for (place, hour), part in table.groupby(["place", "hour"], sort=False):
        value = part.set_index("figure")["value"]
        head, source = f"{str(place).capitalize()}, {hour} hour", str(part["source"].iloc[0])
        drives = f"{value['num_drives']:.0f} random drives"
        rows += [
            (f"{head}: {what}", value[f"street_{name}"], value[f"coarse_{name}"], unit, source,
             drives, role)
            for name, (what, unit, role) in _OF_STREETS.items()
        ]  # fmt: skip
        rows.append((f"{head}: households reached", 1.0, value["reach_ratio"], SHARE, source,
                     "over those reached on streets", "held out"))  # fmt: skip
    columns = ["comparison", "measured", "predicted", "unit", "source", "note", "role"]
    found = pd.DataFrame(rows, columns=columns)
    return found.assign(
        topic=DRIVES, measured_low=found["measured"], measured_high=found["measured"]
    )  # fmt: skip
