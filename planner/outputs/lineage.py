"""Which run a file is of: its id, its date, and what it was made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from planner.instance import Instance
from planner.outputs.versions import installed_versions
from planner.planning.clock import StageClock

INPUT = "sha256 "
"""What the key of an input's checksum begins with in a run's particulars."""


def run_name(instance: Instance) -> str:
    """Name of a run's folder: the scenario's name and a hash of all that decides the result."""
    digest = hashlib.sha256(
        json.dumps(
            [
                instance.scenario.model_dump(mode="json", exclude={"scenarios"}),
                [asdict(file) for file in instance.input_files[1:]],
                installed_versions(),
            ],
            sort_keys=True,
        ).encode()
    )
    return f"{instance.scenario.name}-{digest.hexdigest()[:10]}"


def run_date(clock: StageClock) -> str:
    """When a run began, UTC to the second.

    >>> run_date(StageClock(began_s=0.0))
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(int(clock.began_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lineage(instance: Instance, clock: StageClock) -> dict[str, str]:
    """Particulars of a run that are known when it begins, for every file that it leaves.

    Parameters
    ----------
    instance : Instance
        What is planned.
    clock : StageClock
        Of the run.

    Returns
    -------
    dict of str to str
        ``name, title, run_id, run_date, instance, planner_version, attribution``, and the
        checksum of each input.

    Notes
    -----
    Deterministic runs of the same inputs are one and the same result, byte by byte: they have no
    date, nor one in their id. `run.json`, which tells seconds anyway, has it.
    """
    scenario = instance.scenario
    run_id, date = run_name(instance), run_date(clock)
    dated = not scenario.solver.deterministic
    return {
        "name": scenario.name,
        "title": scenario.title,
        "run_id": f"{run_id}-{date.translate(_COMPACT)}" if dated else run_id,
        **({"run_date": date} if dated else {}),
        "instance": instance.folder.resolve().name,
        "planner_version": installed_versions()["planner"],
        "attribution": scenario.attribution,
        **{f"{INPUT}{file.path}": file.sha256 for file in instance.input_files},
    }


def inputs_of(run_info: Mapping[str, str | float | int]) -> dict[str, str]:
    """Checksums of a run's inputs by the files' names.

    >>> inputs_of({"name": "tiny", "sha256 zones.csv": "9f86"})
    {'zones.csv': '9f86'}
    """
    return {
        key.removeprefix(INPUT): str(value)
        for key, value in run_info.items()
        if key.startswith(INPUT)
    }


_COMPACT = {ord("-"): None, ord(":"): None}
