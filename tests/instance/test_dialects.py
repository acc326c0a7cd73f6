"""Tables in other dialects read like the shipped ones, and what was assumed is noted."""

import re
from pathlib import Path

import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import Instance, read_instance


def _say(folder: Path, text: str) -> None:
    path = folder / "scenario.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


def _notes(instance: Instance) -> dict[str, str]:
    return dict(zip(instance.assumptions["item"], instance.assumptions["value"], strict=True))


def _text(folder: Path, table: str) -> str:
    return (folder / f"{table}.csv").read_text(encoding="utf-8")


def _same(folder: Path, tutorial: Instance, *tables: str) -> Instance:
    read = read_instance(folder)
    for name in tables:
        pd.testing.assert_frame_equal(getattr(read, name), getattr(tutorial, name))
    return read


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_encodings_that_show(tutorial: Instance, tutorial_copy: Path, encoding: str) -> None:
    (tutorial_copy / "cities.csv").write_bytes(_text(tutorial_copy, "cities").encode(encoding))
    read = _same(tutorial_copy, tutorial, "cities")
    stated = _notes(read).get("cities.csv: encoding")
    assert stated == (None if encoding == "utf-8-sig" else encoding.upper())


def test_an_encoding_that_is_stated(tutorial: Instance, tutorial_copy: Path) -> None:
    (tutorial_copy / "cities.csv").write_bytes(_text(tutorial_copy, "cities").encode("gbk"))
    expected = r'cities\.csv, row 2: town,.*教程镇.*not UTF-8; .*encoding = "GB18030"'
    with pytest.raises(InputError, match=expected) as caught:
        read_instance(tutorial_copy)
    assert len(caught.value.faults) == 1
    _say(tutorial_copy, '[tables.cities]\nencoding = "GB18030"')
    read = _same(tutorial_copy, tutorial, "cities")
    assert _notes(read)["cities.csv: encoding"] == "GB18030"


def test_an_encoding_that_is_wrong(tutorial_copy: Path) -> None:
    _say(tutorial_copy, '[tables.cities]\nencoding = "ascii"')
    with pytest.raises(InputError, match=r"cities\.csv, row 2: .*not ascii; correct \[tables"):
        read_instance(tutorial_copy)
    _say(tutorial_copy, '[tables.zones]\nencoding = "GB18031"')
    with pytest.raises(InputError, match=r"unknown encoding: GB18031; e\.g\. UTF-8, GB18030"):
        read_instance(tutorial_copy)


@pytest.mark.parametrize("lead", ["", "sep=;\n", "\n\n"])
def test_semicolons_and_decimal_commas(tutorial: Instance, tutorial_copy: Path, lead: str) -> None:
    frame = pd.read_csv(tutorial_copy / "sites.csv")
    text = frame.to_csv(index=False, sep=";", decimal=",")
    (tutorial_copy / "sites.csv").write_text(lead + text, encoding="utf-8")
    notes = _notes(_same(tutorial_copy, tutorial, "sites"))
    assert notes["sites.csv: separator"] == "semicolons"
    assert notes["sites.csv: decimal mark"] == "comma"


def test_tabs_and_bars(tutorial: Instance, tutorial_copy: Path) -> None:
    for name, mark in (("gates", "\t"), ("roads", "|")):
        frame = pd.read_csv(tutorial_copy / f"{name}.csv", dtype=str)
        frame.to_csv(tutorial_copy / f"{name}.csv", index=False, sep=mark)
    notes = _notes(_same(tutorial_copy, tutorial, "gates", "roads"))
    assert notes["gates.csv: separator"] == "tabs"
    assert notes["roads.csv: separator"] == "vertical bars"


def test_a_comma_that_may_part_thousands(tutorial: Instance, tutorial_copy: Path) -> None:
    text = _text(tutorial_copy, "climate").replace("town,1,-14", 'town,1,"-1,400"')
    (tutorial_copy / "climate.csv").write_text(text, encoding="utf-8")
    expected = r"climate\.csv, row 2 \(town / 1\), mean_c: -1,400: .*decimals or thousands"
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial_copy)
    _say(tutorial_copy, '[tables.climate]\ndecimal = ","')
    assert read_instance(tutorial_copy).climate["mean_c"].iloc[0] == -1.4


def test_points_where_commas_are_stated(tutorial_copy: Path) -> None:
    frame = pd.read_csv(tutorial_copy / "zones.csv", dtype=str)
    frame["lon"] = frame["lon"].str.replace(".", ",")
    frame.to_csv(tutorial_copy / "zones.csv", index=False)
    _say(tutorial_copy, '[tables.zones]\ndecimal = ","')
    with pytest.raises(InputError, match=r"row 2 \(Z1\), lat: 45.75: has a decimal point, though"):
        read_instance(tutorial_copy)


def test_a_single_comma_among_points_is_a_fault(tutorial_copy: Path) -> None:
    text = _text(tutorial_copy, "zones").replace("126.600000,45.75", '126.600000,"45,75"')
    (tutorial_copy / "zones.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"row 2 \(Z1\), lat: 45,75: must be of type number"):
        read_instance(tutorial_copy)


def test_characters_that_are_not_seen(tutorial: Instance, tutorial_copy: Path) -> None:
    text = _text(tutorial_copy, "sites").replace(
        "A,town,126.612888", "A\u200b,town ,\u00a0126.612888"
    )
    (tutorial_copy / "sites.csv").write_text(text, encoding="utf-8")
    read = _same(tutorial_copy, tutorial, "sites")
    item = "sites.csv: characters that are not seen"
    assert _notes(read)[item] == "removed around values of site_id (1), lon (1)"
    inside = text.replace("45.75", "45\u00a075", 1)
    (tutorial_copy / "sites.csv").write_text(inside, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(r"(A), lat: 45\xa075: must be of type number")):
        read_instance(tutorial_copy)


def test_blank_rows_are_skipped_and_rows_keep_their_lines(
    tutorial: Instance, tutorial_copy: Path
) -> None:
    head, *rows = _text(tutorial_copy, "sites").splitlines()
    text = "\n".join([head, rows[0], "", ",,,,,", *rows[1:], " ,\u00a0,,,,", "", ""])
    (tutorial_copy / "sites.csv").write_text(text + "\n", encoding="utf-8")
    assert _notes(_same(tutorial_copy, tutorial, "sites"))["sites.csv: blank rows"] == "5 skipped"
    broken = text.replace("B,town,126", 'B,"to\nwn",x126').replace("C,town,126", "C,town,y126")
    (tutorial_copy / "sites.csv").write_text(broken + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    assert {(fault.row, fault.id) for fault in caught.value.faults if fault.column == "lon"} == {
        (5, "B"), (7, "C"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("B,town,", "B,town,x,", r"sites\.csv, row 3: row has 7 cells, the header 6; quote"),
        ("B,town", 'B,"town', r"sites\.csv, row 3: a quotation mark is opened and never closed"),
        ("site_id,city_id", "site_id,city_id,site_id", r"row 2: .*|site_id: two columns have this"),
        ("B,town", "B\0,town", r"sites\.csv, row 3: \\x00: holds the control character NUL "),
    ],
)
def test_damaged_csv(tutorial_copy: Path, old: str, new: str, expected: str) -> None:
    text = _text(tutorial_copy, "sites").replace(old, new)
    (tutorial_copy / "sites.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial_copy)


def test_empty_csv_and_two_columns_of_one_name(tutorial_copy: Path) -> None:
    (tutorial_copy / "zones.csv").write_text("\n \n", encoding="utf-8")
    frame = pd.read_csv(tutorial_copy / "sites.csv", dtype=str)
    frame.assign(again=frame["site_id"]).rename(columns={"again": "site_id"}).to_csv(
        tutorial_copy / "sites.csv", index=False
    )
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    message = str(caught.value)
    assert "zones.csv: is empty; write a header and rows" in message
    assert "sites.csv, site_id: two columns have this name; remove or rename one" in message


def test_sheets_of_a_workbook(tutorial: Instance, tutorial_copy: Path) -> None:
    book = tutorial_copy / "data.xlsx"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        for name, sheet in (("sites", "plots"), ("gates", "gates"), ("climate", "climate")):
            frame = pd.read_csv(tutorial_copy / f"{name}.csv")
            frame.to_excel(writer, sheet_name=sheet, index=False)
            (tutorial_copy / f"{name}.csv").unlink()
    _say(tutorial_copy, '[tables.sites]\nfile = "data.xlsx"\nlayer = "plots"')
    _say(tutorial_copy, '[tables.gates]\nfile = "data.xlsx"\n[tables.climate]\nfile = "data.xlsx"')
    read = _same(tutorial_copy, tutorial, "sites", "gates", "climate")
    assert "data.xlsx" in {file.path for file in read.input_files}

    import openpyxl

    workbook = openpyxl.load_workbook(book)
    workbook["plots"].insert_rows(3, 2)
    workbook["plots"]["C6"] = "east"
    workbook.save(book)
    expected = r"data\.xlsx, sheet plots, row 6 \(C\), lon: east: must be of type number"
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial_copy)


def test_a_sheet_that_is_not_there(tutorial_copy: Path) -> None:
    frame = pd.read_csv(tutorial_copy / "sites.csv")
    with pd.ExcelWriter(tutorial_copy / "sites.xlsx", engine="openpyxl") as writer:
        for sheet in ("a", "b"):
            frame.to_excel(writer, sheet_name=sheet, index=False)
    (tutorial_copy / "sites.csv").unlink()
    with pytest.raises(InputError, match=r"sites\.xlsx, sheets: a, b: call the sheet of the"):
        read_instance(tutorial_copy)


def test_constants_and_factors(tutorial: Instance, tutorial_copy: Path) -> None:
    cities = pd.read_csv(tutorial_copy / "cities.csv", dtype=str).drop(columns="market")
    cities.to_csv(tutorial_copy / "cities.csv", index=False)
    roads = pd.read_csv(tutorial_copy / "roads.csv")
    roads["metres"] = (roads.pop("length_km") * 1000).astype(int)
    roads.to_csv(tutorial_copy / "roads.csv", index=False)
    _say(tutorial_copy, '[tables.cities.constants]\nmarket = "CN"')
    _say(tutorial_copy, '[tables.roads]\ncolumns = { metres = "length_km" }')
    _say(tutorial_copy, "[tables.roads.factors]\nlength_km = 0.001")
    read = read_instance(tutorial_copy)
    assert read.cities["market"].tolist() == ["CN"]
    assert read.roads["length_km"].tolist() == pytest.approx(tutorial.roads["length_km"].tolist())
    notes = _notes(read)
    assert notes["cities.csv: market"] == "CN in every row"
    assert notes["roads.csv: length_km"] == "x 0.001"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('constants = { kind = "x" }', "sites.csv, kind: x: stands in the data; remove it"),
        ('constants = { knid = "x" }', "sites has no column knid; did you mean kind?"),
        ("factors = { kind = 2.0 }", "kind of sites holds no numbers; remove its factor"),
        ("factors = { lon = 0.0 }", "tables.sites.factors.lon: 0.0: Input should be greater than"),
        ("factors = { grid_kw = 1000 }", "sites.csv, grid_kw: no such column; scenario.toml"),
        ("constants = { max_bays = 1 }\nfactors = { max_bays = 2 }", "max_bays of sites is const"),
    ],
)  # fmt: skip
def test_constants_and_factors_that_cannot_be(
    tutorial_copy: Path, settings: str, expected: str
) -> None:
    _say(tutorial_copy, f"[tables.sites]\n{settings}")
    with pytest.raises(InputError, match=re.escape(expected)):
        read_instance(tutorial_copy)


def test_a_factor_leaves_what_is_no_number_to_its_fault(tutorial_copy: Path) -> None:
    text = _text(tutorial_copy, "roads").replace("1,2,1.0,60", "1,2,far,60")
    (tutorial_copy / "roads.csv").write_text(text, encoding="utf-8")
    _say(tutorial_copy, "[tables.roads.factors]\nlength_km = 0.001")
    with pytest.raises(InputError, match=r"roads\.csv, row 2 \(1 / 2\), length_km: far: must be"):
        read_instance(tutorial_copy)


def test_settings_that_a_format_has_no_use_for(tutorial: Instance, tutorial_copy: Path) -> None:
    tutorial.gates.to_parquet(tutorial_copy / "gates.parquet")
    (tutorial_copy / "gates.csv").unlink()
    _say(tutorial_copy, '[tables.gates]\nencoding = "GB18030"\nlayer = "x"')
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    assert [str(fault) for fault in caught.value.faults] == [
        "scenario.toml, tables.gates.encoding: GB18030: gates.parquet has no encoding; remove the "
        "setting",
        "scenario.toml, tables.gates.layer: x: gates.parquet has no layer; remove the setting",
    ]
