"""Tables of a corridor plan made up by hand: three roads, two stations, and every odd row."""

import math

import pandas as pd

NAN = math.nan
CITIES = {"230100": (126.65, 45.75), "x1": (127.4, 45.25)}
STATION = "R+45.500+127.000"


def make_corridor_tables() -> dict[str, pd.DataFrame]:
    """By the name in a run: an odd row each of a ferry, a summer road, a trip out and back."""
    return {
        "corridor_summary": pd.DataFrame(
            [
                ("winter", "lfp", 100.0, 80.0, 0.8, 0.5, 0.9),
                ("winter", "sodium_ion", 50.0, 25.0, 0.5, 0.4, 0.9),
                ("winter", "all", 150.0, 105.0, 0.7, 70 / 150, 0.9),
                ("summer", "lfp", 100.0, 95.0, 0.95, 0.6, 1.0),
                ("summer", "sodium_ion", 50.0, 45.0, 0.9, 0.55, 1.0),
                ("summer", "all", 150.0, 140.0, 140 / 150, 87.5 / 150, 1.0),
            ],
            columns=["season", "chemistry", "trips_per_day", "refuelled_per_day",
                     "refuelled_frac", "by_cities_frac", "at_most_frac"],
        ),
        "corridor_stations": pd.DataFrame(
            {
                "corridor_station_id": [STATION, "=evil</script>"],
                "lon": [127.0, 127.2],
                "lat": [45.5, 45.35],
                "site_status": ["candidate", "existing"],
                "near_city_id": ["230100", "x1"],
                "station_type_id": ["large", "large"],
                "capex_cny": [5.1e6, 5.0e6],
                "winter_swaps_per_day": [120.5, 0.25],
                "summer_swaps_per_day": [90.0, 0.0],
                "winter_trips_per_day": [61.0, 0.25],
                "summer_trips_per_day": [45.0, 0.0],
                "holiday_swaps_per_hour": [38.6, 0.1],
                "capacity_per_hour": [19.8, 19.8],
            }
        ),
        "corridor_station_packs": pd.DataFrame(
            [
                ("winter", STATION, "private_ab", "lfp_25", 80.5),
                ("winter", STATION, "private_ab", "na_25", 40.0),
                ("summer", STATION, "private_ab", "na_25", 90.0),
            ],
            columns=["season", "corridor_station_id", "vehicle_id", "pack_id", "swaps_per_day"],
        ),
        "corridor_legs": pd.DataFrame(
            [
                ("winter", "private_ab", "na_25", "sodium_ion", "230100", STATION,
                 *CITIES["230100"], 127.0, 45.5, 61.5, 20.25, 25.0, 0.5, 1.75, -24.5),
                # Out and back to the city where it began: no line.
                ("winter", "private_ab", "lfp_25", "lfp", "x1", "x1",
                 *CITIES["x1"], *CITIES["x1"], 120.0, 30.0, 2.0, 1.5, 6.0, -22.0),
                ("winter", "private_ab", "lfp_25", "lfp", STATION, "x1",
                 127.0, 45.5, *CITIES["x1"], 58.0, 14.0, 80.0, 12.0, 55.0, -23.0),
                ("summer", "private_ab", "na_25", "sodium_ion", "230100", "x1",
                 *CITIES["230100"], *CITIES["x1"], 119.5, 21.0, 45.0, 15.0, 85.0, 22.5),
            ],
            columns=["season", "vehicle_id", "pack_id", "chemistry", "from_stop", "to_stop",
                     "from_lon", "from_lat", "to_lon", "to_lat", "km", "drawn_kwh",
                     "trips_per_day", "margin_kwh", "margin_km", "temperature_c"],
        ),
        "corridor_roads": pd.DataFrame(
            [
                (*CITIES["230100"], 127.0, 45.5, 61.5, False, -24.5, 150.0, 0.7, 22.5, 150.0, 0.9),
                (127.0, 45.5, *CITIES["x1"], 58.0, False, -23.0, 100.0, 0.0, 22.0, 100.0, 1.0),
                # Where the fastest way of summer alone leads.
                (127.0, 45.5, 127.1, 45.7, 25.0, True, -24.0, 0.0, NAN, 22.0, 0.5, 1.0),
            ],
            columns=["from_lon", "from_lat", "to_lon", "to_lat", "km", "is_ferry", "winter_c",
                     "winter_trips_per_day", "winter_refuelled_frac", "summer_c",
                     "summer_trips_per_day", "summer_refuelled_frac"],
        ),
        "corridor_unserved": pd.DataFrame(
            [
                ("winter", "private_ab", "na_25", "sodium_ion", "230100", "x1", 119.5, 25.0,
                 STATION, "x1", 58.0, 2.5, -23.0, 127.3, 45.3, "no station opened here"),
                ("winter", "private_ab", "lfp_25", "lfp", "230100", "x1", 119.5, 20.0,
                 "230100", "x1", 119.5, 8.75, -24.5, 127.1, 45.45,
                 "no candidate site reaches this road"),
                # Nowhere is a pack empty.
                ("summer", "private_ab", "na_25", "sodium_ion", "230100", "x1", 119.5, 10.0,
                 "", "", NAN, NAN, NAN, NAN, NAN, "its stations are full"),
            ],
            columns=["season", "vehicle_id", "pack_id", "chemistry", "from_city_id",
                     "to_city_id", "km", "trips_per_day", "breaks_from", "breaks_to", "leg_km",
                     "short_kwh", "temperature_c", "lon", "lat", "why"],
        ),
        "corridor_unconnected": pd.DataFrame(
            {"city_id": ["x2"], "name_en": ["Zhoushan"], "why": ["on an island <b>"]}
        ),
    }  # fmt: skip
