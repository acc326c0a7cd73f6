"""How a command that fails tells so: for people on the error stream, for programs as JSON.

With ``--json`` a failure is the last line of the standard output, as all else that a program reads.
"""

import json
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

import click

from planner.errors import InfeasibleError, InputError, PlannerError
from planner.outputs.screen.compiling import tell_of_compiling
from planner.solving.compile_listeners import listeners

EXIT_INTERRUPTED = 130
GIVEN_UP = "given up; nothing unfinished was written"


def run_command(command: click.Command) -> None:
    """Run the command line; no traceback reaches a user who did nothing wrong.

    Raises
    ------
    SystemExit
        With the exit code, if the command fails.
    """
    as_json = "--json" in sys.argv[1:]
    listeners.append(tell_of_compiling)
    try:
        command(standalone_mode=False)
    except PlannerError as error:
        _tell(as_json, type(error).__name__, str(error), error.exit_code, _details(error))
    except click.ClickException as error:
        if not as_json:
            error.show()
            sys.exit(error.exit_code)
        _tell(as_json, type(error).__name__, error.format_message(), error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        said = str(error.__cause__ or error)  # click puts its own Abort before what was raised
        _tell(as_json, "Interrupted", said or GIVEN_UP, EXIT_INTERRUPTED)
    except Exception as error:
        descriptor, path = tempfile.mkstemp(prefix="planner-error-", suffix=".txt", text=True)
        with open(descriptor, "w", encoding="utf-8") as report:
            traceback.print_exc(file=report)
        said = f"{type(error).__name__}: {error}"
        advice = f"This is a defect of planner; please report it with the file {path}"
        _tell(as_json, "Defect", f"{said}\n{advice}", PlannerError.exit_code)


def _details(error: PlannerError) -> dict[str, object]:
    """What programs are told beside the message."""
    if isinstance(error, InputError):
        return {"faults": [asdict(fault) for fault in error.faults]}
    if isinstance(error, InfeasibleError):
        return {
            "conflict": error.conflict,
            "further_conflicts": error.further,
            "repair": error.repair,
        }
    return {}


def _tell(
    as_json: bool,
    kind: str,
    message: str,
    exit_code: int,
    details: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Say what failed, and exit."""
    if as_json:
        error = {"kind": kind, "message": message, "faults": [], **details}
        click.echo(json.dumps({"error": error, "exit_code": exit_code}, ensure_ascii=False))
    else:
        click.echo(message if kind == "Interrupted" else f"Error: {message}", err=True)
    sys.exit(exit_code)
