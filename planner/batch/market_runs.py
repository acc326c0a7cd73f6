"""A member's own run: its instance with its share of the supply in place of the whole.

The folder of such an instance holds links to the files of the member's and a table of supply of its
own; suppliers of materials and other buyers are left out, for the share is what they leave.
"""

import shutil
from pathlib import Path

import pandas as pd

from planner.batch.store import RunStore, run_key
from planner.batch.task import RunTask
from planner.errors import Fault, InputError
from planner.files import write_text
from planner.instance import TABLES, Scenario, instance_rows, merge_settings
from planner.instance.find_table import find_table
from planner.instance.settings.sources import TableSource
from planner.outputs.run_folder import Outputs
from planner.outputs.versions import code_digest
from planner.planning.markets.members import MarketMember
from planner.planning.markets.study import OWN_TABLES, MarketStudy

INPUTS = "inputs"
"""Folder within the study's: an instance for each member."""


def member_task(
    study: MarketStudy, member: MarketMember, supply: pd.DataFrame, store: RunStore,
    outputs: Outputs,
) -> RunTask:  # fmt: skip
    """The run of a member with its share; writes the run's instance.

    Parameters
    ----------
    study : MarketStudy
    member : MarketMember
    supply : DataFrame
        From `planner.planning.markets.shares.member_supply`.
    store : RunStore
        Of the study's folder.
    outputs : Outputs
        How much the run leaves.

    Raises
    ------
    InputError
        If the member's scenario says of a table that is replaced more than the name of its file.
    """
    scenario = member.instance.scenario
    folder = _write_instance(member, supply, store.folder / INPUTS / member.name)
    own = study.members[member.name]
    settings = merge_settings(merge_settings(study.settings, own.settings), _named(scenario))
    settings |= {"name": member.name, "title": f"{member.title}: its share of {study.name}"}
    changed = {
        name: scenario.tables.get(name, TableSource()).model_copy(update={"file": file})
        for name, file in _files(scenario).items()
    }
    resolved = scenario.model_copy(
        update={"name": member.name, "tables": {**scenario.tables, **changed}, "scenarios": {}}
    )
    return RunTask(
        scenario=member.name,
        key=run_key(resolved, [], folder, instance_rows(scenario)),
        instance=str(folder),
        variant=own.scenario or "",
        settings=settings,
        scale=(),
        store=str(store.folder),
        cache=str(store.folder / "cache" / code_digest()[:16]),
        outputs=str(outputs),
    )


def share_faults(members: tuple[MarketMember, ...]) -> list[Fault]:
    """What keeps a member's table from being replaced by its share."""
    faults = []
    for member in members:
        for name in OWN_TABLES:
            source = member.instance.scenario.tables.get(name)
            if source is None or source.model_copy(update={"file": None}) == TableSource():
                continue
            remedy = "the table is replaced by the member's share; say no more of it than file"
            faults.append(
                Fault(f"{member.name}: scenario.toml", None, f"tables.{name}", "", remedy)
            )
    return faults


def check_members(members: tuple[MarketMember, ...]) -> None:
    """Raise `InputError` with all of `share_faults`."""
    faults = share_faults(members)
    if faults:
        raise InputError(faults)


def _files(scenario: Scenario) -> dict[str, str]:
    """Names of the files of replaced tables: supply, and those that the scenario names."""
    return {
        name: f"{name}.csv" for name in OWN_TABLES if name == "supply" or name in scenario.tables
    }


def _named(scenario: Scenario) -> dict[str, object]:
    return {"tables": {name: {"file": file} for name, file in _files(scenario).items()}}


def _write_instance(member: MarketMember, supply: pd.DataFrame, target: Path) -> Path:
    """The member's folder with other supply; a folder that stands there is brought up to date."""
    scenario, source = member.instance.scenario, member.folder
    found = (find_table(source, TABLES[name], scenario)[0] for name in OWN_TABLES)
    replaced = {path.name for path in found if path is not None}
    written = {"supply.csv": supply.to_csv(index=False, lineterminator="\n")}
    for name, file in _files(scenario).items():
        if name != "supply":
            columns = [each.name for each in TABLES[name].columns if each.required]
            written[file] = ",".join(columns) + "\n"
    target.mkdir(parents=True, exist_ok=True)
    wanted = {path.name for path in source.iterdir()} - replaced - set(written)
    for path in target.iterdir():
        if path.name not in written:
            _remove(path)
    for name in sorted(wanted):
        _link(source / name, target / name)
    for name, text in written.items():
        path = target / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
    return target


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _link(source: Path, target: Path) -> None:
    """A link; a copy where the system makes none."""
    try:
        target.symlink_to(source.resolve(), target_is_directory=source.is_dir())
    except OSError:
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
