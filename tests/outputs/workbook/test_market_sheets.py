"""Sheets of supply, certificates, passport and brands: several tables, one below the other."""

import itertools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from planner.outputs.layers.read_back import open_run
from planner.outputs.markets import SHEETS
from planner.outputs.run_folder import Outputs, write_run
from planner.outputs.whole import whole_table
from planner.outputs.workbook import sheets, write_workbook
from planner.planning.result import Planned
from tests.market_tables import empty_market_tables, make_market_tables, with_markets

NAMES = ("Supply and markets", "Certificates", "Passport", "Passport points", "Brands")


@pytest.fixture(scope="module")
def run(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("markets") / "run"
    return write_run(with_markets(planned_tutorial), folder, Outputs.TABLES, language="zh")


@pytest.fixture(scope="module")
def book(run: Path) -> Any:
    return openpyxl.load_workbook(write_workbook(run))


def place(page: Any, name: str) -> tuple[int, int]:
    """Row of a table's headings, and its last row."""
    first, last = re.findall(r"[0-9]+", page.tables[f"{name}_table"].ref)
    return int(first), int(last)


def test_tables_of_a_subject_stand_on_one_sheet_each_with_a_filter(book: Any) -> None:
    assert [name for name in book.sheetnames if name in NAMES] == list(NAMES)
    for sheet in NAMES:
        page = book[sheet]
        held = [name for name in SHEETS[sheet] if name != "car_model"]
        assert list(page.tables) == [f"{name}_table" for name in held]
        ends = [place(page, name) for name in held]
        for (_, last), (first, _) in itertools.pairwise(ends):
            assert first >= last + 4  # an empty row, the name, the machine names
        for table in page.tables.values():
            assert table.autoFilter is not None
        assert page["A1"].hyperlink.location == "'overview'!A1"
        assert not {*held} & set(book.sheetnames)
    assert book["Passport points"].freeze_panes == "C4"
    assert book["Brands"].freeze_panes == "A2"


def test_every_figure_is_that_of_the_tables(book: Any, run: Path) -> None:
    compared = 0
    for sheet in NAMES:
        for name in SHEETS[sheet]:
            path = run / f"tables/{name}.parquet"
            if not path.is_file():
                continue
            frame = whole_table(name, pd.read_parquet(path))
            first, last = place(book[sheet], name)
            assert last - first == len(frame)
            names = [cell.value for cell in book[sheet][first - 1]][: len(frame.columns)]
            assert names == list(frame.columns)
            for number, column in enumerate(frame.columns, start=1):
                for offset, value in enumerate(frame[column].tolist(), start=1):
                    cell = book[sheet].cell(first + offset, number).value
                    if pd.isna(value) or value == "":
                        assert cell in (None, "")
                    elif isinstance(value, float):
                        assert cell == pytest.approx(value, abs=1e-6)
                    else:
                        assert cell == value
                    compared += 1
    assert compared > 600


def test_headings_are_in_the_language_of_the_run(book: Any) -> None:
    for sheet in NAMES:
        for name in (each for each in SHEETS[sheet] if f"{each}_table" in book[sheet].tables):
            first, _ = place(book[sheet], name)
            texts = [cell.value for cell in book[sheet][first] if cell.value]
            assert texts
            for text in texts:
                assert any(ord(letter) >= 0x2E80 for letter in text), (name, text)


def test_columns_are_as_wide_as_the_widest_table_needs(book: Any) -> None:
    page = book["Certificates"]
    first, last = place(page, "gate_value")
    longest = max(len(str(page.cell(row, 4).value)) for row in range(first + 1, last + 1))
    assert page.column_dimensions["D"].width >= longest


def test_long_points_of_passports_stay_in_the_files(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_rows = len(make_market_tables()["passport_point"])
    monkeypatch.setattr(sheets, "MOST_ROWS", num_rows - 1)
    book = openpyxl.load_workbook(write_workbook(run, tmp_path / "short.xlsx"))
    assert "Passport points" not in book.sheetnames
    told = [row[0].value for row in book["overview"].iter_rows()]
    assert "passport_point" in told


def test_tables_without_rows_say_so(planned_tutorial: Planned, tmp_path: Path) -> None:
    planned = with_markets(planned_tutorial, empty_market_tables())
    folder = write_run(planned, tmp_path / "run", Outputs.TABLES)
    book = openpyxl.load_workbook(write_workbook(folder))
    for sheet in NAMES:
        held = [name for name in SHEETS[sheet] if name in open_run(folder).resources]
        texts = [cell.value for row in book[sheet].iter_rows() for cell in row]
        assert texts.count("no rows in this run") == len(held)
        assert not book[sheet].tables


def test_another_spreadsheet_opens_the_sheets(run: Path, tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    path = write_workbook(run, tmp_path / "markets.xlsx")
    every = "Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    subprocess.run(
        [program, "--headless", "--convert-to", f"csv:{every}", "--outdir", tmp_path, path],
        check=True, timeout=240, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    text = (tmp_path / "markets-Certificates.csv").read_text(encoding="utf-8")
    assert "UNECE R100" in text
    assert "smallest_order_packs" in text
