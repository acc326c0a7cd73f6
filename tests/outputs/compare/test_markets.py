"""What two runs deliver to each market, side by side, and certificates by use."""

from pathlib import Path

import pandas as pd
import pytest

from planner.outputs.compare import compare_runs, write_comparison
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.result import Planned
from tests.market_tables import make_market_tables, with_markets

MORE_PACKS = 100.0
KWH = 45.0


@pytest.fixture(scope="module")
def runs(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs, of which the other delivers more of one pack, to one market, in one quarter."""
    folder = tmp_path_factory.mktemp("compare")
    tables = make_market_tables()
    base = write_run(with_markets(planned_tutorial, tables), folder / "base", Outputs.TABLES)
    packs = tables["market_quarter"].copy()
    row = (packs["market"] == "EU") & (packs["pack_id"] == "na_25") & (packs["quarter"] == "2027Q2")
    packs.loc[row, "delivered_packs"] += MORE_PACKS
    packs.loc[row, "delivered_gwh"] += MORE_PACKS * KWH / 1e6
    gates = tables["gate_value"].assign(
        saving_cny=tables["gate_value"]["saving_cny"] + [1e6, 0, 0, 0]
    )
    other = with_markets(planned_tutorial, {**tables, "market_quarter": packs, "gate_value": gates})
    return base, write_run(other, folder / "other", Outputs.TABLES)


def test_what_a_market_gets_more_is_told_by_chemistry(runs: tuple[Path, Path]) -> None:
    change = compare_runs(*runs).tables["market_change"].set_index(["market", "chemistry"])
    told = change["change_delivered_packs"]
    assert told["EU", "sodium_ion"] == pytest.approx(MORE_PACKS)
    assert (told.drop(index=("EU", "sodium_ion")) == 0).all()
    assert change["change_delivered_gwh"].sum() == pytest.approx(MORE_PACKS * KWH / 1e6)
    base = make_market_tables()["market_quarter"]
    assert change["base_delivered_gwh"].sum() == pytest.approx(base["delivered_gwh"].sum())


def test_certificates_of_one_name_are_told_apart_by_use(runs: tuple[Path, Path]) -> None:
    gates = compare_runs(*runs).tables["gate_value"].set_index(["market", "application"])
    assert len(gates) == len(make_market_tables()["gate_value"])
    found = gates.set_index("certificate", append=True)["change_saving_cny"]
    assert found["EU", "swap_car", "UNECE R100"] == 1e6
    assert found.sum() == 1e6


def test_page_and_files_hold_the_markets(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = write_comparison(compare_runs(*runs), tmp_path / "found")
    page = (folder / "compare.html").read_text(encoding="utf-8")
    assert "Deliveries to markets" in page
    rows = pd.read_csv(folder / "market_change.csv")
    assert rows["change_delivered_packs"].sum() == pytest.approx(MORE_PACKS)
    dictionary = pd.read_csv(folder / "data_dictionary.csv").set_index(["layer", "column"])
    title = str(dictionary.loc[("market_change", "base_delivered_gwh"), "title"])
    assert title.startswith("Delivered")
