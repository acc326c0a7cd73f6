import numpy as np
import pandas as pd
import pytest

from planner.opendata.climate import MONTHS
from planner.opendata.nordic.cities import (
    add_climate,
    choose_cities,
    correct_entries,
    read_nordic_facts,
)
from planner.opendata.parameters import read_parameters


def _place(geonames_id, name, lon, residents, country="NO"):
    return {
        "geonameid": geonames_id,
        "name": name,
        "longitude": lon,
        "latitude": 0.0,
        "population": residents,
        "countrycode": country,
    }


def _choose(entries):
    return choose_cities(
        entries, {"NO"}, min_residents=100, residents_per_km2=1.0, min_radius_km=10.0
    )


def test_a_place_on_the_ground_of_a_larger_city_is_a_part_of_it():
    # At 0.1 degrees, 11.1 km: R^2 = 1000 / pi = 318 and r^2 = 100, so own ground begins at
    # 14.8 km.
    entries = [
        _place(3, "Suburb", 0.1, 200),
        _place(7, "Metropolis", 0.0, 1000),
        _place(5, "Neighbour", 0.2, 200),
    ]
    cities = _choose(entries).set_index("name_en")
    assert cities.index.tolist() == ["Neighbour", "Metropolis"]
    assert cities.loc["Metropolis", "parts"] == ["Suburb"]
    assert cities.loc["Neighbour", "city_id"] == "NO-5"


def test_small_places_and_places_abroad_are_no_cities():
    entries = [
        _place(1, "Here", 0.0, 100),
        _place(2, "Hamlet", 5.0, 99),
        _place(3, "Abroad", 9.0, 500, "RU"),
    ]
    assert _choose(entries)["name_en"].tolist() == ["Here"]


def test_corrections_replace_populations_and_leave_the_entries_alone():
    entries = [_place(1, "Wrong", 0.0, 50_000), _place(2, "Right", 5.0, 70)]
    corrections = pd.DataFrame({"geonames_id": [1], "residents": [500]})
    corrected = correct_entries(entries, corrections)
    assert [entry["population"] for entry in corrected] == [500, 70]
    assert entries[0]["population"] == 50_000


def _climate(**columns):
    means = {name: [0.0] for name in MONTHS} | {"t02_mean_c": [-10.0]}
    return pd.DataFrame({"geonames_id": [1], "relief_shift_c": [0.0], **means, **columns})


def test_the_station_goes_before_the_fit():
    cities = pd.DataFrame({"geonames_id": [1]})
    station = _climate(winter_design_c_station=[-17.0], station_name=["A"], station_km=[3.4])
    found = add_climate(cities, station, (2.0, -1.0)).iloc[0]
    assert found["winter_design_c"] == -17.0
    assert found["winter_design_c_fit"] == -21.0
    assert found["winter_design_source"].startswith("station A (3 km away)")


def test_without_a_station_the_fit_follows_the_shifted_coldest_month():
    cities = pd.DataFrame({"geonames_id": [1]})
    none = _climate(winter_design_c_station=[np.nan], station_name=[""], station_km=[np.nan])
    none["relief_shift_c"] = 2.0
    found = add_climate(cities, none, (2.0, -1.0)).iloc[0]
    assert found["winter_design_c"] == -17.0
    assert found["t02_mean_c"] == -8.0
    assert found["winter_design_source"].startswith("INF: 2 x mean of the coldest month - 1")


def test_a_city_without_climate_is_refused():
    with pytest.raises(KeyError):
        add_climate(pd.DataFrame({"geonames_id": [2]}), _climate(), (2.0, -1.0))


def test_the_stated_fit_is_the_least_squares_line_of_the_stations():
    climate = read_nordic_facts("climate")
    known = climate[climate["winter_design_c_station"].notna()]
    coldest = known[list(MONTHS)].min(axis=1)
    slope, intercept = np.polyfit(coldest, known["winter_design_c_station"], 1)
    parameters = read_parameters("nordic")
    assert parameters["winter_design_slope"].value == pytest.approx(slope, abs=0.0006)
    assert parameters["winter_design_intercept_c"].value == pytest.approx(intercept, abs=0.006)
    residual = known["winter_design_c_station"] - slope * coldest - intercept
    assert residual.std(ddof=2) == pytest.approx(2.0, abs=0.05)
    assert f"({len(known)} cities)" in parameters["winter_design_slope"].source
