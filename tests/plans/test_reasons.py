"""Each site without a station gets the reason that its own figures give."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.instance import Instance
from planner.planning.result import Planned
from planner.plans.reasons import REASONS, explain_candidates
from planner.plans.worth import Reached

_PRICES = {"stations_swaps_per_day": 50.0}


def _explain(
    instance: Instance,
    planned: Planned,
    reached: dict[str, list[int]],
    *,
    swaps: list[float],
    served_frac: list[float],
    prices: dict[str, float] = _PRICES,
    unconnected: tuple[str, ...] = (),
) -> pd.DataFrame:
    zones = planned.evaluation.zones.assign(
        swaps_per_day=np.resize(swaps, len(planned.evaluation.zones)),
        served_frac=np.resize(served_frac, len(planned.evaluation.zones)),
    )
    site_ids = instance.sites["site_id"].tolist()
    lists = [reached.get(site_id, []) for site_id in site_ids]
    return explain_candidates(
        instance,
        replace(planned.evaluation, zones=zones),
        Reached(
            np.concatenate(([0], np.cumsum([len(zones) for zones in lists]))),
            np.array([zone for zones in lists for zone in zones], np.int32),
            np.zeros(sum(len(zones) for zones in lists)),
        ),
        ~np.isin(site_ids, unconnected),
        prices,
    ).set_index("site_id")


@pytest.fixture
def closed(planned_tutorial: Planned) -> str:
    """A site without a station in the tutorial's plan."""
    open_sites = set(planned_tutorial.evaluation.stations["site_id"])
    return next(s for s in planned_tutorial.instance.sites["site_id"] if s not in open_sites)


CASES = [
    # zones reached, swaps of every zone, share served, reason
    ([], 100.0, 0.0, "no_zone_in_reach"),
    ([0, 1], 0.0, 0.0, "no_demand"),
    ([0, 1], 100.0, 1.0, "all_served"),
    ([0, 1], 20.0, 0.0, "low_demand"),
    ([0, 1], 100.0, 0.9, "mostly_served"),
    ([0, 1], 100.0, 0.5, "above_price"),
]


@pytest.mark.parametrize(("zones", "swaps", "served", "reason"), CASES)
def test_reason_follows_from_figures(
    planned_tutorial: Planned,
    closed: str,
    zones: list[int],
    swaps: float,
    served: float,
    reason: str,
) -> None:
    row = _explain(
        planned_tutorial.instance, planned_tutorial, {closed: zones}, swaps=[swaps],
        served_frac=[served],
    ).loc[closed]  # fmt: skip
    assert row["reason"] == reason
    assert row["num_zones"] == len(zones)
    assert row["swaps_per_day"] == pytest.approx(len(zones) * swaps)
    assert row["unserved_swaps_per_day"] == pytest.approx(len(zones) * swaps * (1 - served))
    assert row["price_swaps_per_day"] == 50


def test_open_sites_are_left_out(planned_tutorial: Planned) -> None:
    rows = planned_tutorial.candidates
    expected = set(planned_tutorial.instance.sites["site_id"]) - set(
        planned_tutorial.evaluation.stations["site_id"]
    )
    assert set(rows["site_id"]) == expected
    assert rows["site_id"].is_monotonic_increasing
    assert set(rows["reason"]) <= set(REASONS)
    assert not rows["explanation"].str.contains("[{}]").any()


def test_forbidden_unconnected_and_full_come_before_figures(
    planned_tutorial: Planned, closed: str
) -> None:
    instance = planned_tutorial.instance
    rich = {"swaps": [100.0], "served_frac": [0.0]}

    def reason(changed: Instance, **options: object) -> str:
        rows = _explain(changed, planned_tutorial, {closed: [0, 1]}, **rich, **options)
        return str(rows.loc[closed, "reason"])

    is_closed = instance.sites["site_id"] == closed
    assert reason(instance, unconnected=(closed,)) == "not_connected"
    status = instance.sites["status"].mask(is_closed, "forbidden")
    forbidden = replace(instance, sites=instance.sites.assign(status=status))
    assert reason(forbidden, unconnected=(closed,)) == "forbidden"
    tight = replace(instance, sites=instance.sites.assign(max_bays=1))
    assert reason(tight) == "no_type_fits"
    num_stations = len(planned_tutorial.evaluation.stations)
    full = replace(instance, cities=instance.cities.assign(max_stations=num_stations))
    assert reason(full) == "city_full"
    roomy = replace(instance, cities=instance.cities.assign(max_stations=num_stations + 1))
    assert reason(roomy) == "above_price"


def test_money_has_its_price_too(planned_tutorial: Planned, closed: str) -> None:
    instance = planned_tutorial.instance
    dear = replace(instance, sites=instance.sites.assign(site_cost_cny=1e6))
    rows = _explain(
        dear, planned_tutorial, {closed: [0, 1]}, swaps=[100.0], served_frac=[0.0],
        prices={"stations_swaps_per_day": 50.0, "money_swaps_per_day": 1e-4},
    )  # fmt: skip
    cheapest_cny = instance.stations["capex_cny"].min() + 1e6
    assert rows.loc[closed, "price_swaps_per_day"] == pytest.approx(50 + 1e-4 * cheapest_cny)
    assert rows.loc[closed, "reason"] == "low_demand"


def test_main_site_serves_most_of_what_is_reached(planned_tutorial: Planned, closed: str) -> None:
    zones = planned_tutorial.evaluation.zones
    served = np.flatnonzero(zones["site_id"].notna())
    main = zones["site_id"].iloc[served[0]]
    same = [zone for zone in served if zones["site_id"].iloc[zone] == main]
    other = [zone for zone in served if zones["site_id"].iloc[zone] != main]
    reached = sorted(same[:2] + other[:1])
    rows = _explain(
        planned_tutorial.instance, planned_tutorial, {closed: [int(zone) for zone in reached]},
        swaps=[10.0], served_frac=[1.0],
    )  # fmt: skip
    assert rows.loc[closed, "main_site_id"] == main
    others = rows.drop(index=closed)
    assert others["main_site_id"].isna().all()


def test_rows_of_the_instance_may_stand_in_any_order(planned_tutorial: Planned) -> None:
    instance = planned_tutorial.instance
    lists = {site: [0, 1, 2] for site in instance.sites["site_id"]}
    swaps = [float(number) for number in range(1, 9)]
    plain = _explain(instance, planned_tutorial, lists, swaps=swaps, served_frac=[0.0])
    turned = replace(instance, zones=instance.zones.iloc[::-1].reset_index(drop=True))
    last = len(instance.zones) - 1
    lists = {site: [last - 2, last - 1, last] for site in instance.sites["site_id"]}
    again = _explain(turned, planned_tutorial, lists, swaps=swaps, served_frac=[0.0])
    pd.testing.assert_frame_equal(plain, again)
