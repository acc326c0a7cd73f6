"""`planner range`: table, marks, crossover, city, files, and what a wrong id is answered with."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from planner.cli import cli
from planner.errors import InputError
from planner.instance import Instance
from planner.outputs.screen.ranges import crossover_sentence, show_range_table
from planner.physics.curves import temperature_curve
from planner.physics.range_table import range_table, temperatures
from planner.physics.vehicle_range import consumption_kwh_per_km

TUTORIAL = Path(__file__).parents[3] / "instances" / "tutorial"


def _range(*options: str | Path) -> Result:
    return CliRunner().invoke(cli, ["range", str(TUTORIAL), *map(str, options)])


def test_one_row_by_hand(tutorial: Instance) -> None:
    table = range_table(tutorial, [-20.0], vehicle_id="private_ab")
    lfp = table.rows.set_index("pack_id").loc["lfp_25"]
    vehicle = tutorial.vehicles.set_index("vehicle_id").loc["private_ab"]
    physics = tutorial.scenario.physics
    consumption = consumption_kwh_per_km(
        -20.0, base_kwh_per_km=vehicle["consumption_kwh_per_km"], drag_frac=vehicle["drag_frac"],
        speed_kmh=vehicle["speed_kmh"], cabin_loss_kw_per_k=vehicle["cabin_loss_kw_per_k"],
        heating_cop=1.0, auxiliary_kw=vehicle["auxiliary_kw"],
        cabin_c=physics.cabin_temperature_c, tyre_loss_per_k=physics.tyre_loss_per_k,
    )  # fmt: skip
    assert lfp["pack_c"] == -20.0
    assert lfp["usable_kwh"] == pytest.approx(56 * 0.8 * 0.70)
    assert lfp["kwh_per_100km"] == pytest.approx(100 * consumption)
    assert lfp["range_km"] == pytest.approx(56 * 0.8 * 0.70 / consumption)
    assert lfp["swaps_per_day"] == pytest.approx(
        vehicle["km_per_day"] * vehicle["swap_energy_frac"] / lfp["range_km"]
    )


def test_crossover_agrees_with_the_ranges(tutorial: Instance) -> None:
    for vehicle_id in tutorial.vehicles["vehicle_id"]:
        table = range_table(tutorial, np.arange(-40, 40.5, 0.5), vehicle_id=vehicle_id)
        (crossover,) = table.crossovers.to_dict("records")
        km = table.rows.pivot_table(index="ambient_c", columns="pack_id", values="range_km")
        within = table.rows.query("pack_id == 'lfp_25' and not outside_curve")["ambient_c"]
        ahead = (km["na_25"] >= km["lfp_25"]).loc[within]
        if crossover["goes_farther"] == "below":
            assert (ahead == (ahead.index <= crossover["ambient_c"])).all()
        else:
            assert crossover["goes_farther"] == "nowhere"
            assert not ahead.any()


def test_outside_of_a_curve_is_marked_and_told() -> None:
    result = _range("--vehicle", "private_ab", "--from", "-45", "--to", "-30", "--step", "5")
    assert result.exit_code == 0, result.output
    coldest, *_, warmest = (
        line for line in result.output.splitlines() if line.strip().startswith("-")
    )
    assert coldest.split()[0] == "-45.0†"
    assert coldest.count("*") == 6
    assert "*" not in warmest
    assert "the curve's end value is held" in result.output
    assert "air outside -40 to 40 C" in result.output


def test_city_s_winter_is_marked(tutorial: Instance) -> None:
    design_c = tutorial.cities["winter_design_c"].item()
    for city in ("town", "tutorial town", "教程镇"):
        result = _range("--city", city, "--vehicle", "private_ab")
        assert result.exit_code == 0, result.output
        (marked,) = (line for line in result.output.splitlines() if "design day" in line)
        assert marked.split()[0] == f"{design_c:.1f}"
        assert "January mean" in result.output
        assert "July mean" in result.output
        assert "private_ab (private) in Tutorial Town" in result.output
        assert "na_25 goes at least as far as lfp_25 below -5.5 C in the air" in result.output
    several = pd.concat([tutorial.cities] * 2, ignore_index=True)
    several["city_id"] = ["town", "town_2"]
    with pytest.raises(InputError, match="several cities; give an id: town, town_2"):
        range_table(replace(tutorial, cities=several), [0.0], city="Tutorial Town")


def test_json_lines() -> None:
    result = _range("--vehicle", "taxi_ab", "--city", "town", "--json")
    records = [json.loads(line) for line in result.output.splitlines()]
    assert {record["record"] for record in records} == {"range", "crossover"}
    assert records[-1]["goes_farther"] == "nowhere"
    assert records[-1]["ambient_c"] is None
    assert {record.get("place") for record in records} == {
        None, "design day", "January mean", "July mean"
    }  # fmt: skip
    assert all(record["vehicle_id"] == "taxi_ab" for record in records)


def test_csv_holds_the_rows(tmp_path: Path, tutorial: Instance) -> None:
    path = tmp_path / "range.csv"
    assert _range("--out", path, "--step", "10", "--pack", "na_25").exit_code == 0
    written = pd.read_csv(path)
    table = range_table(tutorial, temperatures(-30, 30, 10), pack_ids=["na_25"])
    assert written["range_km"].to_numpy() == pytest.approx(table.rows["range_km"], abs=1e-4)
    assert set(written["pack_id"]) == {"na_25"}
    assert set(written["vehicle_id"]) == {table.vehicle_id}


def test_figures(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "c.png"):
        result = _range("--city", "town", "--from", "-45", "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert svg == (tmp_path / "b.svg").read_text(encoding="utf-8")
    with Image.open(tmp_path / "c.png") as image:
        image.load()
        assert image.width > 1000
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or []}
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)} <= colours


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--vehicle", "private"), "did you mean private_ab? known: private_ab, ride_hailing_ab"),
        (("--pack", "na25"), "did you mean na_25? known: lfp_25, na_25"),
        (("--city", "Harbin"), "known: Tutorial Town"),
        (("--from", "10", "--to", "5"), "must be below --to 5"),
        (("--step", "0.001"), "use a larger step"),
    ],
)
def test_bad_requests_say_what_is_known(options: tuple[str, ...], expected: str) -> None:
    result = _range(*options)
    assert isinstance(result.exception, InputError)
    assert expected in str(result.exception)


def test_a_pack_of_another_envelope_is_refused(tutorial: Instance) -> None:
    packs = tutorial.packs.copy()
    packs.loc[packs["pack_id"] == "na_25", "envelope"] = "#20"
    with pytest.raises(InputError, match="does not fit private_ab, which takes envelope #25"):
        range_table(replace(tutorial, packs=packs), [0.0], pack_ids=["na_25"])


@pytest.mark.parametrize(
    ("target", "expected"), [("figure.pdf", "must end in .png"), ("no/where.png", "no such folder")]
)
def test_bad_targets_are_refused_before_any_work(
    tmp_path: Path, target: str, expected: str
) -> None:
    result = _range("--out", tmp_path / target)
    assert result.exit_code == 2
    assert expected in result.output


def test_temperatures_include_both_ends() -> None:
    assert temperatures(-30, 30, 0.1)[[0, -1]] == pytest.approx([-30, 30])
    assert temperatures(-1, 1, 0.75).tolist() == [-1.0, -0.25, 0.5]


def test_every_crossover_has_a_sentence() -> None:
    crossover = {
        "pack_id": "na", "other_pack_id": "lfp", "ambient_c": -3.04, "pack_c": 2.0,
        "domain_low_c": -35.0, "domain_high_c": 45.0,
    }  # fmt: skip
    sentences = [
        crossover_sentence({**crossover, "goes_farther": where})
        for where in ("below", "everywhere", "nowhere")
    ]
    assert "below -3.0 C in the air, when the pack has 2.0 C" in sentences[0]
    assert "at least as far as lfp at every temperature" in sentences[1]
    assert "na goes less far than lfp" in sentences[2]
    assert all("packs at -35 to 45 C" in sentence for sentence in sentences)


def test_curve_domains_are_the_instance_s(tutorial: Instance) -> None:
    (crossover,) = range_table(tutorial, [0.0]).crossovers.to_dict("records")
    lfp, sodium = (
        temperature_curve(tutorial, name, "usable_energy") for name in ("lfp", "sodium_ion")
    )
    assert crossover["domain_low_c"] == max(lfp.temperature_c[0], sodium.temperature_c[0])
    assert crossover["domain_high_c"] == min(lfp.temperature_c[-1], sodium.temperature_c[-1])


def test_no_plotting_library_is_loaded_without_a_figure() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from planner.cli import cli; "
        f"result = CliRunner().invoke(cli, ['range', {str(TUTORIAL)!r}]); "
        "assert result.exit_code == 0, result.output; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_packs_that_differ_in_a_start_show_it_each(
    tutorial: Instance, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    heated = pd.DataFrame(
        {"chemistry": "lfp", "quantity": "start_heat", "temperature_c": [-35.0, 5.0],
         "value_frac": [0.08, 0.0], "source": "made up"}
    )  # fmt: skip
    vehicles = tutorial.vehicles.assign(trips_per_day=3.0)
    curves = pd.concat([tutorial.curves, heated], ignore_index=True)
    show_range_table(range_table(replace(tutorial, vehicles=vehicles), [-20.0]))
    assert capsys.readouterr().out.count("kWh/100 km") == 1
    instance = replace(tutorial, vehicles=vehicles, curves=curves)
    table = range_table(instance, [-20.0], vehicle_id="private_ab")
    show_range_table(table)
    out = capsys.readouterr().out
    assert out.count("kWh/100 km") == out.count("pack C") == 2
    consumption = table.rows.set_index("pack_id")["kwh_per_100km"]
    assert consumption["lfp_25"] > consumption["na_25"]
    assert all(f"{value:.1f}" in out for value in consumption)
