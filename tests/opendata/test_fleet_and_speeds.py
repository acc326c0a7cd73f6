import numpy as np

from planner.opendata.fleet import share_fleet
from planner.opendata.speeds import SpeedRule, edge_speed_kmh


def test_fleet_is_whole_vehicles_that_add_up_and_follow_the_weight():
    fleet = share_fleet(1000, 0.15, 0.10, np.array([3.0, 2.0, 1.0]))
    assert [int(vehicles.sum()) for vehicles in fleet.values()] == [750, 150, 100]
    assert list(fleet) == ["private", "taxi", "ride_hailing"]
    assert fleet["private"].tolist() == [375, 250, 125]
    assert fleet["taxi"].tolist() == [75, 50, 25]
    assert fleet["ride_hailing"].tolist() == [50, 33, 17]


def test_speed_follows_density_and_then_length():
    rule = SpeedRule(5000, 1500, 25, 40, 60, 75, 5)
    speed = edge_speed_kmh(
        np.array([9000.0, 2000.0, 100.0, 100.0, 9000.0]),
        np.array([1.0, 1.0, 1.0, 8.0, 8.0]),
        rule,
    )
    assert speed.tolist() == [25, 40, 60, 75, 25]
