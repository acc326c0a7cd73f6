"""What stations and other sites cost, alternatives and a frontier, made up by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from h3.api import basic_str

from planner.planning.result import Planned

RESOLUTION = 6
_COSTS = (0.0, 0.4, 1.3, 3.0, 12.0)


def with_replacements(stations: pd.DataFrame, next_best: str) -> pd.DataFrame:
    """Stations with what they cost to replace; those that stand already have none."""
    num = len(stations)
    fixed = (stations["site_status"] != "candidate").to_numpy(bool)
    costs = np.array([_COSTS[-1 - idx % len(_COSTS)] for idx in range(num)])
    low = np.where(costs >= 3, costs / 2, 0.0)
    return stations.assign(
        replacement_cost=np.where(fixed, np.nan, costs),
        replacement_cost_low=np.where(fixed, np.nan, low),
        # Its slot stays empty where nothing is lost.
        next_best_site_id=[
            None if fixed[idx] or costs[idx] == 0 else next_best for idx in range(num)
        ],
    )


def with_force_ins(candidates: pd.DataFrame, leaves: str) -> pd.DataFrame:
    """Sites with what a station there would cost; those that may have none have no cost."""
    num = len(candidates)
    banned = (candidates["site_status"] != "candidate").to_numpy(bool)
    costs = np.array([0.2 + 2.5 * idx for idx in range(num)])
    return candidates.assign(
        force_in_cost=np.where(banned, np.nan, costs),
        force_in_cost_low=np.where(banned, np.nan, costs / 4),
        leaves_site_id=[None if banned[idx] else leaves for idx in range(num)],
    )


def with_reasons(planned: Planned, *, dearer: float = 1.0) -> Planned:
    """A plan as if its reasons were known; ``dearer`` multiplies all replacement costs."""
    evaluation = planned.evaluation
    stations = with_replacements(evaluation.stations, str(planned.candidates["site_id"].iloc[0]))
    costs = ["replacement_cost", "replacement_cost_low"]
    stations[costs] *= dearer
    candidates = with_force_ins(planned.candidates, str(stations["site_id"].iloc[0]))
    return replace(
        planned, evaluation=replace(evaluation, stations=stations), candidates=candidates
    )


def make_alternative_tables(
    cities: Sequence[str], places: Sequence[tuple[float, float]]
) -> dict[str, pd.DataFrame]:
    """The tables of alternatives to a plan that has every other place (longitude, latitude)."""
    num = len(places)
    in_plan = np.arange(num) % 2 == 0
    frequency = np.where(in_plan, 1.0 - 0.5 * (np.arange(num) % 4 == 2), 0.25)
    frequency[-1] = 0.0
    label = np.where(in_plan, "optional", "optional").astype(object)
    label[0], label[-1] = "must_have", "not_seen"
    label[in_plan & (frequency >= 1) & (np.arange(num) > 0)] = "seen_in_all"
    sites = pd.DataFrame(
        {
            "site_id": [f"a{idx}" for idx in range(num)],
            "city_id": [cities[idx % len(cities)] for idx in range(num)],
            "lon": [lon for lon, _ in places],
            "lat": [lat for _, lat in places],
            "frequency_frac": frequency,
            "in_plan": in_plan,
            "label": label,
            "proven": [text in ("must_have", "never") for text in label],
        }
    )
    cells = [basic_str.latlng_to_cell(lat, lon, RESOLUTION) for lon, lat in places]
    counted = sites.assign(h3=cells, stations=in_plan.astype(int)).groupby("h3")
    hexagons = pd.DataFrame(
        {
            "in_plan": counted["stations"].sum(),
            "least": counted["stations"].sum() - counted["label"].agg(
                lambda texts: int((texts == "optional").any())
            ).clip(upper=counted["stations"].sum()),
            "most": counted["stations"].sum() + counted["label"].agg(
                lambda texts: int((texts == "optional").sum())
            ),
            "mean": counted["frequency_frac"].sum(),
        }
    ).reset_index()  # fmt: skip
    plans = pd.DataFrame(
        {
            "plan": [0, 1, 2, 3],
            "objective": [100.0, 99.9, 99.6, 99.5],
            "loss_frac": [0.0, 0.001, 0.004, 0.005],
            "stations": [num // 2] * 4,
            "places_differ": [0, 1, 2, 3],
            "sites_differ": [0, 2, 3, 4],
            "moved_swaps_per_day": [0.0, 12.5, 30.0, 44.0],
            "share_of_bonus": [0.0, 0.5, 0.7, 0.9],
        }
    )
    within = [0.001, 0.005, 0.01]
    curve = pd.DataFrame(
        {
            "within_frac": within * 2,
            "counted_from": ["plan"] * 3 + ["bound"] * 3,
            "places_found": [1, 3, 3, 0, 2, 3],
            "places_proven_most": [2, 4, 6, 1, 3, 5],
            "sites_found": [2, 4, 4, 0, 3, 4],
        }
    )
    steps = pd.DataFrame(
        [
            {"city_id": city, "stations": 3 + rank, "step": step,
             "cost_found": abs(step) * (0.5 + rank), "cost_low": abs(step) * 0.25 * rank}
            for rank, city in enumerate(cities)
            for step in (-2, -1, 1, 2)
        ]
    )  # fmt: skip
    return {
        "alternative_plans": plans, "alternative_curve": curve, "alternative_sites": sites,
        "alternative_hexagons": hexagons, "city_steps": steps,
    }  # fmt: skip


def make_frontier_tables(
    city: str, places: Sequence[tuple[float, float]]
) -> dict[str, pd.DataFrame]:
    """The tables of a frontier of five numbers of stations, nested."""
    numbers = [2, 4, 6, 8, 10]
    objective = np.array([40.0, 62.0, 77.0, 88.0, 96.0])
    bound = objective * np.array([1.0, 1.004, 1.002, 1.006, 1.003])
    frontier = pd.DataFrame(
        {
            "stations": numbers,
            "objective": objective,
            "bound": bound,
            "gap_frac": (bound - objective) / bound,
            "served_frac": objective / 180,
            "cost_cny": [3.2e6 * number for number in numbers],
            "price": [12.0, 8.5, 6.0, 4.5, 3.6],
            "is_nested": True,
        }
    )
    sites = pd.DataFrame(
        {
            "site_id": [f"a{idx}" for idx in range(len(places))],
            "city_id": city,
            "lon": [lon for lon, _ in places],
            "lat": [lat for _, lat in places],
            "first_number": [numbers[idx % len(numbers)] for idx in range(len(places))],
        }
    )
    every = np.arange(numbers[0], numbers[-1] + 1)
    bounds = pd.DataFrame(
        {
            "stations": every,
            "bound": np.interp(every, numbers, bound) * np.where(every % 2, 1.002, 1),
        }
    )
    return {"frontier": frontier, "frontier_sites": sites, "frontier_bounds": bounds}
