"""What of a simulation stands beside stations, and in words."""

import pandas as pd

from planner.outputs.kpi import is_share
from planner.outputs.waits import in_one_sentence, name_refuted, with_waits
from tests.made_up_waits import make_wait_tables

STATIONS = pd.DataFrame({"site_id": ["s1", "s2", "s3"], "bays": [14, 14, 30]})


def _tables() -> dict[str, pd.DataFrame]:
    return make_wait_tables(["s2", "s1"], ["x1", "230100"], [0.99, 0.5])


def test_stations_get_their_own_rows_and_the_packs_of_the_quarter() -> None:
    found = with_waits(STATIONS, "site_id", _tables(), "2027Q1")
    assert found["verdict"].fillna("").tolist() == ["confirmed", "refuted", ""]
    assert found["packs_na_25"].tolist() == [4, 3, 0]
    assert found["packs_lfp_25"].tolist() == [6, 5, 0]
    assert found["station_packs"].tolist() == [10, 8, 0]
    for name in ("packs_na_25", "packs_lfp_25", "station_packs"):
        assert found[name].dtype == "int64"
    earlier = with_waits(STATIONS, "site_id", _tables(), "2026Q4")
    assert earlier["station_packs"].tolist() == [8, 6, 0]


def test_without_a_simulation_packs_stand_alone() -> None:
    tables = _tables()
    found = with_waits(STATIONS, "site_id", {"station_packs": tables["station_packs"]}, "2027Q1")
    assert set(found) - set(STATIONS) == {"station_packs", "packs_na_25", "packs_lfp_25"}
    pd.testing.assert_frame_equal(with_waits(STATIONS, "site_id", {}, "2027Q1"), STATIONS)


def test_one_sentence_tells_the_finding() -> None:
    tables = _tables()
    figures = pd.DataFrame(
        [("within_5min_frac", 0.9512, 0.9494, 0.9531), ("no_pack_frac", 0.031, 0.03, 0.032),
         ("gave_up_frac", 0.004, 0.003, 0.005)],
        columns=["figure", "value", "low", "high"],
    )  # fmt: skip
    assert in_one_sentence(figures, tables["station_wait"]) == (
        "On a simulated winter peak day, 95.1 % of the drivers wait no longer than 5 minutes "
        "(94.9 % to 95.3 %), 3.1 % find no full pack when they come and 0.4 % give up; of 2 "
        "stations the simulation confirms 1, refutes 1 and leaves 0 open."
    )


def test_refuted_are_named_the_worst_first_and_the_rest_counted() -> None:
    ids = [f"s{number}" for number in range(8)]
    wait = pd.DataFrame(
        {
            "station_id": ids,
            "verdict": ["confirmed", *["refuted"] * 7],
            "on_time_frac": [0.99, 0.94, 0.9, 0.93, 0.92, 0.91, 0.89, 0.88],
            "lacks": ["", "grid", "lane", None, "grid", "grid", "packs of na_25", "lane"],
        }
    )
    assert name_refuted(wait) == (
        "s7 (88.0% on time; lacks lane); s6 (89.0% on time; lacks packs of na_25); "
        "s2 (90.0% on time; lacks lane); s5 (91.0% on time; lacks grid); "
        "s4 (92.0% on time; lacks grid); and 2 more"
    )
    assert name_refuted(wait.head(1)) == ""


def test_ends_of_a_share_are_shares() -> None:
    for name in ("within_5min_low", "on_time_high", "change_within_10min_frac", "gap_frac"):
        assert is_share(name), name
    for name in ("in_out_min", "station_packs", "low", "change_low_value"):
        assert not is_share(name), name
