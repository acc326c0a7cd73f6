import h3
import numpy as np
import pandas as pd

from planner.outputs.reasons.maps import cities_that_differ


def test_each_city_fills_its_panel() -> None:
    """Panels share a projection, so that their outlines are drawn in pixels."""
    near = [(31.2, 121.5), (31.3, 121.6), (39.9, 116.4), (40.3, 116.9)]
    hexagons = pd.DataFrame(
        {"h3": [h3.latlng_to_cell(*at, 7) for at in near], "in_plan": 0, "least": 0, "most": 1}
    )
    sites = pd.DataFrame(near, columns=["lat", "lon"]).assign(city_id=["s", "s", "b", "b"])
    chart = cities_that_differ(hexagons, sites, {})
    assert chart is not None
    assert chart.spec is not None
    panels = chart.spec["concat"]
    assert len(panels) == 2
    for panel in panels:
        rings = [np.array(cell["geometry"]["coordinates"][0]) for cell in panel["data"]["values"]]
        points = np.concatenate(rings)
        assert (points > 0.0).all()
        assert (points < panel["width"]).all()
        assert np.ptp(points, axis=0).max() > 0.9 * panel["width"]
        assert rings[0][:, 1].mean() > rings[1][:, 1].mean()
        assert rings[0][:, 0].mean() < rings[1][:, 0].mean()
