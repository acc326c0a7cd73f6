"""Progress and result of a run on the terminal, for people or as JSON lines for programs.

Takes progress events and a checked plan; gives no files.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from planner.instance.tables import SWAP_CAR
from planner.outputs.chemistries import read_chemistries
from planner.outputs.curves import CASES, settling_in_one_sentence
from planner.outputs.run_json import without_infinity
from planner.outputs.waits import VERDICTS, day_of, name_refuted
from planner.outputs.whole import whole_kpi, whole_table
from planner.planning.clock import progress_record
from planner.plans.question import judge_of
from planner.solving.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from planner.planning.result import Planned

NUM_COLDEST = 10
"""Cities whose packs are shown when a run is done, coldest first."""


@contextmanager
def show_progress(as_json: bool) -> Iterator[Callable[[Progress], None]]:
    """Report progress: a live line on a terminal, plain lines elsewhere, or JSON lines."""
    if as_json:
        yield lambda progress: print(json.dumps(progress_record(progress)), flush=True)
        return
    if not sys.stderr.isatty():
        yield lambda progress: print(_line(progress), file=sys.stderr, flush=True)
        return
    from rich.console import Console

    console = Console(stderr=True)
    last: Progress | None = None
    with console.status("reading the instance") as live:

        def report(progress: Progress) -> None:
            nonlocal last
            if last is None or _stage(progress) != _stage(last):
                if last is not None and last.incumbent is not None:
                    console.print(_line(last), highlight=False, soft_wrap=True)
                console.print(_line(progress), highlight=False, soft_wrap=True)
            live.update(_line(progress))
            last = progress

        yield report


def _stage(progress: Progress) -> str:
    return progress.stage.partition(":")[0]


def _line(progress: Progress) -> str:
    parts = [f"{progress.elapsed_s:7.1f} s  {progress.stage:<18} {progress.message}"]
    if progress.incumbent is not None:
        parts.append(f"incumbent {progress.incumbent:,.1f}")
    if progress.bound is not None:
        parts.append(f"bound {progress.bound:,.1f}")
    if math.isfinite(progress.gap_frac):
        parts.append(f"gap {progress.gap_frac:.3%}")
    return "  ".join(parts)


def show_result(planned: "Planned", folder: Path, as_json: bool) -> None:
    """Print the plan's status, figures, coldest cities and quarters, and the run folder."""
    siting = planned.plan.models[0]
    if as_json:
        done = {"stage": "done", "folder": str(folder), "status": siting.status,
                "objective": siting.objective, "bound": siting.bound,
                "gap_frac": siting.gap_frac, "sense": siting.sense,
                "objective_unit": siting.unit,
                "left_out": [asdict(each) for each in planned.clock.left_out]}  # fmt: skip
        print(json.dumps(without_infinity(done), allow_nan=False), flush=True)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from planner.outputs.screen.phases import in_futures, over_time, print_futures, print_phases
    from planner.outputs.screen.tables import print_table

    kpi = whole_kpi(planned.evaluation.kpi)
    minutes = planned.instance.scenario.siting.drive_time_min
    near_km = planned.instance.scenario.siting.near_km
    console = Console(highlight=False)
    figures = Table(box=None, show_header=False)
    for label, value in (
        ("scenario", _scenario(planned)),
        ("status", _status(siting.status, siting.gap_frac)),
        ("stations", _stations(kpi)),
        *_headline(planned),
        *_by_segment(kpi),
        (f"car-owning households within {minutes:g} min", f"{kpi['households_served_frac']:.1%}"),
        ("in reach at the peak, on the mean of a day",
         f"{kpi['households_peak_hour_frac']:.1%}, {kpi['households_mean_hour_frac']:.1%}"),
        (f"car-owning households within {near_km:g} km", f"{kpi['households_near_frac']:.1%}"),
        ("vehicles", f"{kpi['vehicles']:,}, {kpi['vehicles_without_pack']:,.0f} without a pack"),
        *_promise(planned),
        *_per_station(kpi),
        *_waits(planned.tables),
        *_contested(planned),
        *over_time(planned),
        *in_futures(planned),
        *_reasons(planned),
    ):  # fmt: skip
        figures.add_row(label, escape(value))
    console.print(figures)
    coldest = Table(title=f"Packs of the {NUM_COLDEST} coldest cities", title_justify="left")
    named = read_chemistries(planned.instance.chemistries)
    chemistries = sorted(planned.instance.packs["chemistry"].unique(), reverse=True)
    for heading in ("city", "winter", "vehicles", *map(named.nickname, chemistries)):
        coldest.add_column(heading, justify="left" if heading == "city" else "right")
    cities = whole_table("cities", planned.evaluation.cities)
    cities = cities.sort_values("winter_design_c").head(NUM_COLDEST)
    for city in cities.to_dict("records"):
        coldest.add_row(
            escape(city["name_en"]),
            f"{city['winter_design_c']:.1f} C",
            f"{city['vehicles']:,}",
            *(_with_share(city[f"vehicles_{each}"], city["vehicles"]) for each in chemistries),
        )
    print_table(console, coldest)
    _print_quarters(planned, console)
    print_phases(planned, console)
    print_futures(planned, console)
    for left_out in planned.clock.left_out:
        console.print(f"left out: {left_out.name}: {escape(left_out.reason)}", soft_wrap=True)
    opened = {"report.html": "for a browser", "plan.qgz": "for QGIS"}
    where = ", ".join(f"{name} {use}" for name, use in opened.items() if (folder / name).is_file())
    console.print(f"written to {folder}" + (f" ({where})" if where else ""), soft_wrap=True)


def _scenario(planned: "Planned") -> str:
    """The instance's name, its named variant, and what it shows."""
    instance = planned.instance
    named = ", ".join(filter(None, (instance.scenario.name, instance.variant)))
    return f"{named}: {instance.scenario.title}" if instance.scenario.title else named


def _status(status: str, gap_frac: float) -> str:
    proven = f"proven gap {gap_frac:.3%}" if math.isfinite(gap_frac) else "nothing proven"
    return f"{status}, {proven}"


def _stations(kpi: Mapping[str, float]) -> str:
    """Number, bays and new money; new ones apart where others stand."""
    between = kpi.get("num_corridor_stations")
    changed = f"{kpi['num_new_stations']:,} new, {kpi['num_enlarged_stations']:,} enlarged, "
    return (
        f"{kpi['num_stations']:,}, {kpi['num_bays']:,} bays, "
        + (changed if kpi["num_new_stations"] < kpi["num_stations"] else "")
        + f"{kpi['capex_cny'] / 1e6:,.0f} M CNY"
        + ("" if between is None else f"; {between:,} more between cities, "
           f"{kpi['corridor_capex_cny'] / 1e6:,.0f} M CNY")
    )  # fmt: skip


def _promise(planned: "Planned") -> list[tuple[str, str]]:
    """By how many the promised range is missed; nothing where nobody misses it."""
    kpi, promised_km = planned.evaluation.kpi, planned.instance.scenario.packs.promised_range_km
    below, vehicles = kpi["vehicles_below_promised_range"], kpi["vehicles"]
    if not below > 0:
        return []
    return [
        (
            f"promised {promised_km:g} km in winter",
            f"missed by {below / vehicles:.1%} of the vehicles; the weight of a missing kilometre "
            "(costs.range_shortfall_cny_per_km) is a guess that moves the cold cities' packs",
        )
    ]


def _reasons(planned: "Planned") -> list[tuple[str, str]]:
    """What the stations cost to do without; nothing where the run does not tell."""
    from planner.outputs.station_reasons import has_reasons, stations_in_words

    stations = planned.evaluation.stations
    if not has_reasons(stations):
        return []
    return [("to replace", stations_in_words(stations, planned.plan.models[0].unit))]


def _contested(planned: "Planned") -> list[tuple[str, str]]:
    """What rests on contested curves; nothing where the instance has none."""
    if CASES not in planned.tables:
        return []
    chemistries = read_chemistries(planned.instance.chemistries)
    kpi = planned.evaluation.kpi
    return [("curves", settling_in_one_sentence(planned.tables, kpi, chemistries))]


def _by_segment(kpi: Mapping[str, float]) -> list[tuple[str, str]]:
    """Share served of the swaps of each segment that asks for some."""
    shares = [
        f"{words} {kpi[name]:.1%}"
        for segment, words in (
            ("private", "private cars"), ("taxi", "taxis"), ("ride_hailing", "ride-hailing cars"),
        )
        if (name := f"swaps_served_{segment}_frac") in kpi
    ]  # fmt: skip
    return [("of these", ", ".join(shares))] if len(shares) > 1 else []


def _per_station(kpi: Mapping[str, float]) -> list[tuple[str, str]]:
    """What operators report of their stations; nothing without stations."""
    if not kpi["num_stations"]:
        return []
    told = (
        f"{kpi['vehicles_per_station']:,.0f} vehicles (published: 89 to 250), "
        f"{kpi['swaps_per_station_day']:,.0f} swaps a day, {kpi['packs_per_station']:,.1f} packs"
    )
    cost = (
        f"{kpi['cost_per_swap_cny']:,.1f} CNY ({kpi['capex_per_swap_cny']:,.1f} capex, "
        f"{kpi['opex_per_swap_cny']:,.1f} opex; packs and energy not included)"
    )
    return [("per station", told), ("station cost per swap", cost)]


def _waits(tables: "Mapping[str, pd.DataFrame]") -> list[tuple[str, str]]:
    """Waits, verdicts, and the first of the refuted stations; nothing without a simulation."""
    wait = tables.get("station_wait")
    if wait is None or wait.empty:
        return []
    figures = tables["simulation_figure"].set_index("figure")
    shares = {
        name: tuple(f"{share:.1%}" for share in figures.loc[name, ["value", "low", "high"]])
        for name in ("within_5min_frac", "no_pack_frac", "gave_up_frac")
    }
    served, low, high = shares["within_5min_frac"]
    count = wait["verdict"].value_counts()
    lines = [
        (
            "waits",
            f"{served} within 5 min ({low} to {high}), {shares['no_pack_frac'][0]} find no full "
            f"pack, {shares['gave_up_frac'][0]} give up; {day_of(wait)}, simulated",
        ),
        ("verdicts", ", ".join(f"{count.get(each, 0):,} {each}" for each in VERDICTS)),
    ]
    named = name_refuted(wait)
    return [*lines, ("refuted", named)] if named else lines


def _with_share(count: float, total: float) -> str:
    return f"{count:,.0f} ({count / total if total else 0.0:.0%})"


def _headline(planned: "Planned") -> list[tuple[str, str]]:
    """Swaps served, and the objective with its bound."""
    siting, kpi = planned.plan.models[0], planned.evaluation.kpi
    scenario = planned.instance.scenario
    judge = judge_of(scenario.siting.objective)
    words, proportion = judge.measure(scenario).words, judge.proportion(kpi)
    limit = words.limit(f"{siting.bound:,.0f}")
    served = (
        f"{kpi['swaps_per_day_served']:,.0f} of {kpi['swaps_per_day']:,.0f} per day "
        f"({kpi['swaps_served_frac']:.1%})"
    )
    if scenario.corridors.funding == "national":
        # The bound holds for swaps in cities and on trips together.
        both = f"{siting.objective:,.0f} {words.unit}; {limit}"
        return [("swaps served in cities", served), ("with trips between cities", both)]
    if not proportion:
        return [("swaps served", f"{served}; {limit}")]
    found = f"{siting.objective:,.0f} {words.unit} ({proportion}); {limit}"
    return [(words.name.lower(), found), ("swaps served", served)]


def _print_quarters(planned: "Planned", console: "Console") -> None:
    """Packs in use by quarter, and what more supply or an earlier certificate would save."""
    from rich.markup import escape
    from rich.table import Table

    from planner.outputs.screen.tables import print_table

    quarters = planned.instance.scenario.quarters
    named = read_chemistries(planned.instance.chemistries)
    if len(quarters) > 1:
        city_quarter = whole_table("city_quarter", planned.tables["city_quarter"])
        by_quarter = city_quarter.groupby("quarter").sum(numeric_only=True)
        supply = planned.tables["supply_value"]
        table = Table(title="Packs by quarter", title_justify="left")
        for heading in ("quarter", "vehicles", "chemistry", "on it", "GWh used", "available",
                        "1 GWh more saves"):  # fmt: skip
            is_text = heading in ("quarter", "chemistry")
            table.add_column(heading, justify="left" if is_text else "right")
        limited = sorted(supply["chemistry"].unique())
        shown = limited or sorted(planned.instance.packs["chemistry"].unique())
        for quarter, chemistry in product(quarters, shown):
            row = by_quarter.loc[quarter]
            of_chemistry = supply[supply["chemistry"] == chemistry].set_index("quarter")
            used = ["not limited"] * 3
            if quarter in of_chemistry.index:
                of_quarter = of_chemistry.loc[quarter]
                used = [
                    f"{of_quarter['used_gwh']:,.2f}",
                    f"{of_quarter['available_gwh']:,.2f}",
                    f"{of_quarter['value_cny_per_kwh']:,.1f} M CNY",
                ]
            table.add_row(
                quarter, f"{row['vehicles']:,.0f}", escape(named.nickname(chemistry)),
                f"{row.get(f'vehicles_{chemistry}', 0):,.0f}", *used,
            )  # fmt: skip
        print_table(console, table)
    for gate in planned.tables["gate_value"].to_dict("records"):
        opens = gate["opens_used"] if isinstance(gate["opens_used"], str) else "no date"
        saving = gate["saving_cny"]
        label = f"{gate['certificate']} for {named.nickname(gate['chemistry'])} in {gate['market']}"
        if gate["application"] != SWAP_CAR:
            label += f", {gate['application']}"
        console.print(
            f"{escape(label)} ({opens}): open from {gate['opens_earlier']} on it would save "
            + ("an unknown sum" if math.isnan(saving) else f"{saving / 1e6:,.2f} M CNY"),
            soft_wrap=True,
        )
