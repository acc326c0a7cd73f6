"""`planner batch`: from a study file to a folder of runs, a catalogue and a layer."""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import click

from planner.batch.resolve import resolve
from planner.batch.run import STUDY_FILE, Workers, make_tasks, run_batch, write_study
from planner.batch.show import show_batch, show_end, show_scenarios
from planner.batch.store import Record, RunStore, State
from planner.batch.study import Limits, read_study
from planner.errors import Fault, InputError
from planner.outputs.run_folder import Outputs
from planner.solving.progress import StopRequest


class BatchCommand:
    """A study, read and written out.

    Parameters
    ----------
    file : Path
        The study.
    out : Path or None
        Folder of all results; ``outputs/NAME`` if None.
    only : str
        Pattern that scenarios' names must match, as in a shell.
    outputs : Outputs
        How much each run leaves.

    Raises
    ------
    InputError
        With everything that is wrong with the study.
    """

    def __init__(
        self, file: Path, out: Path | None, only: str, outputs: Outputs = Outputs.ALL
    ) -> None:
        self.file = file
        self.resolved = resolve(read_study(file), file)
        self.store = RunStore(out or Path("outputs") / self.resolved.study.name)
        self.all_tasks = make_tasks(self.resolved, self.store, outputs)
        self.tasks = [task for task in self.all_tasks if fnmatchcase(task.scenario, only)]
        if not self.tasks:
            names = ", ".join(task.scenario for task in self.all_tasks[:20])
            raise InputError([Fault(file.name, None, "--only", only, f"matches none of {names}")])

    def show(self, as_json: bool) -> None:
        """Print the scenarios as differences to the base."""
        chosen = {task.scenario for task in self.tasks}
        scenarios = tuple(each for each in self.resolved.scenarios if each.name in chosen)
        show_scenarios(replace(self.resolved, scenarios=scenarios), self.tasks, as_json)

    def run(
        self, num_processes: int, scheduler: str | None, stop: StopRequest, as_json: bool
    ) -> bool:
        """Make the runs that are missing, then the catalogue and the layer.

        Returns
        -------
        bool
            Whether every run is done.
        """
        self._check_folder()
        write_study(self.resolved, self.all_tasks, self.store, self.file)
        limits = self.resolved.study.limits
        records: Mapping[str, Record] = {}
        workers = self._workers(num_processes, scheduler, limits)
        try:
            with show_batch(as_json) as listen:
                records = run_batch(
                    self.tasks, self.store, workers,
                    attempts=limits.attempts, stop=stop, listen=listen,
                )  # fmt: skip
        finally:
            workers.close()
            self._summarize(records)
        show_end(records, self.tasks, str(self.store.folder), as_json)
        return len(records) == len(self.tasks) and all(
            record.state is State.DONE for record in records.values()
        )

    def _workers(self, num_processes: int, scheduler: str | None, limits: Limits) -> Workers:
        if scheduler is None:
            from planner.batch.local import LocalWorkers

            return LocalWorkers(num_processes, limits)
        try:
            from planner.batch.cluster import DaskWorkers
        except ImportError as error:
            remedy = 'needs Dask; install it with: pip install "planner[dask]"'
            raise InputError(
                [Fault("planner batch", None, "--executor", "dask", remedy)]
            ) from error
        return DaskWorkers(scheduler, limits, self.store.folder)

    def _check_folder(self) -> None:
        folder = self.store.folder
        if folder.exists() and not folder.is_dir():
            raise InputError([Fault(str(folder), None, "--out", "", "a file stands here")])
        holds = list(folder.glob("[!.]*"))  # another batch may just be beginning
        if holds and not (folder / STUDY_FILE).is_file():
            remedy = "folder holds something that is not a study's; choose another or empty it"
            raise InputError([Fault(str(folder), None, "--out", "", remedy)])

    def _summarize(self, records: Mapping[str, Record]) -> None:
        from planner.batch.catalogue import write_catalogue
        from planner.batch.robustness import write_site_robustness
        from planner.batch.study_page import write_study_page

        study = self.resolved.study
        try:
            write_catalogue(self.store, records)
            write_site_robustness(self.store, study.title or study.name)
            write_study_page(self.store)
        except OSError as error:
            click.echo(f"catalogue not written: {error}", err=True)
