"""Batches on a Dask cluster, whose workers and scheduler are lost for real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

import planner
from planner.batch.catalogue import status_rows
from planner.batch.store import RunStore
from tests.batch.study_folder import FAULTS, GRID, TUTORIAL, StudyFolder, events, table_bytes

distributed = pytest.importorskip("distributed")


@contextmanager
def _cluster(folder: Path, num_workers: int) -> Iterator[tuple[str, list[Any]]]:
    """A scheduler and workers as processes; yields the address and the processes."""
    address_file = folder / "scheduler.json"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(FAULTS), os.environ.get("PYTHONPATH")])),
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    }

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        log: IO[bytes] = (folder / f"dask-{len(processes)}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
                stdout=log, stderr=log, env=environment, cwd=folder,
            )  # fmt: skip

    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(
            start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                  "--scheduler-file", str(address_file))
        )  # fmt: skip
        until = time.monotonic() + 60
        while not address_file.exists() and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.2)
        address = json.loads(address_file.read_text(encoding="utf-8"))["address"]
        for _ in range(num_workers):
            processes.append(
                start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                      "--death-timeout", "30")
            )  # fmt: skip
        yield address, processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _finished(out: Path) -> list[str]:
    return sorted(path.parent.name for path in out.glob("runs/[!.]*/DONE"))


def _read_until(process: "subprocess.Popen[str]", wanted: Any) -> None:
    assert process.stdout is not None
    while not wanted(json.loads(process.stdout.readline())):
        pass


@pytest.mark.slow
def test_a_batch_on_a_cluster_loses_a_worker_and_is_complete(study: StudyFolder) -> None:
    study.write(sweeps={"g": GRID})
    with _cluster(study.out.parent, 2) as (address, processes):
        batch = study.start("--executor", "dask", "--scheduler", address, "--json")
        _read_until(batch, lambda event: event.get("num_done", 0) >= 1 and event["running"])
        processes[1].kill()
        output, errors = batch.communicate(timeout=300)
        assert batch.returncode == 0, errors
    assert len(_finished(study.out)) == 4
    *_, last = events(output)
    assert (last["done"], last["failed"]) == (4, 0)
    local = study.out.with_name("local")
    assert study.run(out=local)[0] == 0
    assert table_bytes(study.out) == table_bytes(local)


@pytest.mark.slow
def test_limits_failures_and_ctrl_c_are_as_on_one_machine(study: StudyFolder) -> None:
    study.write(
        limits={"memory_mb": 1_000.0, "time_s": 40.0, "attempts": 1},
        scenarios={"crash": {}, "greedy": {}, "good": {}, "patient": {}},
    )
    with _cluster(study.out.parent, 1) as (address, _):
        batch = study.start("--executor", "dask", "--scheduler", address, "--json")
        _read_until(batch, lambda event: "patient" in event.get("running", {}))
        time.sleep(5)  # until it is in its plan
        batch.send_signal(signal.SIGINT)
        batch.communicate(timeout=120)
        assert batch.returncode == 130
    rows = {row["scenario"]: (row["state"], row["status"]) for row in
            status_rows(RunStore(study.out))}  # fmt: skip
    assert rows == {
        "crash": ("failed", "CRASHED"),
        "greedy": ("failed", "OUT_OF_MEMORY"),
        "good": ("done", "OPTIMAL"),
        "patient": ("stopped", "FEASIBLE"),
    }


@pytest.mark.slow
def test_a_lost_scheduler_ends_the_batch_and_another_goes_on(study: StudyFolder) -> None:
    study.write(sweeps={"g": GRID})
    with _cluster(study.out.parent, 1) as (address, processes):
        batch = study.start("--executor", "dask", "--scheduler", address, "--json")
        _read_until(batch, lambda event: event.get("num_done", 0) >= 1)
        processes[0].kill()
        output, errors = batch.communicate(timeout=120)
        assert batch.returncode == 6, output + errors
        told = json.loads(output.splitlines()[-1])
        assert told["exit_code"] == 6
        assert "is lost; finished runs are kept" in told["error"]["message"]
    kept = _finished(study.out)
    assert kept
    (study.out.parent / "scheduler.json").unlink()
    with _cluster(study.out.parent, 1) as (address, _):
        assert study.run("--executor", "dask", "--scheduler", address)[0] == 0
    assert set(kept) < set(_finished(study.out))
    assert len(_finished(study.out)) == 4


def test_no_scheduler_is_told(study: StudyFolder) -> None:
    study.write(scenarios={"a": {}})
    code, _, errors = study.run("--executor", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 6
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in errors


def test_executor_and_scheduler_belong_together(study: StudyFolder) -> None:
    study.write(scenarios={"a": {}})
    assert study.run("--executor", "dask")[0] == 2
    assert study.run("--scheduler", "tcp://127.0.0.1:9")[0] == 2


def test_cities_of_one_plan_are_solved_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = planner.read_instance(
        TUTORIAL, overrides={"solver": {"deterministic": True, "workers": 2}}
    )
    alone = planner.plan(instance)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        handed_out = []
        submit = executor.submit
        monkeypatch.setattr(
            executor, "submit", lambda *task: handed_out.append(task) or submit(*task)
        )
        together = planner.plan(instance, executor=executor)
    assert handed_out
    assert together.plan.models[0].objective == alone.plan.models[0].objective
    assert together.plan.stations.equals(alone.plan.stations)
