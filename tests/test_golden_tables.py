"""The deterministic tables of two instances, whatever is asked, held against an earlier plan's.

A change that is to change no result leaves them as they are. One that does change results says
which and why in its commit, and writes them anew: ``python tests/test_golden_tables.py``.
"""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from planner.instance import read_instance
from planner.outputs.run_folder import write_run
from planner.planning.pipeline import plan

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "tables.json"
RUNS = (
    "tutorial", "tutorial p_median", "tutorial set_cover", "tutorial facility_location",
    "nordic-export",
)  # fmt: skip
SLOW_RUNS = ("nordic-export corridors", "nordic-export corridors_apart")
TELLS_OF_THE_RUN = {"run_info"}
"""Tables of versions, hashes and seconds."""
SIGNIFICANT_DIGITS = 8
"""Digits that hold on another processor too."""


def digests(run: str, out: Path) -> dict[str, str]:
    """A digest per table of a deterministic run: its columns, its rows in order, its numbers."""
    name, _, scenario = run.partition(" ")
    instance = read_instance(
        ROOT / "instances" / name,
        scenario_name=scenario or None,
        overrides={"solver": {"deterministic": True, "workers": 1}},
    )
    folder = write_run(plan(instance), out)
    return {
        path.stem: _digest(path)
        for path in sorted(
            [*(folder / "tables").glob("*.parquet"), *(folder / "layers").glob("*.parquet")]
        )
        if path.stem not in TELLS_OF_THE_RUN
    }


def _digest(path: Path) -> str:
    table = pd.read_parquet(path)
    for name in table.columns:
        if pd.api.types.is_float_dtype(table[name]):
            table[name] = [f"{value:.{SIGNIFICANT_DIGITS}g}" for value in table[name] + 0.0]
        elif name == "geometry":
            table[name] = [value.hex() for value in table[name]]
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    "run", [*RUNS, *(pytest.param(r, marks=pytest.mark.slow) for r in SLOW_RUNS)]
)
def test_tables_are_those_of_before(run: str, tmp_path: Path) -> None:
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[run]
    found = digests(run, tmp_path / "run")
    changed = {table for table in expected | found if expected.get(table) != found.get(table)}
    assert not changed, f"{run}: other tables than before: {sorted(changed)}"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        written = {run: digests(run, Path(folder) / run) for run in (*RUNS, *SLOW_RUNS)}
    GOLDEN.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{GOLDEN}: {', '.join(f'{run} {len(written[run])}' for run in written)}\n")
