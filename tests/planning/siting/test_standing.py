"""Stations that stand: paid for, never smaller, enlarged for the difference, closed at a cost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import CheckError, InfeasibleError, InputError
from planner.instance import Instance
from planner.instance.read import read_instance
from planner.planning.check_plan import check_plan
from planner.planning.pipeline import plan
from planner.planning.siting.standing import (
    find_standing,
    fitting_types,
    station_cost_cny,
    station_types_by_size,
)
from planner.plans import station_costs

TYPES = ["choco_14", "choco_30"]


def with_sites(
    instance: Instance, sites: dict[str, dict[str, Any]], **siting: float | None
) -> Instance:
    """Other columns for some sites; the others have none of them."""
    table = instance.sites.set_index("site_id")
    for site_id, columns in sites.items():
        for name, value in columns.items():
            if name not in table.columns:
                is_text = isinstance(value, str)
                table[name] = pd.Series(index=table.index, dtype="str" if is_text else float)
            table.loc[site_id, name] = value
    scenario = instance.scenario
    asked = scenario.siting.model_copy(update=siting)
    return replace(
        instance,
        sites=table.reset_index(),
        scenario=scenario.model_copy(update={"siting": asked}),
    )


def stations_of(instance: Instance) -> pd.DataFrame:
    return plan(instance).evaluation.stations.set_index("site_id")


def test_what_stands_is_paid_for(tutorial: Instance) -> None:
    existing = {name: {"status": "existing", "station_type_id": "choco_14"} for name in "ABC"}
    planned = plan(with_sites(tutorial, existing, num_stations=10, budget_cny=5e6))
    stations = planned.evaluation.stations.set_index("site_id")
    assert stations["construction"].to_dict() == {"A": "none", "B": "none", "C": "none", "D": "new"}
    assert stations.loc[["A", "B", "C"], "capex_cny"].tolist() == [0, 0, 0]
    kpi = planned.evaluation.kpi
    assert kpi["capex_cny"] == stations.loc["D", "capex_cny"] <= 5e6
    assert (kpi["num_stations"], kpi["num_new_stations"]) == (4, 1)


def test_what_stands_never_shrinks(tutorial: Instance) -> None:
    existing = {"D": {"status": "existing", "station_type_id": "choco_30"}}
    stations = stations_of(with_sites(tutorial, existing, num_stations=2))
    assert stations.loc["D", ["station_type_id", "capex_cny"]].tolist() == ["choco_30", 0.0]


def test_a_stated_station_may_exceed_what_the_site_has_room_for(tutorial: Instance) -> None:
    existing = {"D": {"status": "existing", "station_type_id": "choco_30", "max_bays": 14}}
    instance = with_sites(tutorial, existing, num_stations=2)
    instance = replace(instance, sites=instance.sites.fillna({"max_bays": 30}))
    assert stations_of(instance).loc["D", "station_type_id"] == "choco_30"


@pytest.mark.parametrize(("works", "built"), [(0.0, "enlarged"), (1.0, "none")])
def test_enlarging_takes_the_difference_and_the_works(
    tutorial: Instance, works: float, built: str
) -> None:
    site = {"status": "existing", "station_type_id": "choco_14", "enlarging_cny": works}
    stations = stations_of(with_sites(tutorial, {"C": site}, num_stations=1, budget_cny=2e6))
    assert stations.loc["C", "construction"] == built
    assert stations.loc["C", "capex_cny"] == (2e6 if built == "enlarged" else 0.0)


@pytest.mark.parametrize(("opened", "built"), [("2000Q1", "rebuilt"), ("2026Q4", "none")])
def test_a_worn_out_station_is_rebuilt_at_its_capex(
    tutorial: Instance, opened: str, built: str
) -> None:
    site = {
        "status": "existing", "station_type_id": "choco_30", "opened": opened, "site_cost_cny": 7e5
    }  # fmt: skip
    instance = with_sites(tutorial, {"D": site}, num_stations=2)
    instance = replace(instance, sites=instance.sites.fillna({"site_cost_cny": 0.0}))
    row = stations_of(instance).loc["D"]
    assert row["construction"] == built
    capex = instance.stations.set_index("station_type_id")["capex_cny"]
    assert row["capex_cny"] == (capex[row["station_type_id"]] if built == "rebuilt" else 0.0)


def test_closing_takes_of_the_budget(tutorial: Instance) -> None:
    closing = {"A": {"status": "closing", "station_type_id": "choco_14", "closing_cny": 1e6}}
    planned = plan(with_sites(tutorial, closing, num_stations=9, budget_cny=4e6))
    kpi = planned.evaluation.kpi
    assert "A" not in planned.plan.stations["site_id"].tolist()
    assert (kpi["num_closed_stations"], kpi["closing_cny"]) == (1, 1e6)
    assert kpi["capex_cny"] == 3e6
    assert planned.candidates.set_index("site_id").loc["A", "reason"] == "closing"
    with pytest.raises(InfeasibleError, match=r"by 0\.1 M CNY, from 0\.9 M CNY to 1 M CNY"):
        plan(with_sites(tutorial, closing, budget_cny=9e5))


def test_a_committed_station_has_its_stated_type(tutorial: Instance) -> None:
    committed = {"D": {"status": "committed", "station_type_id": "choco_30"}}
    row = stations_of(with_sites(tutorial, committed, num_stations=2)).loc["D"]
    assert row[["station_type_id", "construction", "capex_cny"]].tolist() == [
        "choco_30", "new", 5e6
    ]  # fmt: skip


def test_types_not_on_offer_only_stand(tutorial: Instance) -> None:
    offered = tutorial.stations["station_type_id"] == "choco_30"
    existing = {"D": {"status": "existing", "station_type_id": "choco_14"}}
    instance = with_sites(tutorial, existing, num_stations=3)
    stations = stations_of(replace(instance, stations=tutorial.stations.assign(offered=offered)))
    assert stations.loc["D", "station_type_id"] == "choco_14"
    assert set(stations["station_type_id"].drop("D")) == {"choco_30"}


@pytest.mark.parametrize("seed", range(20))
def test_model_and_check_agree_on_sizes_and_new_money(tutorial: Instance, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = len(tutorial.sites)
    statuses = ["candidate", "existing", "committed", "forbidden", "closing"]
    text = rng.choice([None, *TYPES], count)
    sites = tutorial.sites.assign(
        status=rng.choice(statuses, count),
        station_type_id=pd.Series(text, dtype="str"),
        opened=pd.Series(rng.choice([None, "2001Q1", "2012Q1", "2026Q4"], count), dtype="str"),
        max_bays=rng.choice([10, 14, 30], count),
        site_cost_cny=rng.choice([0.0, 1e5], count),
        enlarging_cny=rng.choice([np.nan, 2e5], count),
        closing_cny=rng.choice([np.nan, 3e5], count),
    )
    instance = replace(
        tutorial,
        sites=sites,
        stations=tutorial.stations.assign(offered=rng.random(len(tutorial.stations)) < 0.7),
    )
    order = pd.Index(instance.stations["station_type_id"]).get_indexer(
        pd.Index(station_types_by_size(instance)["station_type_id"])
    )
    standing = find_standing(instance)
    fits = fitting_types(instance, standing)
    assert (fits == station_costs.fitting_types(instance)[:, order]).all()
    cost = station_cost_cny(instance, standing)
    assert np.allclose(cost, station_costs.new_money_cny(instance)[:, order])


def test_the_check_finds_a_station_that_shrinks(tutorial: Instance) -> None:
    existing = {"D": {"status": "existing", "station_type_id": "choco_30"}}
    instance = with_sites(tutorial, existing, num_stations=2)
    found = plan(instance).plan
    stations = found.stations.assign(station_type_id="choco_14")
    with pytest.raises(CheckError, match="site D: the station that stands there would shrink"):
        check_plan(instance, replace(found, stations=stations))


def test_the_check_finds_money_spent_on_what_is_free(tutorial: Instance) -> None:
    existing = {"D": {"status": "existing", "station_type_id": "choco_14"}}
    instance = with_sites(tutorial, existing, num_stations=2, budget_cny=2e6)
    free = plan(with_sites(tutorial, existing, num_stations=2)).plan
    with pytest.raises(CheckError, match="the budget is 2,000,000"):
        check_plan(instance, free)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("candidate,choco_14,,,,", "only sites of status existing or committed or closing"),
        ("existing,choco_41,,,,", "did you mean choco_14"),
        ("existing,choco_14,2029Q1,,,", "after the planning quarter"),
        ("existing,choco_14,2026Q1,15,,", "more than the station has bays"),
        ("existing,choco_14,2026Q1,14,,5", "only sites of status closing"),
        ("closing,choco_14,2026Q1,14,5,5", "only sites of status existing have it"),
    ],
)
def test_stated_badly_it_is_a_fault(
    tutorial: Instance, tmp_path: Path, row: str, fault: str
) -> None:
    for path in tutorial.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = (tmp_path / "sites.csv").read_text().splitlines()
    columns = "station_type_id,opened,packs,enlarging_cny,closing_cny"
    head = lines[0] + "," + columns
    first = lines[1].split(",")
    first = first[: first.index("candidate")] + row.split(",")
    rest = [f"{line},,,,," for line in lines[2:]]
    (tmp_path / "sites.csv").write_text("\n".join([head, ",".join(first), *rest]) + "\n")
    with pytest.raises(InputError, match=fault):
        read_instance(tmp_path)
