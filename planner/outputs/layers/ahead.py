"""Layers of zones made by a process of their own while the run goes on, and the GeoPackage with it.

Takes zones when an instance is read and their figures when the plan is checked; leaves files that
`planner.outputs.layers.write` puts into the run folder. Small instances are left to the writing
process itself: starting another takes longer than their layers.
"""

import concurrent.futures
import gc
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import pandas as pd

from planner.files import scratch_folder
from planner.instance import Instance
from planner.outputs.layers.base_map import base_roads
from planner.outputs.layers.describe import dataset_metadata
from planner.outputs.layers.geopackage import LARGEST, begin_geopackage, write_geopackage
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.parquet import parquet_path, write_parquet
from planner.outputs.layers.zone_layers import (
    ZoneLayers,
    ZoneShapes,
    build_zone_layers,
    given_polygons,
    shape_zones,
)
from planner.outputs.lineage import lineage
from planner.planning.clock import StageClock
from planner.planning.result import Checked
from planner.solving.tasks import become_worker, deaf_to_interrupts
from planner.usage import give_back

Answer = TypeVar("Answer")

MANY_ZONES = 50_000
"""From so many on another process pays for itself."""

_PLACES = ["zone_id", "lon", "lat"]
_POLL_S = 0.2


class LayersAhead:
    """Makes layers beside the run that they are of; `hear` is what `plan` calls.

    Parameters
    ----------
    folder : Path
        The run folder to be; files wait in a hidden folder beside it.
    clock : StageClock
        Of the run, whose date stands in the files.
    with_geopackage : bool
        Whether a GeoPackage will be asked for.
    many_zones : int
        Number of zones from which a process is started.

    Attributes
    ----------
    is_writing : bool
        Whether a GeoPackage is begun: `finish` tells when it stands.

    Notes
    -----
    A context manager: at its end neither process nor hidden folder is left, whatever happened.
    """

    def __init__(
        self,
        folder: Path,
        clock: StageClock,
        *,
        with_geopackage: bool = True,
        many_zones: int = MANY_ZONES,
    ) -> None:
        self._folder = folder.resolve()
        self._clock = clock
        self._with_geopackage = with_geopackage
        self._many_zones = many_zones
        self._kept = ExitStack()
        self._scratch: Path | None = None
        self._work: _Work | None = None
        self.is_writing = False

    def __enter__(self) -> "LayersAhead":
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def hear(self, name: str, thing: object) -> None:
        """Begin with what is ready: an `Instance`, later the `Checked` plan of it."""
        if isinstance(thing, Instance) and len(thing.zones) >= self._many_zones:
            self._scratch = self._kept.enter_context(scratch_folder(self._folder))
            metadata = dataset_metadata(lineage(thing, self._clock))
            self._work = _Work(self._scratch, thing, metadata)
            self._kept.callback(self._work.end)
        elif isinstance(thing, Checked):
            self._answer(lambda work: work.write_zones(thing, self._with_geopackage))

    def zone_layers(self, say: Callable[[str], None]) -> ZoneLayers | None:
        """The layers of zones, the zones' own without rows; None if they are not made here.

        Parameters
        ----------
        say : callable
            Hears of what was written meanwhile.

        Raises
        ------
        OSError
            If they could not be written.
        """
        made: ZoneLayers | None = self._answer(lambda work: work.zone_layers(say))
        return made

    def take(self, path: Path) -> bool:
        """Put a layer's file in its place if it was written here; say whether it was."""
        found = None if self._scratch is None else self._scratch / path.name
        if found is None or not found.is_file():
            return False
        os.replace(found, path)
        return True

    def begin_geopackage(
        self,
        path: Path,
        layers: Mapping[str, Layer],
        styles: Mapping[str, tuple[str, str]],
        metadata: Mapping[str, str],
    ) -> None:
        """Write a GeoPackage of these and the zones' rows while the caller does other things.

        Parameters
        ----------
        path, layers, styles, metadata
            As of `planner.outputs.layers.geopackage.write_geopackage`.
        """
        self.is_writing = True
        self._answer(lambda work: work.begin_geopackage(path, layers, styles, metadata))

    def beside(self, function: Callable[..., object], *given: object) -> Callable[[], object]:
        """Have a function called while the caller does other things.

        Parameters
        ----------
        function, *given
            What can be pickled; may be called twice.

        Returns
        -------
        callable
            Waits for the call and gives its answer or raises its error; calls the function itself
            if there is no process, or it has died.
        """
        called: Future[object] | None = self._answer(lambda work: work.submit(function, *given))

        def wait() -> object:
            if called is not None:
                with suppress(BrokenExecutor):
                    return called.result()
            return function(*given)

        return wait

    def finish(self, say: Callable[[str], None]) -> bool:
        """Wait for the GeoPackage; whether it stands, and not the process died.

        Parameters
        ----------
        say : callable
            Hears of each layer of it.

        Raises
        ------
        OSError
            If it could not be written.
        """
        return bool(self._answer(lambda work: work.finish(say)))

    def _answer(self, ask: "Callable[[_Work], Any]") -> Any:
        """What the process answers; None without one, and once it has died."""
        if self._work is None:
            return None
        try:
            return ask(self._work)
        except BrokenExecutor:
            self._work = None
            return None


class _Work:
    """The process and what was asked of it."""

    def __init__(
        self,
        scratch: Path,
        instance: Instance,
        metadata: Mapping[str, str],
    ) -> None:
        self._scratch = scratch
        self._zones: Future[ZoneLayers] | None = None
        self._package: Future[bool] | None = None
        self._metadata = metadata
        context = get_context("spawn")
        self._told = context.SimpleQueue()
        self._pool = ProcessPoolExecutor(
            1, mp_context=context, initializer=_begin, initargs=(self._told,)
        )
        with deaf_to_interrupts():
            self._pid = self._pool.submit(os.getpid)
        self.submit(_draw, instance.zones[_PLACES], given_polygons(instance))
        if len(instance.roads):
            cities = instance.cities[["lon", "lat"]]
            self.submit(_draw_roads, instance.road_nodes, instance.roads, cities)

    def submit(self, function: Callable[..., Any], *given: Any) -> Future[Any]:
        self._last: Future[Any] = self._pool.submit(function, *given)
        return self._last

    def write_zones(self, checked: Checked, with_geopackage: bool) -> None:
        evaluation = checked.evaluation
        self._zones = self.submit(
            _write_zones, self._scratch, self._metadata, with_geopackage,
            evaluation.zones, checked.plan.allocation, evaluation.stations,
        )  # fmt: skip

    def zone_layers(self, say: Callable[[str], None]) -> ZoneLayers | None:
        return None if self._zones is None else self._wait(self._zones, say)

    def begin_geopackage(self, path: Path, *content: Any) -> None:
        begun = self._scratch / path.name
        self._package = self.submit(_finish_geopackage, begun, path, *content)

    def finish(self, say: Callable[[str], None]) -> bool:
        return self._package is not None and self._wait(self._package, say)

    def _wait(self, answer: "Future[Answer]", say: Callable[[str], None]) -> Answer:
        is_done = False
        while not is_done:
            concurrent.futures.wait([answer], timeout=_POLL_S)
            is_done = answer.done()
            while not self._told.empty():
                say(self._told.get())
        return answer.result()

    def end(self) -> None:
        """End the process, at once if it is still at work: nobody waits for that any more."""
        if not self._last.done():
            with suppress(BrokenExecutor, ProcessLookupError):
                os.kill(self._pid.result(), signal.SIGTERM)
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass
class _Held:
    """What the process keeps between two calls."""

    say: Callable[[str], None] = print
    shapes: ZoneShapes | None = None
    roads: gpd.GeoDataFrame | None = None


_held = _Held()


def _begin(told: Any) -> None:
    become_worker()
    gc.disable()  # it makes many objects and few cycles; `give_back` looks for those
    _held.say = told.put


def _draw(places: pd.DataFrame, polygons: "pd.Series[Any] | None") -> None:
    _held.shapes = shape_zones(places, polygons)


def _draw_roads(nodes: pd.DataFrame, roads: pd.DataFrame, cities: pd.DataFrame) -> None:
    _held.roads = base_roads(nodes, roads, cities)
    give_back()


def _write_zones(
    folder: Path,
    metadata: Mapping[str, str],
    with_geopackage: bool,
    zones: pd.DataFrame,
    allocation: pd.DataFrame,
    stations: pd.DataFrame,
) -> ZoneLayers:
    shapes, _held.shapes = _held.shapes, None
    made = build_zone_layers(zones, allocation, stations, shapes)
    del shapes
    for layer in made.layers:
        write_parquet(folder / parquet_path(layer).name, layer, metadata)
        if with_geopackage and layer.name == LARGEST:
            begin_geopackage(folder / "plan.gpkg", layer, metadata, _held.say)
    bare = [layer.head(0).drawn() if layer.name == LARGEST else layer for layer in made.layers]
    del layer
    roads, _held.roads = _held.roads, None
    made = replace(made, layers=tuple(bare), base_roads=roads)
    give_back()
    return made


def _finish_geopackage(
    begun: Path,
    path: Path,
    layers: Mapping[str, Layer],
    styles: Mapping[str, tuple[str, str]],
    metadata: Mapping[str, str],
) -> bool:
    os.replace(begun, path)
    write_geopackage(path, layers, styles, metadata, _held.say, is_begun=True)
    return True
