"""`planner run` keeps arrays for the next run, `planner cache` tells of them and clears them."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from planner.cli import cli
from planner.planning.array_cache import KINDS

TUTORIAL = Path(__file__).parents[2] / "instances" / "tutorial"


def test_what_runs_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"
    monkeypatch.setenv("PLANNER_CACHE", str(folder))

    def command(*arguments: str) -> str:
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    assert command("cache").startswith("0 files")
    run = ("run", str(TUTORIAL), "--outputs", "tables", "--out")
    command(*run, str(tmp_path / "one"))
    kept = sorted(folder.rglob("*.npz"))
    kinds = {path.name.partition("-")[0] for path in kept}
    assert kinds == set(KINDS)
    told = command("cache")
    assert f"{len(kept)} files" in told
    for words in KINDS.values():
        assert words in told
    before = {path: path.read_bytes() for path in kept if "keptstart" not in path.name}
    command(*run, str(tmp_path / "two"))
    after = {path: path.read_bytes() for path in folder.rglob("*.npz")}
    assert before.items() <= after.items()
    assert after.keys() == set(kept)  # the start of the second run is in the first one's place
    taken = [
        json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))["from_cache"]
        for name in ("one", "two")
    ]
    assert taken[0] == []
    assert set(taken[1]) == set(KINDS)
    one, two = (  # each file tells its own run
        pd.read_parquet(tmp_path / name / "layers" / "stations.parquet") for name in ("one", "two")
    )
    pd.testing.assert_frame_equal(one, two)
    assert "removed" in command("cache", "--clear")
    assert not list(folder.iterdir())
    monkeypatch.setenv("PLANNER_CACHE", "")
    assert "nothing is kept" in command("cache")
