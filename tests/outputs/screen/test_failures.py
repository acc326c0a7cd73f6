"""A failure is told to people in words and to programs as JSON, with the same exit code."""

import json
import sys

import click
import pytest

from planner.errors import Fault, InfeasibleError, InputError
from planner.outputs.screen.failures import run_command

FAULTS = [
    Fault("zones.csv", 3, "demand", "-1", "must be at least 0"),
    Fault("packs.csv", None, "", "", "file is missing"),
]


def _failing(error: BaseException) -> click.Command:
    def fail() -> None:
        raise error

    option = click.Option(["--json"], is_flag=True, expose_value=False)
    return click.Command("any", callback=fail, params=[option])


@pytest.mark.parametrize(
    ("error", "kind", "exit_code", "said"),
    [
        (InputError(FAULTS), "InputError", 2, "2 faults"),
        (InfeasibleError("3 stations are forced"), "InfeasibleError", 3, "3 stations are forced"),
        (click.UsageError("no such option"), "UsageError", 2, "no such option"),
        (KeyboardInterrupt(), "Interrupted", 130, "given up; nothing unfinished was written"),
        (KeyboardInterrupt("finished runs are kept"), "Interrupted", 130, "finished runs are kept"),
        (ZeroDivisionError("unforeseen"), "Defect", 70, "ZeroDivisionError: unforeseen"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_failure_is_told(
    error: BaseException, kind: str, exit_code: int, said: str, as_json: bool,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command = _failing(error)
    monkeypatch.setattr(sys, "argv", ["planner", *(["--json"] if as_json else [])])
    with pytest.raises(SystemExit) as stop:
        run_command(command)
    assert stop.value.code == exit_code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    if not as_json:
        assert said in err
        assert not out
        return
    assert not err.strip()
    told = json.loads(out)
    assert told["exit_code"] == exit_code
    assert told["error"]["kind"] == kind
    assert said in told["error"]["message"]


def test_every_fault_is_an_entry_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = _failing(InputError(FAULTS))
    monkeypatch.setattr(sys, "argv", ["planner", "--json"])
    with pytest.raises(SystemExit):
        run_command(command)
    faults = json.loads(capsys.readouterr().out)["error"]["faults"]
    assert faults[0] == {
        "file": "zones.csv", "row": 3, "column": "demand", "value": "-1",
        "remedy": "must be at least 0", "id": "",
    }  # fmt: skip
    assert faults[1]["row"] is None


def test_programs_are_told_conflict_and_repairs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    conflict, repair = ("at most 2 stations", "any 3 of 5"), ("allow 3 stations",)
    error = InfeasibleError("none", conflict=conflict, repair=repair, further=[("a", "b")])
    monkeypatch.setattr(sys, "argv", ["planner", "--json"])
    with pytest.raises(SystemExit):
        run_command(_failing(error))
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["conflict"] == list(conflict)
    assert told["repair"] == list(repair)
    assert told["further_conflicts"] == [["a", "b"]]
    assert told["faults"] == []
