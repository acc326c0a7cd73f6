"""Two tutorial runs side by side; the figures are worked out in docs/tutorial.md."""

import hashlib
import json
import math
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.cli import main
from planner.errors import InputError
from planner.instance import read_instance
from planner.outputs.compare import compare_runs, write_comparison
from planner.outputs.compare.stations import MOVED_KM, compare_stations
from planner.outputs.compare.verdict import verdict
from planner.outputs.run_folder import write_run
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from tests.made_up_corridors import STATION, make_corridor_tables

TUTORIAL = Path(__file__).parents[3] / "instances" / "tutorial"
FILES = {
    "compare.html", "compare.gpkg", "data_dictionary.csv", "models.csv", "kpi.csv",
    "stations_change.csv", "cities_change.csv", "packs_by_city.csv", "packs_by_quarter.csv",
    "supply_value.csv", "gate_value.csv", "prices.csv", "settings.csv", "inputs.csv",
    "verdicts_change.csv", "station_packs_change.csv", "reasons_change.csv", "market_change.csv",
}  # fmt: skip


@pytest.fixture(scope="session")
def two(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("compare") / "two")


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    planned = plan(read_instance(TUTORIAL, scenario_name="three_stations"))
    return write_run(planned, tmp_path_factory.mktemp("compare") / "three")


@pytest.fixture
def changed(two: Path, tmp_path: Path) -> Path:
    """A copy of the run with two stations, to be changed."""
    return Path(shutil.copytree(two, tmp_path / "changed"))


def renew_checksums(folder: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("DONE", "checksums.txt")
    ]
    (folder / "checksums.txt").write_text("".join(lines), encoding="utf-8")


def edit_run(folder: Path, edit: Any) -> None:
    path = folder / "run.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    renew_checksums(folder)


def edit_layer(folder: Path, name: str, **values: object) -> None:
    path = folder / f"layers/{name}.parquet"
    frame = gpd.read_parquet(path)
    frame.assign(**values).to_parquet(path)
    renew_checksums(folder)


def stations(*rows: tuple[str, float, str, int]) -> pd.DataFrame:
    """Stations on a line along the equator: id, km eastwards, type, bays."""
    degree_km = math.radians(1) * 6371.0
    columns = ["site_id", "km", "station_type_id", "bays"]
    frame = pd.DataFrame(rows, columns=columns).astype({"km": float, "bays": "int64"})
    return frame.assign(
        lon=frame["km"] / degree_km, lat=0.0, city_id="c", capex_cny=1.0, swaps_per_day=2.0
    ).astype({"site_id": "string", "station_type_id": "string"})


def changes(base: pd.DataFrame, other: pd.DataFrame) -> dict[str, str]:
    found = compare_stations(base, other)
    return dict(zip(found["site_id"], found["change"], strict=True))


def command(
    *arguments: str | Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["planner", "compare", *map(str, arguments)])
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_third_station_by_hand(two: Path, three: Path) -> None:
    found = compare_runs(two, three)
    # D joins A and B: 30 bays, 5 M CNY, and serves Z6 to Z8, 1,300 of 6,200 households.
    change = found.tables["stations_change"].set_index("site_id")["change"]
    assert change.to_dict() == {"D": "gained", "A": "kept", "B": "kept"}
    kpi = found.tables["kpi"].set_index("name")
    assert kpi.at["num_stations", "change_value"] == 1
    assert kpi.at["num_bays", "change_value"] == 30
    assert kpi.at["num_stations_choco_30", "change_value"] == 1
    assert kpi.at["capex_cny", "change_value"] == 5_000_000
    assert kpi.at["capex_cny", "change_frac"] == pytest.approx(0.5)
    assert kpi.at["households_served_frac", "change_value"] == pytest.approx(1300 / 6200)
    # Shares of swaps are those of households: one city, one mix of vehicles.
    (city,) = found.tables["cities_change"].to_dict("records")
    assert city["name_en"] == "Tutorial Town"
    assert (city["num_gained"], city["num_lost"], city["change_num_stations"]) == (1, 0, 1)
    assert city["change_swaps_served_frac"] == pytest.approx(1300 / 6200)
    assert found.tables["settings"].to_numpy().tolist() == [["siting.num_stations", "2", "3"]]
    assert found.tables["inputs"].empty
    assert found.verdict == "beyond the gaps"
    assert kpi.at["swaps_per_day_served", "verdict"] == "beyond the gaps"
    assert kpi.at["capex_cny", "verdict"] == ""


def test_packs_shift_by_city_and_by_quarter_alike(two: Path, three: Path) -> None:
    found = compare_runs(two, three).tables
    by_city = found["packs_by_city"].set_index("chemistry")
    by_quarter = found["packs_by_quarter"].set_index("chemistry")
    assert set(by_city.index) == {"lfp", "sodium_ion"}
    for side in ("base", "other"):
        # One city, one quarter; 1,100 vehicles have a pack each.
        assert by_city[f"{side}_vehicles"].sum() == pytest.approx(1100)
        for chemistry in by_city.index:
            assert by_city.at[chemistry, f"{side}_vehicles"] == pytest.approx(
                by_quarter.at[chemistry, f"{side}_vehicles"]
            )
        # Supply is used up but for what whole packs in stations leave: docs/tutorial.md.
        used_kwh = by_city.at["sodium_ion", f"{side}_energy_kwh"]
        assert 30_000 - 2 * 45 < used_kwh <= 30_000 * (1 + 1e-9)
        held = by_city[f"{side}_station_packs"]
        assert held.tolist() == pytest.approx(held.round().tolist(), abs=1e-6)
        assert (held > 0).all()
    # The new station holds packs, so vehicles have fewer.
    assert by_city.at["sodium_ion", "change_station_packs"] > 0
    assert by_city.at["sodium_ion", "change_vehicles"] < 0
    for side in ("base", "other"):
        for chemistry in by_city.index:
            used = by_city.loc[chemistry, [f"{side}_vehicles", f"{side}_station_packs"]].sum()
            # A part of a pack may be left that no station can hold.
            assert -1e-6 <= by_quarter.at[chemistry, f"{side}_stock_packs"] - used < 1.0
    (supply,) = found["supply_value"].to_dict("records")
    assert supply["quarter"] == "2027Q1"
    assert supply["base_used_gwh"] * 1e6 == pytest.approx(
        by_city.at["sodium_ion", "base_energy_kwh"]
    )
    assert supply["change_value_cny_per_kwh"] == pytest.approx(
        supply["other_value_cny_per_kwh"] - supply["base_value_cny_per_kwh"]
    )


def test_the_other_way_round_gains_become_losses(two: Path, three: Path) -> None:
    forth, back = compare_runs(two, three), compare_runs(three, two)
    assert (forth.count("gained"), forth.count("lost")) == (1, 0)
    assert (back.count("gained"), back.count("lost")) == (0, 1)
    changes = [
        each.tables["kpi"].set_index("name")["change_value"].sort_index() for each in (forth, back)
    ]
    pd.testing.assert_series_equal(changes[0], -changes[1])


def test_a_run_equals_itself(two: Path) -> None:
    found = compare_runs(two, two)
    assert found.verdict == "equal"
    assert found.count("kept") == 2
    assert "Settings and input files are the same." in found.notes
    assert (found.tables["kpi"]["change_value"] == 0).all()
    assert (found.tables["stations_change"]["change"] == "kept").all()


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [
        ((100, 104), (103, 105), "within the gaps"),  # a maximum's bound lies above
        ((100, 102), (103, 105), "beyond the gaps"),
        ((103, 105), (100, 102), "beyond the gaps"),
        ((100, 103), (103, 105), "within the gaps"),  # 103 may be best for both
        ((100, 96), (97, 95), "within the gaps"),  # a minimum's bound lies below
        ((100, 98), (97, 95), "beyond the gaps"),
        ((100, 100), (100 + 1e-9, 100), "equal"),
        ((100, 100), (100.01, 100.01), "beyond the gaps"),
        ((100, 110), (100, 101), "equal"),
    ],
)
def test_verdict(base: tuple[float, float], other: tuple[float, float], expected: str) -> None:
    sides = [dict(zip(("objective", "bound"), each, strict=True)) for each in (base, other)]
    assert verdict(*sides) == expected


def test_a_small_difference_is_called_within_the_gaps(two: Path, changed: Path) -> None:
    def lower(run: dict[str, Any]) -> None:
        run["models"]["siting"]["objective"] *= 0.99

    edit_run(changed, lower)
    found = compare_runs(two, changed)
    assert found.verdict == "within the gaps"
    assert any("may come from the search alone" in note for note in found.notes)
    assert found.tables["kpi"].set_index("name").at["swaps_served_frac", "verdict"] == (
        "within the gaps"
    )


def test_stations_that_move_are_not_gained_and_lost() -> None:
    base = stations(("a", 0, "s", 14), ("b", 10, "s", 14), ("c", 20, "s", 14), ("d", 30, "s", 14))
    other = stations(
        ("a", 0, "s", 14),  # kept
        ("b", 10, "l", 30),  # resized
        ("c2", 20.9, "s", 14),  # moved by 900 m
        ("d2", 31.1, "s", 14),  # too far: another station
    )
    assert changes(base, other) == {
        "d2": "gained", "d": "lost", "c2": "moved", "b": "resized", "a": "kept"
    }  # fmt: skip
    found = compare_stations(base, other).set_index("site_id")
    assert found.at["c2", "base_site_id"] == "c"
    assert found.at["c2", "moved_km"] == pytest.approx(0.9, rel=1e-3)
    assert found["change_bays"].to_dict() == {"d2": 14, "d": -14, "c2": 0, "b": 16, "a": 0}


def test_each_station_moves_once_the_closest_first() -> None:
    base = stations(("a", 0.0, "s", 14), ("b", 0.5, "s", 14))
    other = stations(("x", 0.6, "s", 14))
    assert changes(base, other) == {"x": "moved", "a": "lost"}
    assert compare_stations(base, other).set_index("site_id").at["x", "base_site_id"] == "b"


def test_the_same_id_elsewhere_is_another_station() -> None:
    base, other = stations(("a", 0, "s", 14)), stations(("a", 50, "s", 14))
    found = compare_stations(base, other)
    assert found["change"].tolist() == ["gained", "lost"]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 4)), unique_by=lambda row: row[0]),
    st.lists(st.tuples(st.sampled_from("efghijkl"), st.floats(0, 4)), unique_by=lambda row: row[0]),
)
def test_every_station_is_counted_once(
    left: list[tuple[str, float]], right: list[tuple[str, float]]
) -> None:
    base, other = (stations(*((name, km, "s", 14) for name, km in rows)) for rows in (left, right))
    found = compare_stations(base, other)
    both = found[found["change"].isin(["kept", "moved", "resized"])]
    assert sorted([*both["base_site_id"], *found[found["change"] == "lost"]["site_id"]]) == sorted(
        base["site_id"]
    )
    assert sorted([*both["site_id"], *found[found["change"] == "gained"]["site_id"]]) == sorted(
        other["site_id"]
    )
    assert (both["moved_km"] <= MOVED_KM * 1.000001).all()


def test_different_instances_are_compared_where_cities_are_shared(two: Path, changed: Path) -> None:
    edit_run(changed, lambda run: run.update(name="elsewhere"))
    edit_layer(changed, "cities", city_id="elsewhere")
    edit_layer(changed, "stations", city_id="elsewhere")
    found = compare_runs(two, changed)
    assert found.tables["stations_change"].empty
    assert found.tables["cities_change"].empty
    assert "The runs plan different instances, tutorial and elsewhere" in found.notes[0]
    assert "no city in common" in found.notes[1]


def test_cities_of_one_run_alone_are_left_out_and_said(two: Path, changed: Path) -> None:
    for name in ("cities", "stations"):
        path = changed / f"layers/{name}.parquet"
        frame = gpd.read_parquet(path)
        more = frame.assign(city_id="village")
        if name == "stations":
            more = more.assign(site_id="village-" + more["site_id"])
        gpd.GeoDataFrame(pd.concat([frame, more], ignore_index=True)).to_parquet(path)
    renew_checksums(changed)
    found = compare_runs(two, changed)
    assert found.count("kept") == len(found.tables["stations_change"]) == 2
    assert any(note.startswith("1 city with 2 stations only in the other run") for note in
               found.notes)  # fmt: skip


def test_files_are_those_promised_and_the_same_each_time(
    two: Path, three: Path, tmp_path: Path
) -> None:
    comparison = compare_runs(two, three)
    first = write_comparison(comparison, tmp_path / "first")
    again = write_comparison(comparison, tmp_path / "again")
    assert {path.name for path in first.iterdir()} == FILES
    for name in FILES:
        assert (first / name).read_bytes() == (again / name).read_bytes(), name
    dictionary = pd.read_csv(first / "data_dictionary.csv")
    assert dictionary["title"].notna().all()
    assert dictionary["description"].notna().all()


def test_geopackage_opens_styled(two: Path, three: Path, tmp_path: Path) -> None:
    folder = write_comparison(compare_runs(two, three), tmp_path / "out")
    layer = gpd.read_file(folder / "compare.gpkg", layer="stations_change")
    assert layer.crs == "EPSG:4326"
    assert layer.set_index("site_id").geometry["D"].x == pytest.approx(126.677329)
    with closing(sqlite3.connect(folder / "compare.gpkg")) as connection:
        styles = dict(connection.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        fields = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in styles
        }
    assert set(styles) == {"stations_change", "cities_change"}
    for name, text in styles.items():
        document = ET.fromstring(text)
        used = [each.get("symbol") for each in document.iter("category")]
        assert used == [each.get("name") for each in document.iter("symbol")]
        for alias in document.iter("alias"):
            # The feature id is field 0, the geometry is no field.
            columns = [field for field in fields[name] if field != "geom"]
            assert columns[int(alias.get("index", ""))] == alias.get("field")
    classes = {
        each.get("value") for each in ET.fromstring(styles["stations_change"]).iter("category")
    }
    assert classes == {"gained", "lost", "moved", "resized", "kept"}


def test_page_stands_alone_and_runs_nothing(two: Path, changed: Path, tmp_path: Path) -> None:
    edit_layer(changed, "cities", name_en="<script>alert(1)</script>")
    edit_layer(changed, "stations", site_id=["A<b>", "B"])
    folder = write_comparison(compare_runs(two, changed), tmp_path / "out")
    page = (folder / "compare.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>" not in page
    assert "A&lt;b&gt;" in page  # moved by 0 m: another site at the same place
    assert "://" not in page.replace("&#34;http://mrcc", "")
    assert page.count("<svg") == 6  # the map and five keys
    assert "moved less than 1 km" in page


def write_corridors(
    planned: Planned, folder: Path, tables: Mapping[str, pd.DataFrame]
) -> Path:  # fmt: skip
    """The tutorial's run, as if it had planned trips between cities too."""
    winter = tables["corridor_summary"].query("chemistry == 'all' and season == 'winter'")
    kpi = planned.evaluation.kpi | {
        "num_corridor_stations": float(len(tables["corridor_stations"])),
        "trips_refuelled_winter_frac": float(winter["refuelled_frac"].iloc[0]),
    }
    evaluation = replace(planned.evaluation, kpi=kpi)
    both = {**planned.tables, **tables}
    return write_run(replace(planned, evaluation=evaluation, tables=both), folder)


@pytest.fixture(scope="session")
def corridors(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare") / "corridors"
    return write_corridors(planned_tutorial, folder, make_corridor_tables())


@pytest.fixture(scope="session")
def other_corridors(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One station of the other's two, busier, and another; more trips refuelled."""
    tables = make_corridor_tables()
    stations, summary = tables["corridor_stations"], tables["corridor_summary"]
    tables["corridor_stations"] = stations.assign(
        corridor_station_id=[STATION, "R+46.000+127.100"], winter_swaps_per_day=[130.5, 20.0]
    )
    tables["corridor_summary"] = summary.assign(
        refuelled_frac=(summary["refuelled_frac"] + 0.05).clip(upper=1)
    )
    folder = tmp_path_factory.mktemp("compare") / "other"
    return write_corridors(planned_tutorial, folder, tables)


def test_corridors_by_hand(corridors: Path, other_corridors: Path) -> None:
    found = compare_runs(corridors, other_corridors)
    stations = found.tables["corridor_stations_change"].set_index("corridor_station_id")
    assert stations["change"].to_dict() == {
        "R+46.000+127.100": "gained", "=evil</script>": "lost", STATION: "kept"
    }  # fmt: skip
    assert stations["change_winter_swaps_per_day"].to_dict() == {
        "R+46.000+127.100": 20.0, "=evil</script>": -0.25, STATION: 10.0
    }  # fmt: skip
    assert stations.at["=evil</script>", "lat"] == 45.35
    summary = found.tables["corridor_summary"].set_index(["season", "chemistry"])
    row = summary.loc[("winter", "all")]
    assert (row["base_refuelled_frac"], row["base_by_cities_frac"]) == (0.7, 70 / 150)
    assert row["change_refuelled_frac"] == pytest.approx(0.05)
    assert len(summary) == 6
    kpi = found.tables["kpi"].set_index("name")
    assert kpi.at["trips_refuelled_winter_frac", "change_value"] == pytest.approx(0.05)


def test_corridors_are_written_shown_and_told(
    corridors: Path, other_corridors: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    code, text, _ = command(
        corridors, other_corridors, "--out", out, monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 0
    assert "corridor stations: 1 gained, 1 lost, 1 kept" in text
    assert {path.name for path in out.iterdir()} == FILES | {
        "corridor_summary.csv", "corridor_stations_change.csv"
    }  # fmt: skip
    layer = gpd.read_file(out / "compare.gpkg", layer="corridor_stations_change")
    assert layer.set_index("corridor_station_id").geometry[STATION].x == 127.0
    with closing(sqlite3.connect(out / "compare.gpkg")) as connection:
        ((style,),) = connection.execute(
            "SELECT styleQML FROM layer_styles WHERE f_table_name = 'corridor_stations_change'"
        ).fetchall()
    values = {each.get("value") for each in ET.fromstring(style).iter("category")}
    assert values == {"gained", "lost", "kept"}
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert "=evil&lt;/script&gt;" in page
    assert "Trips refuelled in winter" in page
    assert "+5.00 pp" in page
    dictionary = pd.read_csv(out / "data_dictionary.csv")
    assert dictionary[["title", "description"]].notna().all().all()


@pytest.mark.parametrize("turned", [False, True], ids=["base", "other run"])
def test_corridors_of_one_run_alone_are_said(
    two: Path, corridors: Path, tmp_path: Path, turned: bool
) -> None:
    runs = (two, corridors) if turned else (corridors, two)
    found = compare_runs(*runs)
    side = "other run" if turned else "base"
    assert (
        f"Only the {side} planned trips between cities: its 2 corridor stations have nothing to "
        "be compared with."
    ) in found.notes
    assert "corridor_stations_change" not in found.tables
    kpi = found.tables["kpi"].set_index("name")
    assert kpi.at["num_corridor_stations", "change_value"] == (2 if turned else -2)
    assert math.isnan(kpi.at["trips_refuelled_winter_frac", "change_value"])
    folder = write_comparison(found, tmp_path / "out")
    assert {path.name for path in folder.iterdir()} == FILES


def counting_trips(folder: Path, out: Path) -> Path:
    """A copy of a run as if cities and corridors had been paid from the same limits."""
    shutil.copytree(folder, out)
    path = out / "scenario.resolved.toml"
    text = path.read_text(encoding="utf-8")
    assert 'funding = "none"' in text
    path.write_text(text.replace('funding = "none"', 'funding = "national"'), encoding="utf-8")
    renew_checksums(out)
    return out


def test_runs_that_count_trips_are_not_judged_by_what_cities_serve(
    corridors: Path, other_corridors: Path, tmp_path: Path
) -> None:
    base, other = (
        counting_trips(folder, tmp_path / folder.name) for folder in (corridors, other_corridors)
    )
    unlike, alike = compare_runs(corridors, other), compare_runs(base, other)
    assert unlike.verdict == "different questions"
    assert any("corridors.funding" in note for note in unlike.notes)
    assert alike.verdict == "equal"
    assert "The siting's objectives count swaps on trips between cities too." in alike.notes
    simulated = set(pd.read_parquet(base / "tables/simulation_figure.parquet")["figure"])
    for found in (unlike, alike):
        kpi = found.tables["kpi"]
        assert set(kpi[~kpi["name"].isin(simulated)]["verdict"]) == {""}
        # The simulation has no objective: the same waits are equal whatever is asked of sites.
        assert kpi.set_index("name").at["within_5min_frac", "verdict"] == "equal"


def test_runs_without_corridors_do_not_speak_of_them(two: Path, three: Path) -> None:
    found = compare_runs(two, three)
    assert not [name for name in found.tables if name.startswith("corridor")]
    assert not [note for note in found.notes if "corridor" in note]


def test_a_run_changed_afterwards_is_refused(two: Path, changed: Path) -> None:
    (changed / "tables/packs.parquet").write_bytes(b"not what the run wrote")
    with pytest.raises(InputError, match=r"packs\.parquet.*changed after the run wrote it"):
        compare_runs(two, changed)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("DONE", "not a finished run"),
        ("checksums.txt", "nothing tells whether the run was changed"),
        ("layers/stations.parquet", r"stations\.parquet: is missing"),
        ("datapackage.json", "run the instance again"),
    ],
)
def test_what_is_no_finished_run_is_refused(
    two: Path, changed: Path, missing: str, message: str
) -> None:
    (changed / missing).unlink()
    with pytest.raises(InputError, match=message):
        compare_runs(two, changed)


def test_command_tells_and_writes(
    two: Path, three: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    code, text, _ = command(two, three, "--out", out, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0
    assert "1 gained, 0 lost, 0 moved, 0 resized, 2 kept" in text
    assert "+26.5 %" in text  # 1,300 households more than 4,900
    assert {path.name for path in out.iterdir()} == FILES
    code, text, _ = command(three, two, "--out", out, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0  # an earlier comparison is replaced
    assert "0 gained, 1 lost" in text


def test_command_as_json(
    two: Path, three: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text, _ = command(two, three, "--json", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0
    (line,) = text.splitlines()
    found = json.loads(line)
    assert found["num_stations"] == {"gained": 1, "lost": 0, "moved": 0, "resized": 0, "kept": 2}
    assert found["verdict"] == "beyond the gaps"
    (gained,) = found["tables"]["stations_change"]
    assert gained["site_id"] == "D"
    assert gained["base_bays"] is None
    assert found["written_to"] is None


def test_command_refuses_other_folders(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("keep me", encoding="utf-8")
    code, _, errors = command(two, two, "--out", tmp_path, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2
    assert "not a comparison" in errors
    code, _, errors = command(two, tmp_path, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2
    assert "not a finished run" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
