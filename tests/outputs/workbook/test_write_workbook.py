"""The workbook, read back: same figures, text that stays text, same bytes."""

import json
import math
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from planner.errors import InputError
from planner.outputs import markets
from planner.outputs.layers.describe import DATA_PACKAGE
from planner.outputs.run_folder import write_run
from planner.outputs.whole import whole_table
from planner.outputs.workbook import sheets, write_workbook
from planner.planning.result import Planned
from tests.made_up_corridors import STATION, make_corridor_tables
from tests.made_up_waits import simulated

SUBJECTS = {name: sheet for sheet, names in markets.SHEETS.items() for name in names}
SHEETS = {"simulation_figure": "waits", "station_wait": "waits_by_station", **SUBJECTS}
GIVEN_TO_SIMULATION = {"station_packs", "station_service", "mix_hour", "mix_turn"}
GIVEN_TO_REASONS = {"siting_packs", "siting_capacity"}
NAME_ROW, HEADING_ROW, FIRST_ROW = 2, 3, 4
TRAPS = {
    "name_en": "=1+1",
    "name_zh": "@SUM(A1:A9)",
    "province": "http://example.org/",
    "market": "+86",
}

_ALL_SHEETS = "Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


@pytest.fixture(scope="session")
def finished(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("workbook") / "run")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy without workbook, to be changed."""
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("workbook.xlsx", "plan.gpkg"))
    return folder


@pytest.fixture(scope="session")
def book(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("read") / "run"
    shutil.copytree(finished, folder)
    return openpyxl.load_workbook(write_workbook(folder))


def texts(page: Any) -> list[str]:
    return [str(cell.value) for row in page.iter_rows() for cell in row if cell.value is not None]


def column(page: Any, name: str, table: str = "") -> list[Any]:
    """Cells of a column of the sheet's only table, or of one of several."""
    if table:
        first, last = re.findall(r"[0-9]+", page.tables[f"{table}_table"].ref)
        name_row, end = int(first) - 1, int(last)
    else:
        name_row, end = NAME_ROW, page.max_row
    names = [cell.value for cell in page[name_row]]
    rows = page.iter_rows(min_row=name_row + 2, max_row=end, min_col=names.index(name) + 1)
    return [row[0] for row in rows]


def values(page: Any, name: str) -> list[Any]:
    return [cell.value for cell in column(page, name)]


def change_layer(folder: Path, path: str, **values: object) -> None:
    frame = pd.read_parquet(folder / path).assign(**values)
    frame.to_parquet(folder / path)


def add_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    frame.to_parquet(folder / "tables" / f"{name}.parquet")
    package = json.loads((folder / DATA_PACKAGE).read_text(encoding="utf-8"))
    fields = [{"name": each, "title": "", "description": ""} for each in frame.columns]
    package["resources"].append(
        {"name": name, "path": f"tables/{name}.parquet", "format": "parquet",
         "description": "", "geometry_type": None, "schema": {"fields": fields}}
    )  # fmt: skip
    (folder / DATA_PACKAGE).write_text(json.dumps(package), encoding="utf-8")


def test_every_table_of_the_run_has_its_sheet(book: Any, finished: Path) -> None:
    tables = {path.stem for path in (finished / "tables").glob("*.parquet")}
    assert tables >= {"simulation_figure", "station_wait", "gate_value", *GIVEN_TO_SIMULATION}
    given = GIVEN_TO_SIMULATION | GIVEN_TO_REASONS
    tables = {SHEETS.get(name, name) for name in tables - given} | {"closest_sites"}
    expected = {"overview", "cities", "stations", "data_dictionary"} | tables
    assert set(book.sheetnames) == expected
    assert book.sheetnames[:6] == [
        "overview", "kpi", "cities", "stations", "closest_sites", "waits"
    ]  # fmt: skip
    assert set(texts(book["overview"])) >= GIVEN_TO_SIMULATION


def test_figures_are_those_of_the_tables(book: Any, finished: Path) -> None:
    compared = 0
    layers = [finished / f"layers/{name}.parquet" for name in ("cities", "stations")]
    for path in [*(finished / "tables").glob("*.parquet"), *layers]:
        if path.stem in GIVEN_TO_SIMULATION | GIVEN_TO_REASONS:
            continue
        frame = pd.read_parquet(path).drop(columns=["geometry", "bbox"], errors="ignore")
        frame = whole_table(path.stem, frame)
        for name in frame.columns if len(frame) else ():
            table = path.stem if path.stem in SUBJECTS else ""
            cells = column(book[SHEETS.get(path.stem, path.stem)], name, table)
            assert len(cells) == len(frame), (path.stem, name)
            for cell, value in zip(cells, frame[name].tolist(), strict=True):
                if pd.isna(value):
                    assert cell.value is None
                elif isinstance(value, float | int) and not isinstance(value, bool):
                    assert cell.value == pytest.approx(value, abs=1e-6)
                else:
                    assert cell.value == value
                compared += 1
    assert compared > 500


def test_headings_carry_units_and_numbers_their_format(book: Any) -> None:
    stations = book["stations"]
    heading = {cell.column: cell.value for cell in stations[HEADING_ROW]}
    for name, title, code in (
        ("utilisation_frac", "Utilisation in the peak hour [%]", "0.0%"),
        ("capex_cny", "Investment [CNY]", "#,##0"),
        ("mean_drive_min", "Mean drive time [min]", "#,##0.0"),
        ("bays", "Bays", "#,##0"),
        ("site_id", "Site", "@"),
    ):
        cells = column(stations, name)
        assert {cell.number_format for cell in cells} == {code}
        assert heading[cells[0].column] == title
    assert {cell.number_format for cell in column(book["cities"], "winter_design_c")} == {"#,##0.0"}
    names, values = (column(book["kpi"], name) for name in ("name", "value"))
    formats = {name.value: cell.number_format for name, cell in zip(names, values, strict=True)}
    assert formats["swaps_served_frac"] == "0.0%"
    assert formats["capex_cny"] == "#,##0"
    assert stations["A3"].comment.text == "Stable id of the site that carries the station"


def test_sheets_are_filtered_tables_under_frozen_headings(book: Any) -> None:
    for page in book.worksheets[1:]:
        if len(page.tables) > 1:
            continue  # as tested below
        assert page.freeze_panes.endswith(str(FIRST_ROW)), page.title
        headings = [cell.value for cell in page[HEADING_ROW]]
        assert len({text.casefold() for text in headings}) == len(headings)
        assert page["A1"].hyperlink.location == "'overview'!A1"
        if page.title == "Certificates":  # the tutorial has no gate
            assert not page.tables
            assert page.cell(FIRST_ROW, 1).value == "no rows in this run"
            continue
        (table,) = page.tables.values()
        assert table.autoFilter is not None
        assert table.ref.startswith("A3:")
        assert [each.name for each in table.tableColumns] == headings


def test_overview_tells_what_is_proven_and_where_what_stands(book: Any, finished: Path) -> None:
    page = book["overview"]
    run = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    found = texts(page)
    assert page["A1"].value == run["title"]
    assert page["A2"].value.startswith("Proven optimal")
    assert any(text.startswith("layers/zones.parquet") for text in found)
    assert any(text.startswith("shapes and places for a map") for text in found)
    assert "No attribution is stated by the instance." in found
    links = {
        cell.value: cell.hyperlink.location
        for row in page.iter_rows()
        for cell in row
        if cell.hyperlink
    }
    assert links == {name: f"'{name}'!A1" for name in book.sheetnames[1:]}
    figures = {row[0].value: row[1].value for row in page.iter_rows(max_col=2)}
    assert figures["Swaps served"] == pytest.approx(4900 / 6200)  # docs/tutorial.md
    assert figures["Stations"] == 2


def test_a_gap_is_told_as_such(run: Path) -> None:
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    document |= {"status": "FEASIBLE", "gap_frac": 0.0123, "objective": 987.0, "bound": 1000.0}
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")
    line = openpyxl.load_workbook(write_workbook(run))["overview"]["A2"].value
    assert line == (
        "Within 1.23% of the optimum, proven: this plan serves 987 swaps per day; no plan within "
        "the same limits serves more than 1,000."
    )


def test_a_gap_without_a_bound_is_told_and_voids_nothing(run: Path) -> None:
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    document |= {"status": "FEASIBLE", "gap_frac": math.inf}
    for model in document["models"].values():
        model |= {"status": "FEASIBLE", "gap_frac": math.inf, "bound": math.nan}
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")
    overview = openpyxl.load_workbook(write_workbook(run))["overview"]
    cells = {cell.value for row in overview for cell in row}
    assert {"no limit", "unknown"} <= cells


def test_text_never_becomes_a_formula_a_number_or_a_link(run: Path) -> None:
    change_layer(run, "layers/cities.parquet", **TRAPS)
    change_layer(run, "layers/stations.parquet", kind="0042", site_status="\t=2+2")
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    document["title"] = '=HYPERLINK("http://example.org/")'
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")
    path = write_workbook(run)
    book = openpyxl.load_workbook(path)
    for name, text in TRAPS.items():
        (cell,) = column(book["cities"], name)
        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
        assert cell.quotePrefix is text.startswith(("=", "@", "+"))
    assert {cell.value for cell in column(book["stations"], "kind")} == {"0042"}
    assert {cell.value for cell in column(book["packs"], "name_en")} == {"=1+1"}
    assert book["overview"]["A1"].data_type == "s"
    with zipfile.ZipFile(path) as parts:
        for part in parts.namelist():
            content = parts.read(part)
            assert b"<f>" not in content, part
            assert b'TargetMode="External"' not in content, part


def test_text_longer_than_a_cell_is_cut_not_dropped(run: Path) -> None:
    change_layer(run, "layers/cities.parquet", province="x" * 40_000)
    (cell,) = column(openpyxl.load_workbook(write_workbook(run))["cities"], "province")
    assert len(cell.value) == 32_767
    assert cell.value.endswith("x…")


def test_same_run_same_bytes(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_workbook(run).read_bytes()
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    os.utime(run / "run.json", (1, 1))
    assert write_workbook(run).read_bytes() == first
    with zipfile.ZipFile(run / "workbook.xlsx") as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2000-01-01T00:00:00Z" in parts.read("docProps/core.xml")


def test_hours_stand_side_by_side(run: Path) -> None:
    hours = pd.DataFrame(
        {
            "site_id": ["A"] * 24 + ["B"] * 24,
            "hour": [*range(24)] * 2,
            "swaps_per_hour": [float(number) for number in range(48)],
            "capacity_swaps_per_hour": 50.0,
        }
    )
    add_table(run, "station_hour", hours)
    page = openpyxl.load_workbook(write_workbook(run))["station_hour"]
    assert [cell.value for cell in page[HEADING_ROW]][1:4] == ["00:00", "01:00", "02:00"]
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=FIRST_ROW)]
    assert rows == [["A", *range(24)], ["B", *range(24, 48)]]


def test_a_table_too_long_is_left_out_and_named(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 11)
    book = openpyxl.load_workbook(write_workbook(run))
    assert "city_month" not in book.sheetnames  # 12 months
    assert any(
        text.startswith("more than 11 rows: Temperature") for text in texts(book["overview"])
    )


@pytest.fixture(scope="session")
def with_corridors(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = {**planned_tutorial.tables, **make_corridor_tables()}
    folder = tmp_path_factory.mktemp("corridors") / "run"
    return write_run(replace(planned_tutorial, tables=tables), folder)


def test_corridors_have_sheets_with_names_beside_ids(with_corridors: Path) -> None:
    book = openpyxl.load_workbook(with_corridors / "workbook.xlsx")
    assert {name for name in book.sheetnames if name.startswith("corridor")} == {
        "corridor_summary", "corridor_stations", "corridor_legs", "corridor_unserved",
        "corridor_station_packs", "corridor_unconnected",
    }  # fmt: skip
    assert "corridor_roads" in texts(book["overview"])
    for sheet, key, values in (
        ("corridor_stations", "corridor_station_id", [STATION, "=evil</script>"]),
        ("corridor_legs", "margin_km", [1.75, 55, 85]),
        ("corridor_unserved", "short_kwh", [2.5, 8.75]),
        ("corridor_unconnected", "why", ["on an island <b>"]),
    ):
        assert [cell.value for cell in column(book[sheet], key)] == values, sheet
    (evil,) = [cell for cell in column(book["corridor_stations"], "corridor_station_id") if
               cell.value == "=evil</script>"]  # fmt: skip
    assert (evil.data_type, evil.quotePrefix) == ("s", True)
    (town,) = pd.read_parquet(with_corridors / "layers/cities.parquet")["city_id"]
    legs = openpyxl.load_workbook(_leading_to(with_corridors, town))["corridor_legs"]
    named = [cell.value for cell in column(legs, "to_name_en")]
    assert named == ["Tutorial Town"] * 3
    assert [cell.value for cell in column(legs, "from_name_en")] == [None] * 3


def _leading_to(folder: Path, city_id: str) -> Path:
    """The workbook of a copy whose legs all lead to a city."""
    copy = folder.with_name("leading")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("plan.gpkg"))
    change_layer(copy, "layers/corridor_legs.parquet", to_stop=city_id)
    return write_workbook(copy)


def test_the_tightest_legs_are_shown_and_the_others_said(
    with_corridors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "_FIRST_ROWS", {"corridor_legs": 2})
    book = openpyxl.load_workbook(write_workbook(with_corridors, tmp_path / "short.xlsx"))
    page = book["corridor_legs"]
    assert [cell.value for cell in column(page, "margin_km")] == [1.75, 55]
    assert page["B1"].value.endswith("tables/corridor_legs.csv alone. Here the first 2 of 3 rows.")


@pytest.mark.parametrize("missing", ["run.json", DATA_PACKAGE, "tables/kpi.parquet"])
def test_a_missing_file_is_named(run: Path, missing: str) -> None:
    (run / missing).unlink()
    with pytest.raises(InputError, match=missing):
        write_workbook(run)
    assert not list(run.glob("*.xlsx*")) + list(run.glob(".work*"))


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_another_spreadsheet_opens_it(run: Path, tmp_path: Path) -> None:
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    document["title"] = "=1+1"
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
         "--convert-to", f"csv:{_ALL_SHEETS}",
         "--outdir", tmp_path / "csv", write_workbook(run)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    written = {path.stem.partition("-")[2]: path for path in (tmp_path / "csv").glob("*.csv")}
    overview = written["overview"].read_text(encoding="utf-8").splitlines()
    assert overview[0].startswith("=1+1")
    assert any(line.startswith("Share of swaps served,79.03") for line in overview)
    stations = written["stations"].read_text(encoding="utf-8").splitlines()
    assert stations[FIRST_ROW - 1].startswith("A,town,Tutorial Town,126.612888,45.75")


@pytest.fixture(scope="session")
def simulated_book(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("workbook") / "simulated"
    write_run(simulated(planned_tutorial, busier=0.3), folder)
    return openpyxl.load_workbook(folder / "workbook.xlsx")


def test_waits_stand_with_their_intervals_beside_the_closed_form(simulated_book: Any) -> None:
    assert simulated_book.sheetnames[1:7] == [
        "kpi", "cities", "stations", "closest_sites", "waits", "waits_by_station",
    ]  # fmt: skip
    page = simulated_book["waits"]
    row = values(page, "figure").index("within_5min_frac")
    value, low, high = (values(page, name)[row] for name in ("value", "low", "high"))
    assert low < value < high
    assert values(page, "title")[row] == "Drivers served within 5 min"
    names = [cell.value for cell in page[NAME_ROW]]
    shown = page.cell(FIRST_ROW + row, names.index("low") + 1)
    assert shown.number_format == "0.0%"
    minutes = values(page, "figure").index("p95_wait_min")
    assert values(page, "unit")[minutes] == "min"
    assert page.cell(FIRST_ROW + minutes, names.index("high") + 1).number_format == "#,##0.0"
    expected = values(page, "expected")[values(page, "figure").index("no_pack_frac")]
    assert 0 < expected < 1


def test_stations_have_verdicts_and_whole_packs(simulated_book: Any) -> None:
    for name in ("stations", "waits_by_station"):
        verdicts = set(values(simulated_book[name], "verdict"))
        assert verdicts
        assert verdicts <= {"confirmed", "unclear", "refuted"}
    packs = values(simulated_book["stations"], "packs_na_25")
    assert packs
    assert all(count == int(count) and count > 0 for count in packs)
    types = simulated_book["no_pack_type"]
    names = [cell.value for cell in types[NAME_ROW]]
    assert types.cell(FIRST_ROW, names.index("low") + 1).number_format == "0.0%"


def test_what_the_simulation_is_given_has_no_sheet(simulated_book: Any) -> None:
    assert "station_packs" not in simulated_book.sheetnames
    assert any("what the simulation is given" in text for text in texts(simulated_book["overview"]))
    assert "Drivers served within 5 min" in texts(simulated_book["overview"])
