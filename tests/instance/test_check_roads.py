"""Roads held against the places of their junctions, in tables that are valid cell by cell."""

import re
from pathlib import Path

import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import read_instance


def _change(folder: Path, name: str, **cells: object) -> None:
    """Write columns, or ``column_at_row`` cells by position, into a table."""
    path = folder / f"{name}.csv"
    table = pd.read_csv(path)
    for column, value in cells.items():
        if isinstance(value, dict):
            for row, cell in value.items():
                table.loc[row, column] = cell
        else:
            table[column] = value
    table.to_csv(path, index=False)


def _noted(folder: Path) -> dict[str, str]:
    assumptions = read_instance(folder).assumptions
    return dict(zip(assumptions["item"], assumptions["value"], strict=True))


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (1000.0, "1,000 times as long as the straight line: in metres? Divide by 1000"),
        (0.001, "0.001 times as long as the straight line: divided by 1000 too often? Multiply"),
        (0.621371, "0.621 times as long as the straight line: in miles? Multiply by 1.609344"),
        (150.0, "150 times as long as the straight line: the lengths are not those of roads"),
    ],
)
def test_lengths_in_another_unit(tutorial_copy: Path, length: float, told: str) -> None:
    """Every road of the tutorial is 1 km long and straight."""
    _change(tutorial_copy, "roads", length_km=length)
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    (fault,) = caught.value.faults
    assert str(fault).startswith("roads.csv, length_km: the median road is ")
    assert told in str(fault)


def test_a_road_joined_to_the_wrong_node(tutorial_copy: Path) -> None:
    """1 km from one end of the town to the other: no plan may rest on it."""
    _change(tutorial_copy, "roads", to_node={0: 8})
    with pytest.raises(
        InputError,
        match=r"roads\.csv, row 2 \(1 / 8\), length_km: 1 km between nodes 1 and 8, 7 km apart: "
        "shorter than the straight line between its ends; correct the length, the node "
        "it is joined to",
    ):
        read_instance(tutorial_copy)


def test_unlikely_roads_are_noted(tutorial_copy: Path) -> None:
    assert not any(item.startswith("roads.csv") for item in _noted(tutorial_copy))
    _change(tutorial_copy, "roads", length_km={0: 12.0, 1: 0.93}, speed_kmh=5.0)
    noted = _noted(tutorial_copy)
    assert noted["roads.csv: roads over 10 times the straight line"] == (
        "1: row 2, 12 km between nodes 1 and 2, 1 km apart"
    )
    assert noted["roads.csv: roads shorter than the straight line"] == (
        "1: row 3, 0.93 km between nodes 2 and 3, 1 km apart"
    )
    assert noted["roads.csv: mean speed"] == "5 km/h"


def test_directions_without_oneway_are_noted(tutorial_copy: Path) -> None:
    """Two rows for one road, 60 and 20 km/h: both ways at 60, unless each is one-way."""
    roads = pd.read_csv(tutorial_copy / "roads.csv")
    back = roads[:1].rename(columns={"from_node": "to_node", "to_node": "from_node"})
    both = pd.concat([roads, back.assign(speed_kmh=20)])
    both.to_csv(tutorial_copy / "roads.csv", index=False)
    assert _noted(tutorial_copy)["roads.csv: roads slower than the row back"] == "1: 2 to 1"
    _change(tutorial_copy, "roads", oneway=True)
    assert "roads.csv: roads slower than the row back" not in _noted(tutorial_copy)


def test_junctions_with_lon_and_lat_swapped(tutorial_copy: Path) -> None:
    nodes = pd.read_csv(tutorial_copy / "road_nodes.csv")
    nodes.assign(lon=nodes["lat"], lat=nodes["lon"] - 60).to_csv(
        tutorial_copy / "road_nodes.csv", index=False
    )
    with pytest.raises(
        InputError, match=r"lon, lat: no junction within [\d,]+ km of any city: give"
    ):
        read_instance(tutorial_copy)
    for name in ("cities", "sites", "zones"):  # to a place where swapped degrees are degrees
        _change(tutorial_copy, name, lon=80.0, lat=45.75)
    nodes.assign(lon=nodes["lat"], lat=nodes["lon"] - 46.6).to_csv(
        tutorial_copy / "road_nodes.csv", index=False
    )
    with pytest.raises(InputError, match="of any city: lon and lat are swapped: exchange them"):
        read_instance(tutorial_copy)


def test_one_way_is_true_or_false(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "roads", oneway="maybe")
    remedy = "roads.csv, row 2 (1 / 2), oneway: maybe: must be of type true/false"
    with pytest.raises(InputError, match=re.escape(remedy)):
        read_instance(tutorial_copy)
