"""The check derives climate and fleet once, the fleet as row by row."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.instance import SEGMENTS, Instance
from planner.physics.climate import CityClimate, city_climate
from planner.planning.check_plan import check_plan
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.plans.derived import derive
from planner.plans.fleet_rows import whole_fleet


def _row_by_row(instance: Instance) -> pd.DataFrame:
    """The whole fleet, one vehicle class at a time."""
    cities, vehicles = instance.cities, instance.vehicles
    capable_frac = instance.adoption.set_index(["quarter", "segment", "city_id"]).get(
        "swap_capable_frac", pd.Series(dtype=float)
    )
    frac_by_key = capable_frac.to_dict()
    rows = []
    for quarter in instance.scenario.quarters:
        for segment in SEGMENTS:
            of_segment = vehicles[vehicles["segment"] == segment]
            classes = list(zip(of_segment["vehicle_id"], of_segment["segment_frac"], strict=True))
            for city_id, size in zip(cities["city_id"], cities[f"vehicles_{segment}"], strict=True):
                capable = frac_by_key[quarter, segment, city_id] if frac_by_key else 1.0
                fleet, share, placed = round(size * capable), 0.0, 0
                for vehicle_id, segment_frac in classes:
                    share += segment_frac
                    rows.append((quarter, city_id, vehicle_id, round(fleet * share) - placed))
                    placed = round(fleet * share)
    return pd.DataFrame(rows, columns=["quarter", "city_id", "vehicle_id", "vehicles"])


def _sorted(fleet: pd.DataFrame) -> pd.DataFrame:
    return fleet.sort_values(["quarter", "city_id", "vehicle_id"], ignore_index=True)


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_the_fleet_is_that_of_row_by_row(tutorial: Instance, data: st.DataObject) -> None:
    def drawn(number: int, most: int) -> list[int]:
        return data.draw(st.lists(st.integers(0, most), min_size=number, max_size=number))

    sizes = {f"vehicles_{segment}": drawn(len(tutorial.cities), 100_000) for segment in SEGMENTS}
    shares = {
        segment: drawn(int((tutorial.vehicles["segment"] == segment).sum()), 100)
        for segment in SEGMENTS
    }
    frac = pd.Series(0.0, index=tutorial.vehicles.index)
    for segment, parts in shares.items():
        frac[tutorial.vehicles["segment"] == segment] = [x / max(1, sum(parts)) for x in parts]
    key = pd.MultiIndex.from_product(
        [tutorial.scenario.quarters, SEGMENTS, tutorial.cities["city_id"]],
        names=["quarter", "segment", "city_id"],
    )
    adoption = pd.DataFrame({"swap_capable_frac": drawn(len(key), 1000)}, index=key) / 1000
    has_adoption = data.draw(st.booleans())
    instance = replace(
        tutorial,
        cities=tutorial.cities.assign(**sizes),
        vehicles=tutorial.vehicles.assign(segment_frac=frac),
        adoption=adoption.reset_index() if has_adoption else tutorial.adoption.iloc[:0],
    )
    pd.testing.assert_frame_equal(
        _sorted(whole_fleet(instance)), _sorted(_row_by_row(instance)), check_dtype=False
    )


def test_climate_and_fleet_are_derived_once(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def climate(instance: Instance) -> CityClimate:
        calls.append("climate")
        return city_climate(instance)

    def fleet(instance: Instance) -> pd.DataFrame:
        calls.append("fleet")
        return whole_fleet(instance)

    for module in ("pipeline", "check_plan"):
        monkeypatch.setattr(f"planner.planning.{module}.city_climate", climate)
    monkeypatch.setattr("planner.plans.derived.whole_fleet", fleet)
    planned: Planned = plan(tutorial)
    assert sorted(calls) == ["climate", "fleet"]
    calls.clear()
    check_plan(planned.instance, planned.plan)
    assert sorted(calls) == ["climate", "fleet"]


def test_the_planned_fleet_is_that_of_the_planning_quarter(tutorial: Instance) -> None:
    derived = derive(tutorial, city_climate(tutorial))
    of_quarter = derived.fleet[derived.fleet["quarter"] == tutorial.scenario.planning_quarter]
    pd.testing.assert_frame_equal(
        derived.planned_fleet, of_quarter.drop(columns="quarter").reset_index(drop=True)
    )
