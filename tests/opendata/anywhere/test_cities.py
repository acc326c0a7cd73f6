import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError
from planner.opendata.anywhere.cities import (
    add_climate,
    choose_cities,
    correct_entries,
    keep_named,
    nearest_climate,
    trust_stations,
)
from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.climate import MONTHS
from planner.opendata.recipe import parse_recipe, recipe_text

FIT = {"winter_design_slope": 2.0, "winter_design_intercept_c": -1.0}


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
    return choose_cities(entries, min_residents=100, residents_per_km2=1.0, min_radius_km=10.0)


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


def test_small_places_are_no_cities():
    entries = [_place(1, "Here", 0.0, 100), _place(2, "Hamlet", 5.0, 99)]
    assert _choose(entries)["name_en"].tolist() == ["Here"]
    with pytest.raises(InputError, match="has 100 people, the largest is Hamlet with 99; lower it"):
        _choose(entries[1:])
    with pytest.raises(InputError, match="no place of GeoNames lies in the region"):
        _choose([])


def test_cities_of_one_name_are_told_apart():
    places = [_place(1, "San Fernando", 0.0, 100), _place(2, "San Fernando", 5.0, 100)]
    names = _choose([*places, _place(3, "Here", 9.0, 100)])["name_en"].tolist()
    assert names == ["San Fernando (NO-1)", "San Fernando (NO-2)", "Here"]


def test_cities_are_kept_by_name_or_id_and_unknown_names_told_with_the_nearest():
    cities = _choose([_place(1, "Here", 0.0, 100), _place(2, "There", 5.0, 100)])
    assert keep_named(cities, [])["name_en"].tolist() == ["Here", "There"]
    assert keep_named(cities, ["2"])["name_en"].tolist() == ["There"]
    assert keep_named(cities, ["Here", "NO-2"])["name_en"].tolist() == ["Here", "There"]
    with pytest.raises(InputError, match="did you mean There"):
        keep_named(cities, ["Here", "Thera"])


def test_stations_too_far_away_or_too_far_off_the_fit_are_not_taken():
    value = FIT | {"max_station_km": 50.0, "suspect_design_difference_c": 8.0}
    climate = pd.concat(
        [
            _climate(winter_design_c_station=[design_c], station_name=["A"], station_km=[km])
            for design_c, km in ((-21.0, 50.0), (-21.0, 50.1), (-12.9, 1.0))
        ]
    )
    kept = trust_stations(climate, value)["winter_design_c_station"]
    assert kept.notna().tolist() == [True, False, False]


def test_a_city_without_climate_takes_the_nearest_places_or_is_told():
    cities = _choose([_place(5, "New", 0.0, 100)])
    climate = _climate(winter_design_c_station=[-17.0], station_name=["A"], station_km=[3.4])
    near = [_place(1, "Listed", 0.1, 50)]
    found = nearest_climate(cities, climate, near, max_km=25.0)
    assert (found["geonames_id"].tolist(), found["t02_mean_c"].tolist()) == ([5], [-10.0])
    with pytest.raises(InputError, match=r"New: no climate is known within 10 km"):
        nearest_climate(cities, climate, near, max_km=10.0)


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
    found = add_climate(cities, station, FIT).iloc[0]
    assert found["winter_design_c"] == -17.0
    assert found["winter_design_c_fit"] == -21.0
    assert found["winter_design_source"].startswith("station A (3 km away)")


def test_without_a_station_the_fit_follows_the_shifted_coldest_month():
    cities = pd.DataFrame({"geonames_id": [1]})
    none = _climate(winter_design_c_station=[np.nan], station_name=[""], station_km=[np.nan])
    none["relief_shift_c"] = 2.0
    found = add_climate(cities, none, FIT).iloc[0]
    assert found["winter_design_c"] == -17.0
    assert found["t02_mean_c"] == -8.0
    assert found["winter_design_source"].startswith("INF: 2 x mean of the coldest month - 1")


def test_a_city_without_climate_is_refused():
    with pytest.raises(KeyError):
        add_climate(pd.DataFrame({"geonames_id": [2]}), _climate(), FIT)


@pytest.mark.parametrize("name", ["nordic-export", "chile"])
def test_the_stated_fit_is_the_least_squares_line_of_the_stations(name):
    known = Knowledge(parse_recipe(recipe_text(name), name))
    climate, parameters = known.facts("climate", []), known.parameters()
    taken = climate[climate["winter_design_c_station"].notna()]
    if "max_station_km" in parameters:
        taken = taken[taken["station_km"] < parameters["max_station_km"].value]
    coldest = taken[list(MONTHS)].min(axis=1)
    slope, intercept = np.polyfit(coldest, taken["winter_design_c_station"], 1)
    assert parameters["winter_design_slope"].value == pytest.approx(slope, abs=0.0006)
    assert parameters["winter_design_intercept_c"].value == pytest.approx(intercept, abs=0.006)
    residual = taken["winter_design_c_station"] - slope * coldest - intercept
    source = parameters["winter_design_slope"].source
    assert f"residual {residual.std(ddof=2):.1f} C" in source
    assert f"({len(taken):,} cities)" in source
