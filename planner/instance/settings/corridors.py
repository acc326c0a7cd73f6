"""Section ``[corridors]``: trips between cities, and the stations along their roads."""

from typing import Literal, Self

from pydantic import model_validator

from planner.instance.settings.section import Section, setting


class Ferry(Section):
    """A crossing that the roads lack; vehicles use no energy on it."""

    name: str = setting(..., "what it is called, e.g. Qiongzhou Strait")
    from_lon: float = setting(..., "one end: the nearest junction counts", unit="degrees", ge=-180,
                               le=180)  # fmt: skip
    from_lat: float = setting(..., "one end", unit="degrees", ge=-90, le=90)
    to_lon: float = setting(..., "the other end", unit="degrees", ge=-180, le=180)
    to_lat: float = setting(..., "the other end", unit="degrees", ge=-90, le=90)
    minutes: float = setting(..., "time it takes, waiting included", unit="min", gt=0, le=1440)


class Corridors(Section):
    """Trips between cities, and the stations along the roads that they need."""

    funding: Literal["none", "own", "national"] = setting(
        "none", "whether corridors are planned: not at all; on limits of their own; or on those of "
        "the siting, whose stations and money go to cities and corridors at one price",
    )  # fmt: skip
    num_stations: int | None = setting(
        None, "corridor stations at most, existing ones included", ge=0, le=1_000_000
    )
    budget_cny: float | None = setting(
        None, "money for corridor stations at most", unit="CNY", ge=0, le=1e15
    )
    wanted_frac: float | None = setting(
        None, "share of the trips' worth to be refuelled for the least money, instead of the most "
        "within the limits", gt=0, le=1,
    )  # fmt: skip
    objective: Literal["swaps", "vehicles", "vehicle_km"] = setting(
        "swaps", "what a refuelled trip counts: the full packs that it takes, one, or the "
        "kilometres between its ends",
    )  # fmt: skip
    trip_swap_weight: float = setting(
        1.0, "what a swap's energy on a refuelled trip counts beside a swap in a city, where both "
        "are paid from the siting's limits", source="?: assumed", gt=0, le=100,
    )  # fmt: skip
    segments: list[Literal["private", "taxi", "ride_hailing"]] = setting(
        ["private"], "vehicle segments that drive between cities"
    )
    max_trip_km: float = setting(
        1500.0, "longer trips are not made by car", unit="km", source="?: planning assumption",
        gt=0, le=10_000,
    )  # fmt: skip
    site_spacing_km: float = setting(
        25.0, "candidate sites along the road are no farther apart than this", unit="km",
        source="?: assumed; service areas of Chinese motorways are some 50 km apart", ge=1, le=200,
    )  # fmt: skip
    station_access_km: float = setting(
        3.0, "a station serves the roads within this distance (great circle)", unit="km",
        source="?: assumed, as operators' coverage figure", ge=0, le=50,
    )  # fmt: skip
    num_paths: int = setting(1, "ways per pair of cities: the fastest, and others through a third "
                              "city", ge=1, le=10)  # fmt: skip
    max_detour_frac: float = setting(
        0.15, "other ways take longer than the fastest by this share at most",
        source="?: assumed", ge=0, le=1,
    )  # fmt: skip
    speed_kmh: float = setting(
        90.0, "mean speed on the road", unit="km/h",
        source="?: assumed, between limits of 100 to 120 km/h and traffic", ge=30, le=150,
    )  # fmt: skip
    rated_drag_speed_kmh: float = setting(
        66.0, "speed whose air drag is that of the rated consumption; drag grows with the square "
        "of the speed over it", unit="km/h",
        source="INF: 0.35 x 0.109 kWh/km x 0.9 = 123 N = 0.6 kg/m3 x 0.6 m2 x v2 (drag area "
        "assumed)", ge=30, le=120,
    )  # fmt: skip
    soak_frac: float = setting(
        0.4, "0 = pack on the road stays station-warm, 1 = pack at ambient",
        source="?: upper end of the 0.1-0.4 assumed for working cars; no measurement found",
        ge=0, le=1,
    )  # fmt: skip
    start_frac: float = setting(
        0.9, "charge with which a trip leaves the city at either end, of the window used",
        source="?: assumed: swapped in the city, and driven there since", ge=0, le=1,
    )  # fmt: skip
    reserve_frac: float = setting(
        0.1, "share of the usable energy that drivers keep", source="?: assumed", ge=0, lt=1
    )
    winter_month: int | None = setting(
        None, "month whose design day is winter's, 1 = January; each city's own coldest one if "
        "left out", ge=1, le=12,
    )  # fmt: skip
    summer_month: int | None = setting(
        None, "month whose mean is summer's; each city's own hottest one if left out", ge=1, le=12
    )
    winter_weight: float = setting(
        0.5, "weight of winter's flows in the objective; summer's is the rest",
        source="?: assumed, half the year each", ge=0, le=1,
    )  # fmt: skip
    distance_exponent: float = setting(
        1.75, "gravity model: trips fall with the distance to this power",
        source="INF: with same_province_factor 2 the mean trip is 340 km and 58 % stay in their "
        "province, measured are 348 km and 54 % (M: Baidu, all modes, 2-8 Jan 2020); 1.5 without "
        "the factor gives 528 km and 33 %", ge=0, le=5,
    )  # fmt: skip
    same_province_factor: float = setting(
        2.0, "gravity model: trips between two cities of one province count this many times",
        source="INF: calibrated with distance_exponent", ge=0, le=100,
    )  # fmt: skip
    winter_trips_factor: float = setting(
        1.0, "gravity model: trips on a mean day of winter over those of summer",
        source="?: assumed alike; no count by season was found", ge=0, le=10,
    )  # fmt: skip
    min_trip_km: float = setting(
        50.0, "shorter trips are part of the cities' own demand", unit="km", source="?: assumed",
        ge=0, le=1000,
    )  # fmt: skip
    swap_share_frac: float = setting(
        0.124, "swaps on the road, of all swaps of a mean day",
        source="INF: on 5 Oct 2023 and 29 Apr 2023 highways had 32-34 % of NIO's swaps (MC), four "
        "times a normal day's (MC evnewschannel 2023); all swaps were 1.49 times the mean on such "
        "a peak (145,955 on 1 Oct 2025 over 98,000): 0.33 x 1.49 / 4", ge=0, le=1,
    )  # fmt: skip
    holiday_factor: float = setting(
        4.0, "trips on the busiest holiday over those of a mean day; capacity is planned for them",
        source="MC: highway swaps x 4 (evnewschannel 2023)", ge=1, le=20,
    )  # fmt: skip
    limit_capacity: bool = setting(
        False, "whether stations serve no more than their swaps an hour, in winter's holiday "
        "traffic; without it the load beyond is only told",
    )  # fmt: skip
    station_type: str | None = setting(
        None, "type of all corridor stations, from the table stations; the one with most bays if "
        "left out, which the assumptions then name",
    )  # fmt: skip
    ferries: list[Ferry] = setting([], "crossings that the roads lack")

    @model_validator(mode="after")
    def _has_what_its_funding_needs(self) -> Self:
        limits = (self.num_stations, self.budget_cny, self.wanted_frac)
        if self.funding == "own" and limits == (None, None, None):
            raise ValueError("give num_stations, budget_cny or wanted_frac, or other funding")
        if self.funding == "national" and self.objective != "swaps":
            raise ValueError("funding national weighs swaps against swaps: set objective swaps")
        if self.wanted_frac is not None and (self.funding == "national" or self.limit_capacity):
            raise ValueError("wanted_frac needs funding own and no limit_capacity")
        return self
