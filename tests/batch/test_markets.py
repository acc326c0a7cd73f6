"""`planner markets` on two tiny markets: runs within their shares, resumed after a kill, told."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.batch.market_runs import share_faults
from planner.batch.markets import MARKETS_FILE, MarketsCommand
from planner.batch.store import RunStore
from planner.errors import InputError
from planner.outputs.run_folder import Outputs
from planner.planning.clock import StageClock
from planner.planning.markets.members import read_members
from planner.planning.markets.study import read_market_study
from tests.market_study_files import TwoMarkets, two_markets


def _start(made: TwoMarkets, *arguments: str) -> "subprocess.Popen[str]":
    command = "from planner.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, "markets", str(made.file), "--out", str(made.out),
         "--outputs", "tables", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip


def _run(made: TwoMarkets, *arguments: str) -> tuple[int, str, str]:
    process = _start(made, *arguments)
    output, errors = process.communicate(timeout=600)
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> TwoMarkets:
    made = two_markets(tmp_path_factory.mktemp("markets"))
    code, output, errors = _run(made)
    assert code == 0, errors
    assert "sodium-ion   CN   2026Q4" in output
    return made


def _told(made: TwoMarkets) -> dict[str, Any]:
    return dict(json.loads((made.out / MARKETS_FILE).read_text(encoding="utf-8")))


def _folders(made: TwoMarkets) -> dict[str, Path]:
    return {row["member"]: made.out / row["folder"] for row in _told(made)["tables"]["run"]}


def test_every_member_keeps_its_share_in_every_quarter(done: TwoMarkets) -> None:
    folders = _folders(done)
    assert set(folders) == {"home", "abroad"}
    all_used = 0.0
    for member, folder in folders.items():
        share = pd.read_csv(done.out / "inputs" / member / "supply.csv")
        used = pd.read_parquet(folder / "tables" / "supply_value.parquet")
        of = used[used["chemistry"] == "sodium_ion"].set_index("quarter")["used_gwh"]
        given = share.groupby("quarter")["gwh"].sum().cumsum().reindex(of.index)
        assert (of <= given + 1e-9).all(), member
        all_used += of.iloc[-1]
    made = pd.read_csv(done.folder / "home" / "supply.csv")["gwh"].sum()
    assert 0 < all_used <= made - 0.07 + 1e-9  # the contract of storage comes first


def test_the_page_and_the_tables_say_who_is_first(done: TwoMarkets) -> None:
    told = _told(done)
    assert told["proof"]["status"] == "OPTIMAL"
    assert told["proof"]["gap_frac"] <= 1e-9
    first = pd.read_csv(done.out / "who_first.csv")
    assert first["market"].tolist() == ["CN", "XX"]
    page = (done.out / "markets.html").read_text(encoding="utf-8")
    assert "Sodium-ion goes first to: 2026Q4 CN" in page
    assert "proven optimal" in page
    assert "<script" not in page
    rows = {row["member"]: row for row in told["tables"]["run"]}
    assert all(row["state"] == "done" for row in rows.values())
    assert all(row["used_gwh"] <= row["share_gwh"] + 1e-9 for row in rows.values())


def test_nothing_is_planned_twice(done: TwoMarkets) -> None:
    before = {name: (path / "DONE").stat().st_mtime_ns for name, path in _folders(done).items()}
    code, _, errors = _run(done)
    assert code == 0, errors
    after = {name: (path / "DONE").stat().st_mtime_ns for name, path in _folders(done).items()}
    assert after == before


def test_a_killed_study_goes_on(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    process = _start(made)
    until = time.monotonic() + 300
    while not list(made.out.glob("runs/*/DONE")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.communicate()
    kept = {path.parent.name: path.stat().st_mtime_ns for path in made.out.glob("runs/*/DONE")}
    code, _, errors = _run(made)
    assert code == 0, errors
    store = RunStore(made.out)
    folders = _folders(made)
    assert len(folders) == 2
    assert all(store.is_whole(path.name) for path in folders.values())
    assert all((made.out / "runs" / k / "DONE").stat().st_mtime_ns == at for k, at in kept.items())


def test_packs_alone_plan_no_member(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    made.write(dates={"num": 3, "seed": 1})
    code, output, errors = _run(made, "--only-packs")
    assert code == 0, errors
    assert "open markets.html" in output
    assert not (made.out / "runs").exists()
    told = _told(made)
    assert "run" not in told["tables"]
    spread = pd.DataFrame(told["tables"]["date_spread"])
    assert set(spread["member"]) == {"home", "abroad"}
    assert "draws of uncertain dates" in errors


def test_a_member_without_a_plan_is_told_and_the_other_is_kept(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    one = {"objective": "set_cover", "num_stations": 1}  # no station reaches the whole town
    abroad = {"instance": "abroad", "settings": {"siting": one}}
    made.write(members={"home": {"instance": "home"}, "abroad": abroad})
    code, output, _ = _run(made)
    assert code == 6
    assert "CN" in output
    rows = {row["member"]: row for row in _told(made)["tables"]["run"]}
    assert rows["home"]["state"] == "done"
    assert (rows["abroad"]["state"], rows["abroad"]["status"]) == ("failed", "INFEASIBLE")
    assert rows["abroad"]["reason"] in (made.out / "markets.html").read_text(encoding="utf-8")


def test_faults_end_with_2(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    made.write(supply_of="nobody")
    code, output, _ = _run(made, "--json")
    last = json.loads(output.splitlines()[-1])
    assert code == last["exit_code"] == 2
    assert "no member is called nobody" in last["error"]["message"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    made.out.mkdir()
    (made.out / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="no study of markets"):
        MarketsCommand(made.file, made.out, Outputs.TABLES)


def test_more_than_a_file_name_for_a_replaced_table_is_told(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    abroad = {
        "instance": "abroad",
        "settings": {"tables": {"supply": {"columns": {"GWh": "gwh"}}}},
    }
    table = made.table("abroad", "supply").rename(columns={"gwh": "GWh"})
    made.change("abroad", "supply", table)
    file = made.write(members={"home": {"instance": "home"}, "abroad": abroad})
    members = read_members(read_market_study(file), file)
    faults = share_faults(members)
    assert [fault.column for fault in faults] == ["tables.supply"]
    with pytest.raises(InputError, match="say no more of it than file"):
        MarketsCommand(file, made.out, Outputs.TABLES).plan(StageClock())
