"""What the stations serve, and how well the plan is proven."""

import numpy as np

from planner.outputs.palette import ASKED, BOUND, SERVED
from planner.outputs.report.charts.drawing import (
    Chart,
    Spec,
    axis,
    complete,
    hover_points,
    level_line,
    says,
)
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records
from planner.plans.question import measure_of_run

_CURVE_POINTS = 60
_FEWEST_TO_HALVE = 10
_WORST_CITIES = 15
_SMALLEST_GAP_FRAC = 1e-5  # where the logarithmic axis ends


def coverage_curve(run: RunFiles) -> Chart:
    """Swaps served over the number of stations, beneath the proven limit."""
    served = np.sort(run.stations["swaps_per_day"].to_numpy(float))[::-1].cumsum()
    if not len(served) or served[-1] <= 0:
        return Chart("coverage", "No swaps are served", "", note="The plan opens no station.")
    count = len(served)
    is_bounded = measure_of_run(run.run).figure == "swaps_per_day_served" and not run.counts_trips
    bound = float(run.run["bound"]) if is_bounded else None
    asked = float(run.cities["swaps_per_day"].sum())
    half_frac = served[count // 2 - 1] / served[-1]
    title = (
        f"Half of the stations carry {percent(half_frac, 0)} of the swaps served"
        if count >= _FEWEST_TO_HALVE
        else f"The plan serves {percent(served[-1] / asked)} of the swaps asked for"
    )
    picked = np.unique(np.linspace(1, count, min(count, _CURVE_POINTS)).round().astype(int))
    curve = [{"stations": 0, "swaps": 0.0, "says": "no station, no swaps"}] + [
        {
            "stations": int(k),
            "swaps": float(served[k - 1]),
            "says": f"the {number(k)} busiest stations: {number(served[k - 1])} swaps/day, "
            f"{percent(served[k - 1] / asked)} of those asked for",
        }
        for k in picked
    ]
    x = axis("stations", "stations, the busiest first", grid=False)
    y = axis("swaps", "swaps per day")
    spec: Spec = {
        "layer": [
            level_line(y, asked, f"asked for: {number(asked)} swaps/day", ASKED, dash=(2, 3)),
            *([] if bound is None else [
                level_line(y, bound, f"proven limit: {number(bound)} swaps/day", BOUND)
            ]),
            {
                "data": {"values": curve},
                "layer": [
                    {"mark": {"type": "line", "color": SERVED, "aria": False},
                     "encoding": {"x": x, "y": y}},
                    hover_points(x, y),
                ],
            },
            {
                "data": {"values": [{**curve[-1], "says": f"this plan: {curve[-1]['says']}"}]},
                "mark": {"type": "point", "filled": True, "size": 110, "color": SERVED,
                         "opacity": 1},
                "encoding": {"x": x, "y": y, **says()},
            },
        ],
    }  # fmt: skip
    return Chart(
        "coverage",
        title,
        "Swaps per day that the plan's busiest stations serve, as allocated",
        complete(spec),
        f"{_what_is_proven(run, bound)} The curve is what a part of the plan's own stations "
        "serves; a plan made for fewer stations may do better, and how much better is not proven "
        "here.",
    )


def _what_is_proven(run: RunFiles, bound: float | None) -> str:
    if bound is not None:
        return (
            f"Proven: no plan within the same limits serves more than {number(bound)} swaps per "
            f"day, so this plan (the dot) falls short of the best by "
            f"{percent(run.run['gap_frac'], 2)} at most."
        )
    if run.counts_trips:
        return "What is proven counts swaps on trips between cities too."
    return "The plan was made for another question: that none serves more is not proven."


def gap_over_time(run: RunFiles) -> Chart:
    """How the gap between plan and limit closed while solving."""
    rows = [
        row for row in run.progress
        if row.get("gap_frac") is not None and "siting" in str(row.get("stage", ""))
    ]  # fmt: skip
    unit = measure_of_run(run.run).unit
    gap, target = float(run.run["gap_frac"]), float(run.run["options"]["gap_frac"])
    title = (
        "The plan is proven optimal" if run.run["status"] == "OPTIMAL"
        else f"The plan is proven to within {percent(gap, 2)} of the best possible"
    )  # fmt: skip
    subtitle = "Gap between the plan at hand and the proven limit while solving (log scale)"
    if len(rows) < 2:
        note = "The siting was solved at once; there was nothing to watch."
        return Chart("gap", title, subtitle, note=note)
    values = [
        {
            "s": row["elapsed_s"],
            "gap": 100 * max(row["gap_frac"], _SMALLEST_GAP_FRAC),
            "says": f"after {number(row['elapsed_s'], 1)} s: {number(row['incumbent'])} found, "
            f"limit {number(row['bound'])} {unit}, gap {percent(row['gap_frac'], 3)}",
        }
        for row in rows
    ]
    x = axis("s", "seconds since the start", grid=False)
    y = {
        **axis("gap", "gap [%]"),
        "scale": {
            "type": "log",
            "nice": False,
            "domainMin": 50 * max(min(gap, target or gap), _SMALLEST_GAP_FRAC),
        },
    }
    y["axis"] = {**y["axis"], "values": [0.001, 0.01, 0.1, 1, 10, 100],
                 "labelExpr": "format(datum.value, '~g')"}  # fmt: skip
    layers: list[Spec] = [
        {"data": {"values": values}, "layer": [
            {"mark": {"type": "line", "interpolate": "step-after", "color": SERVED, "aria": False},
             "encoding": {"x": x, "y": y}},
            hover_points(x, y),
        ]},
    ]  # fmt: skip
    if target >= _SMALLEST_GAP_FRAC:
        layers.append(level_line(y, 100 * target, f"asked for: {percent(target, 2)}", BOUND))
    notes = []
    if len(run.optional.get("coupling", ())) > 1:
        notes.append(
            "Packs and stations are planned in turn, and the gap starts anew with each round."
        )
    if gap < _SMALLEST_GAP_FRAC:
        smallest = percent(_SMALLEST_GAP_FRAC, 3)
        notes.append(f"Gaps below {smallest} are drawn at {smallest}.")
    return Chart("gap", title, subtitle, complete({"layer": layers}), " ".join(notes))


def worst_served(run: RunFiles) -> Chart:
    """Cities with the smallest share of swaps served."""
    cities = run.cities[run.cities["swaps_per_day"] > 0]
    worst = cities.sort_values(["swaps_served_frac", "city_id"]).head(_WORST_CITIES)
    if worst.empty:
        return Chart("worst", "No city asks for swaps", "", note="There are no swaps to serve.")
    first = records(worst)[0]
    values = [
        {
            "city": f"{rank}",
            "name": row["name_en"],
            "share": 100 * row["swaps_served_frac"],
            "text": percent(row["swaps_served_frac"], 0),
            "says": f"{row['name_en']}: {percent(row['swaps_served_frac'])} served, "
            f"{number(row['swaps_per_day'] * (1 - row['swaps_served_frac']))} of "
            f"{number(row['swaps_per_day'])} swaps/day are not; {row['num_stations']} stations",
        }
        for rank, row in enumerate(records(worst))
    ]
    order = [value["city"] for value in values]
    y = {"field": "city", "type": "nominal", "sort": order, "axis": None}
    x = {**axis("share", "swaps served [%]"), "scale": {"domain": [0, 100]}}
    spec = {
        "data": {"values": values},
        "height": {"step": 19},
        "layer": [
            {"mark": {"type": "bar", "color": SERVED, "height": 13},
             "encoding": {"x": x, "y": y, **says()}},
            {"mark": {"type": "text", "align": "left", "dx": 5, "aria": False},
             "encoding": {"x": x, "y": y, "text": {"field": "text"}}},
            {"mark": {"type": "text", "align": "right", "dx": -6, "x": 0, "aria": False,
                      "limit": 150},
             "encoding": {"y": y, "text": {"field": "name"}}},
        ],
    }  # fmt: skip
    subtitle = (
        f"Share of swaps served in the {len(worst)} cities with the least"
        if len(worst) < len(cities) else "Share of swaps served"
    )  # fmt: skip
    title = f"{first['name_en']} is served least: {percent(first['swaps_served_frac'], 0)}"
    if len(cities) == 1:
        title = f"{first['name_en']} is served {percent(first['swaps_served_frac'], 0)}"
    return Chart("worst", title, subtitle, complete(spec, left_px=150))


def hours_of_stations(run: RunFiles) -> Chart:
    """Swaps of all stations by the hour of the winter design day, beneath capacity."""
    frame = run.optional.get("station_hour")
    subtitle = "Swaps of all stations by hour of the winter design day, and their capacity"
    if frame is None:
        return Chart(
            "hours",
            "Stations by the hour",
            subtitle,
            note="This run has no table station_hour; the busiest hour alone stands in the table "
            "of stations.",
        )
    sums = ["swaps_per_hour", "capacity_swaps_per_hour"]
    hours = records(frame.groupby("hour", as_index=False)[sums].sum())
    values = [
        {
            "hour": int(row["hour"]),
            "swaps": float(row["swaps_per_hour"]),
            "capacity": float(row["capacity_swaps_per_hour"]),
            "says": f"{row['hour']}:00 to {row['hour'] + 1}:00: "
            f"{number(row['swaps_per_hour'])} swaps, "
            f"capacity {number(row['capacity_swaps_per_hour'])}",
        }
        for row in hours
    ]
    x = {"field": "hour", "type": "ordinal", "title": "hour of the day",
         "axis": {"values": list(range(0, 24, 3))}}  # fmt: skip
    spec = {
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "bar", "color": SERVED},
             "encoding": {"x": x, "y": axis("swaps", "swaps per hour"), **says()}},
            {"mark": {"type": "line", "interpolate": "step", "color": BOUND, "aria": False,
                      "strokeDash": [7, 4]},
             "encoding": {"x": x, "y": axis("capacity", "swaps per hour")}},
        ],
    }  # fmt: skip
    busiest = max(hours, key=lambda row: row["swaps_per_hour"])
    used = busiest["swaps_per_hour"] / busiest["capacity_swaps_per_hour"]
    return Chart(
        "hours",
        f"The busiest hour, from {busiest['hour']}:00, takes {percent(used, 0)} of capacity",
        subtitle,
        complete(spec),
        "Dashed: capacity that keeps the service level. A sum over stations: single stations are "
        "fuller, see the table.",
    )
