"""How long drivers wait, at which use of stations, and when and where packs run out."""

from typing import Any

import numpy as np
import pandas as pd

from planner.outputs.palette import BOUND, MISSING, SERVED, UTILISATION_COLOURS
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, level_line, says
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records
from planner.outputs.waits import REFUTED, VERDICT_LOOKS

MOST_CITIES = 40
"""Rows of the heat map."""

_MOST_DOTS = 1_500
_CURVE_GROUPS, _FEWEST_IN_GROUP = 20, 5
_BAR_PX, _ROW_PX, _NAMES_PX, _BINS_PX = 11, 15, 140, 14


def wait_bars(run: RunFiles) -> Chart:
    """Drivers by their wait, simulated beside the closed form."""
    rows = records(run.optional["wait_histogram"])
    kinds = {"drivers_frac": ("simulated", SERVED), "expected_frac": ("closed form", MISSING)}
    values = [
        {
            "wait": _span(row), "kind": kind, "share": 100 * row[column],
            "text": percent(row[column]),
            "says": f"{_span(row)}, {kind}: {percent(row[column], 2)} of the drivers",
        }
        for row in rows
        for column, (kind, _) in kinds.items()
        if np.isfinite(row[column])
    ]  # fmt: skip
    names = [kind for kind, _ in kinds.values()]
    y = {"field": "wait", "type": "nominal", "sort": [_span(row) for row in rows], "title": None,
         "axis": {"domain": False, "ticks": False, "labelPadding": 8},
         "scale": {"paddingInner": 0.2}}  # fmt: skip
    offset = {"field": "kind", "sort": names}
    most = max((float(value["share"]) for value in values), default=1.0)
    x = {**axis("share", "drivers [%]"), "scale": {"domain": [0, 1.15 * most], "nice": False}}
    # fmt: off
    colour = {"field": "kind", "type": "nominal",
              "scale": {"domain": names, "range": [each for _, each in kinds.values()]}}
    # fmt: on
    spec = {
        "data": {"values": values},
        "height": {"step": _BAR_PX},
        "layer": [
            {
                "mark": {"type": "bar", "height": _BAR_PX - 1},
                "encoding": {"y": y, "yOffset": offset, "x": x, "color": colour, **says()},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "aria": False},
                "encoding": {"y": y, "yOffset": offset, "x": x, "text": {"field": "text"}},
            },
        ],
    }  # fmt: skip
    figures = run.optional["simulation_figure"].set_index("figure")["value"]
    return Chart(
        "wait-bars",
        f"The mean driver waits {number(figures.get('mean_wait_min'), 1)} min, one of twenty more "
        f"than {number(figures.get('p95_wait_min'), 0)} min",
        "Drivers by their wait, from arrival to the start of the swap [%]",
        complete(spec, left_px=_BINS_PX),
    )


def on_time_over_use(run: RunFiles) -> Chart:
    """Share on time in busy hours over the use of stations, a dot each, beneath theory's curve."""
    columns = ["site_id", "on_time_frac", "expected_on_time_frac", "utilisation_frac", "verdict"]
    subtitle = (
        "Drivers on time in busy hours, over the peak hour's load by capacity; a dot per station"
    )
    frame = run.stations.reindex(columns=columns).dropna(
        subset=["on_time_frac", "utilisation_frac", "verdict"]
    )
    if frame.empty:
        note = "No station of a city was simulated, or its use is not known."
        return Chart("on-time", "Share on time over the use of stations", subtitle, note=note)
    frame = frame.sort_values(["utilisation_frac", "site_id"])
    kept = _thinned(frame)
    asked = run.scenario.get("service", {}).get("within_frac")
    lowest = float(frame[["on_time_frac", "expected_on_time_frac"]].min().min())
    # The level asked for is seen apart from the axis.
    lowest = min(lowest, (1.0 if asked is None else asked) - 0.01)
    x = {**axis("use", "peak load over capacity [%]", grid=False), "scale": {"zero": False}}
    y = {**axis("share", "drivers on time [%]"),
         "scale": {"domain": [np.floor(20 * lowest) * 5, 100.0], "nice": False}}  # fmt: skip
    looks = list(reversed(VERDICT_LOOKS))
    names = [look.label for look in looks]
    marked: dict[str, Any] = {
        "color": {"field": "verdict", "type": "nominal",
                  "scale": {"domain": names, "range": [look.colour for look in looks]}},
        "shape": {"field": "verdict", "type": "nominal",
                  "scale": {"domain": names, "range": [_symbol(look.shape) for look in looks]}},
        "size": {"field": "verdict", "type": "nominal",
                 "scale": {"domain": names, "range": [28 * look.size**2 for look in looks]}},
    }  # fmt: skip
    dots = [
        {
            "use": 100 * row["utilisation_frac"], "share": 100 * row["on_time_frac"],
            "verdict": row["verdict"],
            "says": f"{row['site_id']}: {percent(row['on_time_frac'])} on time at "
            f"{percent(row['utilisation_frac'], 0)} of capacity, {row['verdict']}; closed form "
            f"{percent(row['expected_on_time_frac'])}",
        }
        for verdict in names  # what needs a look is drawn last
        for row in records(kept[kept["verdict"] == verdict])
    ]  # fmt: skip
    theory, legend = _theory(frame, x, y)
    layers: list[Spec] = [
        {"data": {"values": dots},
         "mark": {"type": "point", "filled": True, "opacity": 0.75},
         "encoding": {"x": x, "y": y, **marked, **says()}},
        theory,
    ]  # fmt: skip
    if asked is not None:
        layers.append(level_line(y, 100 * asked, f"asked for: {percent(asked, 0)}", BOUND))
    refuted = int((frame["verdict"] == REFUTED).sum())
    notes = [legend]
    if len(kept) < len(frame):
        notes.append(
            f"Of {number(len(frame))} stations {number(len(kept))} are drawn: all that are not "
            "confirmed, and as many of the others as can be told apart."
        )
    return Chart(
        "on-time",
        f"{number(refuted)} of {number(len(frame))} stations miss the service level"
        if refuted else "No station is proven to miss the service level",
        subtitle,
        complete({"layer": layers}),
        " ".join(notes),
    )  # fmt: skip


def no_pack_by_hour(run: RunFiles) -> Chart:
    """Share of drivers who find no full pack, by city and hour; the largest cities."""
    subtitle = "Drivers who find no full pack when they come, by city and hour of the day [%]"
    frame = run.optional["no_pack_hour"].merge(run.cities[["city_id", "name_en"]], on="city_id")
    if frame.empty:
        note = "No city has drivers on the day simulated."
        return Chart("no-pack", "When and where packs run out", subtitle, note=note)
    size = frame.groupby("city_id")["drivers_per_hour"].sum().rename("size").reset_index()
    order = size.sort_values(["size", "city_id"], ascending=[False, True])["city_id"].tolist()
    names = dict(zip(frame["city_id"], frame["name_en"], strict=True))
    drawn, rest = order[:MOST_CITIES], order[MOST_CITIES:]
    values = [
        {
            "city": row["city_id"], "hour": int(row["hour"]), "share": 100 * row["no_pack_frac"],
            "says": f"{row['name_en']}, {row['hour']}:00 to {row['hour'] + 1}:00: "
            f"{percent(row['no_pack_frac'])} of {number(row['drivers_per_hour'], 1)} drivers",
        }
        for row in records(frame[frame["city_id"].isin(drawn)])
        if np.isfinite(row["no_pack_frac"])
    ]  # fmt: skip
    x = {"field": "hour", "type": "ordinal", "title": "hour of the day",
         "scale": {"domain": list(range(24)), "paddingInner": 0.04},
         "axis": {"values": list(range(0, 24, 3))}}  # fmt: skip
    y = {"field": "city", "type": "nominal", "sort": drawn, "axis": None,
         "scale": {"paddingInner": 0.06}}  # fmt: skip
    colour = {
        "field": "share", "type": "quantitative", "scale": {"range": list(UTILISATION_COLOURS),
                                                            "zero": True},
        "legend": {"title": "find no full pack [%]", "titleFontWeight": "normal",
                   "titleFontSize": 12, "gradientLength": 200, "format": ".3~f"},
    }  # fmt: skip
    spec = {
        "height": {"step": _ROW_PX},
        "layer": [
            {"data": {"values": values}, "mark": {"type": "rect"},
             "encoding": {"x": x, "y": y, "color": colour, **says()}},
            {"data": {"values": [{"city": city, "name": names[city]} for city in drawn]},
             "mark": {"type": "text", "align": "right", "dx": -6, "x": 0, "aria": False,
                      "fontSize": 11, "limit": _NAMES_PX},
             "encoding": {"y": y, "text": {"field": "name"}}},
        ],
    }  # fmt: skip
    note = "Cities by their drivers, the largest first; a field without drivers stays white."
    if rest:
        note += f" Not drawn, as smaller: {', '.join(names[city] for city in rest)}."
    return Chart("no-pack", _worst_hour(frame), subtitle, complete(spec, left_px=_NAMES_PX), note)


def _worst_hour(frame: pd.DataFrame) -> str:
    short = frame.assign(
        without=frame["drivers_per_hour"] * frame["no_pack_frac"].fillna(0.0)
    ).groupby("hour")[["without", "drivers_per_hour"]].sum()  # fmt: skip
    shares = (short["without"] / short["drivers_per_hour"]).fillna(0.0)  # hours without drivers
    if not shares.max() > 0:
        return "Every driver finds a full pack at every hour"
    hour = shares.index.tolist()[int(shares.to_numpy().argmax())]
    return f"Packs run short most from {hour}:00: {percent(shares.max())} find none"


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Stations to be drawn: all that are not confirmed, of the others evenly picked ones."""
    common = frame[frame["verdict"] == VERDICT_LOOKS[-1].verdict]
    others = frame.drop(common.index)
    room = max(_MOST_DOTS - len(others), 0)
    if len(common) <= room:
        return frame
    picked = np.linspace(0, len(common) - 1, room).round().astype(int)
    return pd.concat([common.iloc[np.unique(picked)], others])


def _theory(frame: pd.DataFrame, x: Spec, y: Spec) -> tuple[Spec, str]:
    """Means of the closed form over stations alike in use, a mark each if few; what it is."""
    known = frame[["utilisation_frac", "expected_on_time_frac"]].dropna().to_numpy(float)
    groups = min(_CURVE_GROUPS, len(known) // _FEWEST_IN_GROUP)
    is_curve = groups > 2
    parts = np.array_split(known, groups if is_curve else max(len(known), 1))
    means = [part.mean(axis=0).tolist() for part in parts if len(part)]
    values = [
        {
            "use": 100 * use, "share": 100 * share,
            "says": f"closed form: {percent(share)} on time at {percent(use, 0)} of capacity",
        }
        for use, share in means
    ]  # fmt: skip
    mark = (
        {"type": "line", "color": BOUND, "interpolate": "monotone", "aria": False,
         "point": {"color": BOUND, "size": 20}}
        # A stroke leaves the dot beneath it to be seen.
        if is_curve else {"type": "point", "color": BOUND, "shape": "stroke", "size": 150,
                          "strokeWidth": 2, "opacity": 1}
    )  # fmt: skip
    note = (
        "Line: what the closed form expects of stations so used, without simulation."
        if is_curve
        else "Stroke: what the closed form expects of the station, without simulation."
    )
    layer = {"data": {"values": values}, "mark": mark, "encoding": {"x": x, "y": y, **says()}}
    return layer, note


def _symbol(shape: str) -> str:
    return "triangle-up" if shape == "triangle" else shape


def _span(row: dict[str, Any]) -> str:
    if not np.isfinite(row["to_min"]):
        return f"over {row['from_min']:g} min"
    return f"{row['from_min']:g} to {row['to_min']:g} min"
