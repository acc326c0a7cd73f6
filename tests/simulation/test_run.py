"""A whole simulation: the same bytes whoever simulates, counts that add up, intervals that hold."""

import threading
from dataclasses import fields, replace

import numpy as np
import pytest

from planner.instance.settings.service import Service
from planner.instance.settings.simulation import Simulation
from planner.service.day import StationDay
from planner.simulation.behaviour import Behaviour
from planner.simulation.intervals import ratio
from planner.simulation.run import Simulated, simulate, stations_without_packs
from planner.simulation.statistics import simulation_figure, station_wait
from planner.simulation.tally import Count
from planner.solving.progress import Progress
from tests.simulation.days import flat, made_up, station_day

TEN = Behaviour(replications=10, patience_min=20.0)


def _same(one: Simulated, other: Simulated) -> None:
    for field in fields(Simulated):
        value = getattr(one, field.name)
        if isinstance(value, np.ndarray):
            assert value.tobytes() == getattr(other, field.name).tobytes(), field.name
    assert one.replications == other.replications


def _reordered(day: StationDay, order: np.ndarray) -> StationDay:
    """The same stations in other rows."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    changes = {
        field.name: getattr(day, field.name)[order]
        for field in fields(day)
        if field.name not in ("pack_id", "envelope_idx")
    }
    following = changes["next_idx"]
    changes["next_idx"] = np.where(following >= 0, place[following], -1)
    return replace(day, **changes)


@pytest.mark.parametrize("any_of_envelope", [False, True])
def test_workers_and_order_of_rows_change_no_byte(any_of_envelope: bool) -> None:
    day = made_up(120, 3, 1, per_day=120.0)
    behaviour = replace(TEN, any_of_envelope=any_of_envelope)
    found = simulate(day, behaviour, seed=2)
    assert found.counts[:, Count.WENT_ON].sum() > 0
    _same(found, simulate(day, behaviour, seed=2, workers=2))
    order = np.random.default_rng(0).permutation(120)
    moved = simulate(_reordered(day, order), behaviour, seed=2, workers=2)
    for name in ("counts", "squares", "wait_h", "by_hour", "late", "waits"):
        assert getattr(moved, name).tobytes() == getattr(found, name)[order].tobytes(), name
    for name in ("network", "network_wait_h", "by_type"):
        assert getattr(moved, name).tobytes() == getattr(found, name).tobytes(), name
    other = simulate(day, behaviour, seed=3)
    assert other.counts.tobytes() != found.counts.tobytes()


def test_who_sends_nobody_on_is_what_it_is_alone() -> None:
    day = made_up(40, 2, 4, per_day=150.0)
    behaviour = replace(TEN, goes_on=False)
    found = simulate(day, behaviour, seed=5)
    for s in range(0, 40, 7):
        alone = _reordered(day, np.array([s, *np.delete(np.arange(40), s)]))
        one = {
            field.name: getattr(alone, field.name)[:1]
            for field in fields(day)
            if field.name not in ("pack_id", "envelope_idx")
        }
        single = simulate(replace(day, **(one | {"next_idx": np.array([-1])})), behaviour, seed=5)
        for name in ("counts", "squares", "wait_h", "by_hour", "late", "waits"):
            assert getattr(single, name)[0].tobytes() == getattr(found, name)[s].tobytes(), name


def test_every_driver_is_counted_once() -> None:
    day = made_up(60, 3, 6, per_day=200.0, grid_kw=200.0)
    found = simulate(day, TEN, seed=7)
    counts = found.counts
    drivers, gave_up = counts[:, Count.DRIVERS], counts[:, Count.GAVE_UP]
    assert (found.waits.sum(axis=1) + gave_up == drivers).all()
    assert (counts[:, Count.LOST] <= gave_up).all()
    assert (counts[:, Count.LOST] + counts[:, Count.WENT_ON] >= gave_up).all()
    assert gave_up.sum() > 0
    assert (found.by_hour.sum(axis=1)[:, 0] == drivers).all()
    assert (found.by_hour.sum(axis=1)[:, 1] == counts[:, Count.NO_PACK]).all()
    late = counts[:, Count.BUSY] - counts[:, Count.BUSY_ON_TIME]
    assert (found.late.sum(axis=1) == late).all()
    assert (found.network.sum(axis=0) == counts.sum(axis=0)).all()
    assert (found.by_type.sum(axis=(0, 1)) == [drivers.sum(), counts[:, Count.NO_PACK].sum()]).all()
    assert np.isclose(found.network_wait_h.sum(), found.wait_h.sum())
    assert found.late[:, -1].sum() > 0  # the grid binds somewhere
    expected = day.swaps_per_hour.sum() * found.replications
    assert abs(drivers.sum() - expected) < 5 * expected**0.5
    stay = simulate(day, replace(TEN, goes_on=False), seed=7)
    assert (stay.counts[:, Count.LOST] == stay.counts[:, Count.GAVE_UP]).all()
    assert (stay.counts[:, Count.DRIVERS] == drivers).all()


def test_a_type_without_packs_is_told_and_its_drivers_are_lost() -> None:
    day = station_day(flat(5.0, 5.0), [[40, 0]])
    assert stations_without_packs(day) == (("station 0", "pack_1"),)
    found = simulate(day, TEN, seed=8)
    without = found.by_type[:, 1].sum(axis=0)
    assert without[0] == without[1] == found.counts[0, Count.LOST]


def test_days_are_simulated_until_the_interval_is_narrow_enough() -> None:
    day = made_up(5, 2, 9, per_day=150.0)
    heard: list[Progress] = []
    loose = Behaviour(precision_frac=0.5, station_precision_frac=0.5)
    wide = simulate(day, loose, seed=1, on_progress=heard.append)
    assert wide.replications == 10
    assert [each.message.split()[0] for each in heard] == ["5", "10"]
    narrow = simulate(day, replace(loose, precision_frac=1e-6, replications=33), seed=1)
    assert narrow.replications == 33
    assert (narrow.network[:10] == wide.network).all()
    few = simulate(day, replace(loose, replications=3), seed=1)
    assert few.replications == 3
    stop = threading.Event()
    stop.set()
    assert simulate(day, Behaviour(), seed=1, stop=stop).replications == 5


def _half_widths(found: Simulated) -> tuple[float, float]:
    """Of the network's share on time, and of the stations' in the busy hours: 95 in 100 of them."""
    network = ratio(found.network[:, Count.ON_TIME], found.network[:, Count.DRIVERS])
    stations = station_wait(found, None, "mean")
    half = (stations["on_time_high"] - stations["on_time_low"]) / 2
    return (network.high - network.low) / 2, float(half.quantile(0.95))


@pytest.mark.parametrize("asked", [0, 1], ids=["network", "stations"])
def test_either_precision_asks_for_more_days(asked: int) -> None:
    """Days double until the interval that is asked for is narrow enough, and no further."""
    day = made_up(5, 2, 9, per_day=150.0)
    name = ("precision_frac", "station_precision_frac")[asked]
    loose = Behaviour(precision_frac=0.5, station_precision_frac=0.5)
    widths = [
        _half_widths(simulate(day, replace(loose, precision_frac=1e-9, replications=days), seed=1))
        for days in (20, 40)
    ]
    just = widths[1][asked] * (1 + 1e-9)
    assert just < widths[0][asked]
    found = simulate(day, replace(loose, **{name: just}), seed=1)
    assert found.replications == 40
    assert _half_widths(found) == widths[1]


def test_stations_without_drivers_need_no_interval() -> None:
    day = made_up(3, 2, 1, per_day=150.0)
    rates = day.swaps_per_hour.copy()
    rates[1:] = 0.0
    behaviour = Behaviour(precision_frac=0.5, station_precision_frac=0.5)
    assert simulate(replace(day, swaps_per_hour=rates), behaviour, seed=1).replications == 10


def test_no_stations_and_no_drivers() -> None:
    day = made_up(3, 2, 1)
    nobody = replace(day, swaps_per_hour=np.zeros((3, 2, 24)))
    found = simulate(nobody, TEN, seed=1)
    assert found.counts.sum() == 0
    by_station = [each.name for each in fields(day) if each.name not in ("pack_id", "envelope_idx")]
    nothing = replace(day, **{name: getattr(day, name)[:0] for name in by_station})
    found = simulate(nothing, TEN, seed=1, workers=2)
    assert found.network.sum() == 0
    assert station_wait(found, None, "mean").empty
    figure = simulation_figure(found, None).set_index("figure")["value"]
    assert figure["num_stations_refuted"] == figure["station_packs"] == 0.0
    assert np.isnan(figure["within_5min_frac"])


def test_behaviour_is_that_of_the_scenario() -> None:
    simulation = Simulation(exchange="envelope", patience_min=7.0, goes_on=False)
    behaviour = Behaviour.of(simulation, Service(wait_min=3.0))
    assert behaviour == Behaviour(7.0, False, True, 3.0)
    with pytest.raises(ValueError, match="replications"):
        Behaviour.of(Simulation(replications=0), Service())
