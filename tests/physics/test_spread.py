"""Taxis and ride-hailing cars have places of their own, in models and check alike."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.instance import SEGMENTS, Instance
from planner.physics.fleet import spread_to_zones
from planner.planning.pipeline import plan
from planner.plans.zone_swaps import swaps_by_zone
from tests.scenarios import with_settings
from tests.two_towns import two_towns

RANKS = {"Z6": 1.0, "Z7": 3.0}
"""Where taxis wait in the tutorial's town; private cars live everywhere."""


def _with_ranks(instance: Instance, ranks: dict[str, float] = RANKS) -> Instance:
    weight = instance.zones["zone_id"].map(ranks).fillna(0.0)
    return replace(instance, zones=instance.zones.assign(commercial_weight=weight))


def _by_class(instance: Instance, by_city: pd.DataFrame) -> np.ndarray:
    """Totals by city and segment as the models have them: by city and class."""
    return by_city.loc[instance.cities["city_id"], instance.vehicles["segment"]].to_numpy(float)


def test_each_segment_goes_where_it_swaps(tutorial: Instance) -> None:
    towns = _with_ranks(two_towns(tutorial))
    by_city = pd.DataFrame(
        {"private": [620.0, 62.0], "taxi": [40.0, 6.2], "ride_hailing": [8.0, 0.0]},
        index=["town", "town_e"],
    )
    zones = towns.zones.set_index("zone_id")
    # By hand: households 6,200 a town; of 48 commercial swaps a quarter at Z6, the rest at Z7. The
    # town in the east has no ranks: its taxis go with its households.
    expected = zones["car_owning_households"].map(lambda households: 0.1 * households)
    expected[zones["city_id"] == "town_e"] *= 0.11
    expected["Z6"] += 12.0
    expected["Z7"] += 36.0
    spread = spread_to_zones(towns, _by_class(towns, by_city))
    assert spread == pytest.approx(expected.to_numpy())
    checked = swaps_by_zone(towns, by_city.rename_axis(columns="segment").stack())
    assert checked.sum(axis=1).to_numpy() == pytest.approx(spread)
    assert checked["taxi"]["Z7"] == pytest.approx(30.0)
    totals = checked.groupby(zones["city_id"]).sum()
    pd.testing.assert_frame_equal(totals, by_city, check_names=False)


def test_without_places_of_their_own_all_go_with_the_households(tutorial: Instance) -> None:
    by_city = pd.DataFrame([[10.0, 5.0, 2.0]], ["town"], list(SEGMENTS))
    spread = spread_to_zones(tutorial, _by_class(tutorial, by_city))
    assert spread == pytest.approx(17.0 * tutorial.zones["car_owning_households"] / 6200)
    nowhere = _with_ranks(tutorial, {})
    assert spread_to_zones(nowhere, _by_class(nowhere, by_city)) == pytest.approx(spread)
    checked = swaps_by_zone(nowhere, by_city.rename_axis(columns="segment").stack())
    assert checked.sum(axis=1).to_numpy() == pytest.approx(spread)


@pytest.mark.parametrize("num_stations", [1, 2])
def test_stations_go_to_the_taxis_as_brute_force_says(
    tutorial: Instance, num_stations: int
) -> None:
    """A tenth of the town's vehicles: stations are large enough for all within 1.5 km."""
    fewer = tutorial.cities.assign(vehicles_private=100, vehicles_taxi=10)
    instance = with_settings(
        replace(_with_ranks(tutorial), cities=fewer),
        siting={"num_stations": num_stations},
        simulation={"replications": 0},
    )
    planned = plan(instance)
    km_per_degree = 1.0 / 0.012888
    zones = planned.evaluation.zones.set_index("zone_id")
    site_lon = instance.sites.set_index("site_id")["lon"]

    def served(sites: tuple[str, ...]) -> float:
        apart_km = np.abs(zones["lon"].to_numpy()[:, None] - site_lon[list(sites)].to_numpy())
        near = (apart_km * km_per_degree <= 1.5).any(axis=1)
        return float(zones["swaps_per_day"][near].sum())

    best = max(map(served, itertools.combinations("ABCD", num_stations)))
    kpi = planned.evaluation.kpi
    assert planned.plan.models[0].status == "OPTIMAL"
    assert kpi["swaps_per_day_served"] == pytest.approx(best)
    assert planned.plan.models[0].objective == pytest.approx(best)
    # 10 taxis of 500 km a day swap far more than 100 private cars, all of them at Z6 and Z7.
    ranks = zones.loc[list(RANKS), "swaps_per_day"].sum() / zones["swaps_per_day"].sum()
    assert ranks > 0.5
    assert kpi["swaps_served_taxi_frac"] == 1.0
    assert kpi["swaps_served_private_frac"] < 1.0
    private, taxi = (kpi[f"swaps_served_{name}_frac"] for name in ("private", "taxi"))
    assert private < kpi["swaps_served_frac"] < taxi
    assert "swaps_served_ride_hailing_frac" not in kpi  # there are none
    weight = zones["car_owning_households"]
    assert private == pytest.approx((weight * zones["served_frac"]).sum() / weight.sum())
