"""A pack that is not full again within a day is a fault, told before planning."""

from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InputError
from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import check_turns, operate_fleet
from planner.planning.pipeline import plan


def _check(instance: Instance) -> None:
    check_turns(instance, operate_fleet(instance, city_climate(instance)))


def test_a_turn_longer_than_a_day_is_named_before_planning(tutorial: Instance) -> None:
    _check(tutorial)
    weak = tutorial.stations["station_type_id"] == "choco_30"
    stations = tutorial.stations.assign(
        charger_kw_per_bay=np.where(weak, 1.0, tutorial.stations["charger_kw_per_bay"])
    )
    with pytest.raises(InputError) as found:
        plan(replace(tutorial, stations=stations))
    assert [fault.id for fault in found.value.faults] == ["choco_30", "choco_30"]
    text = str(found.value)
    for part in ("charger_kw_per_bay", "pack lfp_25", "pack na_25", "at most a day",
                 tutorial.cities["name_en"].iloc[0]):  # fmt: skip
        assert part in text


def test_a_pack_that_never_charges_is_named_and_absent_vehicles_are_not(
    tutorial: Instance,
) -> None:
    is_power = (tutorial.curves["quantity"] == "charge_power") & (
        tutorial.curves["chemistry"] == "sodium_ion"
    )
    curves = tutorial.curves.assign(value_frac=tutorial.curves["value_frac"].mask(is_power, 0.0))
    dead = replace(tutorial, curves=curves)
    with pytest.raises(InputError, match=r"na_25 takes without end in .*"):
        _check(dead)
    empty = {f"vehicles_{name}": 0 for name in ("private", "taxi", "ride_hailing")}
    _check(replace(dead, cities=dead.cities.assign(**empty)))
