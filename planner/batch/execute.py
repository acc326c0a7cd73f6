"""Work on one run in this process: claim it, plan it, write it, or say why not."""

import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path

from planner.batch.store import RunStore, State
from planner.batch.task import BUSY, Ended, RunTask
from planner.errors import InfeasibleError, InputError, NoPlanError, PlannerError
from planner.instance import Instance, read_instance
from planner.instance.scale_tables import scale_tables
from planner.instance.settings.scale import Scale
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.array_cache import ArrayCache
from planner.planning.clock import StageClock
from planner.planning.pipeline import plan
from planner.solving.progress import Progress, StopRequest

MAX_FAULTS_TOLD = 5


class RunMaker:
    """Makes runs one after the other; tables that did not change are read once."""

    def __init__(self) -> None:
        self._read: Instance | None = None

    def make(
        self, task: RunTask, stop: StopRequest, on_progress: Callable[[Progress], None]
    ) -> Ended:
        """Make a run, unless it stands already or another process makes it.

        Parameters
        ----------
        task : RunTask
        stop : StopRequest
            When set, the best plan so far is kept among the stopped runs.
        on_progress : callable
            Hears of the run's stages.

        Returns
        -------
        Ended
            Never raises for anything that concerns this run alone.
        """
        store = RunStore(Path(task.store))
        try:
            with store.lock(task.key) as is_mine:
                if not is_mine:
                    return Ended(task.key, BUSY)
                if store.is_whole(task.key):
                    return Ended(task.key, State.DONE)
                store.clear(task.key)
                return self._plan_and_write(task, store, stop, on_progress)
        except InfeasibleError as error:
            return _failed(task, "INFEASIBLE", error)
        except InputError as error:
            return _failed(task, "BAD_INPUT", error)
        except NoPlanError as error:
            return _failed(task, "NO_PLAN", error)
        except MemoryError as error:
            return _failed(task, "OUT_OF_MEMORY", error)
        except (OSError, sqlite3.Error) as error:
            return _failed(task, "NOT_WRITTEN", error)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f" ({Path(place.filename).name}, line {place.lineno})"
            return Ended(task.key, State.FAILED, "DEFECT", f"{_told(error)}{where}")

    def _plan_and_write(
        self,
        task: RunTask,
        store: RunStore,
        stop: StopRequest,
        on_progress: Callable[[Progress], None],
    ) -> Ended:
        clock = StageClock(on_progress)
        try:
            with clock.stage("read", f"reading {task.instance}"):
                self._read = read_instance(
                    task.instance,
                    scenario_name=task.variant or None, overrides=task.settings, like=self._read,
                )  # fmt: skip
                scales = [Scale.model_validate(scale) for scale in task.scale]
                instance = scale_tables(self._read, scales)
        except OSError as error:
            return _failed(task, "BAD_INPUT", error)
        planned = plan(instance, clock=clock, stop=stop, cache=ArrayCache(Path(task.cache)))
        is_stopped = stop.is_set()
        folder = store.stopped_folder(task.key) if is_stopped else store.run_folder(task.key)
        try:
            write_run(planned, folder, Outputs(task.outputs))
        except (InputError, RuntimeError) as error:  # GDAL tells of a full disk in many ways
            return _failed(task, "NOT_WRITTEN", error)
        state = State.STOPPED if is_stopped else State.DONE
        return Ended(task.key, state, str(planned.plan.models[0].status))


def _failed(task: RunTask, status: str, error: Exception) -> Ended:
    return Ended(task.key, State.FAILED, status, _told(error))


def _told(error: Exception) -> str:
    if isinstance(error, InputError):
        more = len(error.faults) - MAX_FAULTS_TOLD
        told = [str(fault) for fault in error.faults[:MAX_FAULTS_TOLD]]
        return "; ".join([*told, *([f"and {more} more"] if more > 0 else [])])
    if isinstance(error, InfeasibleError) and error.conflict:
        mended = f"; mended by: {', or '.join(error.repair)}" if error.repair else ""
        return f"no plan keeps together: {', and '.join(error.conflict)}{mended}"
    return str(error) if isinstance(error, PlannerError) else f"{type(error).__name__}: {error}"
