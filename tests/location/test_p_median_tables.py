import geopandas
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from planner.errors import InfeasibleError, InputError
from planner.location import p_median
from planner.solving.status import Status

# Five villages on a meridian, 2 km apart.
VILLAGES = pd.DataFrame(
    {
        "lon": 116.0,
        "lat": [40.000, 40.018, 40.036, 40.054, 40.072],
        "weight": [10.0, 30.0, 20.0, 30.0, 10.0],
        "cost": [1.0, 2.0, 9.0, 2.0, 1.0],
    },
    index=list("ABCDE"),
)
PAIRS = pd.DataFrame(
    [("A", 1, 3.0), ("B", 1, 1.0), ("B", 2, 2.0), ("C", 2, 0.0), ("D", 2, 4.0)],
    columns=["zone_id", "site_id", "distance"],
)
SITES = pd.DataFrame(index=[1, 2, 3])


def test_tables_in_tables_out():
    before = VILLAGES.copy()
    result = p_median(VILLAGES, VILLAGES, num_stations=2, gap_frac=0.0)
    pd.testing.assert_frame_equal(VILLAGES, before)
    assert result.status is Status.OPTIMAL
    assert result.stations.index.to_list() == ["B", "D"]
    assert result.stations["weight_assigned"].sum() == 100.0
    assert result.zones["station"].to_list()[:2] == ["B", "B"]
    assert result.zones["distance"].to_list()[1] == pytest.approx(0.0, abs=1e-9)
    assert float(result.zones["distance"] @ result.zones["weight"]) == result.objective


def test_budget_and_locks():
    result = p_median(
        VILLAGES, VILLAGES, num_stations=2, existing=["A"], forbidden=["D"],
        site_cost="cost", budget=3.0, gap_frac=0.0,
    )  # fmt: skip
    assert result.stations.index.to_list() == ["A", "E"]  # B for E: C, D and E go farther
    assert result.stations["existing"].to_list() == [True, False]
    with pytest.raises(InfeasibleError, match="budget"):
        p_median(VILLAGES, VILLAGES, num_stations=2, existing=["C"], site_cost="cost", budget=3.0)


def test_limits_by_city():
    villages = VILLAGES.assign(city=["north", "north", "north", "south", "south"])

    def stations(**limits: object) -> list[str]:
        result = p_median(villages, villages, num_stations=2, cities="city", gap_frac=0.0, **limits)
        assert result.status is Status.OPTIMAL
        return result.stations.index.to_list()

    assert stations(min_per_city=1) == ["B", "D"]
    assert stations(max_per_city={"south": 0}) == ["B", "C"]
    assert stations(min_per_city={"south": 2}) == ["D", "E"]
    assert stations(max_per_city=pd.Series({"north": 1, "south": 0}), forbidden=["C"]) == ["B"]
    with pytest.raises(InfeasibleError, match="city south: at least 3"):
        stations(min_per_city={"south": 3})
    with pytest.raises(InputError, match=r"no such city"):
        stations(min_per_city={"west": 1})
    with pytest.raises(InputError, match=r"min_per_city or max_per_city"):
        stations()


def test_pairs_of_labels_and_matrices_agree():
    table = p_median(VILLAGES, SITES, distances=PAIRS, unserved=8.0, num_stations=1, gap_frac=0)
    full = np.array(
        [[3, np.nan, np.nan], [1, 2, np.nan], [np.nan, 0, np.inf], [np.nan, 4, np.nan],
         [np.nan] * 3]
    )  # fmt: skip
    rows, columns = np.nonzero(np.isfinite(full))
    stored = scipy.sparse.coo_array((full[rows, columns], (rows, columns)), shape=full.shape)
    for matrix in (full, stored):
        result = p_median(VILLAGES, SITES, distances=matrix, unserved=8, num_stations=1, gap_frac=0)
        assert result.objective == table.objective == 80.0 + 60.0 + 0.0 + 120.0 + 80.0
    assert table.stations.index.to_list() == [2]
    assert table.zones["station"].isna().to_list() == [True, False, False, False, True]
    assert table.zones["distance"].to_list() == [8.0, 2.0, 0.0, 4.0, 8.0]


def test_geodataframe_stays_one():
    points = geopandas.points_from_xy(VILLAGES["lon"], VILLAGES["lat"], crs=4326)
    villages = geopandas.GeoDataFrame(VILLAGES, geometry=points).to_crs(32650)
    result = p_median(villages, villages, num_stations=1, gap_frac=0.0)
    assert result.stations.index.to_list() == ["C"]
    assert isinstance(result.zones, geopandas.GeoDataFrame)
    assert result.objective == pytest.approx(200.0, rel=5e-3)


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        p_median(
            VILLAGES.assign(weight=-1.0), VILLAGES.drop(columns="lon"), num_stations=1.5,
            min_stations=-1, site_cost="price", budget=-3, unserved=1.0, existing=["Z"],
        )  # fmt: skip
    text = str(caught.value)
    for part in ("weight", "lon, lat", "num_stations", "min_stations", "price", "budget",
                 "unserved", "'Z'"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unserved": None}, "at least 4"),
        ({"unserved": 3.0}, "at least 4"),
        ({"distances": PAIRS.drop(columns="distance")}, "no such column"),
        ({"distances": pd.concat([PAIRS, PAIRS.head(1)])}, "pair named twice"),
        ({"distances": PAIRS.assign(distance=-1.0)}, "a number >= 0"),
        ({"distances": PAIRS.assign(zone_id="Q")}, "no such label"),
        ({"distances": np.zeros((2, 2))}, "expected zones x sites"),
        ({"weight": [1.0, 2.0]}, "there are 5 zones"),
        ({"weight": pd.Series([1.0], index=["A"])}, "every label"),
        ({"num_stations": True}, "a whole number"),
    ],
)
def test_faults_of_pairs_are_named(change: dict[str, object], message: str):
    asked = {"distances": PAIRS, "unserved": 9.0, "num_stations": 1} | change
    with pytest.raises(InputError, match=message):
        p_median(VILLAGES, SITES, **asked)
