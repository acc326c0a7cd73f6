"""Measured beside predicted: rows worked out by hand on the tutorial town."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.cli import main
from planner.errors import InputError
from planner.instance import Instance
from planner.network.street_check import read_drive_times
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.corridors.trips import ROAD_DETOUR
from planner.planning.result import Planned
from planner.validation.charts import all_charts, beside_each_other
from planner.validation.compare import COLUMNS, compare, errors_by_topic, validate_model
from planner.validation.document import write_document
from planner.validation.drivers import (
    mean_day_peak_frac,
    sized_day_peak_frac,
    swaps_per_vehicle,
)
from planner.validation.evidence import WITHOUT_RUN, Evidence, LacksError
from planner.validation.measured import ROLES, read_measured, read_regions
from planner.validation.network import COUNTED_REGIONS
from planner.validation.predictions import PREDICTIONS
from planner.validation.trips import DRIVES, flow_figure
from planner.validation.vehicles import rated_range_frac

TUTORIAL = Path(__file__).parents[2] / "instances" / "tutorial"
DEGREE_KM = np.pi / 180 * 6371.0088
ANNUITY = 0.05 / (1 - 1.05**-10)


@pytest.fixture(scope="module")
def run_folder(planned_tutorial: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("truth") / "run", Outputs.TABLES)


@pytest.fixture(scope="module")
def rows(run_folder: Path) -> pd.DataFrame:
    return validate_model(TUTORIAL, run_folder).rows.set_index("comparison")


def test_every_measured_figure_is_predicted_and_has_source_and_role() -> None:
    measured = read_measured()
    assert measured.index.is_unique
    assert set(measured.index) == set(PREDICTIONS)
    assert measured["comparison"].is_unique
    assert set(measured["role"]) <= set(ROLES)
    marks = r"^(?:M|PR|C|MC|E|AN|I|INF)(?: second-hand)?: "
    assert measured["source"].str.match(marks).all()
    assert measured[["measured", "unit", "topic"]].notna().all(axis=None)
    assert (measured["measured_low"] <= measured["measured"]).all()
    assert (measured["measured"] <= measured["measured_high"]).all()


def test_every_row_stands_in_the_table(rows: pd.DataFrame) -> None:
    assert ["comparison", *rows.columns] == list(COLUMNS)
    assert rows.index.is_unique
    assert set(rows["role"]) == set(ROLES)
    assert (rows["source"] != "").all()
    missing = rows[rows["predicted"].isna()]
    assert missing["note"].str.startswith("missing: ").all()
    assert not rows.loc[rows["predicted"].notna(), "note"].str.startswith("missing").any()


def test_rows_by_hand(rows: pd.DataFrame, planned_tutorial: Planned) -> None:
    kpi = planned_tutorial.evaluation.kpi
    predicted = rows["predicted"]
    assert predicted["Station body of the smallest type"] == 3e6
    assert rows["error"]["Station body of the smallest type"] == pytest.approx(3e6 / 2e6 - 1)
    assert predicted["Taxi"] == pytest.approx(500)
    assert rows["error"]["Taxi"] == pytest.approx(500 / 350 - 1)
    assert predicted["Heat that a standing cabin loses"] == pytest.approx(90)
    assert predicted["Pack of envelope #25, LFP"] == pytest.approx(400 * 56)
    assert predicted["Vehicles per station, NIO"] == pytest.approx(1100 / 2)
    assert predicted["Swaps per station, NIO"] == kpi["swaps_per_station_day"]
    assert predicted["Packs per station"] == pytest.approx(kpi["station_packs"] / 2)
    assert predicted["Slots that hold a pack"] == pytest.approx(
        kpi["station_packs"] / kpi["num_bays"]
    )
    assert predicted["Stations in cities below -10 C"] == 1
    assert rows["error"]["Stations in cities below -10 C"] == pytest.approx(1 - 0.066)
    no_pack = rows.loc["Drivers who find no full pack"]
    assert no_pack["measured"] == pytest.approx(kpi["no_pack_frac"])
    assert no_pack["predicted"] == pytest.approx(kpi["expected_no_pack_frac"])


def test_swaps_and_energy_by_hand(rows: pd.DataFrame, planned_tutorial: Planned) -> None:
    """Vehicles of all classes, default packs: the fleet's swaps are those of the plan."""
    predicted = rows["predicted"]
    swaps = 1000 * predicted["Swaps per private car, NIO"] + 100 * predicted["Swaps per taxi"]
    assert swaps == pytest.approx(planned_tutorial.evaluation.kpi["swaps_per_day"])
    assert predicted["Swaps per commercial car, Choco-Swap"] == predicted["Swaps per taxi"]
    # A taxi's pack, a quarter soaked, keeps nearly its window of 0.8; a private one loses more.
    deep = predicted["Share of a pack that a commercial driver takes"]
    assert predicted["Share of a pack that a private driver takes"] < deep < 0.8
    assert 56 * 0.6 < predicted["Energy per swap"] < 56 * deep


def test_station_cost_per_swap_by_hand(rows: pd.DataFrame, planned_tutorial: Planned) -> None:
    money = {"choco_14": (3e6, 4e5), "choco_30": (5e6, 6e5)}
    types = planned_tutorial.evaluation.stations["station_type_id"]
    yearly = sum(ANNUITY * money[each][0] + money[each][1] for each in types)
    served = planned_tutorial.evaluation.kpi["swaps_per_day_served"] * 365
    assert rows["predicted"]["Station's cost per swap"] == pytest.approx(yearly / served)


def test_drives_are_compared_by_place_and_hour(rows: pd.DataFrame) -> None:
    drives = rows[rows["topic"] == DRIVES]
    table = read_drive_times().set_index(["place", "hour", "figure"])["value"]
    row = drives.loc["Harbin, peak hour: mean of random drives"]
    at_peak = table["harbin"]["peak"]
    assert row["measured"] == at_peak["street_mean_min"]
    assert row["error"] == pytest.approx(
        at_peak["coarse_mean_min"] / at_peak["street_mean_min"] - 1
    )
    reached = drives.loc["Harbin, peak hour: households reached"]
    assert reached["error"] == pytest.approx(at_peak["reach_ratio"] - 1)


def test_trips_between_cities(tutorial: Instance) -> None:
    """Two cities of one province: all trips are as long as the way between them."""
    with pytest.raises(LacksError, match="no two cities"):
        flow_figure(Evidence(tutorial), "mean_trip_km")
    cities = pd.concat([tutorial.cities] * 2, ignore_index=True).assign(
        city_id=["a", "b"], lon=0.0, lat=[0.0, 2.0]
    )
    two = Evidence(replace(tutorial, cities=cities))
    assert flow_figure(two, "same_province_frac") == 1
    assert flow_figure(two, "mean_trip_km") == pytest.approx(ROAD_DETOUR * 2 * DEGREE_KM)


def test_without_a_run_what_needs_one_is_told(tutorial: Instance) -> None:
    rows = compare(Evidence(tutorial)).set_index("comparison")
    for name in ("Packs per station", "Stations in the Yangtze delta", "Station's cost per swap"):
        assert rows["note"][name].startswith(f"missing: {WITHOUT_RUN}")
        assert np.isnan(rows["predicted"][name])
    assert rows["note"]["Waits, simulated"] == f"missing: {WITHOUT_RUN}"
    assert rows["note"]["Busiest hour of the mean day"].startswith("missing: the instance has no")
    assert rows["predicted"]["Taxi"] == pytest.approx(500)


def test_an_instance_elsewhere_lacks_the_regions(rows: pd.DataFrame) -> None:
    note = rows["note"]["Stations in the Yangtze delta"]
    assert note.startswith("missing: the instance has no city there")
    assert rows["note"]["Swaps in Shanghai"].startswith("missing: the instance has no city Shang")


def test_counted_regions_do_not_overlap() -> None:
    counted = read_regions().query("region in @COUNTED_REGIONS")
    assert set(counted["region"]) == set(COUNTED_REGIONS)
    whole = counted[counted["city"] == ""]
    assert whole["province"].is_unique
    assert not set(whole["province"]) & set(counted.loc[counted["city"] != "", "province"])


def test_errors_by_topic_by_hand() -> None:
    table = pd.DataFrame(
        {
            "topic": ["hours", "hours", "hours", "money"],
            "role": ["held out", "held out", "calibrated", "held out"],
            "error": [0.3, -0.4, 0.1, np.nan],
        }
    )
    by_topic = errors_by_topic(table).set_index(["topic", "role"])
    held_out = by_topic.loc[("hours", "held out")]
    assert held_out["mean_error"] == pytest.approx(-0.05)
    assert held_out["rmse"] == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    assert by_topic.loc[("hours", "calibrated"), "compared"] == 1
    missing = by_topic.loc[("money", "held out")]
    assert (missing["compared"], missing["missing"]) == (0, 1)
    assert np.isnan(missing["rmse"])


def test_changed_inputs_are_told(run_folder: Path, tutorial_copy: Path) -> None:
    assert validate_model(TUTORIAL, run_folder).remarks == ()
    table = tutorial_copy / "stations.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("3000000", "2000000"), "utf-8")
    changed = validate_model(tutorial_copy, run_folder)
    assert "stations.csv" in changed.remarks[0]
    assert "cities.csv" not in changed.remarks[0]


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a finished run"):
        validate_model(TUTORIAL, tmp_path)


def test_document_with_pictures(run_folder: Path, tmp_path: Path) -> None:
    validation = validate_model(TUTORIAL, run_folder)
    written = write_document(validation, tmp_path / "truth.md")
    text = (tmp_path / "truth.md").read_text(encoding="utf-8")
    pictures = {path.name for path in written[1:]}
    assert pictures == {"truth_whole_cars.svg", "truth_swaps.svg", "truth_places.svg"}
    for name in pictures:
        assert f"(figures/{name})" in text
    for comparison in validation.rows["comparison"]:
        assert f"| {comparison} |" in text
    drawn = (tmp_path / "figures" / "truth_swaps.svg").read_text(encoding="utf-8")
    assert "Swaps per taxi: measured 1.89, predicted" in drawn
    with pytest.raises(InputError, match="no such folder"):
        write_document(validation, tmp_path / "nowhere" / "truth.md")


def test_a_chart_without_rows_says_so(tutorial: Instance) -> None:
    rows = compare(Evidence(tutorial))
    charts = {chart.key: chart for chart in all_charts(rows)}
    assert charts["truth_places"].spec is None
    assert beside_each_other(rows.head(0), "x", "", "", "km").note == "Nothing is compared."


def test_json_is_one_line(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["planner", "validate-model", str(TUTORIAL), "--run", str(run_folder), "--json"]
    monkeypatch.setattr(sys, "argv", words)
    main()
    (line,) = capsys.readouterr().out.splitlines()
    content = json.loads(line)
    assert content["name"] == "tutorial"
    assert set(content["rows"][0]) == set(COLUMNS)
    lacking = [row for row in content["rows"] if row["predicted"] is None]
    assert all(row["error"] is None for row in lacking)
    assert {row["role"] for row in content["topics"]} == set(ROLES)


def test_screen_shows_topics_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["planner", "validate-model", str(TUTORIAL)])
    main()
    out = capsys.readouterr().out
    assert "no plan: give one by --run" in out
    assert "Errors by topic" in out
    assert f"Packs per station: missing: {WITHOUT_RUN}" in out


def test_share_of_the_rated_range_is_the_same_for_any_window(tutorial: Instance) -> None:
    """At 20 C a car without auxiliaries meets its rating; a smaller window changes nothing."""
    vehicles = tutorial.vehicles.assign(auxiliary_kw=0.0)
    packs = tutorial.packs.assign(soc_window_frac=0.5)
    whole = Evidence(replace(tutorial, vehicles=vehicles))
    half = Evidence(replace(tutorial, vehicles=vehicles, packs=packs))
    curve = tutorial.curves.query("chemistry == 'lfp' and quantity == 'usable_energy'")
    at_20 = np.interp(20.0, curve["temperature_c"], curve["value_frac"])
    assert rated_range_frac(whole, 20.0) == pytest.approx(at_20)
    assert rated_range_frac(half, 5.0) == pytest.approx(rated_range_frac(whole, 5.0))
    assert rated_range_frac(whole, 5.0) < 0.95 * at_20


def test_busiest_hours_by_hand(tutorial: Instance) -> None:
    """Private cars in one hour of two, taxis evenly in both: swaps weigh them."""
    hours = pd.DataFrame(
        {
            "segment": ["private", "taxi", "taxi", "ride_hailing"],
            "hour": [7, 7, 19, 7],
            "day_frac": [1.0, 0.5, 0.5, 1.0],
        }
    )
    evidence = Evidence(replace(tutorial, hour_profile=hours))
    private = 1000 * swaps_per_vehicle(evidence, "private")
    taxi = 100 * swaps_per_vehicle(evidence, "taxi")
    by_hand = (private + taxi / 2) / (private + taxi)
    assert mean_day_peak_frac(evidence) == pytest.approx(by_hand)
    assert sized_day_peak_frac(evidence) == pytest.approx(by_hand)
    holiday = hours.assign(day_kind="holiday", hour=[7, 7, 7, 7]).drop_duplicates("segment")
    both = pd.concat([hours.assign(day_kind="workday"), holiday], ignore_index=True)
    of_workday = replace(tutorial, hour_profile=both)
    told = mean_day_peak_frac(evidence_of_fleet(of_workday, evidence))
    assert told == pytest.approx(by_hand)


def evidence_of_fleet(instance: Instance, other: Evidence) -> Evidence:
    """An instance with another's fleet as it was worked out there."""
    evidence = Evidence(instance)
    vars(evidence)["fleet"] = other.fleet
    return evidence
