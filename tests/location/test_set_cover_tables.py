import pandas as pd
import pytest

from planner.errors import InfeasibleError, InputError
from planner.location import set_cover
from planner.solving.status import Status

# Five villages on a meridian, 2 km apart.
VILLAGES = pd.DataFrame(
    {"lon": 116.0, "lat": [40.000, 40.018, 40.036, 40.054, 40.072], "people": [1, 3, 2, 3, 1]},
    index=list("ABCDE"),
)


def test_tables_in_tables_out():
    result = set_cover(VILLAGES, VILLAGES, max_distance_km=2.5, forbidden=["B"], site_cost=2.0)
    assert result.status is Status.OPTIMAL
    assert result.objective == result.bound == 4.0
    assert "B" not in result.stations.index
    assert result.zones["covered"].all()
    assert (result.zones["stations_near"] >= 1).all()
    assert result.stations["zones_reached"].min() >= 2


def test_share_need_and_existing():
    asked = {"max_distance_km": 2.5, "value": "people"}
    assert set_cover(VILLAGES, VILLAGES, min_share=0.8, **asked).stations.index.to_list() == ["C"]
    assert set_cover(VILLAGES, VILLAGES, min_share=0.81, **asked).objective == 2.0
    twice = set_cover(VILLAGES, VILLAGES, need=2, existing=["A"], **asked)
    assert "A" in twice.stations.index
    assert (twice.zones["stations_near"] >= 2).all()
    with pytest.raises(InfeasibleError, match="no choice"):
        set_cover(VILLAGES, VILLAGES, max_stations=1, **asked)
    with pytest.raises(InfeasibleError, match=r"2 zones have too few sites .*'A', 'E'"):
        set_cover(VILLAGES, VILLAGES, need=3, max_distance_km=2.5)


def test_reach_as_pairs():
    pairs = pd.DataFrame({"zone": list("ABCDE"), "site": [1, 1, 2, 2, 2]})
    result = set_cover(VILLAGES, pd.DataFrame(index=[1, 2, 3]), reach=pairs)
    assert result.stations.index.to_list() == [1, 2]


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        set_cover(
            VILLAGES, VILLAGES, min_share=2.0, need=1.5, value="none", site_cost=-1.0,
            max_stations=-2, existing=["Z"],
        )  # fmt: skip
    text = str(caught.value)
    for part in ("reach", "min_share", "whole numbers", "none", "site_cost", "max_stations", "'Z'"):
        assert part in text


def test_limits_by_city():
    asked = {"max_distance_km": 2.5, "cities": pd.Series(list("NNNSS"), index=list("ABCDE"))}
    result = set_cover(VILLAGES, VILLAGES, max_per_city={"N": 1}, **asked)
    assert result.objective == 2.0
    assert sum(result.stations.index.isin(list("ABC"))) <= 1
    result = set_cover(VILLAGES, VILLAGES, min_per_city={"S": 2}, **asked)
    assert {"D", "E"} <= set(result.stations.index)
    with pytest.raises(InfeasibleError, match="city S: at least 3") as refused:
        set_cover(VILLAGES, VILLAGES, min_per_city=pd.Series({"S": 3}), **asked)
    assert refused.value.conflict == ("city S: at least 3 stations (it has 2 sites)",)
    assert refused.value.repair == ("city S: ask for 2 stations instead of 3",)
    with pytest.raises(InputError, match="cities"):
        set_cover(VILLAGES, VILLAGES, max_distance_km=2.5, max_per_city=1)
