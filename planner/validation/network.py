"""Stations of a plan: of which types, where they stand, how they are used."""

import numpy as np
import pandas as pd

from planner.outputs.kpi import describe_kpi
from planner.validation.evidence import WITHOUT_RUN, Evidence, LacksError
from planner.validation.measured import SHARE, read_regions

ELSEWHERE = "elsewhere"
"""All that lies in none of `COUNTED_REGIONS`."""
COUNTED_REGIONS = ("yangtze", "sichuan", "jingjinji", "bay")
"""Regions that one publication tells apart; no two share a city."""


def smallest_type(evidence: Evidence, column: str) -> float:
    """A figure of the station type with the fewest bays."""
    stations = evidence.instance.stations
    return float(stations.sort_values("bays", kind="stable")[column].iloc[0])


def lane_s(evidence: Evidence) -> float:
    """Time that a vehicle keeps the lane of the smallest type."""
    has_own = "lane_s" in evidence.instance.stations
    return smallest_type(evidence, "lane_s" if has_own else "seconds_per_swap")


def slots_in_use(evidence: Evidence) -> float:
    """Packs over bays, of the stations in cities."""
    packs = evidence.kpi("packs_per_station") * evidence.kpi("num_stations")
    return packs / evidence.kpi("num_bays")


def queue_rows(evidence: Evidence) -> pd.DataFrame:
    """What the run's simulated drivers met beside the closed form, which draws no driver.

    Returns
    -------
    DataFrame
        The columns of `planner.validation.compare.COLUMNS` but ``error``; measured is the
        simulation, with its interval. A single row that says so where nothing was simulated.
    """
    run = evidence.finished
    table = run.tables.get("simulation_figure") if run else None
    if table is None:
        why = "the run was not simulated" if run else WITHOUT_RUN
        rows = pd.DataFrame(
            {"comparison": ["Waits, simulated"], "note": f"missing: {why}"}
            | dict.fromkeys(("measured", "measured_low", "measured_high", "predicted"), np.nan)
        )
    else:
        known = table[table["expected"].notna()]
        rows = pd.DataFrame(
            {
                "comparison": [
                    describe_kpi(name, evidence.run.chemistries).title for name in known["figure"]
                ],
                "measured": known["value"].to_numpy(float),
                "measured_low": known["low"].to_numpy(float),
                "measured_high": known["high"].to_numpy(float),
                "predicted": known["expected"].to_numpy(float),
                "note": "predicted in closed form",
            }
        )
    return rows.assign(topic="queues", unit=SHARE, role="held out", source="the run's simulation")


def in_region(evidence: Evidence, region: str) -> "pd.Series[bool]":
    """Which cities of the instance lie in a region, by ``city_id``.

    Raises
    ------
    LacksError
        If no city does.
    """
    cities = evidence.instance.cities.set_index("city_id")
    if region == ELSEWHERE:
        return ~pd.concat([in_region(evidence, name) for name in COUNTED_REGIONS], axis=1).any(
            axis=1
        )
    rows = read_regions().query("region == @region")
    whole = rows.loc[rows["city"] == "", "province"]
    single = pd.MultiIndex.from_frame(rows.loc[rows["city"] != "", ["province", "city"]])
    names = pd.MultiIndex.from_frame(cities[["province", "name_en"]].astype("str"))
    chosen = pd.Series(cities["province"].isin(whole) | names.isin(single), index=cities.index)
    if not chosen.any():
        raise LacksError("the instance has no city there")
    return chosen


def share_in_region(evidence: Evidence, column: str, region: str) -> float:
    """Share of a column of the run's cities that lies in a region."""
    return _share(evidence.cities[column], in_region(evidence, region))


def share_of_city(evidence: Evidence, column: str, name_en: str) -> float:
    """Share of a column of the run's cities that one city has."""
    values = evidence.cities[column]
    cities = evidence.instance.cities.set_index("city_id")
    chosen = cities["name_en"] == name_en
    if not chosen.any():
        raise LacksError(f"the instance has no city {name_en}")
    return _share(values, chosen)


def _share(values: "pd.Series[float]", chosen: "pd.Series[bool]") -> float:
    total = float(values.sum())
    if total == 0:
        raise LacksError(f"the run's cities have no {str(values.name).removeprefix('num_')}")
    return float(values[chosen.reindex(values.index, fill_value=False)].sum()) / total
