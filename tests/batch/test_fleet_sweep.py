"""Vehicles per station and fleet mix are swept in a study as any setting."""

import pandas as pd
import pytest

from tests.batch.study_folder import StudyFolder


@pytest.mark.slow
def test_a_study_over_vehicles_per_station_and_mix(study: StudyFolder) -> None:
    stations = {"method": "list", "axes": [
        {"setting": "demand.vehicles_per_station", "values": [20.0, 40.0]},
        {"setting": "siting.num_stations", "values": [2, 1]},
    ]}  # fmt: skip
    taxis = {"demand": {"fleet_mix": {"private": 0.5, "taxi": 0.5}}}
    study.write(
        settings={"solver": {"deterministic": True}, "simulation": {"replications": 0}},
        sweeps={"s": stations}, scenarios={"taxis": {"settings": taxis}},
    )  # fmt: skip
    code, _, errors = study.run("--outputs", "tables")
    assert code == 0, errors
    runs = pd.read_parquet(study.out / "catalogue.parquet").set_index("scenario")
    assert runs["state"].tolist() == ["done"] * 3
    swept = runs.drop(index="taxis")
    assert sorted(zip(swept["demand.vehicles_per_station"], swept["vehicles"], strict=True)) == [
        (20.0, 40), (40.0, 40)
    ]  # fmt: skip
    assert (swept["vehicles_per_station"] == swept["demand.vehicles_per_station"]).all()
    assert runs.loc["taxis", "vehicles"] == 1100  # as in the tables, 550 of each
    swaps = runs["swaps_per_day"] / runs["vehicles"]
    assert swaps["taxis"] > 2 * swaps.drop(index="taxis").max()
    assert runs.loc["taxis", "demand.fleet_mix.taxi"] == pytest.approx(0.5)
