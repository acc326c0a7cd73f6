"""Drive times that an instance states, in place of a search on its roads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from pydantic import ValidationError

from planner.errors import CheckError, InputError
from planner.geodesy import great_circle_km
from planner.instance import Instance, read_instance
from planner.instance.settings.network import Network
from planner.network import drive_time_reach
from planner.network.drive_areas import STEP_KM_PER_MIN
from planner.planning.check_plan import check_plan
from planner.planning.joined_network import (
    areas_of_stations,
    audit,
    join_network,
    network_assumptions,
    reach_on_network,
)
from planner.planning.pipeline import plan
from tests.phased_tutorial import phased_tutorial


def _asking(instance: Instance, objective: str) -> Instance:
    siting = instance.scenario.siting.model_copy(
        update={"objective": objective, "num_stations": 4, "drive_time_min": 3.0}
    )
    return replace(instance, scenario=instance.scenario.model_copy(update={"siting": siting}))


def _times(instance: Instance) -> pd.DataFrame:
    """The matrix that the roads give, two hours wide."""
    siting = instance.scenario.siting.model_copy(update={"drive_time_min": 120.0})
    scenario = instance.scenario.model_copy(update={"siting": siting})
    _, reach = reach_on_network(replace(instance, scenario=scenario))
    site_idx = np.repeat(np.arange(len(instance.sites)), np.diff(reach.ptr))
    return pd.DataFrame(
        {
            "zone_id": instance.zones["zone_id"].to_numpy()[reach.zone_idx],
            "site_id": instance.sites["site_id"].to_numpy()[site_idx],
            "minutes": reach.drive_min,
        }
    )


def _state(folder: Path, table: pd.DataFrame) -> None:
    table.to_csv(folder / "travel_times.csv", index=False)
    for name in ("roads", "road_nodes"):
        (folder / f"{name}.csv").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "objective", ["max_coverage", "p_median", "set_cover", "facility_location"]
)
def test_the_roads_matrix_gives_the_roads_plan(
    tutorial: Instance, tutorial_copy: Path, objective: str
) -> None:
    by_road = plan(_asking(tutorial, objective))
    _state(tutorial_copy, _times(tutorial))
    instance = _asking(read_instance(tutorial_copy), objective)
    assert instance.roads.empty
    stated = plan(instance)
    pd.testing.assert_frame_equal(stated.plan.stations, by_road.plan.stations)
    pd.testing.assert_frame_equal(stated.plan.allocation, by_road.plan.allocation)
    assert stated.evaluation.kpi == pytest.approx(by_road.evaluation.kpi)
    assert stated.plan.models[0].objective == pytest.approx(by_road.plan.models[0].objective)
    rows = stated.assumptions.set_index("item")
    assert rows.loc["drive times", "value"] == "40 pairs of the table travel_times"


def test_the_check_reads_the_rows(tutorial: Instance, tutorial_copy: Path) -> None:
    _state(tutorial_copy, _times(tutorial))
    instance = read_instance(tutorial_copy)
    made = plan(instance).plan
    check_plan(instance, made)
    late = instance.travel_times.assign(minutes=instance.travel_times["minutes"] + 0.25)
    with pytest.raises(CheckError, match=r"drive time stated 0\.000000 min, audited 0\.250000"):
        check_plan(replace(instance, travel_times=late), made)
    served = made.allocation[["zone_id", "site_id"]].iloc[[0]]
    rest = instance.travel_times.merge(served, how="left", indicator=True)
    rest = rest[rest["_merge"] == "left_only"].drop(columns="_merge")
    with pytest.raises(CheckError, match="audited inf"):
        check_plan(replace(instance, travel_times=rest), made)


def test_pairs_without_a_row_are_not_reached(tutorial: Instance) -> None:
    times = _times(tutorial)
    times = times[(times["zone_id"] != "Z2") & (times["site_id"] != "D")]
    instance = replace(tutorial, travel_times=times)
    network, reach = reach_on_network(instance)
    assert network is None
    site = instance.sites["site_id"].tolist().index("D")
    assert reach.ptr[site] == reach.ptr[site + 1]
    assert instance.zones["zone_id"].tolist().index("Z2") not in reach.zone_idx
    rows = {row["item"]: row["value"] for row in network_assumptions(instance, network)}
    assert rows["zones without a row in travel_times"] == "1: Z2"
    assert rows["sites without a row in travel_times"] == "1: D"


def test_faults_of_stated_times(tutorial: Instance, tutorial_copy: Path) -> None:
    town = tutorial.zones.assign(zone_id="Zone " + tutorial.zones["zone_id"])
    town.to_csv(tutorial_copy / "zones.csv", index=False)
    times = _times(tutorial)
    times["zone_id"] = "Zone " + times["zone_id"]
    times.loc[0, "zone_id"] = "Zone Z11"
    times.loc[1, "minutes"] = -2
    times.loc[3] = times.loc[2]
    _state(tutorial_copy, times)
    (tutorial_copy / "roads.csv").write_text(
        "from_node,to_node,length_km,speed_kmh\n1,2,1,60\n", encoding="utf-8"
    )
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    told = [str(fault) for fault in caught.value.faults]
    assert told == [
        "travel_times.csv, row 3 (Zone Z2 / A), minutes: -2.0: must be at least 0 [min]",
        "travel_times.csv, row 5 (Zone Z3 / A), zone_id + site_id: Zone Z3 / A: stands in "
        "an earlier row already; keys are unique",
        "roads.csv, row 2, from_node: 1: not in road_nodes.csv; add it there or correct it here",
        "roads.csv, row 2, to_node: 2: not in road_nodes.csv; add it there or correct it here",
        "travel_times.csv, row 2, zone_id: Zone Z11: not in zones.csv; did you mean Zone Z1?",
    ]
    _state(tutorial_copy, times[:0])
    with pytest.raises(InputError, match=r"travel_times\.csv: table has no rows"):
        read_instance(tutorial_copy)


def test_corridors_need_roads(tutorial: Instance, tutorial_copy: Path) -> None:
    _state(tutorial_copy, _times(tutorial))
    told = r"roads\.csv: table is missing; corridors lead along roads, which travel_times do not"
    overrides = {"corridors": {"funding": "own", "num_stations": 2}}
    with pytest.raises(InputError, match=told):
        read_instance(tutorial_copy, overrides=overrides)
    with pytest.raises(InputError, match=told):  # also if the tables are taken over
        read_instance(tutorial_copy, overrides=overrides, like=read_instance(tutorial_copy))


@pytest.mark.parametrize("stated", [False, True])
def test_drive_times_of_earlier_periods_are_audited_row_by_row(stated: bool) -> None:
    given = phased_tutorial()
    # 2026Q4 relies on B as 2026Q3 does; the last row on a pair beyond the standard.
    far = pd.DataFrame([{"quarter": "2026Q4", "zone_id": "Z8", "site_id": "B"}])
    rows = pd.concat([given.plan.phase_allocation, far.assign(share_frac=1.0, drive_min=4.0)])
    phased = replace(given.plan, phase_allocation=rows)
    instance = given.instance
    if stated:
        minutes = pd.concat([phased.allocation, rows])[["zone_id", "site_id", "drive_min"]]
        times = minutes.rename(columns={"drive_min": "minutes"}).drop_duplicates()
        instance = replace(instance, travel_times=times)
    found = audit(instance, join_network(instance), phased)
    assert found.phase_min == pytest.approx([*rows["drive_min"].iloc[:-1], np.inf])
    assert found.allocation_min == pytest.approx(phased.allocation["drive_min"].to_numpy())


def test_drive_areas_hold_the_zones_that_the_plan_counts(tutorial: Instance) -> None:
    network = join_network(tutorial)
    sites, zones = tutorial.sites, tutorial.zones
    may_open = sites[sites["status"] == "candidate"]
    table = areas_of_stations(tutorial, network, may_open)["drive_areas"]
    assert table["minutes"].unique().tolist() == [5.0, 10.0]
    assert table["site_id"].is_monotonic_increasing
    settings = tutorial.scenario.network
    min_per_km = 60 * (1 + settings.access_detour_frac) / settings.access_speed_kmh
    straight_min = min_per_km * great_circle_km(
        may_open["lon"].to_numpy()[:, None], may_open["lat"].to_numpy()[:, None],
        zones["lon"].to_numpy(), zones["lat"].to_numpy(),
    )  # fmt: skip
    reach = drive_time_reach(*network, 20.0)
    by_road_min = np.full((len(sites), len(zones)), np.inf)
    by_road_min[np.repeat(np.arange(len(sites)), np.diff(reach.ptr)), reach.zone_idx] = (
        reach.drive_min
    )
    counted_min = np.minimum(by_road_min[may_open.index], straight_min)
    step_min = STEP_KM_PER_MIN * 10 * min_per_km
    points = shapely.points(zones["lon"], zones["lat"])
    for minutes, drawn in table.groupby("minutes"):
        shapes = drawn.set_index("site_id")["geometry"].reindex(may_open["site_id"]).to_numpy()
        inside = shapely.contains(shapes[:, None], points)
        assert inside[counted_min < minutes - step_min].all()
        assert not inside[counted_min > minutes + step_min].any()
        assert (counted_min < minutes - step_min).any()
    assert (counted_min > 5 + step_min).any()


def test_no_drive_areas_without_roads_or_minutes(tutorial: Instance) -> None:
    assert areas_of_stations(tutorial, None, tutorial.sites) == {}
    none = tutorial.scenario.network.model_copy(update={"drive_area_min": []})
    without = replace(tutorial, scenario=tutorial.scenario.model_copy(update={"network": none}))
    assert areas_of_stations(without, join_network(without), without.sites) == {}


@pytest.mark.parametrize("minutes", [[10.0, 5.0], [5.0, 5.0], [0.0], [90.0]])
def test_minutes_of_drive_areas_ascend_and_are_bounded(minutes: list[float]) -> None:
    with pytest.raises(ValidationError, match="drive_area_min"):
        Network(drive_area_min=minutes)
