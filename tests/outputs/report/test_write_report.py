"""The page as text: complete, harmless, alike from run to run, and asking for nothing."""

import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from planner.cli import cli
from planner.errors import InputError
from planner.outputs.report import rebuild_report, write_report
from tests.made_up_curves import SETS
from tests.outputs.report.made_up_run import (
    EVIL_CANDIDATE,
    EVIL_CITY,
    EVIL_NAME_ZH,
    EVIL_SITE,
    EVIL_SOURCE,
)

SIZE_LIMIT = 15_000_000
_LOADS = ("src", "href", "srcset", "data", "action", "poster", "xlink:href")


class _Page(HTMLParser):
    """Tags, attributes and text of a page as a browser would take them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.blocks: dict[str, str] = {}
        self.styles = ""
        self._inside, self._block = "", ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._inside, self._block = tag, dict(attrs).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.styles += data
        elif self._inside == "script":
            self.blocks[self._block] = self.blocks.get(self._block, "") + data
        else:
            self.texts.append(data)


def _cells(path: Path, key: str, num_columns: int) -> list[list[str]]:
    """First cells of the rows of a table, by the id of what holds it."""
    html = path.read_text(encoding="utf-8")
    start = html.index(f'id="{key}"')
    body = html[html.index("<tbody>", start) : html.index("</tbody>", start)]
    return [
        [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)][:num_columns]
        for row in body.split("</tr>")[:-1]
    ]


@pytest.fixture(scope="module")
def page(report: Path) -> _Page:
    return _Page(report)


@pytest.fixture(scope="module")
def map_data(page: _Page) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(page.blocks["map-data"])
    return data


def test_nothing_is_loaded_from_anywhere(report: Path, page: _Page) -> None:
    loads = [value for _, name, value in page.attributes if name in _LOADS]
    assert loads
    assert all(value.startswith(("#", "data:")) for value in loads)
    assert "@import" not in page.styles
    urls = re.findall(r"url\(\s*['\"]?([^'\")]{0,20})", page.styles)
    assert urls
    assert all(url.startswith(("data:", "#")) for url in urls)
    policy = next(value for _, name, value in page.attributes if value.startswith("default-src"))
    assert "http" not in policy
    assert "sourceMappingURL=" not in report.read_text(encoding="utf-8").split("map-data")[0]


def test_the_map_library_is_the_one_on_record(report: Path, page: _Page) -> None:
    vendor = files("planner.outputs.report") / "vendor"
    lines = (vendor / "maplibre-gl.sha256").read_text(encoding="utf-8").splitlines()
    on_record = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert set(on_record) == {"maplibre-gl.js", "maplibre-gl.css", "maplibre-gl.LICENSE.txt"}
    for name, digest in on_record.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    text = report.read_text(encoding="utf-8")
    (banner,) = re.findall(r"maplibre-gl-js/blob/v(\d+)\.(\d+)\.(\d+)/LICENSE", text)
    # Mended in 5.24.1 (CVE-2026-85061); version 6 cannot stand in one page.
    assert (5, 24, 1) <= tuple(map(int, banner)) < (6, 0, 0)
    assert f"MapLibre GL JS {'.'.join(banner)} (BSD-3-Clause)" in "\n".join(page.texts)


def test_text_from_outside_stays_text(page: _Page, map_data: dict[str, Any]) -> None:
    # Data of map and search, MapLibre, and six scripts of ours: none came in through a name.
    assert page.tags.count("script") == 9
    assert page.tags.count("style") == 2
    assert "img" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    for text in (EVIL_CITY, EVIL_NAME_ZH, EVIL_SITE, EVIL_CANDIDATE, EVIL_SOURCE, "&amp;"):
        assert text in page.texts
    assert map_data["cities"][1]["name"] == EVIL_CITY
    assert map_data["cities"][1]["name_zh"] == EVIL_NAME_ZH
    assert map_data["stations"]["id"][2] == EVIL_SITE


def test_labels_of_charts_are_escaped_too(page: _Page) -> None:
    labels = [value for _, name, value in page.attributes if name == "aria-label"]
    assert any(label.startswith(f"{EVIL_CITY}: 25.0 % served") for label in labels)


def test_every_id_is_there_once_and_every_anchor_leads_somewhere(page: _Page) -> None:
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    anchors = {
        value[1:] for _, name, value in page.attributes if name == "href" and value[:1] == "#"
    }
    assert anchors <= set(ids)


def test_same_run_gives_the_same_bytes(report: Path, run_folder: Path) -> None:
    assert write_report(run_folder).read_bytes() == report.read_bytes()
    assert report.stat().st_size < SIZE_LIMIT
    assert {path.name for path in run_folder.iterdir() if path.name.startswith(".")} == set()


@pytest.mark.parametrize(
    "text",
    [
        "3 stations serve 55.6 % of all swaps asked for; no plan within the same limits can serve "
        "more than 56.9 %.",
        "within 2.44 % of the optimum, proven",
        "12.3 M",
        "no plan serves more than 102 per day",
        "90.0 %",
        "900 vehicles below 200 km on the design day",
        f"{EVIL_CITY} is served least: 25 %",
        "From 0 °C down, sodium-ion takes private_ab farther than LFP",
        "Sodium-ion goes from 9 % of the vehicles in 2026Q4 to 70 % in 2027Q2",
        "One more kWh of sodium-ion is worth up to 35 CNY, in 2026Q4",
        "The busiest hour, from 23:00, takes 36 % of capacity",
        "With 2 corridor stations, 70.0 % of the 150 trips a day between cities can be driven "
        "there and back in winter, and 93.3 % in summer.",
        "Corridor stations raise the trips refuelled in winter from 47 % to 70 %",
        "Of 3 ways from swap to swap, by vehicle and pack: those that leave least at the design "
        "temperature, the drivers' reserve not counted.",
        "R+45.500+127.000 near Harbin",
        "on an island <b>",
        "1 of 2 assumptions are inferred or weak (marks INF and ?).",
        "© OpenStreetMap contributors (ODbL)",
        "of 4 stations the simulation confirms 2, refutes 2 and leaves 0 open.",
        "Packs run short most from 18:00: 8.7 % find none",
        "1 of 2 stations miss the service level",
        "2 refuted, 0 unclear",
        "2 of 4 stations are refuted, each with what it lacks; with 0 the closed form lies more "
        "than 2 points outside the simulation's interval.",
    ],
)
def test_findings(page: _Page, text: str) -> None:
    assert text in "\n".join(page.texts)


def test_missing_figures_are_dashes(page: _Page) -> None:
    assert not re.search(r"\b(nan|None|NaT|<NA>)\b", "\n".join(page.texts))
    assert "–" in page.texts


@pytest.mark.parametrize(
    "name", ["city_quarter", "supply_value", "station_hour", "range_curve", "city_month"]
)
def test_a_table_that_is_absent_is_named(bare_report: Path, page: _Page, name: str) -> None:
    sentence = f"This run has no table {name}"
    assert sentence in "\n".join(_Page(bare_report).texts)
    if name != "city_month":  # that sentence is always there and shown by script
        assert sentence not in "\n".join(page.texts)


def test_without_optional_tables_only_the_design_day_is_known(bare_report: Path) -> None:
    data = json.loads(_Page(bare_report).blocks["map-data"])
    assert [season["has_data"] for season in data["seasons"]] == [False, False, True]
    assert data["stations"]["swaps_by_hour"] == []


def test_refuted_stations_stand_with_what_they_lack(report: Path) -> None:
    rows = _cells(report, "refuted", 5)
    assert [row[:4] for row in rows] == [
        ["=evil</script>", EVIL_CITY, "refuted", "packs of na_25"],
        ["s2", "Harbin", "refuted", "packs of na_25"],
    ]


def test_map_knows_verdicts_packs_and_what_was_not_simulated(map_data: dict[str, Any]) -> None:
    verdicts = [look["verdict"] for look in map_data["waits"]["verdicts"]]
    assert len({look["shape"] for look in map_data["waits"]["verdicts"]}) == 3
    stations = map_data["stations"]
    assert [verdicts[each] if each >= 0 else None for each in stations["verdict"]] == [
        "confirmed", "refuted", None,
    ]  # fmt: skip
    assert stations["within"][2] is None
    assert stations["pack_types"] == ["lfp_25", "na_25"]
    assert stations["packs"] == [[5, 3], [6, 4], [0, 0]]
    assert map_data["corridors"]["stations"]["packs"] == [[7, 5], [5, 6]]


def test_without_a_simulation_the_page_does_not_speak_of_one(bare_report: Path) -> None:
    page = _Page(bare_report)
    assert "waits" not in json.loads(page.blocks["map-data"])
    assert "waits" not in [value for _, name, value in page.attributes if name == "id"]
    told = "\n".join(page.texts)
    assert "this run simulated no waits" in told
    assert not re.search("confirmed|refuted|closed form", told)


def test_no_station_is_refuted(run_folder: Path) -> None:
    path = run_folder / "tables/station_wait.parquet"
    pd.read_parquet(path).assign(verdict="confirmed", lacks="").to_parquet(path)
    page = _Page(write_report(run_folder))
    assert "No station is refuted" in "\n".join(page.texts)
    assert "refuted" not in [value for _, name, value in page.attributes if name == "id"]


@pytest.mark.parametrize("dtype", ["object", "string"])
def test_a_simulation_without_stations(run_folder: Path, dtype: str) -> None:
    for name in ("station_wait", "no_pack_hour", "no_pack_type"):
        path = run_folder / f"tables/{name}.parquet"
        pd.read_parquet(path).head(0).to_parquet(path)
    for name, columns in (
        ("simulation_figure", ["value", "low", "high", "expected"]),
        ("wait_histogram", ["drivers_frac", "expected_frac"]),
    ):
        path = run_folder / f"tables/{name}.parquet"
        pd.read_parquet(path).assign(**dict.fromkeys(columns, np.nan)).to_parquet(path)
    path = run_folder / "layers/stations.parquet"
    frame = pd.read_parquet(path)
    missing = pd.Series(None, frame.index, dtype=dtype)  # a string's NA is neither true nor false
    frame.assign(verdict=missing, on_time_frac=np.nan).to_parquet(path)
    told = "\n".join(_Page(write_report(run_folder)).texts)
    assert "There is no station to be simulated." in told
    assert "No station of a city was simulated, or its use is not known." in told
    assert not re.search(r"\b(nan|None)\b", told)


def test_small_cities_are_named_not_drawn(run_folder: Path) -> None:
    """The heat map keeps to forty rows; who has fewest drivers stands in its caption."""
    cities = pd.read_parquet(run_folder / "layers/cities.parquet")
    more = pd.concat([cities.iloc[:1]] * 42, ignore_index=True)
    more["city_id"] = [f"c{number}" for number in range(42)]
    more["name_en"] = [f"Town {number}" for number in range(42)]
    pd.concat([cities, more]).to_parquet(run_folder / "layers/cities.parquet")
    path = run_folder / "tables/no_pack_hour.parquet"
    rows = [(f"c{number}", 8, 100.0 - number, 0.1) for number in range(42)]
    frame = pd.DataFrame(rows, columns=["city_id", "hour", "drivers_per_hour", "no_pack_frac"])
    frame.to_parquet(path)
    figure = write_report(run_folder).read_text(encoding="utf-8").split('id="chart-no-pack"')[1]
    figure = figure.split("</figure>")[0]
    assert "Not drawn, as smaller: Town 40, Town 41." in figure
    assert len(re.findall(r'aria-label="Town \d+, 8:00', figure)) == 40


def test_a_part_of_the_simulation_is_not_enough(run_folder: Path) -> None:
    (run_folder / "tables/wait_histogram.parquet").unlink()
    with pytest.raises(InputError, match=r"wait_histogram\.parquet"):
        write_report(run_folder)


def test_tightest_legs_and_busiest_trips_are_those_of_winter(report: Path) -> None:
    legs, trips = (
        _cells(report, key, first_columns) for key, first_columns in (("tight-legs", 3),
                                                                      ("unserved-trips", 3))
    )  # fmt: skip
    near, turn = "R+45.500+127.000 near Harbin", EVIL_CITY
    assert legs == [["Harbin", near, "1.75"], [turn, turn, "6.00"], [near, turn, "55.00"]]
    assert trips == [["Harbin", turn, "25"], ["Harbin", turn, "20"]]


def test_map_draws_roads_and_corridor_stations(map_data: dict[str, Any]) -> None:
    stations, roads = (map_data["corridors"][name] for name in ("stations", "roads"))
    assert stations["id"] == ["R+45.500+127.000", "=evil</script>"]
    assert stations["city"] == [0, 1]
    ends = [
        [roads["nodes"][at] for at in pair] for pair in zip(roads["from"], roads["to"], strict=True)
    ]
    assert ends[1] == [[127.0, 45.5], [127.4, 45.25]]
    assert len(roads["nodes"]) == 4
    assert roads["winter_share"] == [70, 0, None]
    assert roads["summer_share"] == [90, 100, 100]
    assert roads["ferry"] == [0, 0, 1]


def test_without_corridors_the_page_does_not_speak_of_them(bare_report: Path) -> None:
    page = _Page(bare_report)
    assert "corridors" not in json.loads(page.blocks["map-data"])
    assert "trips" not in [value for _, name, value in page.attributes if name == "id"]
    assert not [text for text in page.texts if re.search("corridor|between cities", text)]


def test_what_does_not_occur_is_said(run_folder: Path) -> None:
    for name in ("layers/corridor_unserved", "tables/corridor_unconnected"):
        path = run_folder / f"{name}.parquet"
        pd.read_parquet(path).head(0).to_parquet(path)
    page = _Page(write_report(run_folder))
    told = "\n".join(page.texts)
    assert "No trip between cities breaks in winter. Every city is connected by road." in told
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert "tight-legs" in ids
    assert "unserved-trips" not in ids


def test_corridors_without_trips_and_stations(run_folder: Path) -> None:
    for path in [*run_folder.glob("*/corridor_*.parquet")]:
        frame = pd.read_parquet(path)
        if path.stem != "corridor_summary":
            frame.head(0).to_parquet(path)
            continue
        nothing = frame[frame["chemistry"] == "all"].assign(
            trips_per_day=0.0, refuelled_frac=np.nan, by_cities_frac=np.nan, at_most_frac=np.nan
        )
        nothing.to_parquet(path)
    page = _Page(write_report(run_folder))
    told = "\n".join(page.texts)
    assert "No vehicle class that drives between cities has a city to drive to." in told
    assert "There are no trips between cities." in told
    corridors = json.loads(page.blocks["map-data"])["corridors"]
    assert corridors["roads"]["from"] == corridors["stations"]["id"] == []


def test_a_siting_that_counts_trips_says_so(run_folder: Path) -> None:
    path = run_folder / "scenario.resolved.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}[corridors]\nfunding = "national"\n', encoding="utf-8")
    run_path = run_folder / "run.json"
    run = json.loads(run_path.read_text(encoding="utf-8"))
    run["kpi"]["num_corridor_stations"] = 2
    run_path.write_text(json.dumps(run), encoding="utf-8")
    told = "\n".join(_Page(write_report(run_folder)).texts)
    assert (
        "3 stations in cities and 2 between them serve 100 swaps a day, those on trips between "
        "cities counted in; no plan within the same limits serves more than 102."
    ) in told
    assert "no plan serves more than 102 per day, trips between cities counted in" in told
    assert "What is proven counts swaps on trips between cities too." in told
    assert "proven limit: 102" not in told


def test_contested_curves_stand_in_front_and_side_by_side(report: Path, page: _Page) -> None:
    text = " ".join(page.texts)
    first = SETS[1]
    assert (
        "Which packs the coldest city gets rests on contested curves: sodium-ion gets 75 % (base), "
        f"10 % ({first}) of its vehicles. To know the true curves is worth 12.0 M CNY a year; "
        "2 of 2 cities change their main chemistry with them." in text
    )
    assert "In the coldest city sodium-ion moves between 10 % and 75 % of the vehicles" in text
    assert "those planned for base" in text  # they are regretted least
    assert _cells(report, "curve-sets", 6)[0][:3] == ["base (chosen)", "50.0 M", "0"]
    assert _cells(report, "curve-sets", 6)[1][3:6] == ["85.0", "90.0", "40.0"]
    assert _cells(report, "curve-costs", 3) == [["base", "0", "6.00 M"], [first, "8.00 M", "0"]]
    cities = _cells(report, "contested-cities", 5)
    assert cities[0] == ["Harbin", "−28.4", "900", "sodium-ion", "LFP"]
    assert cities[1][0] == EVIL_CITY
    assert {"chart-curve-shares", "chart-curve-cities"} <= {
        value for _, name, value in page.attributes if name == "id"
    }


def test_without_contested_curves_the_page_does_not_speak_of_them(bare_report: Path) -> None:
    html = bare_report.read_text(encoding="utf-8")
    assert 'id="curves"' not in html
    assert 'href="#curves"' not in html
    assert "ontested" not in " ".join(_Page(bare_report).texts)


def test_a_part_of_the_curves_is_not_enough(run_folder: Path) -> None:
    (run_folder / "tables/curve_city.parquet").unlink()
    with pytest.raises(InputError, match="curve_city"):
        write_report(run_folder)


@pytest.mark.parametrize(
    ("shares", "finding"),
    [
        ([0.20, 0.22, 0.24], "Whichever of the contested curves is true"),
        ([0.20, 0.06, 0.32], "rests on contested curves"),
    ],
)
def test_curves_that_change_no_main_chemistry(
    run_folder: Path, shares: list[float], finding: str
) -> None:
    path = run_folder / "tables/curve_case.parquet"
    cases = pd.read_parquet(path)
    of_coldest = [name for name in cases.columns if name.endswith("_coldest_frac")]
    cases.assign(**dict.fromkeys(of_coldest, shares[: len(cases)])).to_parquet(path)
    path = run_folder / "tables/curve_city.parquet"
    pd.read_parquet(path).assign(is_contested=False, main_chemistry="none").to_parquet(path)
    run = json.loads((run_folder / "run.json").read_text())
    run["kpi"] |= {"settling_cny": 0.0, "settling_cny_per_year": 0.0, "cities_contested": 0.0}
    (run_folder / "run.json").write_text(json.dumps(run))
    report = write_report(run_folder)
    text = " ".join(_Page(report).texts)
    assert finding in text
    assert 'id="contested-cities"' not in report.read_text(encoding="utf-8")


def test_the_promised_range_is_shown_with_who_misses_it_and_what_weighs_it(page: _Page) -> None:
    text = " ".join(page.texts)
    assert (
        "900 vehicles below 200 km on the design day; what a kilometre less costs is a guess"
        in (text)
    )
    assert "90.0 % of the vehicles of the plan miss the promised 200 km" in text
    assert "costs.range_shortfall_cny_per_km, 10.0 CNY) is a guess" in text


def test_a_part_of_the_corridors_is_not_enough(run_folder: Path) -> None:
    (run_folder / "layers/corridor_legs.parquet").unlink()
    with pytest.raises(InputError, match=r"corridor_legs\.parquet"):
        write_report(run_folder)


def test_seasons_and_classes(map_data: dict[str, Any]) -> None:
    assert map_data["packs"] == ["lfp_25", "na_25"]
    assert map_data["first_pack"] == 1
    assert map_data["cities"][0]["range"] == {
        "design": [131, 142], "coldest": [150, 160], "hottest": [330, 280]
    }  # fmt: skip
    assert map_data["cities"][1]["range"]["design"] == [140, None]
    lows = [low for low, _ in map_data["range_classes"]]
    assert lows == [100, 150, 200, 250, 300]
    assert [city["leading"] for city in map_data["cities"]] == [1, 0]


def test_every_fault_of_a_folder_is_told(bare_folder: Path) -> None:
    (bare_folder / "layers/zones.parquet").unlink()
    (bare_folder / "run.json").write_text("{", encoding="utf-8")
    stations = bare_folder / "layers/stations.parquet"
    pd.read_parquet(stations).drop(columns="bays").to_parquet(stations)
    with pytest.raises(InputError) as caught:
        write_report(bare_folder)
    assert [(Path(fault.file).name, fault.column) for fault in caught.value.faults] == [
        ("stations.parquet", "bays"), ("zones.parquet", ""), ("run.json", "")
    ]  # fmt: skip
    assert not (bare_folder / "report.html").exists()


def test_plan_without_stations_and_zones(bare_folder: Path) -> None:
    for name in ("stations", "zones"):
        path = bare_folder / f"layers/{name}.parquet"
        pd.read_parquet(path).head(0).to_parquet(path)
    texts = "\n".join(_Page(write_report(bare_folder)).texts)
    assert "The plan opens no station." in texts


def test_rebuild_renews_the_checksum(run_folder: Path) -> None:
    for _ in range(2):
        path = rebuild_report(run_folder)
        lines = (run_folder / "checksums.txt").read_text(encoding="utf-8").splitlines()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert lines == [f"{digest}  report.html", "00  run.json"]


def test_command_line(run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere.html"
    done = CliRunner().invoke(cli, ["report", str(run_folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert out.is_file()
    assert not (run_folder / "report.html").exists()
    assert (run_folder / "checksums.txt").read_text(encoding="utf-8") == "00  run.json\n"


def test_only_a_finished_run_is_rebuilt(run_folder: Path) -> None:
    (run_folder / "DONE").unlink()
    with pytest.raises(InputError, match="DONE is missing"):
        rebuild_report(run_folder)


def test_target_that_cannot_be_written(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose another file"):
        write_report(run_folder, tmp_path / "no" / "such" / "folder.html")


def test_a_chart_that_kills_its_process_leaves_a_report_without_it(run_folder: Path) -> None:
    path = run_folder / "layers/cities.parquet"
    cities = pd.read_parquet(path)
    cities.assign(name_en=["Har\0bin", "x"]).to_parquet(path)
    told: list[str] = []
    page = _Page(write_report(run_folder, on_loss=told.append))
    assert len(told) == 2  # both that name the city
    for line, key in zip(told, ("worst", "no-pack"), strict=True):
        assert line.startswith(f"the chart '{key}' is left out: the renderer ended by SIG")
    assert "This chart could not be drawn: the renderer ended by SIG" in "\n".join(page.texts)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert {"chart-worst", "chart-hours", "chart-trips"} <= set(ids)
    assert page.tags.count("svg") == _Page(write_report(run_folder)).tags.count("svg") == 20


def test_supply_of_a_single_quarter_is_seen(run_folder: Path) -> None:
    path = run_folder / "tables/supply_value.parquet"
    supply = pd.read_parquet(path)

    def marks() -> int:
        html = write_report(run_folder).read_text(encoding="utf-8")
        figure = html.split('id="chart-supply"')[1].split("</figure>")[0]
        return len(re.findall(r'<path[^>]*fill="(?:#8c8c8c|#018571)"', figure))

    before = marks()
    supply[supply["quarter"] == "2026Q4"].to_parquet(path)
    assert marks() > before
