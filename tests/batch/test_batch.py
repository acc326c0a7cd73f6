"""Batches from the command line: finished runs stay, failures are rows, the others finish."""

import json
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
import pytest

from planner.batch.catalogue import best_rows, status_rows
from planner.batch.store import RunStore
from planner.errors import InputError
from tests.batch.study_folder import GRID, StudyFolder, events, table_bytes


def _finished_at(out: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("runs/*/DONE")}


def test_a_batch_is_made_once_and_only_what_changed_is_made_again(study: StudyFolder) -> None:
    study.write(sweeps={"g": GRID})
    code, output, errors = study.run("--json")
    assert code == 0, errors
    *_, last = events(output)
    assert last["event"] == "batch_ended"
    assert (last["done"], last["failed"]) == (4, 0)
    progress = [event for event in events(output) if event["event"] == "progress"]
    assert progress[-1]["num_done"] == 4
    assert any(event["running"] for event in progress)
    assert any(event["left_s"] for event in progress)
    first = _finished_at(study.out)
    assert len(first) == 4

    code, output, errors = study.run("--json")  # nothing to do
    assert code == 0, errors
    assert _finished_at(study.out) == first
    assert [event["event"] for event in events(output)] == ["progress", "batch_ended"]

    damaged = study.out / "runs" / min(first) / "tables" / "kpi.csv"
    damaged.write_text("kpi,value\n", encoding="utf-8")
    wider = [dict(axis) for axis in GRID["axes"]]
    wider[1]["values"] = [0.5, 1.0, 2.0]
    study.write(sweeps={"g": GRID | {"axes": wider}})
    code, _, errors = study.run()
    assert code == 0, errors
    second = _finished_at(study.out)
    assert len(second) == 6
    again = {key for key in first if second[key] != first[key]}
    assert again == {min(first)}
    assert damaged.stat().st_size > len("kpi,value\n")

    rows = status_rows(RunStore(study.out))
    assert [row["state"] for row in rows] == ["done"] * 6
    (best,) = best_rows(RunStore(study.out), "num_stations", top=1)
    assert best["scenario"] == "g-2-0.5"
    (least,) = best_rows(RunStore(study.out), "num_stations", lowest=True, top=1)
    assert least["siting.num_stations"] == 1
    with pytest.raises(InputError, match="did you mean num_stations"):
        best_rows(RunStore(study.out), "num_station")

    catalogue = pd.read_parquet(study.out / "catalogue.parquet")
    assert set(catalogue["supply.gwh"]) == {0.5, 1.0, 2.0}
    for _, row in catalogue.iterrows():
        run = json.loads((study.out / row["folder"] / "run.json").read_text(encoding="utf-8"))
        assert row["objective"] == run["objective"]
        assert row["swaps_per_day_served"] == run["kpi"]["swaps_per_day_served"]

    listed = pd.read_csv(study.out / "catalogue.csv")
    assert list(listed.columns) == list(catalogue.columns)
    assert listed["scenario"].tolist() == catalogue["scenario"].tolist()
    page = (study.out / "study.html").read_text(encoding="utf-8")
    for _, row in catalogue[catalogue["in_study"]].iterrows():
        assert f'<a href="{row["folder"]}/report.html">{row["scenario"]}</a>' in page

    sites = pyogrio.read_dataframe(study.out / "site_robustness.gpkg", layer="site_robustness")
    chosen: dict[str, int] = {}
    for file in study.out.glob("runs/*/tables/stations.csv"):
        for site in pd.read_csv(file)["site_id"]:
            chosen[site] = chosen.get(site, 0) + 1
    assert dict(zip(sites["site_id"], sites["num_chosen"], strict=True)) == chosen
    assert sites["chosen_frac"].max() <= 1
    assert (sites["num_scenarios"] == 6).all()
    assert len(pd.read_parquet(study.out / "site_robustness.parquet")) == len(sites)
    with sqlite3.connect(study.out / "site_robustness.gpkg") as connection:
        ((style,),) = connection.execute("SELECT styleQML FROM layer_styles").fetchall()
    assert "chosen_frac" in style

    study.write(scenarios={"as_it_is": {}})  # earlier runs stay in the catalogue
    assert study.run("--outputs", "tables")[0] == 0
    (small,) = study.out.glob("runs/as_it_is-*")
    assert not {"plan.gpkg", "report.html", "workbook.xlsx"} & {
        each.name for each in small.iterdir()
    }
    assert "<td>as_it_is</td>" in (study.out / "study.html").read_text(encoding="utf-8")
    catalogue = pd.read_parquet(study.out / "catalogue.parquet")
    assert catalogue["in_study"].tolist() == [True] + [False] * 6
    assert [row["scenario"] for row in status_rows(RunStore(study.out))] == ["as_it_is"]


def test_one_assumption_at_a_time_from_file_to_page(study: StudyFolder) -> None:
    stations = {"title": "Stations", "low": {"settings": {"siting": {"num_stations": 1}}}}
    prices = {"title": "Price", "high": {
        "scale": [{"table": "stations", "column": "capex_cny", "factor": 2.0}]}}  # fmt: skip
    sweep = {
        "method": "one_at_a_time", "figures": ["num_stations", "capex_cny"],
        "assumptions": {"stations": stations, "prices": prices},
    }  # fmt: skip
    study.write(sweeps={"t": sweep})
    code, _, errors = study.run("--outputs", "tables")
    assert code == 0, errors
    table = pd.read_csv(study.out / "tornado.csv").set_index(["figure", "assumption"])
    count = table.loc[("num_stations", "Stations")]
    assert (count["low_value"], count["base_value"], count["effect"]) == (1, 2, 1)
    assert count["low"] == "siting.num_stations = 1 (not 2)"
    money = table.loc["capex_cny"]
    assert list(money.index) == ["Price", "Stations"]
    assert money["high_value"]["Price"] == 2 * money["base_value"]["Price"]
    page = (study.out / "study.html").read_text(encoding="utf-8")
    assert "Investment: Price moves it most" in page
    assert '<h2 id="assumptions-title">One assumption at a time</h2>' in page
    assert page.index("chart-tornado-t-capex_cny") < page.index("chart-trade-off")


def test_each_failure_is_a_row_with_its_reason_and_the_others_finish(study: StudyFolder) -> None:
    (study.instance / "broken.csv").write_text("chemistry,quarter\nlfp,soon\n", encoding="utf-8")
    sites = (study.instance / "sites.csv").read_text(encoding="utf-8")
    (study.instance / "standing.csv").write_text(
        sites.replace("B,town,126.638664,45.75,road_node,candidate",
                      "B,town,126.638664,45.75,road_node,existing"),
        encoding="utf-8",
    )  # fmt: skip
    table = {"tables": {"supply": {"file": "broken.csv"}}}
    infeasible = {"tables": {"sites": {"file": "standing.csv"}}, "siting": {"num_stations": 0}}
    study.write(
        limits={"memory_mb": 1_000.0, "time_s": 40.0, "attempts": 2},
        scenarios={
            "good": {}, "slow": {}, "greedy": {}, "full": {}, "crash": {},
            "unreadable": {"settings": table}, "infeasible": {"settings": infeasible},
            "missing": {"settings": {"tables": {"gates": {"file": "nowhere.csv"}}}},
            "three": {"settings": {"siting": {"num_stations": 3}}},
        },
    )  # fmt: skip
    code, output, errors = study.run(faults=True)
    assert code == 6, errors
    rows = {row["scenario"]: row for row in status_rows(RunStore(study.out))}
    assert {name: (row["state"], row["status"]) for name, row in rows.items()} == {
        "good": ("done", "OPTIMAL"),
        "slow": ("failed", "OUT_OF_TIME"),
        "greedy": ("failed", "OUT_OF_MEMORY"),
        "full": ("failed", "NOT_WRITTEN"),
        "crash": ("failed", "CRASHED"),
        "unreadable": ("failed", "BAD_INPUT"),
        "infeasible": ("failed", "INFEASIBLE"),
        "missing": ("failed", "BAD_INPUT"),
        "three": ("done", "OPTIMAL"),
    }
    assert "limits.time_s is 40.0" in rows["slow"]["reason"]
    assert 40 < rows["slow"]["wall_s"] < 60
    assert "limits.memory_mb is 1,000" in rows["greedy"]["reason"]
    assert rows["greedy"]["peak_rss_mb"] > 1_000
    assert "SIGSEGV" in rows["crash"]["reason"]
    assert rows["crash"]["attempts"] == 2
    assert "broken.csv" in rows["unreadable"]["reason"]
    assert "nowhere.csv" in rows["missing"]["reason"]
    assert "infeasible: INFEASIBLE" in output
    assert not list(study.out.glob("runs/.*"))  # nothing half-written is left
    assert len(list(study.out.glob("runs/*"))) == 2

    # Without what made them fail, the same command makes the runs that may succeed.
    study_out_before = _finished_at(study.out)
    code, _, errors = study.run("--only", "[!mui]*")
    assert code == 0, errors
    assert study_out_before.items() < _finished_at(study.out).items()
    states = {row["scenario"]: row["state"] for row in status_rows(RunStore(study.out))}
    assert [name for name, state in states.items() if state != "done"] == [
        "unreadable", "infeasible", "missing",
    ]  # fmt: skip


def test_a_process_that_ignores_sigterm_is_killed(study: StudyFolder) -> None:
    study.write(limits={"time_s": 3.0}, scenarios={"stubborn": {}})
    began = time.monotonic()
    assert study.run(faults=True)[0] == 6
    assert time.monotonic() - began < 60
    (row,) = status_rows(RunStore(study.out))
    assert row["status"] == "OUT_OF_TIME"


def test_ctrl_c_keeps_the_best_plan_and_the_same_command_goes_on(study: StudyFolder) -> None:
    study.write(scenarios={"good": {}, "patient": {}, "later": {}})
    process = study.start("--json", "--processes", "1", faults=True)
    assert process.stdout is not None
    lines: list[Any] = []
    while not lines or "patient" not in lines[-1].get("running", {}):
        lines.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    *_, last = events(output)
    assert (last["done"], last["stopped"], last["not_ended"]) == (1, 1, 1)
    rows = {row["scenario"]: row for row in status_rows(RunStore(study.out))}
    assert [row["state"] for row in rows.values()] == ["done", "stopped", "waiting"]
    assert rows["patient"]["objective"] > 0
    (stopped,) = study.out.glob("stopped/*/plan.gpkg")
    assert len(pyogrio.read_dataframe(stopped, layer="stations")) == 2
    kept = _finished_at(study.out)

    assert study.run()[0] == 0
    assert kept.items() < _finished_at(study.out).items()
    assert [row["state"] for row in status_rows(RunStore(study.out))] == ["done"] * 3
    assert not list(study.out.glob("stopped/*"))


@pytest.mark.slow
def test_ctrl_c_twice_gives_up_and_the_same_command_goes_on(study: StudyFolder) -> None:
    study.write(scenarios={"good": {}, "slow": {}})
    process = study.start("--json", "--processes", "1", faults=True)
    assert process.stdout is not None
    line: dict[str, Any] = {}
    while line.get("running", {}).get("slow", "starting") == "starting":
        line = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    told = json.loads(output.splitlines()[-1])
    assert told["error"]["kind"] == "Interrupted"
    assert "finished runs are kept" in told["error"]["message"]
    kept = _finished_at(study.out)
    assert len(kept) == 1
    assert study.run()[0] == 0
    assert kept.items() < _finished_at(study.out).items()


@pytest.mark.slow
def test_two_batches_at_once_make_each_run_once(study: StudyFolder) -> None:
    study.write(sweeps={"g": GRID})
    batches = [study.start("--json", "--processes", "1") for _ in range(2)]
    outputs = [batch.communicate(timeout=300) for batch in batches]
    assert [batch.returncode for batch in batches] == [0, 0], outputs
    assert len(_finished_at(study.out)) == 4
    made = [
        event["scenario"]
        for output, _ in outputs
        for event in events(output)
        if event["event"] == "ended"
    ]
    assert sorted(made) == ["g-1-0.5", "g-1-1.0", "g-2-0.5", "g-2-1.0"]
    rows = status_rows(RunStore(study.out))
    assert all(row["wall_s"] > 0.1 for row in rows), "how the run went is not forgotten"
    alone = study.out.with_name("alone")
    assert study.run(out=alone)[0] == 0
    assert table_bytes(study.out) == table_bytes(alone)


def test_a_foreign_folder_is_refused(study: StudyFolder) -> None:
    study.write(scenarios={"a": {}})
    study.out.mkdir()
    (study.out / "thesis.txt").write_text("mine", encoding="utf-8")
    code, _, errors = study.run()
    assert code == 2
    assert "not a study's" in errors
    assert [path.name for path in study.out.iterdir()] == ["thesis.txt"]


def test_status_of_no_study_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study stands here"):
        status_rows(RunStore(tmp_path))
