"""What more money serves, and which sites are chosen whatever comes."""

import math
from collections.abc import Sequence

import pandas as pd

from planner.outputs.palette import AXIS, BLUE, CHOSEN_COLOURS, OUTLINE, VERMILION
from planner.outputs.report.charts.drawing import Chart, axis, complete, says
from planner.outputs.report.numbers import number, percent

CLASSES = (
    (0.25, "in up to a quarter of the scenarios"),
    (0.5, "in up to half"),
    (0.75, "in up to three quarters"),
    (0.999999, "in most"),
    (1.0, "in every scenario"),
)
"""Upper end of the share of scenarios that choose a site, and what legends say."""
_MOST_NAMED, _MOST_CITIES = 3, 14
_MAP_PX = (760, 420)
_NARROWEST_DEG = 0.02


def trade_off(done: pd.DataFrame) -> Chart:
    """Investment against swaps served; scenarios that nothing beats in both are joined.

    Parameters
    ----------
    done : DataFrame
        ``scenario, capex_cny, swaps_served_frac`` of finished scenarios, if there are any.
    """
    key, title = "trade-off", "What more money serves"
    subtitle = "Swaps served [%] over investment [million CNY], a point per scenario"
    rows = done.reindex(columns=["scenario", "capex_cny", "swaps_served_frac"]).dropna()
    if rows.empty:
        return Chart(key, title, subtitle, note="No scenario is done yet.")
    alike = rows.assign(
        money=rows["capex_cny"].div(1e6).round(3), served=100 * rows["swaps_served_frac"].round(5)
    ).groupby(["money", "served"])["scenario"]
    points = alike.agg(list).rename("names").reset_index()
    points["size"] = [90 + 40 * math.sqrt(len(names) - 1) for names in points["names"]]
    points["label"] = [_named(names) for names in points["names"]]
    points["says"] = [
        f"{', '.join(names)}: {number(money, 1)} M CNY, {percent(served / 100)}"
        for names, money, served in zip(
            points["names"], points["money"], points["served"], strict=True
        )
    ]
    points["is_front"] = _is_front(points)
    x, y = axis("money", "million CNY", grid=False), axis("served", "% of swaps served")
    x["scale"], y["scale"] = ({"zero": False, "nice": False, "padding": 24} for _ in range(2))
    front = points[points["is_front"]]
    middle = (points["money"].min() + points["money"].max()) / 2
    spec = {
        "layer": [
            {
                "data": {"values": front[["money", "served"]].to_dict("records")},
                "mark": {"type": "line", "color": AXIS, "interpolate": "step-after"},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": points.drop(columns="names").to_dict("records")},
                "mark": {"type": "circle", "opacity": 0.85},
                "encoding": {
                    "x": x, "y": y, **says(),
                    "size": {"field": "size", "type": "quantitative", "scale": None},
                    "color": {
                        "condition": {"test": "datum.is_front", "value": BLUE},
                        "value": VERMILION,
                    },
                },
            },
            *(
                {
                    "data": {"values": part[["money", "served", "label"]].to_dict("records")},
                    "mark": {"type": "text", "align": align, "dx": dx, "dy": -12, "aria": False},
                    "encoding": {"x": x, "y": y, "text": {"field": "label"}},
                }
                for part, align, dx in (
                    (front[front["money"] <= middle], "left", -6),
                    (front[front["money"] > middle], "right", 6),
                )
            ),
        ]
    }  # fmt: skip
    note = (
        "Blue: no scenario serves more for the same money. Scenarios differ in what is assumed as "
        "well as in what is built: a point above another need not be a better plan. Larger points "
        "stand for several scenarios."
    )
    return Chart(key, title, subtitle, complete(spec), note)


def _named(names: Sequence[str]) -> str:
    more = len(names) - 1
    return names[0] if not more else f"{names[0]} and {more} more"


def _is_front(points: pd.DataFrame) -> list[bool]:
    """Whether no other point costs at most as much and serves at least as much."""
    return [
        not (
            (points["money"] <= money)
            & (points["served"] >= served)
            & ((points["money"] < money) | (points["served"] > served))
        ).any()
        for money, served in zip(points["money"], points["served"], strict=True)
    ]


def robust_sites(sites: pd.DataFrame) -> Chart:
    """Sites on a plain map, the darker and larger the more scenarios choose them.

    Parameters
    ----------
    sites : DataFrame
        ``site_id, city_id, lon, lat, num_chosen, num_scenarios, chosen_frac``.
    """
    key = "robust-sites"
    subtitle = "Sites that some scenario opens, by the share of scenarios that do"
    if sites.empty:
        return Chart(key, "No site is chosen yet", subtitle, note="No scenario is done yet.")
    always = int((sites["chosen_frac"] > CLASSES[-2][0]).sum())
    title = f"{number(always)} of {number(len(sites))} sites are chosen in every scenario"
    labels = [text for _, text in CLASSES]
    rank = [next(k for k, (high, _) in enumerate(CLASSES) if frac <= high)
            for frac in sites["chosen_frac"]]  # fmt: skip
    rows = sites.assign(
        rank=rank,
        share=[labels[k] for k in rank],
        says=[
            f"{site}, {city}: in {chosen} of {number_of} scenarios"
            for site, city, chosen, number_of in zip(
                sites["site_id"], sites["city_id"], sites["num_chosen"],
                sites["num_scenarios"], strict=True,
            )
        ],
    ).sort_values("rank", kind="stable")  # fmt: skip
    cities = rows.groupby("city_id").agg(
        lon=("lon", "mean"), lat=("lat", "max"), num=("lon", "size")
    )
    cities = cities.nlargest(_MOST_CITIES, "num", keep="first").reset_index()
    drawn, (width, height) = ["lon", "lat", "share", "rank", "says"], _size_px(rows)
    place = {
        name: {"field": name, "type": "quantitative", "axis": None,
               "scale": {"zero": False, "nice": False, "padding": 24}}
        for name in ("lon", "lat")
    }  # fmt: skip
    x, y = place["lon"], place["lat"]
    spec = {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": rows[drawn].to_dict("records")},
                "mark": {"type": "circle", "opacity": 1, "stroke": OUTLINE, "strokeWidth": 0.5},
                "encoding": {
                    "x": x, "y": y, **says(),
                    "color": {
                        "field": "share", "type": "nominal",
                        "scale": {"domain": labels, "range": list(CHOSEN_COLOURS)},
                        "legend": {"columns": 2, "columnPadding": 50, "symbolOpacity": 1,
                                   "labelLimit": 0},
                    },
                    "size": {"field": "rank", "type": "quantitative", "legend": None,
                             "scale": {"domain": [0, len(CLASSES) - 1], "range": [45, 170]}},
                },
            },
            {
                "data": {"values": cities[["lon", "lat", "city_id"]].to_dict("records")},
                "mark": {"type": "text", "dy": -14, "aria": False},
                "encoding": {"x": x, "y": y, "text": {"field": "city_id"}},
            },
        ],
    }  # fmt: skip
    note = "What is chosen in every scenario, a decision can rest on whatever comes."
    return Chart(key, title, subtitle, complete(spec), note)


def _size_px(rows: pd.DataFrame) -> tuple[int, int]:
    """Width and height of a map on which a kilometre is as long in both directions."""
    stretch = math.cos(math.radians(float(rows["lat"].mean())))
    east = max(float(rows["lon"].max() - rows["lon"].min()), _NARROWEST_DEG) * stretch
    north = max(float(rows["lat"].max() - rows["lat"].min()), _NARROWEST_DEG / 2)
    scale = min(_MAP_PX[0] / east, _MAP_PX[1] / north)
    return max(round(east * scale), 200), max(round(north * scale), 120)
