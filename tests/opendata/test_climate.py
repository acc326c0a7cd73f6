import numpy as np
import pandas as pd
import pytest

from planner.opendata.climate import DAYS_OF_MONTH, MONTHS, make_climate, snow_days

RULE = {"hour_spread_c": 5.0, "snow_limit_c": -1.0, "snowy_road_frac": 0.2}


def test_snow_lies_on_a_share_of_the_cold_hours():
    found = snow_days(np.array([-30.0, -1.0, 4.0, 25.0]), np.full(4, 30.0), **RULE)
    # P(normal < 0) = 0.5 and P(normal < -1) = 0.1587.
    assert found == pytest.approx([6.0, 3.0, 0.9519, 0.0], abs=1e-3)


def test_climate_has_a_row_for_every_city_and_month():
    means = {name: [float(month), -20.0] for month, name in enumerate(MONTHS, start=1)}
    cities = pd.DataFrame({"city_id": ["a", "b"]} | means)
    table = make_climate(cities, pd.Series(["M: one", "M: two"]), RULE)
    assert table["city_id"].tolist() == ["a"] * 12 + ["b"] * 12
    assert table["mean_c"].tolist() == [*range(1, 13), *[-20.0] * 12]
    cold = table[table["city_id"] == "b"]
    assert cold["snow_days"].tolist() == pytest.approx(0.2 * DAYS_OF_MONTH, abs=0.006)
    assert cold["source"].str.startswith("M: two; snow_days ?").all()
