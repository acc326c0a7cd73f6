"""What a study file may say, what it makes, and what is wrong with faulty ones."""

from typing import Any

import pytest

from planner.batch.resolve import Resolved, resolve
from planner.batch.study import TORNADO_FIGURES, OneAtATime, read_study, setting_path
from planner.batch.sweeps import tornadoes
from planner.errors import InputError
from tests.batch.study_folder import GRID, ROOT, StudyFolder

SUPPLY = {"table": "supply", "column": "gwh"}
TORNADO: dict[str, Any] = {
    "method": "one_at_a_time",
    "assumptions": {
        "supply": {
            "title": "Supply",
            "low": {"title": "half", "scale": [SUPPLY | {"factor": 0.5}]},
            "high": {"scale": [SUPPLY | {"factor": 2.0}]},
        },
        "stations": {"title": "Stations", "high": {"settings": {"siting": {"num_stations": 3}}}},
    },
}


def _resolved(study: StudyFolder, **content: Any) -> Resolved:
    file = study.write(**content)
    return resolve(read_study(file), file)


def _faults(study: StudyFolder, **content: Any) -> str:
    with pytest.raises(InputError) as caught:
        _resolved(study, **content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("siting.num_stations", ("siting", "num_stations")),
        ("gates.quantile_of.'UN 38.3 and class 9 transport'",
         ("gates", "quantile_of", "UN 38.3 and class 9 transport")),
        ('gates.quantile_of."a=b"', ("gates", "quantile_of", "a=b")),
    ],
)  # fmt: skip
def test_names_with_dots_and_spaces_are_quoted(place: str, path: tuple[str, ...]) -> None:
    assert setting_path(place) == path


@pytest.mark.parametrize(
    "place", ["", "a.", "UN 38.3", "a = 1", "a = {} #", "a\nb", "'open", "a = {b", "[a]"]
)
def test_what_is_no_setting_is_told(place: str) -> None:
    with pytest.raises(ValueError, match="no dotted key"):
        setting_path(place)


def test_a_sample_over_dates_of_certificates(study: StudyFolder) -> None:
    names = ["GB 38031-2025", "EU battery passport", "qualification"]
    axes = [{"setting": f"gates.quantile_of.'{name}'", "low": 0.0, "high": 1.0} for name in names]
    sweep = {"method": "latin_hypercube", "axes": axes, "num": 10, "seed": 3}
    scenarios = _resolved(study, scenarios={}, sweeps={"dates": sweep}).scenarios
    drawn = [each.scenario.gates.quantile_of for each in scenarios]
    for name in names:  # a part of each axis is drawn from once
        assert sorted(int(10 * of[name]) for of in drawn) == list(range(10))
    place = "gates.quantile_of.EU battery passport"
    assert [each.varied[place] for each in scenarios] == [of[names[1]] for of in drawn]


def test_two_axes_change_the_same_however_it_is_written(study: StudyFolder) -> None:
    axes = [{"setting": name, "values": [0.1]} for name in
            ("gates.quantile_of.a", "gates.'quantile_of'.'a'")]  # fmt: skip
    told = _faults(study, sweeps={"s": {"method": "grid", "axes": axes}})
    assert "two axes change gates.quantile_of.a" in told


def test_names_that_begin_alike_are_two_settings(study: StudyFolder) -> None:
    axes = [{"setting": f"gates.quantile_of.{name}", "values": [0.1]} for name in ("'a.b'", "a")]
    _resolved(study, sweeps={"s": {"method": "grid", "axes": axes}})


def test_named_scenarios_differ_from_the_base(study: StudyFolder) -> None:
    sodium = SUPPLY | {"where": {"chemistry": "sodium_ion"}, "factor": 0.8}
    resolved = _resolved(
        study,
        scenarios={
            "as_it_is": {},
            "three": {"settings": {"siting": {"num_stations": 3}}},
            "scarce": {"scale": [sodium], "title": "less sodium-ion"},
        },
    )
    assert resolved.base == ("solver.deterministic = true (not false)",)
    base, three, scarce = resolved.scenarios
    assert base.differences == ()
    assert three.differences == ("siting.num_stations = 3 (not 2)",)
    assert three.scenario.siting.num_stations == 3
    assert three.scenario.solver.deterministic
    assert scarce.differences == ("supply.gwh x 0.8 where chemistry = sodium_ion",)
    assert scarce.scenario.title == "less sodium-ion"
    varied = {"siting.num_stations": 2, "supply.gwh where chemistry = sodium_ion": 0.8}
    assert scarce.varied == varied
    assert base.varied == varied | {"supply.gwh where chemistry = sodium_ion": 1.0}


def test_grid_has_every_combination_and_list_goes_side_by_side(study: StudyFolder) -> None:
    grid = [each.name for each in _resolved(study, sweeps={"g": GRID}).scenarios]
    assert grid == ["g-1-0.5", "g-1-1.0", "g-2-0.5", "g-2-1.0"]
    listed = _resolved(study, sweeps={"l": GRID | {"method": "list"}}).scenarios
    assert [each.name for each in listed] == ["l-1-0.5", "l-2-1.0"]
    assert [each.scenario.siting.num_stations for each in listed] == [1, 2]
    assert [each.scale[0].factor for each in listed] == [0.5, 1.0]


def test_one_assumption_at_a_time_leaves_the_others_at_the_base(study: StudyFolder) -> None:
    resolved = _resolved(study, sweeps={"t": TORNADO}).scenarios
    assert {each.name: each.differences for each in resolved} == {
        "t-base": (),
        "t-supply-low": ("supply.gwh x 0.5",),
        "t-supply-high": ("supply.gwh x 2",),
        "t-stations-high": ("siting.num_stations = 3 (not 2)",),
    }
    (tornado,) = tornadoes(read_study(study.file))
    assert tornado.figures == TORNADO_FIGURES
    assert [list(ends.scenarios) for ends in tornado.assumptions] == [["low", "high"], ["high"]]
    assert tornado.assumptions[0].titles == {"low": "half", "high": ""}
    assert {tornado.base} | {
        name for ends in tornado.assumptions for name in ends.scenarios.values()
    } == {each.name for each in resolved}


def test_one_value_more_leaves_the_other_scenarios_as_they_are(study: StudyFolder) -> None:
    axis = {"setting": "siting.num_stations"}

    def names(*values: int) -> set[str]:
        sweep = {"method": "grid", "axes": [axis | {"values": list(values)}]}
        return {each.name for each in _resolved(study, sweeps={"s": sweep}).scenarios}

    assert names(1, 3) < names(1, 2, 3)


def test_latin_hypercube_draws_once_from_each_part(study: StudyFolder) -> None:
    sweep = {
        "method": "latin_hypercube", "num": 8, "seed": 3,
        "axes": [
            {"setting": "packs.promised_range_km", "low": 100.0, "high": 180.0},
            {"setting": "siting.num_stations", "low": 1, "high": 4, "whole": True},
        ],
    }  # fmt: skip
    scenarios = _resolved(study, sweeps={"s": sweep}).scenarios
    ranges = sorted(each.scenario.packs.promised_range_km for each in scenarios)
    assert [int((km - 100) // 10) for km in ranges] == list(range(8))
    stations = sorted(each.scenario.siting.num_stations or 0 for each in scenarios)
    assert stations == [1, 1, 2, 2, 3, 3, 4, 4]
    again = _resolved(study, sweeps={"s": sweep}).scenarios
    assert [each.settings for each in again] == [each.settings for each in scenarios]
    other = _resolved(study, sweeps={"s": sweep | {"seed": 4}}).scenarios
    assert [each.settings for each in other] != [each.settings for each in scenarios]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"sweps": {}}, "unknown key sweps; did you mean sweeps?"),
        ({"scenarios": {}}, "no scenario; add"),
        ({"scenarios": {"a": {"setings": {}}}}, "did you mean settings?"),
        ({"scenarios": {"a": {"settings": {"sitting": {}}}}}, "did you mean siting?"),
        (
            {"scenarios": {"a": {"settings": {"siting": {"num_station": 1}}}}},
            "scenarios.a.settings.siting.num_station: 1: unknown key; did you mean num_stations?",
        ),
        ({"scenarios": {"a": {"settings": {"siting": {"num_stations": -1}}}}}, "greater than"),
        ({"scenarios": {"a": {"settings": {"tables": {"suply": {}}}}}}, "no table is called suply"),
        ({"scenarios": {"a": {"settings": {"name": "b"}}}}, "set by the study itself"),
        ({"settings": {"solvr": {}}, "scenarios": {"a": {}}}, "settings.solvr: {}: unknown key"),
        (
            {"scenarios": {"a": {"scale": [{"table": "suply", "column": "gwh", "factor": 1}]}}},
            "no table is called suply; did you mean supply?",
        ),
        (
            {"scenarios": {"a": {"scale": [{"table": "supply", "column": "gw", "factor": 1}]}}},
            "supply has no column gw; did you mean gwh?",
        ),
        (
            {"scenarios": {"a": {"scale": [{"table": "supply", "column": "source", "factor": 1}]}}},
            "supply.source is not a number",
        ),
        (
            {"scenarios": {"a": {"scale": [
                SUPPLY | {"where": {"chemistry": "sodium-ion"}, "factor": 1}]}}},
            "no row has chemistry = sodium-ion; did you mean sodium_ion?",
        ),
        ({"sweeps": {"s": GRID | {"seed": 1}}}, "unknown key seed"),
        ({"sweeps": {"s": {"method": "grd", "axes": []}}}, "sweeps.s"),
        (
            {"sweeps": {"s": {"method": "grid", "axes": [
                {"setting": "siting.num_stations", "values": [1]}] * 2}}},
            "two axes change siting.num_stations",
        ),
        (
            {"sweeps": {"s": {"method": "list", "axes": [
                {"setting": "siting.num_stations", "values": [1, 2]},
                {"setting": "siting.near_km", "values": [1.0]}]}}},
            "equally many values",
        ),
        (
            {"sweeps": {"s": {"method": "grid", "axes": [{"values": [1]}]}}},
            "either setting or factor_of",
        ),
        (
            {"sweeps": {"s": {"method": "grid", "axes": [
                {"factor_of": SUPPLY, "values": ["much"]}]}}},
            "'much' is no factor",
        ),
        (
            {"scenarios": {"s-1": {}}, "sweeps": {"s": {"method": "grid", "axes": [
                {"setting": "siting.num_stations", "values": [1]}]}}},
            "two scenarios have this name",
        ),
        (
            {"sweeps": {"t": TORNADO | {"figures": ["swaps_servd_frac"]}}},
            "unknown figure swaps_servd_frac; did you mean swaps_served_frac?",
        ),
        (
            {"sweeps": {"t": TORNADO | {"assumptions": {"a": {"title": "A"}}}}},
            "give low, high or both",
        ),
        (
            {"sweeps": {"t": TORNADO | {"assumptions": {"a": {"title": "A", "low": {}}}}}},
            "an end changes nothing",
        ),
        (
            {"sweeps": {"t": TORNADO | {"assumptions": {"a": {"title": "A", "low": {
                "settings": {"siting": {"num_station": 1}}}}}}}},
            "sweeps.t.assumptions.a.low.settings.siting.num_station: 1: unknown key; did you mean",
        ),
        ({"instance": "nowhere", "scenarios": {"a": {}}}, "no such folder"),
        ({"scenario": "four_stations", "scenarios": {"a": {}}}, "no such scenario"),
    ],
)  # fmt: skip
def test_faulty_studies_tell_what_to_do(
    study: StudyFolder, content: dict[str, Any], told: str
) -> None:
    assert told in _faults(study, **content)


def test_all_faults_are_told_at_once(study: StudyFolder) -> None:
    told = _faults(
        study,
        scenarios={
            "a": {"settings": {"siting": {"num_station": 1}}},
            "b": {"settings": {"solver": {"sed": 1}}},
        },
    )
    assert "2 faults" in told
    assert "did you mean num_stations?" in told
    assert "did you mean seed?" in told


def test_broken_toml_is_told_with_its_line(study: StudyFolder) -> None:
    study.file.write_text('name = "a"\nname = ]\n', encoding="utf-8")
    with pytest.raises(InputError, match="row 2"):
        read_study(study.file)


def test_dry_run_prints_differences_and_writes_nothing(study: StudyFolder) -> None:
    study.write(sweeps={"g": GRID}, scenarios={"as_it_is": {}})
    code, output, errors = study.run("--dry-run")
    assert code == 0, errors
    assert "solver.deterministic = true (not false)" in output
    assert "g-1-0.5\n  siting.num_stations = 1 (not 2)\n  supply.gwh x 0.5\n" in output
    assert "as_it_is\n  as the base\n" in output
    assert not study.out.exists()


def test_faulty_study_exits_with_2(study: StudyFolder) -> None:
    study.write(scenarios={"a": {"settings": {"sitting": {}}}})
    code, _, errors = study.run()
    assert code == 2
    assert "did you mean siting?" in errors


def test_the_example_study_is_valid() -> None:
    file = ROOT / "studies" / "tutorial.toml"
    assert len(resolve(read_study(file), file).scenarios) == 3 + 9 + 12


@pytest.mark.parametrize("name", ["tutorial", "china_140", "nordic"])
def test_the_studies_of_one_assumption_are_valid(name: str) -> None:
    file = ROOT / "studies" / f"{name}_tornado.toml"
    study = read_study(file)
    (sweep,) = study.sweeps.values()
    assert isinstance(sweep, OneAtATime)
    ends = sum(len(assumption.ends) for assumption in sweep.assumptions.values())
    assert len(resolve(study, file).scenarios) == 1 + ends
