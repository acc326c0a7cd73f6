"""A recipe's own numbers: read from the CSV files in `parameters/`, each with its source.

What a recipe has of its own stands in `parameters/RECIPE/` and is taken before the table of
the same name in `parameters/`.
"""

import math
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd

COPIED_TABLES = (
    "vehicles", "packs", "curves", "stations", "supply", "hour_profile", "materials",
    "material_supply", "declarations",
)  # fmt: skip
"""Tables that stand in `parameters/` as the instance holds them."""
BRAND_TABLES = (
    "envelopes", "brands", "brand_suppliers", "car_models", "model_chemistries", "launches",
)  # fmt: skip
"""The same of tables for instances whose markets the models are sold in."""


@dataclass(frozen=True)
class Parameter:
    """One number of the model, with what is known of where it comes from."""

    name: str
    value: float
    unit: str
    mark: str
    source: str


def read_parameters(recipe: str = "") -> dict[str, Parameter]:
    """Read the parameters of the spatial and fleet model.

    Parameters
    ----------
    recipe : str
        Folder in `parameters/` that is looked into first.

    Returns
    -------
    dict of str to Parameter
        By name, in the order of the file.
    """
    frame = read_table("model", recipe)
    parameters = {}
    for row in frame.to_dict("records"):
        value = float(row["value"])
        if not math.isfinite(value):
            raise ValueError(f"{row['name']} is not finite")
        parameters[row["name"]] = Parameter(
            row["name"], value, row["unit"], row["mark"], row["source"]
        )
    return parameters


def read_table(name: str, recipe: str = "") -> pd.DataFrame:
    """Read one table of `parameters/` as text.

    Parameters
    ----------
    name : str
        File name without its ending.
    recipe : str
        Folder in `parameters/` that is looked into first.

    Returns
    -------
    DataFrame
        All columns as text; an empty cell is an empty text.
    """
    folder = files("planner.opendata") / "parameters"
    own = folder / recipe / f"{name}.csv"
    path = own if own.is_file() else folder / f"{name}.csv"
    with path.open(encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False)
