"""The scenario file: every setting of a run, its unit, bounds, default and source."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from planner.instance.tables import QUARTER_PATTERN, TABLES, quarters_between


def _setting(
    default: Any, meaning: str, *, unit: str = "", source: str = "", only_for: str = "",
    **bounds: Any,
) -> Any:  # fmt: skip
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if only_for:
        extra["only_for"] = only_for
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Quarter = Annotated[str, Field(pattern=f"^{QUARTER_PATTERN}$")]
Reference = Literal["WGS84", "CGCS2000", "GCJ-02", "BD-09"]

SHIFTED_REFERENCES = ("GCJ-02", "BD-09")
"""References without an EPSG code, some 500 m off in China: never stated by a file itself."""


class TableSource(_Section):
    """Where a table stands, and how its file differs from the instance format."""

    file: Annotated[str, Field(pattern=r"^[^/\\]+$")] | None = _setting(
        None, "file in the instance folder, if it is not called like the table"
    )
    layer: str | None = _setting(
        None, "layer of the file; the one called like the table, or the only one, if left out"
    )
    coordinate_reference: Reference | None = _setting(
        None, "reference of this table's coordinates; for GCJ-02 and BD-09 also against the "
        "reference that the file states, as software labels such data WGS84",
    )  # fmt: skip
    columns: dict[str, str] = _setting(
        {}, "columns that have another name in the file: name in the file = name in the format"
    )
    ignore: list[str] = _setting([], "columns of the file that are not used")


class Sources(_Section):
    """What the scenario file says of the tables' files."""

    coordinate_reference: Reference = _setting(
        "WGS84", "reference of coordinates where neither `tables` nor a table's file states one"
    )
    tables: dict[str, TableSource] = Field(
        default={},
        description="tables whose files differ from the instance format, by name",
        json_schema_extra={"propertyNames": {"enum": list(TABLES)}},
    )

    @field_validator("tables")
    @classmethod
    def _known_tables(cls, tables: dict[str, TableSource]) -> dict[str, TableSource]:
        for name, source in tables.items():
            if name not in TABLES:
                raise ValueError(f"no table is called {name}; use one of: {', '.join(TABLES)}")
            has_places = name == "roads" or any(c.name == "lon" for c in TABLES[name].columns)
            if source.coordinate_reference is not None and not has_places:
                raise ValueError(f"{name} has no coordinates; remove its coordinate_reference")
        return tables

    def of_table(self, name: str) -> TableSource:
        """What is said of a table; nothing if it is not mentioned."""
        return self.tables.get(name, TableSource())


class Horizon(_Section):
    """Quarters over which packs are assigned."""

    first_quarter: Quarter | None = _setting(
        None, "first of them; the planning quarter if left out"
    )
    last_quarter: Quarter | None = _setting(None, "last of them; the planning quarter if left out")


class Siting(_Section):
    """Where stations go."""

    objective: Literal["max_coverage", "p_median", "set_cover", "facility_location"] = _setting(
        "max_coverage",
        "what is asked of the stations: most swaps served, least drive to the nearest one, least "
        "cost of covering the demand, or least yearly cost of all (docs/siting.md)",
    )
    num_stations: int | None = _setting(
        None, "budget: at most this many stations, existing ones included", ge=0, le=1_000_000
    )
    budget_cny: float | None = _setting(
        None,
        "budget: at most this much money for all stations, existing ones included at the cost "
        "of the smallest type that carries their load",
        unit="CNY",
        ge=0,
        le=1e15,
    )
    drive_time_min: float = _setting(
        10.0,
        "drive-time standard: a zone is covered by a station within it",
        unit="min",
        source="?: planning standard of this project; operators state 3 km instead",
        gt=0,
        le=120,
    )
    near_km: float = _setting(
        3.0,
        "distance of the operators' coverage figure (geodesic), reported beside the standard",
        unit="km",
        source="MC: NIO reports users living within 3 km of a station (cnevpost 2021-2023)",
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
    cover_share_frac: float = _setting(
        1.0, "share of all swaps to be covered; 1 for every zone that the sites reach",
        only_for="set_cover", ge=0, le=1,
    )  # fmt: skip
    cover_times: int = _setting(
        1, "stations within reach that it takes to cover a zone", only_for="set_cover", ge=1, le=10
    )
    cover_least: Literal["money", "stations"] = _setting(
        "money", "what the stations shall be least of; money counts the cheapest type that fits "
        "each site, and the plot", only_for="set_cover",
    )  # fmt: skip
    drive_cny_per_min: float = _setting(
        0.6, "cost of a driver's minute on the way to the station", unit="CNY/min",
        source="INF: 36 CNY/h, the value of time in costs.swap_cny",
        only_for="facility_location", ge=0, le=100,
    )  # fmt: skip
    unserved_swap_cny: float = _setting(
        33.0, "cost of a swap that is not served", unit="CNY",
        source="INF: the rent it would bring (15 CNY, coupling.served_swap_cny) and half an hour "
        "at a fast charger instead at 36 CNY/h", only_for="facility_location", ge=0, le=10_000,
    )  # fmt: skip
    station_years: float = _setting(
        10.0, "years over which station and plot are paid off, at costs.interest_rate",
        unit="years", source="?: assumed, as the calendar life of packs",
        only_for="facility_location", ge=1, le=100,
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


class Network(_Section):
    """How zones and sites join the road network."""

    access_speed_kmh: float = _setting(
        20.0, "speed between a zone and the nearest mapped road", unit="km/h",
        source="?: assumed for local streets", ge=1, le=120,
    )  # fmt: skip
    access_detour_frac: float = _setting(
        0.3, "local streets are longer than the straight line by this share",
        source="?: assumed", ge=0, le=3,
    )  # fmt: skip
    max_access_km: float = _setting(
        3.0, "a zone or site farther than this from any road is not connected", unit="km",
        source="?: twice the diameter of an H3 resolution-8 cell, about", gt=0, le=50,
    )  # fmt: skip


class Physics(_Section):
    """Temperatures and losses that do not differ by vehicle."""

    cabin_temperature_c: float = _setting(
        20.0, "cabin temperature held in winter", unit="C", source="?: assumed", ge=10, le=28
    )
    station_temperature_c: float = _setting(
        20.0, "temperature of a pack that leaves the station", unit="C",
        source="INF: packs are charged inside the station; no measurement found", ge=-10, le=35,
    )  # fmt: skip
    tyre_loss_per_k: float = _setting(
        0.003, "extra rolling and driveline loss per kelvin below 20 C", unit="1/K",
        source="INF: with air density gives the 9 % loss of energy economy without cabin heat at "
        "-6.7 C that AAA measured (Feb 2019; upper bound, charger included); least error over "
        "four winter tests (docs/physics.md)", ge=0, le=0.02,
    )  # fmt: skip
    heat_pump_cop: float = _setting(
        3.0, "heat-pump coefficient of performance at +10 C and above",
        source="INF: gives the 83 % with and 75 % without a heat pump that Recurrent measured at "
        "0 C, to within 2 points (docs/physics.md)", ge=1, le=6,
    )  # fmt: skip
    heat_pump_limit_c: float = _setting(
        -12.0, "temperature below which a heat pump does no better than a resistor", unit="C",
        source="AN: Recurrent (10 F); ADAC/OAMTC: no gain at very low temperature", ge=-40, le=5,
    )  # fmt: skip

    bay_heater_kw: float = _setting(
        6.0, "heat that a bay can put into a pack before it charges", unit="kW",
        source="?: assumed, the size of a car's resistive heater (up to 7 kW, goingev 2014); no "
        "figure of a station was found", gt=0, le=100,
    )  # fmt: skip
    pack_heat_kwh_per_kwh_k: float = _setting(
        0.002, "heat that a pack takes up per kilowatt-hour of nominal energy and kelvin",
        unit="1/K", source="INF: 1.0 kJ/(kg K) over 140 Wh/kg", gt=0, le=0.02,
    )  # fmt: skip
    charger_efficiency_frac: float = _setting(
        0.94, "energy into the pack over energy from the grid",
        source="?: assumed, rectifier modules are sold with 94 to 96 %", gt=0, le=1,
    )  # fmt: skip


class Demand(_Section):
    """From daily swaps to the hour that stations are sized for."""

    peak_hour_frac: float = _setting(
        0.08, "share of the day's swaps in its busiest hour",
        source="?: assumed; no hour-of-day profile is published", gt=0, le=1,
    )  # fmt: skip
    peak_day_factor: float = _setting(
        1.38, "busiest day over the mean day",
        source="INF: NIO holiday peaks 41.5 over a mean of 30 swaps per station and day "
        "(autogear, news18a 2025-2026)", ge=1, le=10,
    )  # fmt: skip


class Throughput(_Section):
    """How far a station is loaded."""

    utilisation_frac: float = _setting(
        0.85, "share of the nameplate rate that keeps waiting acceptable",
        source="?: assumed; operators report 9-10 min in the system", gt=0, le=1,
    )  # fmt: skip


class Packs(_Section):
    """What the packs must do, and how many are to be had."""

    promised_range_km: float = _setting(
        250.0, "range promised to drivers on the winter design day", unit="km",
        source="?: planning target; cars are sold on 400-500 km CLTC", ge=0, le=1000,
    )  # fmt: skip
    promise: Literal["penalty", "constraint"] = _setting(
        "penalty", "whether a pack that misses the promise costs "
        "(costs.range_shortfall_cny_per_km) or is not given out: its vehicles get none",
    )  # fmt: skip
    sold_elsewhere_frac: dict[str, float] = _setting(
        {}, "share of a chemistry's supply that goes to other buyers",
        source="INF for sodium-ion: HyperStrong's 60 GWh over 3 years is half of 40 GWh a year",
    )  # fmt: skip


class Costs(_Section):
    """Costs that weigh in the pack assignment."""

    interest_rate: float = _setting(
        0.05, "yearly rate at which packs are leased", unit="1/year", source="?: assumed",
        ge=0, le=0.5,
    )  # fmt: skip
    max_pack_years: float = _setting(
        10.0, "calendar life of a pack", unit="years", source="?: assumed", ge=1, le=30
    )
    swap_cny: float = _setting(
        6.0, "cost of one swap to driver and operator, energy apart", unit="CNY",
        source="INF: 10 min at 36 CNY/h; time from NIO's 9-10 min (evnewschannel 2023), value "
        "of time assumed", ge=0, le=1000,
    )  # fmt: skip
    charging_cny_per_kwh: float = _setting(
        0.7, "price of the energy that stations charge with", unit="CNY/kWh",
        source="?: assumed, industrial tariff with capacity charge", ge=0, le=10,
    )  # fmt: skip
    range_shortfall_cny_per_km: float = _setting(
        10.0, "cost per vehicle and quarter of each kilometre below the promised range on that "
        "quarter's coldest design day", unit="CNY/(km quarter)", source="?: assumed", ge=0,
        le=10_000,
    )  # fmt: skip
    relocation_cny_per_pack: float = _setting(
        500.0, "cost of moving a pack from one city to another", unit="CNY",
        source="?: assumed, road freight of 0.4 t over 1,500 km at 0.6 CNY/(t km), and handling",
        ge=0, le=1e6,
    )  # fmt: skip
    no_pack_cny: float = _setting(
        100_000.0, "yearly cost of a vehicle that gets no pack", unit="CNY/year",
        source="?: set far above every other cost so that it is the last resort", ge=0, le=1e9,
    )  # fmt: skip


class Coupling(_Section):
    """How packs and stations are made to fit each other."""

    max_rounds: int = _setting(
        4, "times that packs and stations are planned in turn, at most", ge=1, le=50
    )
    served_swap_cny: float = _setting(
        15.0, "what a swap that is served is worth to the network, where packs and stations are "
        "weighed against each other", unit="CNY", source="INF: rent of 599 CNY a month (MC, "
        "cronachedi, safecarnews Dec 2024) over some 40 swaps of a heavy user", ge=0, le=1000,
    )  # fmt: skip
    tolerance_frac: float = _setting(
        0.001, "packs and stations fit when so small a share of the vehicles changes its pack",
        ge=0, le=1,
    )  # fmt: skip


class Ferry(_Section):
    """A crossing that the roads lack; vehicles use no energy on it."""

    name: str = _setting(..., "what it is called, e.g. Qiongzhou Strait")
    from_lon: float = _setting(..., "one end: the nearest junction counts", unit="degrees", ge=-180,
                               le=180)  # fmt: skip
    from_lat: float = _setting(..., "one end", unit="degrees", ge=-90, le=90)
    to_lon: float = _setting(..., "the other end", unit="degrees", ge=-180, le=180)
    to_lat: float = _setting(..., "the other end", unit="degrees", ge=-90, le=90)
    minutes: float = _setting(..., "time it takes, waiting included", unit="min", gt=0, le=1440)


class Corridors(_Section):
    """Trips between cities, and the stations along the roads that they need."""

    funding: Literal["none", "own", "national"] = _setting(
        "none", "whether corridors are planned: not at all; on limits of their own; or on those of "
        "the siting, whose stations and money go to cities and corridors at one price",
    )  # fmt: skip
    num_stations: int | None = _setting(
        None, "corridor stations at most, existing ones included", ge=0, le=1_000_000
    )
    budget_cny: float | None = _setting(
        None, "money for corridor stations at most", unit="CNY", ge=0, le=1e15
    )
    wanted_frac: float | None = _setting(
        None, "share of the trips' worth to be refuelled for the least money, instead of the most "
        "within the limits", gt=0, le=1,
    )  # fmt: skip
    objective: Literal["swaps", "vehicles", "vehicle_km"] = _setting(
        "swaps", "what a refuelled trip counts: the full packs that it takes, one, or the "
        "kilometres between its ends",
    )  # fmt: skip
    trip_swap_weight: float = _setting(
        1.0, "what a swap's energy on a refuelled trip counts beside a swap in a city, where both "
        "are paid from the siting's limits", source="?: assumed", gt=0, le=100,
    )  # fmt: skip
    segments: list[Literal["private", "taxi", "ride_hailing"]] = _setting(
        ["private"], "vehicle segments that drive between cities"
    )
    max_trip_km: float = _setting(
        1500.0, "longer trips are not made by car", unit="km", source="?: planning assumption",
        gt=0, le=10_000,
    )  # fmt: skip
    site_spacing_km: float = _setting(
        25.0, "candidate sites along the road are no farther apart than this", unit="km",
        source="?: assumed; service areas of Chinese motorways are some 50 km apart", ge=1, le=200,
    )  # fmt: skip
    station_access_km: float = _setting(
        3.0, "a station serves the roads within this distance (great circle)", unit="km",
        source="?: assumed, as operators' coverage figure", ge=0, le=50,
    )  # fmt: skip
    num_paths: int = _setting(1, "ways per pair of cities: the fastest, and others through a third "
                              "city", ge=1, le=10)  # fmt: skip
    max_detour_frac: float = _setting(
        0.15, "other ways take longer than the fastest by this share at most",
        source="?: assumed", ge=0, le=1,
    )  # fmt: skip
    speed_kmh: float = _setting(
        90.0, "mean speed on the road", unit="km/h",
        source="?: assumed, between limits of 100 to 120 km/h and traffic", ge=30, le=150,
    )  # fmt: skip
    rated_drag_speed_kmh: float = _setting(
        66.0, "speed whose air drag is that of the rated consumption; drag grows with the square "
        "of the speed over it", unit="km/h",
        source="INF: 0.35 x 0.109 kWh/km x 0.9 = 123 N = 0.6 kg/m3 x 0.6 m2 x v2 (drag area "
        "assumed)", ge=30, le=120,
    )  # fmt: skip
    soak_frac: float = _setting(
        0.4, "0 = pack on the road stays station-warm, 1 = pack at ambient",
        source="?: upper end of the 0.1-0.4 assumed for working cars; no measurement found",
        ge=0, le=1,
    )  # fmt: skip
    start_frac: float = _setting(
        0.9, "charge with which a trip leaves the city at either end, of the window used",
        source="?: assumed: swapped in the city, and driven there since", ge=0, le=1,
    )  # fmt: skip
    reserve_frac: float = _setting(
        0.1, "share of the usable energy that drivers keep", source="?: assumed", ge=0, lt=1
    )
    winter_month: int = _setting(1, "month whose design day is winter's", ge=1, le=12)
    summer_month: int = _setting(7, "month whose mean is summer's", ge=1, le=12)
    winter_weight: float = _setting(
        0.5, "weight of winter's flows in the objective; summer's is the rest",
        source="?: assumed, half the year each", ge=0, le=1,
    )  # fmt: skip
    distance_exponent: float = _setting(
        1.5, "gravity model: trips fall with the distance to this power",
        source="?: as in the literature's instances (w w / d^1.5); not calibrated", ge=0, le=5,
    )  # fmt: skip
    winter_trips_factor: float = _setting(
        1.0, "gravity model: trips on a mean day of winter over those of summer",
        source="?: assumed alike; no count by season was found", ge=0, le=10,
    )  # fmt: skip
    min_trip_km: float = _setting(
        50.0, "shorter trips are part of the cities' own demand", unit="km", source="?: assumed",
        ge=0, le=1000,
    )  # fmt: skip
    swap_share_frac: float = _setting(
        0.124, "swaps on the road, of all swaps of a mean day",
        source="INF: on 5 Oct 2023 and 29 Apr 2023 highways had 32-34 % of NIO's swaps (MC), four "
        "times a normal day's (MC evnewschannel 2023); all swaps were 1.49 times the mean on such "
        "a peak (145,955 on 1 Oct 2025 over 98,000): 0.33 x 1.49 / 4", ge=0, le=1,
    )  # fmt: skip
    holiday_factor: float = _setting(
        4.0, "trips on the busiest holiday over those of a mean day; capacity is planned for them",
        source="MC: highway swaps x 4 (evnewschannel 2023)", ge=1, le=20,
    )  # fmt: skip
    limit_capacity: bool = _setting(
        False, "whether stations serve no more than their swaps an hour, in winter's holiday "
        "traffic; without it the load beyond is only told",
    )  # fmt: skip
    station_type: str | None = _setting(
        None, "type of all corridor stations, from the table stations; the one with most bays if "
        "left out, which the assumptions then name",
    )  # fmt: skip
    ferries: list[Ferry] = _setting([], "crossings that the roads lack")

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


class Solver(_Section):
    """Limits of the optimization."""

    gap_frac: float = _setting(0.01, "stop when the proven gap is this small", ge=0, le=1)
    time_limit_s: float = _setting(300.0, "limit of the siting model", unit="s", gt=0, le=1e6)
    seed: int = _setting(0, "seed of every random choice", ge=0, le=2**31 - 1)
    workers: int = _setting(2, "processes that may work side by side", ge=1, le=1024)
    deterministic: bool = _setting(
        False, "same input, seed and version give the same plan; limits count work, not seconds"
    )


class Scenario(Sources):
    """A whole scenario file."""

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")] = (
        _setting(..., "short name, also of the run folder")
    )
    title: str = _setting("", "what the scenario shows, for people")
    attribution: str = _setting(
        "", "credits that the data's licences ask for; carried into every layer's metadata"
    )
    planning_quarter: Quarter = _setting(..., "quarter that the stations are planned for")
    parameter_set: Literal["low", "mid", "high"] = _setting(
        "mid", "set of contested figures, from the least to the most favourable to sodium-ion"
    )
    horizon: Horizon = Horizon()
    siting: Siting
    network: Network = Network()
    physics: Physics = Physics()
    demand: Demand = Demand()
    throughput: Throughput = Throughput()
    packs: Packs = Packs()
    costs: Costs = Costs()
    coupling: Coupling = Coupling()
    corridors: Corridors = Corridors()
    solver: Solver = Solver()
    scenarios: dict[str, dict[str, Any]] = _setting(
        {}, "named variants: settings that replace those above, by section"
    )

    @model_validator(mode="after")
    def _plans_within_the_horizon(self) -> Self:
        if self.planning_quarter not in self.quarters:
            raise ValueError(
                "horizon must run from first_quarter to last_quarter with planning_quarter between"
            )
        return self

    @model_validator(mode="after")
    def _weighs_trips_against_swaps(self) -> Self:
        if self.corridors.funding == "national" and self.siting.objective != "max_coverage":
            raise ValueError(
                "corridors.funding national weighs trips against the swaps that cities serve: "
                "set siting.objective max_coverage, or other funding"
            )
        return self

    @property
    def quarters(self) -> tuple[str, ...]:
        """The horizon's quarters in order."""
        first = self.horizon.first_quarter or self.planning_quarter
        last = self.horizon.last_quarter or self.planning_quarter
        return quarters_between(first, last)


def describe_settings(scenario: Scenario) -> list[dict[str, str]]:
    """List every setting with its value, source, and whether the default filled it in.

    Parameters
    ----------
    scenario : Scenario
        A validated scenario.

    Returns
    -------
    list of dict
        Keys ``item``, ``value``, ``mark``, ``source``; one entry per numeric setting that the
        siting's objective looks at.
    """
    rows = []
    for section_name in type(scenario).model_fields:
        section = getattr(scenario, section_name)
        if not isinstance(section, _Section):
            continue
        for name, field in type(section).model_fields.items():
            extra = field.json_schema_extra
            stated = str(extra["source"]) if isinstance(extra, dict) else ""
            unit = str(extra["unit"]) if isinstance(extra, dict) else ""
            only_for = extra.get("only_for") if isinstance(extra, dict) else None
            if not stated or only_for not in (None, scenario.siting.objective):
                continue
            value = getattr(section, name)
            is_default = value == field.default or name not in section.model_fields_set
            mark, _, source = stated.partition(":")
            rows.append(
                {
                    "item": f"scenario {section_name}.{name}",
                    "value": f"{value} {unit}".strip(),
                    "mark": mark.strip() if is_default else "set",
                    "source": source.strip() if is_default else "set in scenario.toml",
                }
            )
    return rows
