"""Zones keep their sums and places when they are drawn as coarser cells."""

import numpy as np
import pandas as pd
import pytest
from h3.api import basic_str

from planner.outputs.report import cells as cells_module
from planner.outputs.report.cells import pack_tiles, sum_levels
from tests.outputs.report.made_up_run import make_frames


@pytest.fixture(scope="module")
def zones() -> pd.DataFrame:
    return make_frames()["layers/zones"]


def test_sums_are_kept_on_every_level(zones: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells_module, "FEW_CELLS", 6)
    levels = sum_levels(zones)
    assert [level.resolution for level in levels] == sorted(level.resolution for level in levels)
    assert levels[-1].resolution == 8
    assert len(levels[0].cells) <= 6 < len(levels[1].cells)
    for level in levels:
        assert level.households.sum() == pytest.approx(zones["car_owning_households"].sum())
        served = (zones["swaps_per_day"] * zones["served_frac"]).sum()
        assert level.swaps_served_per_day.sum() == pytest.approx(served)


def test_too_many_cells_are_left_to_coarser_levels(
    zones: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells_module, "MOST_CELLS", 60)
    monkeypatch.setattr(cells_module, "FEW_CELLS", 60)
    (level,) = sum_levels(zones)
    assert level.resolution == 7
    assert len(level.cells) <= 60


# Plain lattice, southern and polar ones, the antimeridian, an edge of the icosahedron (near
# Dalian), and a pentagon.
@pytest.mark.parametrize(
    "centre",
    [(45.75, 126.65), (-33.9, 151.2), (69.6, 18.9), (0.1, -179.99), (39.0, 121.6), (39.1, 122.3)],
)
def test_tiles_draw_cells_where_they_are(centre: tuple[float, float]) -> None:
    found = sorted(basic_str.grid_disk(basic_str.latlng_to_cell(*centre, 8), 8))
    points = np.array([basic_str.cell_to_latlng(cell) for cell in found])
    zones = pd.DataFrame(
        {
            "zone_id": found, "lat": points[:, 0], "lon": points[:, 1],
            "car_owning_households": 7.0, "swaps_per_day": 2.0, "served_frac": 0.5,
        }
    )  # fmt: skip
    (level,) = sum_levels(zones)
    drawn = []
    for tile in pack_tiles(level):
        west, south, east, north = tile["box"]
        for x, y, which in zip(tile["x"], tile["y"], tile["outline"], strict=True):
            lon, lat = tile["at"][0] + x / 1e4, tile["at"][1] + y / 1e4
            cell = basic_str.latlng_to_cell(lat, lon, 8)
            assert west < lon < east
            assert south < lat < north
            corners = np.array(basic_str.cell_to_boundary(cell))[:, ::-1] - (lon, lat)
            corners = (corners + 180) % 360 - 180
            apart = np.abs(corners - tile["outlines"][which]).max()
            assert apart < 0.04 * np.ptp(corners, axis=0).max()
            drawn.append(cell)
        assert set(tile["served"]) == {50}
        assert set(tile["households"]) == {7}
        assert set(tile["swaps"]) == {20}
    assert sorted(drawn) == found


def test_zones_that_are_places_get_a_cell_of_their_own() -> None:
    zones = pd.DataFrame(
        {
            "zone_id": ["z1", "z2"], "lat": [45.75, 45.9], "lon": [126.6, 126.8],
            "car_owning_households": [10.0, 20.0], "swaps_per_day": [1.0, 0.0],
            "served_frac": [1.0, 0.0],
        }
    )  # fmt: skip
    (level,) = sum_levels(zones)
    assert len(level.cells) == 2
    served = {value for tile in pack_tiles(level) for value in tile["served"]}
    assert served == {100, -1}  # the second asks for nothing
