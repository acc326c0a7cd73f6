"""The page: figures in front, what they rest on behind, and the template that holds them."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from planner.outputs.kpi import currency_of, in_cny, shown_kpis
from planner.outputs.report.brands import describe_brands
from planner.outputs.report.cards import Card
from planner.outputs.report.certificates import describe_certificates
from planner.outputs.report.charts import Chart, draw, specify_charts
from planner.outputs.report.corridors import (
    corridor_limits,
    corridor_station_table,
    describe_trips,
    trip_cards,
)
from planner.outputs.report.curves import describe_curves
from planner.outputs.report.findings import finding, objective_card
from planner.outputs.report.futures import describe_futures, future_limits
from planner.outputs.report.map_data import build_map
from planner.outputs.report.markets import describe_supply
from planner.outputs.report.numbers import MISSING, large, number, percent
from planner.outputs.report.passport import describe_passport
from planner.outputs.report.phases import describe_phases, phase_limits
from planner.outputs.report.read import RunFiles
from planner.outputs.report.reasons import describe_reasons, search_data
from planner.outputs.report.tables import (
    Table,
    assumption_table,
    city_table,
    optional_tables,
    pack_table,
    station_table,
)
from planner.outputs.report.waits import describe_waits, wait_limits
from planner.outputs.report.water import SOURCE
from planner.outputs.report.words import words_in
from planner.outputs.waits import REFUTED, UNCLEAR

_WEAK_MARKS = ("?", "INF")
_TEMPLATE = "page.html.j2"
_MAP_SCRIPTS = ("map_panel.js", "map_labels.js", "map.js")


def render_page(run: RunFiles, on_loss: Callable[[str], None]) -> str:
    """The whole page as HTML; the same run gives the same text.

    Parameters
    ----------
    run : RunFiles
        What the run left.
    on_loss : callable
        Hears of each drawing that could not be made.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = words_in(run.language)
    trips = describe_trips(run) if run.has_corridors else None
    waits = describe_waits(run) if run.has_waits else None
    curves = describe_curves(run) if run.has_curves else None
    phases = describe_phases(run) if run.has_phases else None
    futures = describe_futures(run) if run.has_futures else None
    reasons = describe_reasons(run) if run.has_reasons else None
    sections = {
        "waits": waits, "curves": curves, "phases": phases, "futures": futures, "reasons": reasons
    }  # fmt: skip
    about = (describe_supply, describe_certificates, describe_passport, describe_brands)
    of_markets = [section for describe in about if (section := describe(run))]
    apart = [
        *([trips.chart] if trips else []),
        *(chart for each in of_markets for chart in each.charts),
        *(chart for section in sections.values() if section for chart in section.charts),
    ]
    with ThreadPoolExecutor(1) as beside:  # the renderer is a process of its own
        drawing = beside.submit(draw, [*specify_charts(run), *apart], on_loss)
        map_data = _json_block(build_map(run, map(_asset, _MAP_SCRIPTS)))
    drawn = drawing.result()
    markup = {chart.key: _with_markup(chart) for chart in drawn}
    of_sections = {chart.key: markup.pop(chart.key) for chart in apart}
    return environment.get_template(_TEMPLATE).render(
        language=run.language,
        water_source=SOURCE,
        title=run.scenario.get("title") or run.run.get("name", "Plan"),
        name=run.run.get("name", ""),
        quarter=run.scenario.get("planning_quarter", MISSING),
        status=_status(run),
        findings=[
            finding(run),
            *(each.finding for each in (phases, futures, reasons, curves) if each),
        ],
        cards=[*cards(run), *(trip_cards(run) if trips else ())],
        charts=list(markup.values()),
        trips=trips and {**trips.__dict__, "chart": of_sections[trips.chart.key]},
        **{
            name: section
            and {**section.__dict__, "charts": [of_sections[chart.key] for chart in section.charts]}
            for name, section in sections.items()
        },
        of_markets=[
            {**each.__dict__, "charts": [of_sections[chart.key] for chart in each.charts]}
            for each in of_markets
        ],
        tables=_tables(run),
        assumptions=assumption_table(run),
        limits=[
            *limits(run),
            *(corridor_limits() if trips else ()),
            *(phase_limits() if phases else ()),
            *(future_limits() if futures else ()),
        ],
        particulars=_particulars(run),
        settings=_settings(run.scenario),
        inputs=[(file["path"], file["sha256"]) for file in run.run.get("inputs", [])],
        attribution=run.scenario.get("attribution") or "No attribution is stated by the instance.",
        map_data=map_data,
        map_library=_map_library("maplibre-gl.js"),
        map_style=_map_library("maplibre-gl.css"),
        page_style=Markup(_asset("page.css")),
        reasons_data=_json_block(search_data(run)) if reasons else "",
        scripts=[
            Markup(_asset(name))
            for name in (
                *_MAP_SCRIPTS,
                "tables.js",
                "tooltips.js",
                *(["reasons.js"] if reasons else []),
            )
        ],
    )


def cards(run: RunFiles) -> list[Card]:
    """Figures in front, the answer to the siting's question after the swaps served."""
    found = []
    for about in shown_kpis("card", run.run["kpi"], run.chemistries):
        figure, context = _CONTEXTS.get(about.name, _vehicles_of_chemistry)(run, about.name)
        unit = "CNY" if about.unit == "CNY" else ""
        money = _in_currency(run, about.name) if unit else ""
        found.append(Card(about.title, figure, unit, context + money))
        if about.name == "swaps_served_frac":
            found.append(objective_card(run))
    return found


def _in_currency(run: RunFiles, name: str) -> str:
    """A figure of money once more in the scenario's currency, if it has one."""
    found = [each for each in run.run["kpi"] if in_cny(each) == name != each]
    return "".join(f"; {large(_kpi(run, each))} {currency_of(each)}" for each in found)


def _kpi(run: RunFiles, name: str) -> float:
    return float(run.run["kpi"].get(name, float("nan")))


def _stations(run: RunFiles, name: str) -> tuple[str, str]:
    cities = f"{number(len(run.cities))} {'city' if len(run.cities) == 1 else 'cities'}"
    return number(_kpi(run, name)), f"{number(_kpi(run, 'num_bays'))} bays in {cities}"


def _swaps_served(run: RunFiles, name: str) -> tuple[str, str]:
    served, asked = (number(_kpi(run, each)) for each in ("swaps_per_day_served", "swaps_per_day"))
    of_segment = [
        f"{words} {percent(_kpi(run, each))}"
        for segment, words in (
            ("private", "private cars"), ("taxi", "taxis"), ("ride_hailing", "ride-hailing cars"),
        )
        if (each := f"swaps_served_{segment}_frac") in run.run["kpi"]
    ]  # fmt: skip
    shares = f": {', '.join(of_segment)}" if len(of_segment) > 1 else ""
    return percent(_kpi(run, name)), f"{served} of {asked} per day{shares}"


def _households_served(run: RunFiles, name: str) -> tuple[str, str]:
    minutes = run.scenario.get("siting", {}).get("drive_time_min")
    return percent(_kpi(run, name)), (
        f"of {large(_kpi(run, 'car_owning_households'))} with a car, within "
        f"{number(minutes, 1 if minutes and minutes % 1 else 0)} min"
    )


def _investment(run: RunFiles, name: str) -> tuple[str, str]:
    capex_cny, stations = _kpi(run, name), _kpi(run, "num_stations")
    new, enlarged = _kpi(run, "num_new_stations"), _kpi(run, "num_enlarged_stations")
    if new < stations:
        return large(capex_cny), (
            f"CNY of new money, without packs: {number(new)} new and {number(enlarged)} enlarged "
            f"of {number(stations)} stations"
        )
    per_station = large(capex_cny / stations if stations else None)
    return large(capex_cny), f"{per_station} CNY per station, without packs"


def _vehicles(run: RunFiles, name: str) -> tuple[str, str]:
    return large(_kpi(run, name)), f"{number(_kpi(run, 'vehicles_without_pack'))} without a pack"


def _vehicles_per_station(run: RunFiles, name: str) -> tuple[str, str]:
    swaps, packs = (
        number(_kpi(run, each)) for each in ("swaps_per_station_day", "packs_per_station")
    )
    return number(_kpi(run, name)), (
        f"published: 89 to 250; {swaps} swaps a day and {packs} packs per station"
    )


def _cost_per_swap(run: RunFiles, name: str) -> tuple[str, str]:
    capex, opex = (number(_kpi(run, f"{part}_per_swap_cny"), 1) for part in ("capex", "opex"))
    return number(_kpi(run, name), 1), (
        f"CNY: {capex} for stations and plots, {opex} to run them; without packs and energy"
    )


def _vehicles_of_chemistry(run: RunFiles, name: str) -> tuple[str, str]:
    count, vehicles = _kpi(run, name), _kpi(run, "vehicles")
    gwh = _kpi(run, f"packs_{name.removeprefix('vehicles_')}_gwh")
    share = percent(count / vehicles if vehicles else None)
    return share, f"{number(count)} vehicles, {number(gwh, 2)} GWh"


def _short_of_range(run: RunFiles, name: str) -> tuple[str, str]:
    below, vehicles = _kpi(run, name), _kpi(run, "vehicles")
    promised_km = run.scenario.get("packs", {}).get("promised_range_km")
    return percent(below / vehicles if vehicles else None), (
        f"{number(below)} vehicles below {number(promised_km)} km on the design day; "
        "what a kilometre less costs is a guess"
    )


def _settling(run: RunFiles, name: str) -> tuple[str, str]:
    per_year, contested = (
        _kpi(run, each) for each in ("settling_cny_per_year", "cities_contested")
    )
    return large(_kpi(run, name)), (
        f"{large(per_year)} a year; {number(contested)} cities change their main chemistry"
    )


def _promise_limits(run: RunFiles) -> list[str]:
    """By how many the promised range is missed, and what the answer owes to its weight."""
    below, vehicles = _kpi(run, "vehicles_below_promised_range"), _kpi(run, "vehicles")
    promised_km = run.scenario.get("packs", {}).get("promised_range_km")
    weight_cny = run.scenario.get("costs", {}).get("range_shortfall_cny_per_km")
    if not below > 0 or not vehicles:
        return []
    return [
        f"{percent(below / vehicles)} of the vehicles of the plan miss the promised "
        f"{number(promised_km)} km on the winter design day. What a missing kilometre costs "
        f"in a quarter (costs.range_shortfall_cny_per_km, {number(weight_cny, 1)} CNY) is a guess, "
        "not a measurement, and moves the share of each chemistry in the cold cities."
    ]


def _within_5min(run: RunFiles, name: str) -> tuple[str, str]:
    low, high = (percent(_kpi(run, f"within_5min_{end}")) for end in ("low", "high"))
    no_pack = percent(_kpi(run, "no_pack_frac"))
    return percent(_kpi(run, name)), f"simulated: {low} to {high}; {no_pack} find no full pack"


def _confirmed(run: RunFiles, name: str) -> tuple[str, str]:
    refuted, unclear = (number(_kpi(run, f"num_stations_{each}")) for each in (REFUTED, UNCLEAR))
    return percent(_kpi(run, name)), f"{refuted} refuted, {unclear} unclear"


def _station_packs(run: RunFiles, name: str) -> tuple[str, str]:
    packs, bays = _kpi(run, name), _kpi(run, "num_bays")
    return number(packs), f"whole packs; {number(bays)} bays in cities"


def _passport(run: RunFiles, name: str) -> tuple[str, str]:
    flows, declared = _kpi(run, "flows_with_passport_asked"), _kpi(run, "packs_declared_frac")
    needed = "one flow needs" if flows == 1 else f"{number(flows)} flows of packs need"
    return percent(_kpi(run, name)), (
        f"{needed} a passport; {percent(declared)} of the packs have every declaration"
    )


_CONTEXTS = {
    "num_stations": _stations,
    "swaps_served_frac": _swaps_served,
    "households_served_frac": _households_served,
    "capex_cny": _investment,
    "vehicles": _vehicles,
    "vehicles_per_station": _vehicles_per_station,
    "cost_per_swap_cny": _cost_per_swap,
    "vehicles_below_promised_range": _short_of_range,
    "settling_cny": _settling,
    "within_5min_frac": _within_5min,
    "stations_confirmed_frac": _confirmed,
    "station_packs": _station_packs,
    "passport_fields_known_frac": _passport,
}
"""Per figure what its card shows: the figure, and what puts it into proportion."""


def limits(run: RunFiles) -> list[str]:
    """What the figures do not say."""
    marks = run.assumptions["mark"].fillna("?")
    weak = int(marks.isin(_WEAK_MARKS).sum())
    outside = run.assumptions["item"].str.contains("outside its curve", regex=False).sum()
    return [
        "The bound holds within the model: for the zones, drive times, fleet and costs of this "
        "instance. It proves nothing about demand that turns out otherwise.",
        "Each model's plan is proven for itself (see the run's particulars). What one model takes "
        "over from another, such as the packs that loads are computed with, is given to it, not "
        "weighed again.",
        "Drive times follow the instance's roads at planned speeds, alike in both directions: no "
        "congestion, no winter roads, no turns. Sites are places on the map; whether a plot and a "
        "grid connection can be had there is not known unless the instance says so.",
        "Winter range is that of a vehicle at constant mean speed on level road with a new pack: "
        "no wind, no slopes, no ageing. On the winter design day 99 % of the year's hours are "
        "warmer; colder hours occur."
        + (" Some packs get colder than their curve's validated domain; the curve's last value is "
           "held there, which flatters them (see the assumptions)." if outside else ""),
        *_promise_limits(run),
        *wait_limits(run),
        f"{weak} of {len(marks)} assumptions are inferred or weak (marks INF and ?).",
        "The map sums zones to coarser cells for display only; all figures are computed zone by "
        "zone. Coordinates are WGS84. No administrative borders are drawn.",
    ]  # fmt: skip


def _status(run: RunFiles) -> str:
    if run.run["status"] == "OPTIMAL":
        return "proven optimal"
    return f"within {percent(run.run['gap_frac'], 2)} of the optimum, proven"


def _tables(run: RunFiles) -> list[Table]:
    between = [corridor_station_table(run)] if run.has_corridors else []
    return [
        city_table(run), station_table(run), *between, pack_table(run), *optional_tables(run)
    ]  # fmt: skip


def _with_markup(chart: Chart) -> dict[str, Any]:
    # The renderer escapes text within its drawing; everything else stays under autoescape.
    return {**chart.__dict__, "svg": Markup(chart.svg)}


def _particulars(run: RunFiles) -> list[tuple[str, str]]:
    models = [
        (
            f"Model {name}",
            f"{model['status']}, {model['sense']}imum {number(model['objective'])} "
            f"{model['unit']}, bound {number(model['bound'])}, "
            f"gap {percent(model['gap_frac'], 4)}, {number(model['wall_s'], 1)} s",
        )
        for name, model in run.run["models"].items()
    ]
    versions = ", ".join(f"{name} {text}" for name, text in run.run.get("versions", {}).items())
    return [
        ("Run", run.run.get("run_id", MISSING)),
        ("Begun", run.run.get("run_date", MISSING)),
        ("Status", f"{run.run['status']}, gap {percent(run.run['gap_frac'], 4)}"),
        *models,
        ("Time and memory", f"{number(run.run.get('wall_s'), 1)} s, "
                            f"{number(run.run.get('peak_rss_mb'))} MB"),
        ("Seed", str(run.run.get("seed", MISSING))),
        ("Versions", versions or MISSING),
        ("Report drawn with", f"MapLibre GL JS {_map_library_version()} (BSD-3-Clause), "
                              f"Vega-Lite (BSD-3-Clause) from vl-convert-python "
                              f"{version('vl-convert-python')}"),
    ]  # fmt: skip


def _settings(scenario: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for key, value in scenario.items():
        if isinstance(value, dict):
            found += _settings(value, f"{prefix}{key}.")
        elif key not in ("title", "attribution"):
            found.append((f"{prefix}{key}", str(value)))
    return found


def _asset(name: str) -> str:
    return (files("planner.outputs.report") / name).read_text(encoding="utf-8")


def _map_library(name: str) -> Markup:
    lines = _asset(f"vendor/{name}").splitlines()
    # Developer tools would otherwise ask a host for the source map.
    kept = "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL="))
    if "</script" in kept.lower() or "</style" in kept.lower():
        raise ValueError(f"{name} would end the element that carries it")
    return Markup(kept)


def _map_library_version() -> str:
    """As the script's own banner tells it."""
    found = re.search(r"maplibre-gl-js/blob/v([\d.]+)/", _asset("vendor/maplibre-gl.js"))
    if found is None:
        raise ValueError("maplibre-gl.js has no banner that tells its version")
    return found[1]


def _json_block(data: Any) -> Markup:
    """JSON that cannot end the element it stands in, whatever text is within."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
