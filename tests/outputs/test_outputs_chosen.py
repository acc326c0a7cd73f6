"""A run may leave tables alone; what was left away is made from them later."""

from pathlib import Path

import pytest

from planner.instance import read_instance
from planner.outputs.layers.export import export_run
from planner.outputs.report import rebuild_report
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.pipeline import plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Outputs, Path]:
    planned = plan(read_instance(ROOT / "instances" / "tutorial"))
    home = tmp_path_factory.mktemp("outputs")
    return {each: write_run(planned, home / each, each) for each in Outputs}


def test_each_choice_has_all_of_the_one_before(folders: dict[Outputs, Path]) -> None:
    names = {
        choice: {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        for choice, folder in folders.items()
    }
    styles = {"layers/styles.json"}  # in the GeoPackage, where there is one
    assert names[Outputs.LAYERS] - names[Outputs.TABLES] == {"plan.gpkg", "plan.qgz"}
    assert names[Outputs.TABLES] - names[Outputs.LAYERS] == styles
    added = names[Outputs.ALL] - names[Outputs.LAYERS]
    assert added == {"report.html", "workbook.xlsx"}
    assert "layers/stations.parquet" in names[Outputs.TABLES]
    for folder in folders.values():
        told = (folder / "datapackage.json").read_text(encoding="utf-8")
        told += (folder / "stac-item.json").read_text(encoding="utf-8")
        assert ("plan.gpkg" in told) == (folder / "plan.gpkg").is_file()


def test_what_was_left_away_is_made_later(folders: dict[Outputs, Path], tmp_path: Path) -> None:
    made = {}
    for choice in (Outputs.TABLES, Outputs.ALL):
        out = tmp_path / choice
        export_run(folders[choice], "gpkg", out, names=[], crs="EPSG:4326", with_bom=False,
                   on_progress=lambda _: None)  # fmt: skip
        made[choice] = (out / "plan.gpkg").read_bytes()
        assert rebuild_report(folders[choice], out / "report.html").is_file()
    assert made[Outputs.TABLES] == made[Outputs.ALL]
