"""Section ``[physics]``: temperatures and losses that do not differ by vehicle."""

from planner.instance.settings.section import Section, setting


class Physics(Section):
    """Temperatures and losses that do not differ by vehicle."""

    curve_set: str = setting(
        "", "rows of table curves that replace those of the same chemistry and quantity without "
        "a curve_set; empty takes the rows without one",
        source="docs/physics.md: what cold costs a lithium pack is contested",
    )  # fmt: skip
    cabin_temperature_c: float = setting(
        20.0, "cabin temperature held in winter", unit="C", source="?: assumed", ge=10, le=28
    )
    station_temperature_c: float = setting(
        20.0, "temperature of a pack that leaves the station", unit="C",
        source="INF: packs are charged inside the station; no measurement found", ge=-10, le=35,
    )  # fmt: skip
    tyre_loss_per_k: float = setting(
        0.003, "extra rolling and driveline loss per kelvin below 20 C", unit="1/K",
        source="INF: with air density gives the 9 % loss of energy economy without cabin heat at "
        "-6.7 C that AAA measured (Feb 2019; upper bound, charger included); near the least "
        "error over the calibration ranges (docs/physics.md)", ge=0, le=0.02,
    )  # fmt: skip
    heat_pump_cop: float = setting(
        3.0, "heat-pump coefficient of performance at +10 C and above",
        source="INF: gives the 83 % with and 75 % without a heat pump that Recurrent measured at "
        "0 C, to within 2 points (docs/physics.md)", ge=1, le=6,
    )  # fmt: skip
    heat_pump_limit_c: float = setting(
        -12.0, "temperature below which a heat pump does no better than a resistor", unit="C",
        source="AN: Recurrent (10 F); ADAC/OAMTC: no gain at very low temperature", ge=-40, le=5,
    )  # fmt: skip
    cabin_heat_kwh_per_k: float = setting(
        0.075, "heat that warming a cabin by a kelvin takes at a start; 0 leaves starts out",
        unit="kWh/K", source="INF: 1.4 kWh for a cold start at -7 C, with which ADAC's WLTC "
        "(15 cars, 2024) is met to within 6 %; lumped cabins of FASTSim have 0.035 to 0.07",
        ge=0, le=0.3,
    )  # fmt: skip
    cabin_heater_kw: float = setting(
        7.0, "electric power that a cabin's heater can take", unit="kW",
        source="?: up to 7 kW resistive (goingev 2014), 2 to 5 kW driving below zero (nordling)",
        gt=0, le=30,
    )  # fmt: skip
    cooling_from_c: float = setting(
        22.0, "air temperature above which a cabin is cooled; 60 leaves cooling out", unit="C",
        source="?: assumed, the temperature that cabins are held at", ge=10, le=60,
    )  # fmt: skip
    cooling_gain_kw: float = setting(
        1.5, "heat on a hot day from sun, people, moisture and the pack, beyond what comes in "
        "through the cabin's shell", unit="kW",
        source="INF: gives the 83 % of its range at 24 C that AAA measured at 35 C with air "
        "conditioning (Feb 2019), of which 4 points were lost without it", ge=0, le=10,
    )  # fmt: skip
    cooling_cop: float = setting(
        2.5, "heat that air conditioning removes per electric energy",
        source="?: assumed, usual for a car's compressor at 35 C; only its ratio with "
        "cooling_gain_kw and the cabin's loss is calibrated", ge=0.5, le=10,
    )  # fmt: skip
    snow_road_loss_frac: float = setting(
        0.35, "growth of the traction that is not drag on packed snow",
        source="INF: takes 5.5 points of the rated range at -17.5 C; measured 4 to 7 points (0.24 "
        "to 0.46), and nothing on cleared roads (docs/physics.md)", ge=0, le=1,
    )  # fmt: skip
    wet_road_loss_frac: float = setting(
        0.02, "growth of the traction that is not drag on wet roads",
        source="?: assumed, no measurement found", ge=0, le=1,
    )  # fmt: skip

    pack_loss_kw_per_kwh_k: float = setting(
        0.00015, "heat that a pack loses to the air per kilowatt-hour of nominal energy and kelvin",
        unit="kW/(kWh K)", source="?: 8 W/K for 56 kWh, a time constant of 13 h; no measurement "
        "of a car was found", gt=0, le=0.01,
    )  # fmt: skip
    pack_own_heat_frac: float = setting(
        0.05, "share of the energy drawn while driving that heats the pack",
        source="?: assumed, 93 to 97 % of a pack's energy leaves it at driving rates", ge=0, le=0.3,
    )  # fmt: skip
    bay_heater_kw: float = setting(
        6.0, "heat that a bay can put into a pack before it charges", unit="kW",
        source="?: assumed, the size of a car's resistive heater (up to 7 kW, goingev 2014); no "
        "figure of a station was found", gt=0, le=100,
    )  # fmt: skip
    pack_heat_kwh_per_kwh_k: float = setting(
        0.002, "heat that a pack takes up per kilowatt-hour of nominal energy and kelvin",
        unit="1/K", source="INF: 1.0 kJ/(kg K) over 140 Wh/kg", gt=0, le=0.02,
    )  # fmt: skip
    charger_efficiency_frac: float = setting(
        0.94, "energy into the pack over energy from the grid",
        source="?: assumed, rectifier modules are sold with 94 to 96 %", gt=0, le=1,
    )  # fmt: skip
