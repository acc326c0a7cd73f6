from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.geodesy import great_circle_km
from planner.instance import read_instance
from planner.instance.spacing import thin_candidates

STATIONS = pd.DataFrame({"bays": [14], "grid_kw": [500.0]})


def _apart_km(sites: pd.DataFrame) -> np.ndarray:
    lon, lat = sites["lon"].to_numpy(), sites["lat"].to_numpy()
    return np.asarray(great_circle_km(lon[:, None], lat[:, None], lon, lat))


@pytest.mark.parametrize("seed", range(5))
def test_the_rest_keeps_the_spacing_and_nothing_could_be_added(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites = pd.DataFrame(
        {
            "site_id": [f"S{number:02}" for number in range(40)],
            "lon": 116.0 + rng.uniform(0.0, 0.05, 40),
            "lat": 40.0 + rng.uniform(0.0, 0.05, 40),
            "status": rng.choice(["candidate"] * 5 + ["existing", "committed", "forbidden"], 40),
            "max_bays": rng.choice([9, 14, 30], 40),
        }
    )
    zones = pd.DataFrame(
        {
            "lon": 116.0 + rng.uniform(0.0, 0.05, 60),
            "lat": 40.0 + rng.uniform(0.0, 0.05, 60),
            "car_owning_households": rng.integers(0, 3, 60).astype(float),
        }
    )
    rest, note = thin_candidates(sites, zones, STATIONS, min_spacing_km=1.0, near_km=1.0)
    load = pd.Series(
        [
            sum(
                zones["car_owning_households"][
                    great_circle_km(lon, lat, zones["lon"], zones["lat"]) <= 1.0
                ]
            )
            for lon, lat in zip(sites["lon"], sites["lat"], strict=True)
        ],
        index=sites["site_id"],
    )
    left_out = sites[~sites["site_id"].isin(rest["site_id"])]
    assert len(left_out) > 3
    assert note.value == f"{len(left_out)} sites left out"
    assert set(left_out["status"]) == {"candidate"}
    assert (left_out["max_bays"] >= 14).all()
    may_open = rest[
        rest["status"].isin(["existing", "committed"])
        | (rest["status"] == "candidate") & (rest["max_bays"] >= 14)
    ]
    stands = may_open["status"].isin(["existing", "committed"]).to_numpy()
    apart_km = _apart_km(may_open)
    np.fill_diagonal(apart_km, np.inf)
    assert (apart_km[~stands] >= 1.0).all()
    for row in left_out.itertuples():
        near = great_circle_km(row.lon, row.lat, may_open["lon"], may_open["lat"]) < 1.0
        nearer = may_open[near]
        better = nearer["status"].ne("candidate") | (
            nearer["site_id"].map(load) >= load[row.site_id]
        )
        assert better.any()


def test_a_distance_of_the_spacing_is_enough() -> None:
    sites = pd.DataFrame(
        {"site_id": ["A", "B"], "lon": [116.0, 116.01], "lat": 40.0, "status": "candidate"}
    )
    zones = pd.DataFrame({"lon": [116.01], "lat": 40.0, "car_owning_households": 1.0})
    apart_km = float(_apart_km(sites)[0, 1])
    for spacing_km, left in (
        (apart_km, ["A", "B"]),
        (apart_km * (1 + 5e-10), ["A", "B"]),
        (apart_km * (1 + 1e-7), ["B"]),
    ):
        rest, _ = thin_candidates(
            sites, zones, STATIONS, min_spacing_km=spacing_km, near_km=apart_km / 2
        )
        assert rest["site_id"].to_list() == left


def test_an_instance_is_read_with_its_spacing(tutorial_copy: Path) -> None:
    # A, C, B and D stand 1, 1 and 3 km apart in a row; C has most households around.
    plain = read_instance(tutorial_copy)
    spaced = {"siting": {"min_spacing_km": 1.5}}
    for like in (None, plain):
        thinned = read_instance(tutorial_copy, overrides=spaced, like=like)
        assert thinned.sites["site_id"].to_list() == ["C", "D", "E"]
        noted = thinned.assumptions.set_index("value").loc["2 sites left out"]
        assert noted["source"] == "siting.min_spacing_km: A, B"
        assert read_instance(tutorial_copy, like=thinned).sites.equals(plain.sites)
    sites = (tutorial_copy / "sites.csv").read_text(encoding="utf-8")
    for name in "AB":
        old = f"{name},town"
        line = next(each for each in sites.splitlines() if each.startswith(old))
        sites = sites.replace(line, line.replace("candidate", "existing"))
    (tutorial_copy / "sites.csv").write_text(sites, encoding="utf-8")
    standing = read_instance(tutorial_copy, overrides=spaced)
    assert standing.sites["site_id"].to_list() == ["A", "B", "D", "E"]
