"""Section ``[siting]``: what is asked of the stations, under which limits."""

from typing import Literal, Self

from pydantic import Field, model_validator

from planner.instance.settings.section import Section, setting


class Siting(Section):
    """Where stations go."""

    objective: Literal["max_coverage", "p_median", "set_cover", "facility_location"] = setting(
        "max_coverage",
        "what is asked of the stations: most swaps served, least drive to the nearest one, least "
        "cost of covering the demand, or least yearly cost of all (docs/siting.md)",
    )
    num_stations: int | None = setting(
        None, "budget: at most this many stations, existing ones included", ge=0, le=1_000_000
    )
    budget_cny: float | None = setting(
        None,
        "budget: at most this much money for all stations, existing ones included at the cost "
        "of the smallest type that carries their load",
        unit="CNY",
        ge=0,
        le=1e15,
    )
    drive_time_min: float = setting(
        10.0,
        "drive-time standard: a zone is covered by a station within it",
        unit="min",
        source="?: planning standard of this project; operators state 3 km instead",
        gt=0,
        le=120,
    )
    near_km: float = setting(
        3.0,
        "distance of the operators' coverage figure (geodesic), reported beside the standard",
        unit="km",
        source="MC: NIO reports users living within 3 km of a station (cnevpost 2021-2023)",
        gt=0,
        le=50,
    )
    min_spacing_km: float | None = setting(
        None,
        "least distance of a candidate site (geodesic) from every other site that may hold a "
        "station: of two nearer ones the one with more car-owning households within near_km "
        "stays; existing and committed sites all stay, however near to each other",
        unit="km",
        gt=0,
        le=50,
    )
    unserved_min: float = Field(
        default_factory=lambda known: 2 * known.get("drive_time_min", 10.0),
        description="minutes that a swap without a station within drive_time_min counts, no "
        "fewer than it; twice as many if left out",
        json_schema_extra={
            "unit": "min",
            "source": "?: assumed, twice the drive-time standard",
            "only_for": "p_median",
        },
        gt=0,
        le=1440,
    )
    cover_share_frac: float = setting(
        1.0, "share of all swaps to be covered; 1 for every zone that the sites reach",
        only_for="set_cover", ge=0, le=1,
    )  # fmt: skip
    cover_times: int = setting(
        1, "stations within reach that it takes to cover a zone", only_for="set_cover", ge=1, le=10
    )
    cover_least: Literal["money", "stations"] = setting(
        "money", "what the stations shall be least of; money counts the cheapest type that fits "
        "each site, and the plot", only_for="set_cover",
    )  # fmt: skip
    drive_cny_per_min: float = setting(
        0.6, "cost of a driver's minute on the way to the station", unit="CNY/min",
        source="INF: 36 CNY/h, the value of time in costs.swap_cny",
        only_for="facility_location", ge=0, le=100,
    )  # fmt: skip
    unserved_swap_cny: float = setting(
        33.0, "cost of a swap that is not served", unit="CNY",
        source="INF: the rent it would bring (15 CNY, coupling.served_swap_cny) and half an hour "
        "at a fast charger instead at 36 CNY/h", only_for="facility_location", ge=0, le=10_000,
    )  # fmt: skip
    station_years: float = setting(
        10.0, "years over which station and plot are paid off, at costs.interest_rate",
        unit="years", source="?: assumed, as the calendar life of packs", ge=1, le=100,
    )  # fmt: skip

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        needs_one = self.objective in ("max_coverage", "p_median")
        if needs_one and self.num_stations is None and self.budget_cny is None:
            raise ValueError("give num_stations or budget_cny, or both")
        return self

    @model_validator(mode="after")
    def _settings_fit_each_other(self) -> Self:
        if self.unserved_min < self.drive_time_min:
            raise ValueError("unserved_min must not be less than drive_time_min")
        is_counted = self.objective == "set_cover" and self.cover_least == "stations"
        if is_counted and self.budget_cny is not None:
            raise ValueError(
                'with cover_least = "stations" no money is counted: give num_stations instead of '
                'budget_cny, or cover_least = "money"'
            )
        return self
