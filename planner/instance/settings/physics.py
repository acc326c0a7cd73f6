"""Section ``[physics]``: temperatures and losses that do not differ by vehicle."""

from planner.instance.settings.section import Section, setting


class Physics(Section):
    """Temperatures and losses that do not differ by vehicle."""

    curve_set: str = setting(
        "", "named set of curves in place of the base rows of the table curves; empty: the base"
    )
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
        "-6.7 C that AAA measured (Feb 2019; upper bound, charger included); least error over "
        "four winter tests (docs/physics.md)", ge=0, le=0.02,
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
