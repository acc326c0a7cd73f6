"""What is predicted for each measured figure: one small function per row of `measured.csv`.

To add a comparison: its row in `measured.csv`, its line here.
"""

from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import pandas as pd

from planner.validation import drivers, network, trips, vehicles
from planner.validation.evidence import Evidence

Predict = Callable[[Evidence], float]


def _kpi(name: str) -> Predict:
    return lambda evidence: evidence.kpi(name)


PREDICTIONS: MappingProxyType[str, Predict] = MappingProxyType(
    {
        "rating_at_9c": partial(vehicles.rated_range_frac, ambient_c=9.0),
        "cabin_loss": vehicles.cabin_loss_w_per_k,
        "driven_pack": partial(vehicles.driven_pack_frac, cold_c=-20.0, mild_c=10.0),
        "charge_at_0c": partial(vehicles.charge_power_frac, chemistry="lfp", pack_c=0.0),
        "trip_km": lambda evidence: drivers.km_per_trip(evidence, "private"),
        "taxi_km": lambda evidence: drivers.km_per_day(evidence, "taxi"),
        "ride_hailing_km": lambda evidence: drivers.km_per_day(evidence, "ride_hailing"),
        "swaps_private_nio": lambda evidence: drivers.swaps_per_vehicle(evidence, "private"),
        "swaps_private": lambda evidence: drivers.swaps_per_vehicle(evidence, "private"),
        "swaps_taxi": lambda evidence: drivers.swaps_per_vehicle(evidence, "taxi"),
        "swaps_commercial": lambda evidence: drivers.swaps_per_vehicle(
            evidence, *drivers.COMMERCIAL
        ),
        "window_private": lambda evidence: drivers.swapped_frac(evidence, "private"),
        "window_commercial": lambda evidence: drivers.swapped_frac(evidence, *drivers.COMMERCIAL),
        "energy_per_swap": lambda evidence: drivers.energy_per_swap_kwh(evidence, *drivers.ALL),
        "peak_hour_mean": drivers.mean_day_peak_frac,
        "peak_hour_day": drivers.sized_day_peak_frac,
        "packs_per_station": _kpi("packs_per_station"),
        "slots_in_use": network.slots_in_use,
        "vehicles_per_station_choco": _kpi("vehicles_per_station"),
        "vehicles_per_station_nio": _kpi("vehicles_per_station"),
        "swaps_per_station_nio": _kpi("swaps_per_station_day"),
        "swaps_per_station_choco": _kpi("swaps_per_station_day"),
        "lane_time": network.lane_s,
        "time_in_out": _kpi("in_out_min"),
        "region_yangtze": partial(network.share_in_region, column="num_stations", region="yangtze"),
        "region_sichuan": partial(network.share_in_region, column="num_stations", region="sichuan"),
        "region_jingjinji": partial(
            network.share_in_region, column="num_stations", region="jingjinji"
        ),
        "region_bay": partial(network.share_in_region, column="num_stations", region="bay"),
        "region_elsewhere": partial(
            network.share_in_region, column="num_stations", region=network.ELSEWHERE
        ),
        "cold_stations": _kpi("stations_below_minus_10c_frac"),
        "city_shanghai": partial(network.share_of_city, column="swaps_per_day", name_en="Shanghai"),
        "city_beijing": partial(network.share_of_city, column="swaps_per_day", name_en="Beijing"),
        "city_hangzhou": partial(network.share_of_city, column="swaps_per_day", name_en="Hangzhou"),
        "speed_peak": partial(
            trips.drive_figure, figure="coarse_speed_kmh", place="harbin", hour="peak"
        ),
        "coast_cars": partial(network.share_in_region, column="vehicles", region="coast"),
        "mean_trip": partial(trips.flow_figure, name="mean_trip_km"),
        "same_province": partial(trips.flow_figure, name="same_province_frac"),
        "capex": partial(network.smallest_type, column="capex_cny"),
        "opex": partial(network.smallest_type, column="opex_cny_per_year"),
        "pack_25": partial(vehicles.pack_cost_cny, chemistry="lfp", envelope="#25"),
        "cost_per_swap": _kpi("cost_per_swap_cny"),
    }
)
"""By ``key`` of the measured figure."""

TEST_TABLES: tuple[Callable[[Evidence], pd.DataFrame], ...] = (
    vehicles.winter_test_rows,
    trips.drive_rows,
    network.queue_rows,
)
"""Tables that bring their measured figures with them, each test's conditions beside it."""
