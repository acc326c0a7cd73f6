"""One day of a plan simulated, its closed forms beside it, as tables and figures.

Takes a run's tables, gives the simulation's; here alone do the two meet, by their results.
"""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.service.day import StationDay, busiest_hours, take_stations
from planner.service.waits import on_time, wait_shares, waits_of_day
from planner.simulation.behaviour import Behaviour
from planner.simulation.run import simulate, stations_without_packs
from planner.simulation.statistics import (
    HISTOGRAM_FROM_MIN,
    Expected,
    no_pack_hour,
    no_pack_type,
    simulation_figure,
    station_wait,
    wait_histogram,
)
from planner.simulation.tables import SPREAD_INPUT, read_day, read_spread
from planner.solving.progress import ProgressCallback, StopRequest

PARTS = 16
"""Of the stations, whose closed forms are computed side by side."""
WHOLE_FIGURES = ("num_stations_refuted", "num_stations_unclear", "station_packs", "replications")


@dataclass(frozen=True)
class SimulatedPlan:
    """What a simulated day says of a plan.

    Attributes
    ----------
    kpi : mapping of name to number
        Of the whole day and all stations; only ``on_time_frac`` and the verdicts are of the busy
        hours. None where nobody came, or there is no closed form.
    tables : mapping of name to DataFrame
        ``station_wait, simulation_figure, wait_histogram, no_pack_hour, no_pack_type``.
    without_packs : tuple of (station_id, pack_id)
        Stations to which drivers come for a type of which they own no pack.
    """

    kpi: Mapping[str, float | None]
    tables: Mapping[str, pd.DataFrame]
    without_packs: tuple[tuple[str, str], ...]


def simulate_plan(
    inputs: Mapping[str, pd.DataFrame],
    day_kind: str,
    quarter: str,
    behaviour: Behaviour,
    *,
    seed: int,
    workers: int = 1,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SimulatedPlan:
    """Simulate a day at the stations of a plan, and compute its closed form.

    Parameters
    ----------
    inputs : mapping of name to DataFrame
        Those of `planner.simulation.tables.INPUTS`, and `SPREAD_INPUT` where the run has it.
    day_kind : str
        ``winter_peak, winter_design, mean`` or ``holiday``.
    quarter : str
        Whose packs the stations have.
    behaviour, seed, workers, on_progress, stop
        As of `planner.simulation.run.simulate`.

    Returns
    -------
    SimulatedPlan

    Raises
    ------
    InputError
        As of `planner.simulation.tables.read_day`.
    """
    service = inputs["station_service"]
    day = read_day(
        service, inputs["mix_hour"], inputs["mix_turn"], inputs["station_packs"],
        inputs["pack_type"], day_kind, quarter,
    )  # fmt: skip
    spread = read_spread(day, service, inputs.get(SPREAD_INPUT), day_kind)
    simulated = simulate(
        day,
        behaviour,
        seed=seed,
        spread=spread,
        workers=workers,
        on_progress=on_progress,
        stop=stop,
    )
    expected = None if simulated.days_differ else expect(day, behaviour, workers)
    figures = simulation_figure(simulated, expected)
    return SimulatedPlan(
        kpi={
            name: None if math.isnan(value) else int(value) if name in WHOLE_FIGURES else value
            for name, value in zip(figures["figure"], figures["value"].tolist(), strict=True)
        },
        tables={
            "station_wait": station_wait(simulated, expected, day_kind),
            "simulation_figure": figures,
            "wait_histogram": wait_histogram(simulated, expected),
            "no_pack_hour": no_pack_hour(simulated, service["mix_id"].to_numpy().astype(np.str_)),
            "no_pack_type": no_pack_type(simulated),
        },
        without_packs=() if behaviour.any_of_envelope else stations_without_packs(day),
    )


def expect(day: StationDay, behaviour: Behaviour, workers: int = 1) -> Expected | None:
    """Closed form of a day, without any chance drawn; days differ by that chance alone.

    Parameters
    ----------
    day : StationDay
    behaviour : Behaviour
        For the service level that is asked for.
    workers : int
        Threads, >= 1, each with stations of its own; results do not depend on it.

    Returns
    -------
    Expected or None
        None where drivers take any pack of the envelope: the closed form knows one type each.
    """
    if behaviour.any_of_envelope:
        return None
    hours = busiest_hours(day.swaps_per_hour, behaviour.busy_hours)
    minutes = np.array(HISTOGRAM_FROM_MIN)

    def of_part(rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        part = take_stations(day, rows)
        on_time_share = on_time(part, hours[rows], behaviour.wait_min).share
        waits = waits_of_day(part, minutes)
        return on_time_share, waits.at_once, waits.served

    parts = np.array_split(np.arange(len(day.station_id)), PARTS)
    with ThreadPoolExecutor(workers) as pool:
        shares, finding, served = zip(*pool.map(of_part, parts), strict=True)
    drivers = day.swaps_per_hour
    without = ((1.0 - np.concatenate(finding)) * drivers).sum(axis=(1, 2))
    by_station = drivers.sum(axis=(1, 2))
    total = float(by_station.sum())
    return Expected(
        on_time=np.concatenate(shares),
        no_pack=np.divide(
            without, by_station, out=np.full(len(without), np.nan), where=by_station > 0
        ),
        network_no_pack=float(without.sum()) / total if total > 0 else math.nan,
        wait_share=wait_shares(day, np.concatenate(served, axis=1)),
    )
