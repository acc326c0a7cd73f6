"""The page in a real Chromium whose network is cut: drawn, usable, and asking for nothing.

Needs Chromium (Debian: ``apt-get install chromium``) and the Python package playwright, which
drives the installed browser and downloads none.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from planner.instance import Instance
from planner.outputs import palette
from planner.outputs.report import write_report
from planner.outputs.run_folder import write_run
from planner.planning.pipeline import plan
from tests.moved_east import moved_east
from tests.outputs.report.made_up_run import EVIL_CANDIDATE, EVIL_CITY, EVIL_NAME_ZH
from tests.programs import find_program, lacking

CHROMIUM = find_program("chromium", "chromium-browser", "google-chrome", "chrome")


def _as_drawn(colour: str) -> str:
    """A colour as the map's canvas gives it back."""
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))


NOT_SERVED, SERVED = (_as_drawn(palette.SERVED_CLASSES[at][1]) for at in (0, -1))
LAND, ZONES = _as_drawn(palette.LAND), _as_drawn(palette.ZONES)
PHONE = {"width": 390, "height": 844}

SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NO_GL = ("--disable-gpu", "--disable-software-rasterizer", "--disable-3d-apis")
# What the pointer would read: how many colours the map's canvas shows, sampled on a grid.
CANVAS = """() => {
  const drawn = document.querySelector("canvas.maplibregl-canvas");
  const copy = document.createElement("canvas");
  copy.width = drawn.width; copy.height = drawn.height;
  const context = copy.getContext("2d");
  context.drawImage(drawn, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  const counts = {};
  for (let i = 0; i < data.length; i += 4) {
    const colour = [data[i], data[i + 1], data[i + 2]].join();
    counts[colour] = (counts[colour] || 0) + 1;
  }
  return counts;
}"""


class Visit:
    """A page that is open, and all that it complained of or asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.complaints = page, []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))
        page.on("request", self._note_request)
        page.goto(path.as_uri())

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(request.url)

    def wait_until_drawn(self) -> None:
        self.page.wait_for_selector("html[data-map=drawn]", timeout=60_000)

    def colours(self) -> dict[str, int]:
        """Pixels of the map by colour, once nothing moves any more."""
        before: dict[str, int] = {}
        for _ in range(40):
            self.wait_until_drawn()
            counts: dict[str, int] = self.page.evaluate(CANVAS)
            if counts == before:
                return counts
            before = counts
            self.page.wait_for_timeout(250)
        raise AssertionError("the map does not come to rest")

    def map_box(self) -> dict[str, float]:
        """Where the map stands, scrolled to so that the pointer reaches all of it."""
        place = self.page.locator("#map")
        place.evaluate("map => map.scrollIntoView({ block: 'end' })")
        box: dict[str, float] = place.bounding_box()
        return box

    def show(self, layer: str, *, shown: bool) -> None:
        self.page.locator(f"input[name=layer][value={layer}]").set_checked(shown)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    if CHROMIUM is None:
        lacking("Chromium (Debian: chromium)")
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    started = _launch(playwright, SOFTWARE_GL)
    yield started
    started.close()


@pytest.fixture
def visit(browser: Any, report: Path) -> Iterator[Visit]:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, offline=True, reduced_motion="reduce"
    )
    visit = Visit(context.new_page(), report)
    visit.wait_until_drawn()
    yield visit
    assert visit.complaints == []
    context.close()


def _launch(playwright: Any, flags: tuple[str, ...]) -> Any:
    return playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*flags, "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"],
    )


def test_map_is_drawn_without_asking_anyone(visit: Visit) -> None:
    colours = visit.colours()
    assert len(colours) > 50
    assert max(colours.values()) < 0.99 * sum(colours.values())


def test_layers_are_switched(visit: Visit) -> None:
    before = visit.colours()
    station = "230,159,0"  # sodium-ion, which leads in Harbin
    assert before.get(station, 0) > 20
    visit.show("stations", shown=False)
    without_stations = visit.colours()
    assert station not in without_stations
    visit.show("cells", shown=False)
    visit.show("names", shown=False)
    assert len(visit.colours()) < len(without_stations)
    for layer in ("stations", "cells", "names"):
        visit.show(layer, shown=True)
    assert visit.colours() == before


def test_the_slider_takes_the_map_back_to_earlier_periods(visit: Visit) -> None:
    visit.page.locator("input[name=look][value=opening]").check(force=True)
    visit.show("cells", shown=False)
    last = visit.colours()
    second, third = "39,127,142", "160,218,57"  # stations of the second period, and the third
    assert last.get(second, 0) > 20
    assert last.get(third, 0) > 20
    _move_slider(visit, 1)
    before = visit.colours()
    assert before.get(second, 0) > 20
    assert third not in before
    assert visit.page.locator("#period-name").inner_text() == "2027Q1"
    _move_slider(visit, 0)
    assert second not in visit.colours()
    # Zones are known for the last period alone: cities stand in for them.
    visit.show("cells", shown=True)
    legend = visit.page.locator("#legend").inner_text()
    assert "Swaps served by city, 2026Q4" in legend
    assert "Swaps served in the zones" not in legend


def test_stations_are_drawn_by_what_they_cost_to_replace(visit: Visit) -> None:
    visit.show("cells", shown=False)
    dearest = "153,52,4"
    assert visit.colours().get(dearest, 0) == 0
    visit.page.locator("input[name=look][value=cost]").check(force=True)
    assert visit.colours().get(dearest, 0) > 20
    legend = visit.page.locator("#legend").inner_text()
    assert "Stations: cost to do without [swaps/day]" in legend
    assert "10 and more" in legend
    assert "stands already" in legend


def test_a_site_is_found_by_its_id(visit: Visit) -> None:
    found = visit.page.locator("#site-found li")
    search = visit.page.locator("#site-search")
    search.fill("S1")
    assert found.all_inner_texts() == [
        f"s1: station; to do without it costs 6.0 to 12 swaps/day; next best site: {EVIL_CANDIDATE}"
    ]
    found.get_by_role("button", name="s1").click()
    assert "Station s1" in visit.page.locator("#details").inner_text()
    search.fill("c3")
    assert found.all_inner_texts() == ["c3: site that may have no station"]
    search.fill("onerror")
    assert found.all_inner_texts() == [
        f"{EVIL_CANDIDATE}: no station; one here costs 0.68 to 2.7 swaps/day; s1 leaves for it"
    ]
    search.fill("no such site")
    assert found.all_inner_texts() == ["no site has this id"]
    search.fill("")
    assert found.count() == 0


def _move_slider(visit: Visit, period: int) -> None:
    visit.page.locator("#period").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        period,
    )


def test_cells_have_the_colours_of_the_legend_and_no_others(visit: Visit) -> None:
    for layer in ("stations", "names", "roads", "corridors"):
        visit.show(layer, shown=False)
    visit.page.select_option("#find", label="Harbin")
    visit.page.get_by_role("button", name="Close details").click()
    swatches = visit.page.locator("#legend .swatch").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).backgroundColor)"
    )
    legend = {swatch.removeprefix("rgb(").removesuffix(")").replace(" ", "") for swatch in swatches}
    counts = visit.colours()
    # Half of Harbin's zones are served whole, half not at all; edges are mixtures.
    assert counts.get(ZONES, 0) > 1000
    drawn = {
        colour
        for colour, pixels in counts.items()
        if pixels > 1000 and min(map(int, colour.split(","))) < 200  # the ground is paler
    }
    assert drawn == {SERVED, NOT_SERVED}
    assert drawn | {ZONES} <= legend
    # As much of the colour as of the swaps: 0.75 of them are served, by half of the zones.
    assert counts[SERVED] / (counts[SERVED] + counts[NOT_SERVED]) == pytest.approx(0.75, abs=0.03)


def test_a_town_on_the_antimeridian_is_shown_whole(
    browser: Any, tutorial: Instance, tmp_path: Path
) -> None:
    middle = (tutorial.zones["lon"].min() + tutorial.zones["lon"].max()) / 2
    folder = write_run(plan(moved_east(tutorial, 180 - middle)), tmp_path / "run")
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, offline=True, reduced_motion="reduce"
    )
    visit = Visit(context.new_page(), folder / "report.html")
    visit.wait_until_drawn()
    for layer in ("stations", "names"):
        visit.show(layer, shown=False)
    counts = visit.colours()
    # West of it all is served, east of it little: both halves are on the map, in its middle.
    assert min(counts[SERVED], counts[NOT_SERVED]) > 3000
    visit.show("stations", shown=True)
    assert visit.colours().get("230,159,0", 0) > 100
    assert visit.complaints == []
    context.close()


def test_season_and_pack_change_the_range_shown(visit: Visit) -> None:
    legend = visit.page.locator("#legend")
    assert "Range with" not in legend.inner_text()
    visit.show("ranges", shown=True)
    winter = visit.colours()
    assert "Range with na_25: Winter design day" in legend.inner_text()
    visit.page.locator("input[name=season][value=hottest]").check(force=True)
    summer = visit.colours()
    assert "Range with na_25: Hottest month mean" in legend.inner_text()
    assert summer != winter
    visit.page.select_option("#pack", label="lfp_25")
    assert visit.colours() != summer
    assert "Range with lfp_25: Hottest month mean" in legend.inner_text()


def test_details_of_a_city_and_of_a_station(visit: Visit) -> None:
    details = visit.page.locator("#details")
    assert details.is_hidden()
    visit.page.select_option("#find", label=EVIL_CITY)
    assert EVIL_CITY in details.inner_text()
    assert "−25.0 °C" in details.inner_text()
    assert details.locator("img, script").count() == 0
    details.get_by_role("button", name="Close details").click()
    assert details.is_hidden()

    # The town has one station, in the middle of the map.
    visit.page.select_option("#find", label="a city …")
    visit.page.select_option("#find", label=EVIL_CITY)
    visit.colours()
    frame = visit.map_box()
    visit.page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    assert "14 bays" in details.inner_text()
    assert "10.0 per day" in details.inner_text()
    assert details.locator(".hours i").count() == 24


@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE])
def test_details_leave_the_map_free(visit: Visit, size: dict[str, int]) -> None:
    visit.page.set_viewport_size(size)
    visit.page.select_option("#find", label="Harbin")
    frame, details = (
        visit.page.locator(name).bounding_box() for name in (".map-frame", "#details")
    )
    beside = details["x"] >= frame["x"] + frame["width"]
    below = details["y"] >= frame["y"] + frame["height"]
    assert beside or below
    # Both are on the screen: the map for the most part, the details with their first lines.
    assert min(details["y"], frame["y"] + frame["height"] / 2) >= 0
    assert details["y"] + 150 <= size["height"]


def test_a_row_of_a_table_leads_to_its_place(visit: Visit) -> None:
    details = visit.page.locator("#details")
    before = visit.colours()
    cell = visit.page.locator("#cities tbody tr", has_text="Harbin").locator("td").nth(2)
    cell.click()
    assert "Harbin 哈尔滨" in details.inner_text()
    assert visit.colours() != before
    assert visit.page.locator("#map").bounding_box()["y"] < 400

    # From one stop of the tabulator arrows lead on, Enter to the map, and closing back.
    assert visit.page.locator("#stations .lead[tabindex='0']").count() == 1
    first, second = (visit.page.locator("#stations .lead").nth(row) for row in (0, 1))
    first.focus()
    visit.page.keyboard.press("ArrowDown")
    assert second.evaluate("button => button === document.activeElement")
    visit.page.keyboard.press("Enter")
    assert "Station s2" in details.inner_text()
    visit.page.keyboard.press("Enter")
    assert details.is_hidden()
    assert second.evaluate("button => button === document.activeElement")

    # A row that is filtered away is no stop.
    table = visit.page.locator("#stations")
    table.get_by_role("searchbox").fill("s1")
    assert table.locator(".lead[tabindex='0']").all_inner_texts() == ["s1"]
    table.get_by_role("searchbox").fill("")


CLUSTER = """() => {
  const labels = Array.from({ length: 60 }, (_label, rank) => ({
    x: 300 + 7 * (rank % 6), y: 250 + 7 * Math.floor(rank / 6),
    width: 70, height: 15, must: rank < 30,
  }));
  const frame = { left: 0, top: 0, right: 900, bottom: 590 };
  return mapLabels.place(labels, { frame, taken: [], gap: 4 })
    .map((label) => label && [label.at.x, label.at.y]);
}"""


def test_the_thirty_most_important_cities_are_named_wherever_they_crowd(visit: Visit) -> None:
    places = visit.page.evaluate(CLUSTER)
    assert all(places[:30])
    kept = [place for place in places if place]
    assert not [
        (one, other)
        for at, one in enumerate(kept)
        for other in kept[:at]
        if abs(one[0] - other[0]) < 69 and abs(one[1] - other[1]) < 14
    ]
    assert all(35 <= x <= 865 and 7.5 <= y <= 582.5 for x, y in kept)


def test_the_map_speaks_the_language_of_the_run(browser: Any, bare_folder: Path) -> None:
    path = bare_folder / "run.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(run | {"language": "zh"}), encoding="utf-8")
    context = browser.new_context(offline=True)
    visit = Visit(context.new_page(), write_report(bare_folder))
    visit.wait_until_drawn()
    visit.show("ranges", shown=True)
    options = visit.page.locator("#find option").all_inner_texts()
    assert options[0] == "选择城市……"
    assert "哈尔滨" in options
    visit.page.evaluate("mapPanel.showStation(0)")
    spoken = visit.page.locator(".panel").inner_text()
    assert "换电站 s1" in spoken
    # Ids, packs and chemistries are names of the instance.
    names = (
        r"s1|lfp_25|na_25|LFP|sodium-ion|large|small|city_month|km|°C|<script>alert\(1\)</script>"
    )
    assert re.findall(r"[A-Za-z_]{2,}", re.sub(names, "", spoken.replace(EVIL_NAME_ZH, ""))) == []
    assert "换电站" in visit.page.locator("#stations thead").inner_text()
    assert visit.complaints == []
    context.close()


def test_hovering_tells_figures(visit: Visit) -> None:
    visit.page.select_option("#find", label="Harbin")
    visit.colours()
    tip = visit.page.locator("#map-tip")
    box = visit.map_box()
    said = set()
    for step in range(24):
        visit.page.mouse.move(box["x"] + box["width"] * (0.35 + 0.025 * step), box["y"] + 250)
        visit.page.wait_for_timeout(30)
        if tip.is_visible():
            said.add(tip.inner_text().splitlines()[0])
    assert any(line.startswith("Swaps served") for line in said)
    mark = visit.page.locator("#chart-packs path[aria-roledescription=bar]").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    assert visit.page.locator("#chart-tip").inner_text() == mark.get_attribute("aria-label")


def test_roads_and_corridor_stations_are_drawn_switched_and_told(visit: Visit) -> None:
    diamond, good = "204,121,167", SERVED
    for layer in ("cells", "stations", "names"):
        visit.show(layer, shown=False)
    before = visit.colours()
    assert before.get(diamond, 0) > 20
    legend = visit.page.locator("#legend")
    assert "ROADS: TRIPS REFUELLED IN WINTER" in legend.inner_text().upper()

    # The busier corridor station stands at a third of the way between the towns.
    box = visit.map_box()
    tip = visit.page.locator("#map-tip")
    said = {}
    for step in range(60):
        for row in range(20):
            x, y = box["x"] + box["width"] * step / 60, box["y"] + box["height"] * row / 20
            visit.page.mouse.move(x, y)
            if tip.is_visible():
                said.setdefault(tip.inner_text().split(",")[0].split("\n")[0], (x, y))
    assert {"Road", "Ferry", "Corridor station R+45.500+127.000"} <= set(said)
    details = visit.page.locator("#details")
    visit.page.mouse.click(*said["Road"])
    assert "% of 1" in details.inner_text()
    visit.page.mouse.click(*said["Corridor station R+45.500+127.000"])
    assert "120.5 per day" in details.inner_text()
    assert "38.6 of 19.8 swaps" in details.inner_text()
    details.get_by_role("button", name="Close details").click()

    visit.page.mouse.move(0, 0)
    visit.show("corridors", shown=False)
    assert diamond not in visit.colours()
    visit.show("roads", shown=False)
    bare = visit.colours()
    assert len(bare) < len(before)
    assert good not in bare
    for layer in ("corridors", "roads"):
        visit.show(layer, shown=True)
    assert visit.colours() == before


def test_stations_are_coloured_by_verdict_and_by_share_in_time(visit: Visit) -> None:
    confirmed, refuted, sodium_ion = "0,114,178", "213,94,0", "230,159,0"
    for layer in ("cells", "roads", "corridors", "names"):
        visit.show(layer, shown=False)
    legend = visit.page.locator("#legend")
    before = visit.colours()
    visit.page.locator("input[name=look][value=verdict]").check(force=True)
    by_verdict = visit.colours()
    assert min(by_verdict.get(confirmed, 0), by_verdict.get(refuted, 0)) > 10
    assert sodium_ion not in by_verdict
    assert "VERDICT OF THE SIMULATION" in legend.inner_text().upper()
    shapes = legend.locator(".swatch").evaluate_all("all => all.map((each) => each.className)")
    assert shapes == ["swatch triangle", "swatch square", "swatch circle"]
    visit.page.locator("input[name=look][value=share]").check(force=True)
    by_share = visit.colours()
    assert min(by_share.get(SERVED, 0), by_share.get(NOT_SERVED, 0)) > 10
    assert "95 to 99 %" in legend.inner_text()
    visit.page.locator("input[name=look][value=chemistry]").check(force=True)
    assert visit.colours() == before


def test_details_of_a_station_tell_its_waits_and_packs(visit: Visit) -> None:
    details = visit.page.locator("#details")
    visit.page.evaluate("mapPanel.showStation(1)")
    told = details.inner_text()
    for text in ("refuted", "packs of na_25", "95 % wait at most", "Find no full pack", "lfp_25"):
        assert text in told
    assert re.search(r"Within 5 min\s+7\d\.\d % \(7\d\.\d–7\d\.\d\)", told)
    visit.page.evaluate("mapPanel.showStation(2)")
    assert "not simulated" in details.inner_text()
    visit.page.evaluate("mapPanel.showCorridorStation(1)")
    assert "refuted" in details.inner_text()


@pytest.mark.parametrize(
    ("chart", "kind", "text"),
    [
        ("wait-bars", "bar", "0 to 1 min, simulated: 84.00 % of the drivers"),
        ("on-time", "point", "on time at"),
        ("no-pack", "rect mark", "Harbin, 0:00 to 1:00: "),
    ],
)
def test_charts_of_waits_tell_their_figures(visit: Visit, chart: str, kind: str, text: str) -> None:
    # Strokes of the closed form have no height to point at.
    flat = ':not([aria-label^="closed form"])' if kind == "point" else ""
    path = f'#chart-{chart} path[aria-roledescription="{kind}"]{flat}'
    mark = visit.page.locator(path).last if flat else visit.page.locator(path).first
    mark.scroll_into_view_if_needed()
    mark.hover()
    tip = visit.page.locator("#chart-tip")
    assert tip.inner_text() == mark.get_attribute("aria-label")
    assert text in tip.inner_text()


def test_chart_of_trips_tells_its_figures(visit: Visit) -> None:
    mark = visit.page.locator("#chart-trips path[aria-roledescription=bar]").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    tip = visit.page.locator("#chart-tip")
    assert tip.inner_text() == mark.get_attribute("aria-label")
    assert "of 100 trips a day" in tip.inner_text()


def test_tables_sort_and_filter(visit: Visit) -> None:
    table = visit.page.locator("#stations")
    swaps = "td:nth-child(6)"
    assert table.locator(swaps).all_inner_texts() == ["60", "30", "10"]
    heading = table.get_by_role("button", name="Swaps [1/day]")
    heading.click()
    assert table.locator("th[aria-sort=descending]").count() == 1
    heading.click()
    assert table.locator(swaps).all_inner_texts() == ["10", "30", "60"]
    table.get_by_role("searchbox").fill("harbin small")
    assert table.locator("tbody tr:visible").count() == 1
    assert table.locator(".row-count").inner_text() == "1 of 3 rows"
    table.get_by_role("searchbox").fill("")
    assert table.locator("tbody tr:visible").count() == 3


def test_keyboard_reaches_every_control(visit: Visit) -> None:
    wanted = {
        "A:Skip to the map", "CANVAS", "INPUT:cells", "INPUT:stations", "INPUT:ranges",
        "INPUT:names", "INPUT:roads", "INPUT:corridors", "INPUT:chemistry", "INPUT:design",
        "SELECT:pack", "SELECT:find", "BUTTON:Whole area",
        "INPUT:search", "BUTTON:Bays", "DIV:region",
    }  # fmt: skip
    reached = set()
    for _ in range(120):
        visit.page.keyboard.press("Tab")
        reached.add(
            visit.page.evaluate(
                """() => {
                  const { tagName, id, name, value, type, textContent } = document.activeElement;
                  const role = document.activeElement.getAttribute("role");
                  if (tagName === "CANVAS") return tagName;
                  if (tagName === "SELECT") return `${tagName}:${id}`;
                  if (tagName === "INPUT") return `${tagName}:${name ? value : type}`;
                  return `${tagName}:${role || textContent.trim()}`;
                }"""
            )
        )
    assert wanted <= reached
    visit.page.locator("input[value=cells]").focus()
    before = visit.colours()
    visit.page.keyboard.press("Space")
    assert visit.colours() != before
    visit.page.locator("canvas.maplibregl-canvas").focus()
    before = visit.colours()
    visit.page.keyboard.press("ArrowRight")
    visit.page.wait_for_timeout(600)
    assert visit.colours() != before


@pytest.mark.parametrize("width", [390, 1366, 1920])
def test_nothing_is_wider_than_the_screen(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 768})
    wide = visit.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= width


def test_paper_shows_the_map_and_hides_controls(visit: Visit, tmp_path: Path) -> None:
    visit.colours()
    visit.page.emulate_media(media="print")
    for hidden in ("nav", ".layers", ".seasons", ".selects", ".filter"):
        assert visit.page.locator(hidden).first.is_hidden()
    canvas = visit.page.locator("canvas.maplibregl-canvas").bounding_box()
    legend = visit.page.locator("#legend").bounding_box()
    assert canvas["height"] > 200
    assert legend["y"] >= canvas["y"] + canvas["height"] - 1
    paper = tmp_path / "report.pdf"
    visit.page.pdf(path=str(paper), prefer_css_page_size=True)
    assert paper.stat().st_size > 50_000


def test_without_webgl_a_sentence_stands_in_for_the_map(playwright: Any, report: Path) -> None:
    browser = _launch(playwright, NO_GL)
    visit = Visit(browser.new_context(offline=True).new_page(), report)
    visit.page.wait_for_selector("html[data-map=missing]")
    assert "The map needs WebGL" in visit.page.locator("#map-missing").inner_text()
    visit.page.select_option("#find", label="Harbin")
    assert "Heilongjiang" in visit.page.locator("#details").inner_text()
    visit.page.get_by_role("button", name="Whole area").click()
    assert visit.complaints == []
    browser.close()


def test_without_optional_tables_the_season_is_fixed(browser: Any, bare_report: Path) -> None:
    context = browser.new_context(offline=True)
    visit = Visit(context.new_page(), bare_report)
    visit.wait_until_drawn()
    assert visit.page.locator("#season-note").is_visible()
    assert visit.page.locator("input[name=season][value=hottest]").is_disabled()
    assert visit.complaints == []
    context.close()
