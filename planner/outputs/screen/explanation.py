"""An explanation of a station, a site or a city: on a terminal, or as a line of JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from planner.outputs.run_json import without_infinity
from planner.outputs.screen.tables import print_text
from planner.outputs.station_reasons import figure, interval

_MOST_NAMED = 10


def print_explanation_json(said: Mapping[str, Any]) -> None:
    """Print all of it as one line; what is not known is null."""
    print(json.dumps(without_infinity(dict(said)), ensure_ascii=False))


def show_explanation(said: Mapping[str, Any]) -> None:
    """Say it in sentences.

    Parameters
    ----------
    said : mapping
        As `planner explain --json` prints it.
    """
    console = Console(highlight=False)
    for sentence in sentences(said):
        print_text(console, sentence)


def sentences(said: Mapping[str, Any]) -> list[str]:
    """What there is to say, the answer first."""
    name, unit = f"{said['kind']} {said['subject']}", said["unit"]
    found = []
    if said["why_not"]:
        found.append(f"{name}: {said['why_not']}.")
    elif not math.isnan(said["cost"]):
        found += _cost(said, name, unit)
    else:
        found.append(f"{name}: has no station in the plan.")
    found += _steps(said, unit)
    if not math.isnan(said["price"]):
        found.append(f"A station anywhere brings about {figure(said['price'])} {unit} (its price).")
    return found


def _cost(said: Mapping[str, Any], name: str, unit: str) -> list[str]:
    cost = f"{interval(said['cost_low'], said['cost'])} {unit}"
    proven = "proven" if said["is_exact"] else "proven at least, and a plan at most"
    if said["kind"] == "site":
        found = [f"{name}: a station here would cost the plan {cost} ({proven})."]
        if said["cost"] > 0:
            found.append(
                f"It pays once it gains {figure(said['cost'])} {unit} more"
                + (
                    f", or costs {said['subsidy_cny']:,.0f} CNY less."
                    if not math.isnan(said["subsidy_cny"])
                    else "."
                )
            )
    else:
        what = "it" if said["stations"] == 1 else f"its {said['stations']:,} stations"
        found = [f"{name}: without {what} the plan loses {cost} ({proven})."]
    if said["better_by"] > 0:
        found.append(
            f"The plan itself is not the best: this one is better by {figure(said['better_by'])} "
            f"{unit}."
        )
    for change in ("closes", "opens"):
        sites = [f"{move['site_id']} ({move['city_id']})" for move in said["moves"]
                 if move["change"] == change]  # fmt: skip
        if sites:
            more = len(sites) - _MOST_NAMED
            rest = f" and {more:,} more" if more > 0 else ""
            found.append(f"{change}: {', '.join(sites[:_MOST_NAMED])}{rest}")
    minutes = said["minutes_added"]
    by = "" if math.isnan(minutes) else f", {abs(minutes):.1f} min {_way(minutes)} on the mean"
    found.append(
        f"Zones: {said['lost_zones']:,} are served less ({figure(said['lost_swaps_per_day'])} "
        f"swaps/day lost), {said['gained_zones']:,} more; others serve "
        f"{figure(said['moved_swaps_per_day'])} swaps/day{by}."
    )
    return found


def _way(minutes: float) -> str:
    return "farther" if minutes >= 0 else "nearer"


def _steps(said: Mapping[str, Any], unit: str) -> list[str]:
    found = []
    for key, word, verb in (("one_more", "more", "opens"), ("one_fewer", "fewer", "closes")):
        step = said[key]
        if step is None:
            continue
        if math.isnan(step["cost"]):
            found.append(f"One station {word} in the city: no such plan is known.")
            continue
        text = (
            f"One station {word} in the city ({step['site_id']} {verb}) costs at most "
            f"{figure(step['cost'])} {unit}"
        )
        if key == "one_more" and not math.isnan(step["pays_from"]):
            text += f"; it pays once a station's price is {figure(step['pays_from'])} or less"
        found.append(f"{text}.")
    return found
