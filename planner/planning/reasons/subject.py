"""What a planner asks about: a site, a city, or a list of sites, by the names of the tables."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from planner.arrays import IntArray
from planner.errors import Fault, InputError
from planner.instance import Instance
from planner.instance.names import nearest
from planner.plans.labels import positions_of

SITE_COLUMN = "site_id"
MOST_FAULTS = 20
"""Unknown names that are told of one by one."""


@dataclass(frozen=True)
class Subject:
    """Sites that are asked about together.

    Attributes
    ----------
    name : str
        What was asked.
    site_idx : int array, ascending
    city_idx : int
        Position of the city, if it is one; -1 otherwise.
    """

    name: str
    site_idx: IntArray
    city_idx: int = -1


def find_subject(instance: Instance, asked: str) -> Subject:
    """Sites that a word of the command line names.

    Parameters
    ----------
    instance : Instance
    asked : str
        Id of a site; id or name of a city; ids of sites after commas; or a CSV file with a column
        ``site_id``.

    Raises
    ------
    InputError
        If a name is not known, with one that is most like it; all of them at once.
    """
    path = Path(asked)
    if path.suffix.lower() == ".csv":
        return Subject(path.stem, _sites_of(instance, asked, _ids_of_file(path)))
    if asked in set(instance.sites["site_id"]):
        return Subject(asked, _sites_of(instance, asked, [asked]))
    city_idx = _city(instance, asked)
    if city_idx >= 0:
        city_id = instance.cities["city_id"].iloc[city_idx]
        in_city = (instance.sites["city_id"] == city_id).to_numpy(bool)
        return Subject(asked, np.flatnonzero(in_city), city_idx)
    ids = [each.strip() for each in asked.split(",") if each.strip()]
    if len(ids) > 1:
        return Subject(asked, _sites_of(instance, asked, ids))
    known = [*instance.sites["site_id"], *_city_names(instance)]
    close = nearest(asked, known)
    hint = f"; did you mean {close}?" if close else ""
    remedy = f"is neither a site nor a city of the instance, nor a CSV file of sites{hint}"
    raise InputError([Fault("SUBJECT", None, "", asked, remedy)])


def _city_names(instance: Instance) -> list[str]:
    columns = [name for name in ("city_id", "name_en", "name_zh") if name in instance.cities]
    names = instance.cities[columns].to_numpy(object).ravel().tolist()
    return [name for name in names if isinstance(name, str)]


def _city(instance: Instance, asked: str) -> int:
    """Position of the city with this id, or else the only one with this name; -1 for none."""
    for column in ("city_id", "name_en", "name_zh"):
        if column in instance.cities:
            names = instance.cities[column].astype("str").str.casefold()
            found = np.flatnonzero((names == asked.casefold()).to_numpy(bool))
            if len(found) == 1:
                return int(found[0])
            if len(found) > 1:
                ids = ", ".join(instance.cities["city_id"].iloc[found])
                remedy = f"is the name of several cities; give one of the ids {ids}"
                raise InputError([Fault("SUBJECT", None, column, asked, remedy)])
    return -1


def _ids_of_file(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError([Fault(str(path), None, "", "", "no such file; give a CSV of site_ids")])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError([Fault(str(path), None, "", "", "write the file in UTF-8")]) from error
    rows = csv.DictReader(text.splitlines())
    if SITE_COLUMN not in (rows.fieldnames or ()):
        remedy = "column is missing; name the sites in it"
        raise InputError([Fault(path.name, 1, SITE_COLUMN, "", remedy)])
    ids = [row[SITE_COLUMN].strip() for row in rows if row[SITE_COLUMN]]
    if not ids:
        raise InputError([Fault(path.name, None, SITE_COLUMN, "", "names no site; add a row")])
    return ids


def _sites_of(instance: Instance, asked: str, ids: list[str]) -> IntArray:
    known = instance.sites["site_id"]
    idx = positions_of(known.__class__(ids, dtype="str"), known)
    faults: list[Fault] = []
    for site in list(dict.fromkeys(each for each, at in zip(ids, idx, strict=True) if at < 0)):
        close = nearest(site, known) if len(faults) < MOST_FAULTS else None
        hint = f"; did you mean {close}?" if close else ""
        faults.append(Fault(asked, None, SITE_COLUMN, site, f"no such site{hint}"))
    if faults:
        raise InputError(faults)
    return np.unique(idx)
