"""An instance of LFP and NMC is shown with the names and colours of its own table."""

import re
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from planner.instance import read_instance
from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.palette import MISSING
from planner.outputs.run_folder import write_run
from planner.outputs.screen.run import show_result
from planner.planning.pipeline import Planned, plan

ROOT = Path(__file__).parents[2]
COLOUR = "#12ab34"
TABLE = f"""chemistry,name,nickname,colour
lfp,lithium iron phosphate,LFP,#0072b2
nmc,nickel manganese cobalt,NMC <622>,{COLOUR}
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """The tutorial, its sodium-ion packs turned into packs of NMC."""
    folder = tmp_path_factory.mktemp("instance") / "tutorial"
    shutil.copytree(ROOT / "instances" / "tutorial", folder)
    for path in (*folder.glob("*.csv"), folder / "scenario.toml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("sodium_ion", "nmc"), encoding="utf-8")
    (folder / "chemistries.csv").write_text(TABLE, encoding="utf-8")
    return plan(read_instance(folder))


@pytest.fixture(scope="module")
def folder(planned: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(planned, tmp_path_factory.mktemp("runs") / "nmc")


def test_table_travels_with_the_run(folder: Path) -> None:
    found = pd.read_parquet(folder / "tables" / "chemistries.parquet")
    assert found["chemistry"].tolist() == ["lfp", "nmc"]
    assert read_chemistries(found).colour("nmc") == COLOUR
    assert "chemistries.csv" in (folder / "run.json").read_text(encoding="utf-8")


def test_report_names_and_colours_it(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Vehicles on NMC &lt;622&gt;" in page  # the card
    assert '"name":"NMC \\u003c622\\u003e","colour":"' + COLOUR in page  # the map's legend
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert COLOUR in drawings  # the charts
    assert "NMC" in drawings or "NMC &lt;622&gt; moves" in page
    assert "odium-ion" not in drawings


def test_workbook_cover_names_it(folder: Path) -> None:
    cover = openpyxl.load_workbook(folder / "workbook.xlsx")["overview"]
    labels = {row[0].value: row[1].value for row in cover.iter_rows()}
    assert labels["Vehicles on NMC <622>"] > 0
    assert labels["Packs of NMC <622>"] > 0
    assert not any("odium" in str(label) for label in labels)


def test_screen_names_it(
    planned: Planned, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_result(planned, folder, as_json=False)
    said = capsys.readouterr().out
    assert "NMC <622>" in said
    assert "odium" not in said


def test_map_layer_is_coloured_by_it(folder: Path) -> None:
    import sqlite3

    with sqlite3.connect(folder / "plan.gpkg") as connection:
        (style,) = connection.execute(
            "select styleQML from layer_styles where f_table_name = 'chemistry_regions'"
        ).fetchone()
    assert 'label="nickel manganese cobalt"' in style
    assert "18,171,52,255" in style


def test_unknown_chemistry_stands_for_itself() -> None:
    nothing = Chemistries({})
    assert (nothing.nickname("lto"), nothing.colour("lto")) == ("lto", MISSING)
