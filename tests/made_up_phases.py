"""Tables of a build-out over three quarters, made up by hand, for stations that are given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from planner.planning.result import Planned
from planner.plans.plan import ModelResult
from tests.made_up_futures import make_future_tables

QUARTERS = ("2026Q4", "2027Q1", "2027Q2")
LAST_QUARTERS = ("2026Q4", "2027Q1", "2027Q2")


def make_phase_tables(
    sites: Sequence[str], city_of: Mapping[str, str], types: tuple[str, str]
) -> dict[str, pd.DataFrame]:
    """The tables of a run whose stations open one by one.

    The first site stood before and is enlarged in the last quarter; the others open in the second
    and third, those behind them in the third too. ``types`` are the smaller and the larger.
    """
    small, large = types
    opens = {site: QUARTERS[min(idx, 2)] for idx, site in enumerate(sites)}
    station_phase = pd.DataFrame(
        [
            {
                "quarter": quarter,
                "site_id": site,
                "city_id": city_of[site],
                "station_type_id": large if site == sites[0] and quarter == QUARTERS[2] else small,
                "swaps_per_day": 20.0 + 10 * idx,
                "peak_swaps_per_hour": 4.0 + 2 * idx,
                "capacity_swaps_per_hour": 12.0,
            }
            for idx, quarter in enumerate(QUARTERS)
            for site in sites
            if opens[site] <= quarter
        ]
    )
    stations = station_phase.groupby("quarter").size().to_numpy(float)
    phase = pd.DataFrame(
        {
            "quarter": QUARTERS,
            "last_quarter": LAST_QUARTERS,
            "days": [92.0, 90.0, 91.0],
            "weight": [92.0, 88.3, 87.6],
            "stations": stations.astype(int),
            "opened": [0, *(stations[1:] - stations[:-1]).astype(int)],
            "enlarged": [0, 0, 1],
            "openings_most": [1.0, 1.0, float("nan")],
            "spent_cny": [0.0, 3.2e6, 5.1e6],
            "budget_cny": [4e6, 4e6, 6e6],
            "discounted_swaps": [11_040.0, 13_245.0, 15_768.0],
            "discounted_swaps_served": [1_840.0, 5_298.0, 8_760.0],
            "swaps_per_day": [120.0, 150.0, 180.0],
            "swaps_per_day_served": [20.0, 60.0, 100.0],
            "served_frac": [20 / 120, 0.4, 100 / 180],
            "opening_value": [2_600.0, 1_500.0, 0.0],
            "money_value": [0.0, 310.0, 95.0],
            "own_bound_frac": [0.175, 0.42, 100 / 180],
            "nested_loss_frac": [1 - 20 / 21, 1 - 0.4 / 0.42, 0.0],
        }
    )
    cities = list(dict.fromkeys(city_of.values()))
    city_phase = pd.DataFrame(
        [
            {
                "quarter": quarter,
                "city_id": city,
                "stations": sum(
                    opens[site] <= quarter for site in sites if city_of[site] == city
                ),
                "opened": int(idx > 0) * sum(
                    opens[site] == quarter for site in sites if city_of[site] == city
                ),
                "swaps_per_day": 90.0 + 10 * idx,
                "swaps_per_day_served": 30.0 * idx,
                "served_frac": 30.0 * idx / (90.0 + 10 * idx),
                "station_packs": 14 * idx,
            }
            for idx, quarter in enumerate(QUARTERS)
            for city in cities
        ]
    )  # fmt: skip
    return {"phase": phase, "city_phase": city_phase, "station_phase": station_phase}


def opening_quarters(tables: Mapping[str, pd.DataFrame], sites: Sequence[str]) -> list[str | None]:
    """The column ``opening_quarter`` of stations: when each opened, None where it stood before."""
    first = tables["station_phase"].groupby("site_id")["quarter"].min()
    return [None if first[site] == QUARTERS[0] else str(first[site]) for site in sites]


PHASING = ModelResult(
    "phasing", "max", "discounted swaps", "FEASIBLE", 15_900.0, 16_200.0, 300 / 16_200, 4.5
)
"""What the model of the whole build-out proved."""


def over_time(planned: Planned, *, last_first: bool = False) -> Planned:
    """A plan as if its stations had been opened one by one, and made for three futures.

    ``last_first`` turns the order of the openings.
    """
    stations = planned.evaluation.stations
    sites = sorted(stations["site_id"], reverse=last_first)
    city_of = dict(zip(stations["site_id"], stations["city_id"], strict=True))
    kinds = planned.instance.stations.sort_values("bays")["station_type_id"]
    tables = make_phase_tables(sites, city_of, (kinds.iloc[0], kinds.iloc[-1]))
    places = stations.set_index("site_id").loc[sites, ["lon", "lat"]].to_numpy(float).tolist()
    tables |= make_future_tables(
        [*sites, "a site of others"], str(stations["city_id"].iloc[0]), [*places, places[0]]
    )
    quarters = dict(zip(sites, opening_quarters(tables, sites), strict=True))
    evaluation = replace(
        planned.evaluation,
        stations=stations.assign(opening_quarter=stations["site_id"].map(quarters)),
    )
    return replace(
        planned,
        plan=replace(planned.plan, models=(*planned.plan.models, PHASING)),
        evaluation=evaluation,
        tables={**planned.tables, **tables},
    )
