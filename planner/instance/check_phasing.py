"""Check what the tables state of openings against the scenario's periods."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.layer import row_faults
from planner.instance.notes import Note
from planner.instance.settings.scenario import Scenario
from planner.instance.tables import TABLES

_DATED = ("earliest_quarter", "opens_quarter")


def check_phasing(
    frames: Mapping[str, pd.DataFrame], files: Mapping[str, str], scenario: Scenario
) -> list[Fault]:
    """Check quarters of openings and build rates; nothing without phasing.

    Parameters
    ----------
    frames, files : mapping
        As of `planner.instance.check_across.check_across_tables`.
    scenario : Scenario

    Returns
    -------
    list of Fault
    """
    if not scenario.periods:
        return []
    faults: list[Fault] = []

    def add(table: str, column: str, is_wrong: "pd.Series[bool]", remedy: str) -> None:
        rows = np.flatnonzero(is_wrong.fillna(False).astype(bool))
        faults.extend(row_faults(files[table], TABLES[table], frames[table], rows, column, remedy))

    first, last = scenario.periods[0][0], scenario.periods[-1][-1]
    outside = f"is no quarter of phasing, {first} to {last}; correct it or phasing.first_quarter"
    if "sites" in files and "sites" in frames:
        sites = frames["sites"]
        begins = {quarter: period[0] for period in scenario.periods for quarter in period}
        due = pd.Series(pd.NA, index=sites.index, dtype="str")
        if "opens_quarter" in sites.columns:
            opens = sites["opens_quarter"]
            add("sites", "opens_quarter", opens.notna() & ~opens.isin(list(begins)), outside)
            due = opens.where(sites["status"] == "committed").map(begins)
        if "earliest_quarter" in sites.columns:
            earliest = sites["earliest_quarter"]
            remedy = (
                "is after the first day of the period in which the committed station opens; "
                "correct it or opens_quarter"
            )
            add("sites", "earliest_quarter", due.notna() & (earliest > due), remedy)
            never = (sites["status"] == "committed") & due.isna()
            remedy = (
                f"no period begins then or later (the last one does in {scenario.periods[-1][0]}), "
                "and the committed station could never open; correct it or the status"
            )
            add("sites", "earliest_quarter", never & (earliest > scenario.periods[-1][0]), remedy)
    if "build_rates" in files and "build_rates" in frames:
        rates = frames["build_rates"]
        is_stray = ~rates["quarter"].between(first, last)
        add("build_rates", "quarter", is_stray, outside)
        if "budget_cny" in rates.columns:
            of_city = rates["budget_cny"].notna() & rates["city_id"].notna()
            remedy = "money is limited for the nation only; leave empty, or city_id"
            add("build_rates", "budget_cny", of_city, remedy)
    return faults


def states_phasing(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Columns and tables that say when stations open."""
    sites = frames["sites"]
    found = [f"sites.{name}" for name in _DATED if name in sites and sites[name].notna().any()]
    return [*found, *(["build_rates"] if len(frames["build_rates"]) else [])]


def phasing_notes(frames: Mapping[str, pd.DataFrame], scenario: Scenario) -> list[Note]:
    """A note on what says when stations open, where nothing asks for it."""
    stated = states_phasing(frames)
    if scenario.periods or not stated:
        return []
    why = "openings are not planned by quarter; set phasing.first_quarter to use it"
    return [Note(name, "not used", "INF", why) for name in stated]
