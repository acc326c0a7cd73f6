import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import Instance, read_instance


def _edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def test_tables_are_sorted_by_key_and_typed(tutorial: Instance) -> None:
    assert tutorial.sites["site_id"].tolist() == list("ABCDE")
    assert tutorial.climate["month"].tolist() == list(range(1, 13))
    assert tutorial.zones["car_owning_households"].dtype == float
    assert tutorial.gates["binding"].tolist() == [False, True]
    assert {file.path for file in tutorial.input_files} >= {"scenario.toml", "zones.csv"}
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in tutorial.input_files)


def test_csv_and_parquet_read_the_same(tutorial: Instance, tutorial_copy: Path) -> None:
    for name in ("zones", "roads", "gates"):
        getattr(tutorial, name).to_parquet(tutorial_copy / f"{name}.parquet")
        (tutorial_copy / f"{name}.csv").unlink()
    read = read_instance(tutorial_copy)
    for name in ("zones", "roads", "gates"):
        pd.testing.assert_frame_equal(getattr(read, name), getattr(tutorial, name))


def test_h3_zones_get_their_centres(tutorial_copy: Path) -> None:
    import h3

    cell = h3.latlng_to_cell(45.75, 126.61, 8)
    (tutorial_copy / "zones.csv").write_text(
        f"zone_id,city_id,car_owning_households\n{cell},town,100\n", encoding="utf-8"
    )
    zone = read_instance(tutorial_copy).zones.iloc[0]
    assert (zone["lat"], zone["lon"]) == pytest.approx(h3.cell_to_latlng(cell), abs=1e-6)
    (tutorial_copy / "zones.csv").write_text(
        "zone_id,city_id,car_owning_households\nnowhere,town,100\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"zones\.csv, row 2, zone_id: nowhere: not an H3 cell"):
        read_instance(tutorial_copy)


def test_all_faults_at_once(tutorial_copy: Path) -> None:
    _edit(tutorial_copy / "scenario.toml", ("near_km", "naer_km"))
    roads = pd.read_csv(tutorial_copy / "roads.csv").drop(columns="speed_kmh")
    roads.to_csv(tutorial_copy / "roads.csv", index=False)
    _edit(tutorial_copy / "zones.csv", (",1000\n", ",-5\n"), (",1200\n", ",NaN\n"))
    _edit(
        tutorial_copy / "sites.csv",
        ("A,town,126.612888,45.75", "A,town,45.75,126.612888"),
        ("road_node,candidate\nC", "road_node,perhaps\nC"),
        ("\nD,", "\nC,"),
    )
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    message = str(caught.value)
    for expected in (
        r"scenario\.toml, siting\.naer_km: 1\.5: unknown key; did you mean near_km\?",
        r"roads\.csv, speed_kmh: column is missing; .* \[km/h\]",
        r"zones\.csv, row 2 \(Z1\), car_owning_households: -5: must be at least 0",
        r"zones\.csv, row 3 \(Z2\), car_owning_households: NaN: must be of type number",
        r"sites\.csv, row 2 \(A\), lat: 126\.612888: must be at most 90 .*swapped\?",
        r"sites\.csv, row 2 \(A\), lon, lat: .*swapped: exchange them",
        r"sites\.csv, row 3 \(B\), status: perhaps: unknown value; use one of: candidate, existing",
        r"sites\.csv, row 5, site_id: C: stands in an earlier row",
    ):
        assert re.search(expected, message), f"{expected} not in:\n{message}"
    assert len(caught.value.faults) == message.count("\n")


Break = Callable[[Path], None]


def _replace(file: str, *changes: tuple[str, str]) -> Break:
    return lambda folder: _edit(folder / file, *changes)


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (_replace("scenario.toml", ("[siting]", "[siting")), r"scenario\.toml, row 7.*TOML"),
        (_replace("scenario.toml", ("2027Q1", "2027-1")), "planning_quarter: '2027-1'"),
        (_replace("scenario.toml", ("num_stations = 2", "num_stations = -2")), "num_stations: -2"),
        (_replace("scenario.toml", ("stations = 3", "station = 3")), "did you mean num_stations"),
        (_replace("scenario.toml", ("[packs]", "[pakcs]")), "pakcs.*did you mean packs"),
        (_replace("zones.csv", ("households", "househollds")), "mean car_owning_households"),
        (_replace("zones.csv", ("Z3,town", "Z3,city")), r"city_id: city: not in cities\.csv"),
        (_replace("zones.csv", ("500", "many")), r"row 4 \(Z3\), .*: many: must be of type number"),
        (_replace("zones.csv", ("126.600000,45.75", "126.6,55.75")), r"2 \(Z1\), lon, lat.*400 km"),
        (_replace("zones.csv", (",500\n", ",\n")), r"4 \(Z3\), car_owning_households: cell is"),
        (_replace("roads.csv", ("1,2,1.0", "1,1,1.0")), "row 2, to_node: 1: edge ends where"),
        (_replace("roads.csv", ("1,2,1.0", "1,99,1.0")), r"to_node: 99: not in road_nodes\.csv"),
        (_replace("roads.csv", ("1,2,1.0", "1,2.5,1.0")), r"2\.5: must be of type integer"),
        (_replace("climate.csv", ("town,12,", "town,13,")), "month: 13: must be at most 12"),
        (_replace("climate.csv", ("town,12,", "town,11,")), "needs 12 months"),
        (_replace("vehicles.csv", ("private,1.0", "private,0.9")), r"private adds up to 0\.9"),
        (_replace("vehicles.csv", ("lfp_25", "lfp_99")), r"lfp_99: not in packs\.csv"),
        (_replace("packs.csv", ("lfp_25,lfp,#25", "lfp_25,lfp,#20")), "does not fit"),
        (_replace("vehicles.csv", ("#25", "#99")), r"\(private_ab\), envelope: #99: no pack"),
        (_replace("stations.csv", ("62.5,700", "62.5,0")), "grid_kw: 0.*: must be at least 1"),
        (_replace("scenario.toml", ("peak_day_factor = 1.2", "peak_hour_frac = 0.04")),
         r"demand\.peak_hour_frac.*0\.0416"),
        (_replace("packs.csv", ("2026Q4", "2026Q5")), "write a quarter such as 2027Q4"),
        (_replace("packs.csv", (",sodium_ion,", ",natrium,")),
         r"natrium: no such chemistry; use one of: lfp, nmc, sodium_ion, or add it to chemistries"),
        (_replace("packs.csv", (",sodium_ion,", ",sodium,")), "did you mean sodium_ion"),
        (_replace("supply.csv", ("sodium_ion", "sodiun_ion")), "did you mean sodium_ion"),
        (_replace("gates.csv", (",lfp,", ",lpf,")), "lpf: no such chemistry; did you mean lfp"),
        (_replace("scenario.toml", ("[packs]", "[packs]\nsold_elsewhere_frac = { lfp = 0.5 }")),
         r"packs\.sold_elsewhere_frac: .*no setting any more; .* rows of the table other_buyers"),
        (lambda folder: (folder / "chemistries.csv").write_text(
            "chemistry,name,nickname,colour\nlfp,LFP,LFP,blue\n", encoding="utf-8"),
         r"chemistries\.csv, row 2 \(lfp\), colour: blue: write a colour such as #0072b2"),
        (_replace("curves.csv", ("sodium_ion,charge_power,45", "nmc,charge_power,45")),
         "sodium_ion charge_power: needs at least two points"),
        (_replace("gates.csv", ("2021Q4,false", "2021Q4,maybe")), "maybe: must be of type true"),
        (lambda folder: (folder / "supply.csv").unlink(), r"supply\.csv or .* table is missing"),
        (lambda folder: (folder / "scenario.toml").unlink(), r"toml: file is missing"),
        (lambda folder: (folder / "zones.parquet").write_bytes(b""), "stands here twice"),
        (lambda folder: (folder / "sites.csv").write_text("site_id,city_id,lon,lat,kind,status\n"),
         r"sites\.csv: table has no rows"),
    ],
)  # fmt: skip
def test_each_fault_says_where_and_what_to_do(
    tutorial_copy: Path, break_it: Break, expected: str
) -> None:
    break_it(tutorial_copy)
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial_copy)


def test_many_faults_of_a_kind_are_counted(tutorial_copy: Path) -> None:
    zones = pd.read_csv(tutorial_copy / "zones.csv").assign(car_owning_households=-1)
    zones.to_csv(tutorial_copy / "zones.csv", index=False)
    with pytest.raises(InputError, match=r"and 3 more rows: must be at least 0"):
        read_instance(tutorial_copy)


def test_named_scenario_and_overrides(tutorial_copy: Path) -> None:
    read = read_instance(
        tutorial_copy, scenario_name="three_stations", overrides={"solver": {"seed": 7}}
    )
    assert (read.scenario.siting.num_stations, read.scenario.solver.seed) == (3, 7)
    with pytest.raises(InputError, match="no such scenario; choose one of: three_stations"):
        read_instance(tutorial_copy, scenario_name="four_stations")
    with pytest.raises(InputError, match=r"solver\.sede.*did you mean seed"):
        read_instance(tutorial_copy, overrides={"solver": {"sede": 7}})


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_instance(tmp_path / "nowhere")


def test_adoption_must_cover_the_horizon(tutorial_copy: Path) -> None:
    lines = ["city_id,segment,quarter,swap_capable_frac"]
    lines += [f"town,{name},2027Q1,0.5" for name in ("private", "taxi")]
    (tutorial_copy / "adoption.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="town / ride_hailing / 2027Q1: row is missing; the table"):
        read_instance(tutorial_copy)


def test_stock_that_has_retired_is_no_stock(tutorial_copy: Path) -> None:
    text = "city_id,pack_id,packs,retires\ntown,lfp_25,10,2026Q4\n"
    (tutorial_copy / "pack_stock.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="2026Q4: is before the first quarter, 2027Q1"):
        read_instance(tutorial_copy)


def test_hours_of_a_segment_add_up(tutorial_copy: Path) -> None:
    rows = [f"{name},{hour},0.05,test" for name in ("private", "taxi") for hour in range(20)]
    text = "\n".join(["segment,hour,day_frac,source", *rows]) + "\n"
    (tutorial_copy / "hour_profile.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="ride_hailing adds up to 0"):
        read_instance(tutorial_copy)


def _hours_by_day(*stated: tuple[str, str, float]) -> str:
    """Twenty hours of each segment and kind of day, so much in each."""
    rows = [f"{name},{hour},{kind},{frac},?" for name, kind, frac in stated for hour in range(20)]
    return "\n".join(["segment,hour,day_kind,day_frac,source", *rows]) + "\n"


def test_hours_may_differ_on_holidays(tutorial_copy: Path) -> None:
    every = [("private", "workday", 0.05), ("private", "holiday", 0.05), ("taxi", "", 0.05)]
    text = _hours_by_day(*every, ("ride_hailing", "", 0.05))
    (tutorial_copy / "hour_profile.csv").write_text(text, encoding="utf-8")
    hours = read_instance(tutorial_copy).hour_profile
    kinds = hours["day_kind"].fillna("").groupby(hours["segment"]).unique().map(sorted).to_dict()
    assert kinds == {"private": ["holiday", "workday"], "taxi": [""], "ride_hailing": [""]}


def test_hours_by_kind_of_day_are_whole(tutorial_copy: Path) -> None:
    """Every fault at once: half a segment's days, days told twice, sums, a row twice."""
    text = _hours_by_day(
        ("private", "workday", 0.05), ("taxi", "", 0.05), ("taxi", "holiday", 0.05),
        ("ride_hailing", "workday", 0.05), ("ride_hailing", "holiday", 0.04),
    )  # fmt: skip
    path = tutorial_copy / "hour_profile.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as found:
        read_instance(tutorial_copy)
    told = [f"{fault.column}: {fault.value}" for fault in found.value.faults]
    assert told == [
        "day_kind: private has hours of workday",
        "day_kind: taxi has hours of every day and holiday",
        "day_frac: ride_hailing adds up to 0.8 on a holiday",
    ]
    twice = "private,3,,0.05,?\n"
    text = _hours_by_day(*((name, "", 0.05) for name in ("private", "taxi", "ride_hailing")))
    path.write_text(text + twice, encoding="utf-8")
    with pytest.raises(InputError, match=r"private / 3: stands in an earlier row"):
        read_instance(tutorial_copy)
    plain = "\n".join(",".join(each.split(",")[:2] + each.split(",")[3:])
                      for each in (text + twice).splitlines())  # fmt: skip
    path.write_text(plain + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"private / 3: stands in an earlier row"):
        read_instance(tutorial_copy)


def test_parameter_sets_replace_what_they_state(tutorial: Instance, tutorial_copy: Path) -> None:
    path = tutorial_copy / "packs.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [lines[0] + ",nominal_kwh_low"] + [
        line + (",40" if line.startswith("na_25") else ",") for line in lines[1:]
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, kwh in (("low", [56, 40]), ("mid", [56, 45]), ("high", [56, 45])):
        _set_parameter_set(tutorial_copy, name)
        read = read_instance(tutorial_copy)
        assert read.packs["nominal_kwh"].tolist() == kwh
        assert read.packs.columns.tolist() == tutorial.packs.columns.tolist()


def test_stations_are_checked_as_the_parameter_set_has_them(tutorial_copy: Path) -> None:
    """A station stands at 900 kW: the smaller type fits, but not with the high set's 1,000 kW."""
    sites = pd.read_csv(tutorial_copy / "sites.csv").assign(grid_kw=900.0)
    sites["status"] = ["existing", *sites["status"][1:]]
    sites.to_csv(tutorial_copy / "sites.csv", index=False)
    stations = pd.read_csv(tutorial_copy / "stations.csv")
    stations.assign(
        grid_kw_high=[1000.0, None], capex_cny_low=[1.9e6, None], opex_cny_per_year_low=[None, 5e5],
        charger_kw_per_bay_high=[70.0, 80.0],
    ).to_csv(tutorial_copy / "stations.csv", index=False)  # fmt: skip
    for name, grid_kw, capex_cny, opex_cny, charger_kw in (
        ("mid", [700, 1500], [3e6, 5e6], [4e5, 6e5], [62.5, 62.5]),
        ("low", [700, 1500], [1.9e6, 5e6], [4e5, 5e5], [62.5, 62.5]),
    ):
        _set_parameter_set(tutorial_copy, name)
        read = read_instance(tutorial_copy).stations
        assert read["grid_kw"].tolist() == grid_kw
        assert read["capex_cny"].tolist() == capex_cny
        assert read["opex_cny_per_year"].tolist() == opex_cny
        assert read["charger_kw_per_bay"].tolist() == charger_kw
    _set_parameter_set(tutorial_copy, "high")
    with pytest.raises(InputError, match=r"row 2, site_id: A: no station type fits"):
        read_instance(tutorial_copy)


def test_where_commercial_vehicles_swap_is_told(tutorial_copy: Path) -> None:
    def told() -> list[str]:
        notes = read_instance(tutorial_copy).assumptions
        return notes["value"][notes["item"].str.contains("taxis and ride-hailing cars")].tolist()

    assert told() == ["by car_owning_households in 1 of 1 cities"]
    zones = pd.read_csv(tutorial_copy / "zones.csv")
    zones.assign(commercial_weight=0).to_csv(tutorial_copy / "zones.csv", index=False)
    assert told() == ["by car_owning_households in 1 of 1 cities"]
    zones.assign(commercial_weight=1.5).to_csv(tutorial_copy / "zones.csv", index=False)
    assert told() == []


def _set_parameter_set(folder: Path, name: str) -> None:
    path = folder / "scenario.toml"
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith("parameter_set")
    ]  # fmt: skip
    text = "\n".join([lines[0], f'parameter_set = "{name}"', *lines[1:]]) + "\n"
    path.write_text(text, encoding="utf-8")


def test_the_horizon_must_hold_the_planning_quarter(tutorial_copy: Path) -> None:
    path = tutorial_copy / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + '\n[horizon]\nfirst_quarter = "2027Q2"\n', encoding="utf-8")
    with pytest.raises(InputError, match="horizon must run from first_quarter to last_quarter"):
        read_instance(tutorial_copy)


def test_chemistries_come_with_the_planner_or_from_the_instance(tutorial_copy: Path) -> None:
    usual = read_instance(tutorial_copy).chemistries
    assert usual["chemistry"].tolist() == ["lfp", "nmc", "sodium_ion"]
    assert not usual.isna().to_numpy().any()
    own = usual.replace({"nmc": "lto"}).sort_values("name")
    own.to_csv(tutorial_copy / "chemistries.csv", index=False)
    read = read_instance(tutorial_copy)
    assert read.chemistries["chemistry"].tolist() == ["lfp", "lto", "sodium_ion"]
    assert "chemistries.csv" in {file.path for file in read.input_files}
