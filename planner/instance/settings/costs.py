"""Section ``[costs]``: costs that weigh in the pack assignment."""

from planner.instance.settings.section import Section, setting


class Costs(Section):
    """Costs that weigh in the pack assignment."""

    interest_rate: float = setting(
        0.05, "yearly rate at which packs are leased", unit="1/year", source="?: assumed",
        ge=0, le=0.5,
    )  # fmt: skip
    max_pack_years: float = setting(
        10.0, "calendar life of a pack", unit="years", source="?: assumed", ge=1, le=30
    )
    swap_cny: float = setting(
        6.0, "cost of one swap to driver and operator, energy apart", unit="CNY",
        source="INF: 10 min at 36 CNY/h; time from NIO's 9-10 min (evnewschannel 2023), value "
        "of time assumed", ge=0, le=1000,
    )  # fmt: skip
    charging_cny_per_kwh: float = setting(
        0.7, "price of the energy that stations charge with", unit="CNY/kWh",
        source="?: assumed, industrial tariff with capacity charge", ge=0, le=10,
    )  # fmt: skip
    range_shortfall_cny_per_km: float = setting(
        10.0, "cost per vehicle and quarter of each kilometre below the promised range on that "
        "quarter's coldest design day", unit="CNY/(km quarter)", source="?: assumed", ge=0,
        le=10_000,
    )  # fmt: skip
    relocation_cny_per_pack: float = setting(
        500.0, "cost of moving a pack from one city to another", unit="CNY",
        source="?: assumed, road freight of 0.4 t over 1,500 km at 0.6 CNY/(t km), and handling",
        ge=0, le=1e6,
    )  # fmt: skip
    no_pack_cny: float = setting(
        100_000.0, "yearly cost of a vehicle that gets no pack", unit="CNY/year",
        source="?: set far above every other cost so that it is the last resort", ge=0, le=1e9,
    )  # fmt: skip
