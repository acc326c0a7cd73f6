"""What a recipe is built from: the planner's own tables first, then those of the program."""

from collections.abc import Container
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.instance.tables import TABLES
from planner.opendata.parameters import Parameter, read_parameters, read_table
from planner.opendata.recipe import Recipe

GENERAL = "world"
"""Folder in `parameters/` for recipes without facts of their own."""


@dataclass(frozen=True)
class Knowledge:
    """A recipe with the folder of the planner's own files.

    Attributes
    ----------
    recipe : Recipe
        What was asked for.
    data_dir : path or None
        Folder of its files; None where it names none.
    """

    recipe: Recipe
    data_dir: Path | None = None

    @property
    def folder(self) -> str:
        """Folder in `parameters/` that is looked into first."""
        return self.recipe.facts or GENERAL

    def table(self, name: str) -> pd.DataFrame:
        """A table as text: the recipe's own, else the program's.

        Parameters
        ----------
        name : str
            Table.

        Returns
        -------
        DataFrame
            All columns as text; an empty cell is an empty text.

        Raises
        ------
        InputError
            If the planner's table lacks a column, or cannot be read.
        """
        usual = read_table(name, self.folder)
        if name not in self.recipe.tables:
            return usual
        columns = list(usual.columns)
        return self._read_own(name, columns, _may_lack(name), dtype=str, keep_default_na=False)

    def has(self, name: str) -> bool:
        """Whether there is a table of that name for the recipe."""
        folder = files("planner.opendata") / "parameters" / self.folder
        return name in self.recipe.tables or (folder / f"{name}.csv").is_file()

    def facts(self, name: str, columns: list[str]) -> pd.DataFrame:
        """Facts of places: the recipe's own, else the program's, else none.

        Parameters
        ----------
        name : str
            ``climate``, ``links`` or ``places``.
        columns : list of str
            Columns that are read.

        Returns
        -------
        DataFrame
            Numbers where a column holds nothing else.
        """
        path = files("planner.opendata") / "facts" / f"{self.folder}_{name}.csv"
        if name in self.recipe.tables:
            return self._read_own(name, columns)
        if not path.is_file():
            return pd.DataFrame(columns=columns)
        with path.open(encoding="utf-8") as stream:
            return pd.read_csv(stream)

    def _read_own(
        self, name: str, columns: list[str], may_lack: Container[str] = (), **how: Any
    ) -> pd.DataFrame:
        said = self.recipe.tables[name]
        try:
            frame = pd.read_csv((self.data_dir or Path()) / said.file, encoding="utf-8-sig", **how)
        except (OSError, ValueError) as error:
            remedy = f"cannot be read as a CSV file in UTF-8: {error}"
            raise InputError([Fault(said.file, None, "", "", remedy)]) from error
        missing = [column for column in columns if column not in frame.columns]
        faults = [
            Fault(said.file, None, column, "", "column is missing")
            for column in missing
            if column not in may_lack
        ]
        if faults:
            raise InputError(faults)
        return pd.DataFrame(frame[[column for column in columns if column not in missing]])

    def parameters(self) -> dict[str, Parameter]:
        """The model's numbers, with those of the recipe in their place.

        Returns
        -------
        dict of str to Parameter

        Raises
        ------
        InputError
            If the recipe sets a number that the model does not have.
        """
        found = read_parameters(self.folder)
        unknown = sorted(set(self.recipe.model) - set(found))
        if unknown:
            remedy = f"no such number; the model has {', '.join(found)}"
            raise InputError(
                [Fault("recipe", None, f"model.{name}", "", remedy) for name in unknown]
            )
        for name, own in self.recipe.model.items():
            found[name] = Parameter(name, own.value, found[name].unit, own.mark, own.source)
        fleet, cities = self.recipe.fleet, self.recipe.cities
        if fleet is not None:
            number = float(fleet.num_stations)
            found["num_stations"] = Parameter(
                "num_stations", number, "stations", fleet.mark, fleet.source
            )
        if fleet is not None and fleet.vehicles_per_station is not None:
            found["vehicles_per_station"] = Parameter(
                "vehicles_per_station", fleet.vehicles_per_station, "vehicles/station",
                fleet.mark, fleet.source,
            )  # fmt: skip
        if "min_residents" not in found:
            found["min_residents"] = Parameter(
                "min_residents", cities.min_residents, "persons", "?",
                "places of GeoNames from this size on are cities; set in the recipe",
            )  # fmt: skip
        return found


def _may_lack(name: str) -> set[str]:
    """Columns that the table's format lets be left out."""
    if name not in TABLES:
        return set()
    return {column.name for column in TABLES[name].accepted if not column.required}
