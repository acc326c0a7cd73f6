"""Passport sheets of a finished run: chosen, compared between two quarters, written as CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from planner.compliance.points import passport_points
from planner.errors import Fault, InputError
from planner.outputs.language import Language, language_of
from planner.outputs.layers.columns import safe_name
from planner.outputs.layers.read_back import open_run, read_layer
from planner.outputs.layers.tables import write_table
from planner.outputs.markets import PASSPORT_FLOW, PASSPORT_POINT

FLOW_KEY = ["market", "pack_id", "quarter"]
_OF_SHEET = ["point", "name", "requirement", "status", "value", "unit", "from_table", "action"]
_COMPARED = ["requirement", "status", "value", "unit"]


@dataclass(frozen=True)
class Passports:
    """Passports of a run.

    Attributes
    ----------
    run : str
        Name of its folder.
    flows : DataFrame
        The table ``passport_flow``.
    points : DataFrame
        The table ``passport_point``, names of points in the run's language.
    """

    run: str
    flows: pd.DataFrame
    points: pd.DataFrame


def read_passports(folder: Path) -> Passports:
    """Read the passports of a finished run.

    Raises
    ------
    InputError
        If the folder holds no finished run, or the run has no passports.
    """
    run = open_run(folder)
    missing = [name for name in (PASSPORT_FLOW, PASSPORT_POINT) if name not in run.resources]
    if missing:
        remedy = (
            "the run has no such table: none of its packs go to a market with a battery passport "
            "among its gates, or an earlier version planned it"
        )
        raise InputError([Fault(str(folder), None, missing[0], "", remedy)])
    points = read_layer(run, PASSPORT_POINT).frame
    names = _names(language_of(run.run_info))
    points = points.assign(name=points["point"].map(names).fillna(points["name"]))
    return Passports(folder.resolve().name, read_layer(run, PASSPORT_FLOW).frame, points)


def _names(language: Language) -> Mapping[int, str]:
    return {
        point.number: point.name_zh if language == "zh" else point.name
        for point in passport_points()
    }


def choose_passports(passports: Passports, chosen: Mapping[str, str | None]) -> Passports:
    """Keep the flows of a market, pack and quarter.

    Parameters
    ----------
    passports : Passports
    chosen : mapping of column to str or None
        Of ``market, pack_id, quarter``; None keeps all.

    Raises
    ------
    InputError
        If no flow is of that kind; the remedy tells what there is.
    """
    flows = passports.flows
    for column, wanted in chosen.items():
        if wanted is None:
            continue
        kept = flows[flows[column] == wanted]
        if kept.empty:
            there = ", ".join(sorted(set(flows[column])))
            remedy = f"no flow has it; of what was chosen before it there are: {there}"
            raise InputError([Fault(PASSPORT_FLOW, None, column, wanted, remedy)])
        flows = kept
    points = passports.points.merge(flows[FLOW_KEY], on=FLOW_KEY)
    return replace(passports, flows=flows.reset_index(drop=True), points=points)


def sheet_rows(points: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """The sheet of one flow.

    Parameters
    ----------
    points : DataFrame
        The table ``passport_point``.
    key : sequence of str
        Market, pack and quarter.

    Returns
    -------
    DataFrame
        ``point, name, requirement, status, value, unit, from_table, action``.
    """
    of_flow = (points[FLOW_KEY] == list(key)).all(axis=1)
    return points.loc[of_flow, _OF_SHEET].reset_index(drop=True)


def difference(sheet: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Points in which a sheet differs from an earlier one of the same pack and market.

    Parameters
    ----------
    sheet, before : DataFrame
        From `sheet_rows`.

    Returns
    -------
    DataFrame
        ``point, name, status_before, status, value_before, value, action``: points whose
        requirement, status or value is another.
    """
    both = sheet.merge(before, on="point", suffixes=("", "_before"))
    differs = pd.Series(False, index=both.index)
    for column in _COMPARED:
        differs |= both[column].fillna("") != both[f"{column}_before"].fillna("")
    columns = ["point", "name", "status_before", "status", "value_before", "value", "action"]
    return both.loc[differs, columns].reset_index(drop=True)


def write_sheets(passports: Passports, folder: Path) -> list[Path]:
    """Write a CSV file per flow: ``passport-MARKET-PACK-QUARTER.csv``.

    Parameters
    ----------
    passports : Passports
    folder : Path
        Is made; sheets of the same names are replaced.

    Returns
    -------
    list of Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for key in passports.flows[FLOW_KEY].itertuples(index=False, name=None):
        stem = "-".join(["passport", *(safe_name(part) for part in key)])
        path = folder / f"{stem}.csv"
        number = 1
        while path in written:
            number += 1
            path = folder / f"{stem}-{number}.csv"
        write_table(path, sheet_rows(passports.points, key))
        written.append(path)
    return written
