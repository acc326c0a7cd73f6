"""The same stations by SimPy: processes and events, power shared anew at every change."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from planner.service.day import StationDay
from planner.simulation.kernel import LOST, LOST_NEXT, SERVED, SERVED_NEXT, Drivers


@dataclass
class Pack:
    kind: int
    phases: list[tuple[float, float]]
    """(hours at full power, kW) of what is left."""
    draws: bool = False


@dataclass
class Station:
    env: simpy.Environment
    day: StationDay
    s: int
    fits: list[list[int]]
    shares_power: bool
    full: list[int] = field(default_factory=list)
    queue: list[tuple[Any, int]] = field(default_factory=list)
    lane_busy: bool = False
    packs: list[Pack] = field(default_factory=list)
    changed: Any = None

    def __post_init__(self) -> None:
        self.full = self.day.packs[self.s].tolist()
        self.lane_h = float(self.day.lane_s[self.s]) / 3600.0
        self.turns = self.day.turn_h[self.s].tolist()
        if self.shares_power:
            self.changed = self.env.event()
            self.env.process(self.power())

    def chosen(self, kind: int) -> int | None:
        if self.full[kind]:
            return kind
        others = [j for j in self.fits[kind] if self.full[j]]
        return max(others, key=lambda j: (self.full[j], -j)) if others else None

    def dispatch(self) -> None:
        if self.lane_busy:
            return
        for place, (go, kind) in enumerate(self.queue):
            chosen = self.chosen(kind)
            if chosen is not None:
                del self.queue[place]
                self.full[chosen] -= 1
                self.lane_busy = True
                self.env.process(self.lane())
                self.env.process(self.charge(kind))
                go.succeed()
                return

    def lane(self) -> Any:
        yield self.env.timeout(self.lane_h)
        self.lane_busy = False
        self.dispatch()

    def charge(self, kind: int) -> Any:
        if not self.shares_power:
            yield self.env.timeout(self.turns[kind])
            self.full[kind] += 1
            self.dispatch()
            return
        day, s = self.day, self.s
        heat = (float(day.heat_h[s, kind]), float(day.heat_kw[s, kind]))
        charge = (float(day.charge_h[s, kind]), float(day.charge_kw[s, kind]))
        pack = Pack(kind, [each for each in (heat, charge) if each[0] > 0.0])
        self.packs.append(pack)
        yield self.env.timeout(float(day.handling_h[s]))
        pack.draws = True
        self.changed.succeed()
        self.changed = self.env.event()

    def power(self) -> Any:
        while True:
            free, speeds = float(self.day.grid_kw[self.s]), {}
            for place, pack in enumerate(self.packs):  # in the order of coming
                if pack.draws:
                    kw = pack.phases[0][1]
                    given = min(free, kw)
                    given = given if given > 1e-9 else 0.0
                    free -= given
                    speeds[place] = given / kw if kw > 0.0 else 1.0
            ends = [
                self.packs[p].phases[0][0] / speed for p, speed in speeds.items() if speed > 0.0
            ]
            began = self.env.now
            if ends:
                yield self.changed | self.env.timeout(min(ends))
            else:
                yield self.changed
            passed, came = self.env.now - began, False
            for place, speed in speeds.items():
                pack = self.packs[place]
                hours, kw = pack.phases[0]
                pack.phases[0] = (hours - passed * speed, kw)
                if pack.phases[0][0] < 1e-11:
                    pack.phases.pop(0)
            for pack in [each for each in self.packs if not each.phases]:
                self.packs.remove(pack)
                self.full[pack.kind] += 1
                came = True
            if came:
                self.dispatch()


def serve_by_simpy(
    day: StationDay, drivers: Drivers, patience_h: float, *, goes_on: bool, any_of_envelope: bool
) -> dict[str, Any]:
    """Waits [h], outcomes and whether a full pack was missing, by driver."""
    env = simpy.Environment()
    types = range(len(day.pack_id))
    fits = [
        [j for j in types if day.envelope_idx[j] == day.envelope_idx[k] and any_of_envelope]
        for k in types
    ]
    most_kw = np.maximum(day.heat_kw, day.charge_kw).max(axis=1) * day.packs.sum(axis=1)
    stations = [
        Station(env, day, s, fits, bool(most_kw[s] > day.grid_kw[s]))
        for s in range(len(day.station_id))
    ]
    num = len(drivers.time_h)
    wait_h, outcome, no_pack = [0.0] * num, [SERVED] * num, [False] * num

    def driver(d: int, s: int, kind: int) -> Any:
        station = stations[s]
        arrived, go = env.now, env.event()
        no_pack[d] = station.chosen(kind) is None
        entry = (go, kind)
        station.queue.append(entry)
        station.dispatch()
        yield go | env.timeout(patience_h)
        wait_h[d] = env.now - arrived
        if go.triggered:
            return
        station.queue.remove(entry)
        outcome[d] = LOST
        if not goes_on or day.next_idx[s] < 0:
            return
        yield env.timeout(float(day.next_min[s]) / 60.0)
        station, go = stations[day.next_idx[s]], env.event()
        entry = (go, kind)
        station.queue.append(entry)
        station.dispatch()
        yield go | env.timeout(patience_h)
        outcome[d] = SERVED_NEXT if go.triggered else LOST_NEXT
        if not go.triggered:
            station.queue.remove(entry)

    def source(s: int) -> Any:
        for d in range(drivers.ptr[s], drivers.ptr[s + 1]):
            yield env.timeout(max(float(drivers.time_h[d]) - env.now, 0.0))
            env.process(driver(d, s, int(drivers.pack_idx[d])))

    for s in range(len(stations)):
        env.process(source(s))
    env.run()
    return {"wait_h": wait_h, "outcome": outcome, "no_pack": no_pack}
