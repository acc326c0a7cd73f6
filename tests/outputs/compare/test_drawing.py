"""The map of a comparison lies on the same land and sea as that of the report."""

import pandas as pd

from planner.outputs.compare.drawing import Drawing, draw_stations


def _draw(lon: list[float], lat: list[float]) -> Drawing:
    stations = pd.DataFrame(
        {
            "site_id": ["a", "b"], "name_en": "Town", "lon": lon, "lat": lat, "moved_km": 0.0,
            "change": ["gained", "lost"], "base_bays": [None, 14.0], "other_bays": [14.0, None],
        }
    )  # fmt: skip
    counts = {f"num_{name}": 1 for name in ("gained", "lost", "moved", "resized")}
    cities = pd.DataFrame([{"city_id": "t", "name_en": "Town", "lon": lon[0], "lat": lat[0]}])
    drawing = draw_stations(stations, cities.assign(**counts))
    assert drawing is not None
    return drawing


def test_seas_lie_under_the_stations_where_there_are_any() -> None:
    assert _draw([104.0, 104.2], [36.0, 36.1]).water == ""
    strait = _draw([12.55, 13.0], [55.68, 55.6])  # Copenhagen and Malmö
    assert strait.water.startswith("M")
    assert strait.water.endswith("Z")
