"""Read a TOML file that people write, such as a study, into its model, or say what is wrong."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from planner.errors import Fault, InputError
from planner.instance.settings.scale import Said

Kind = TypeVar("Kind", bound=Said)


def read_said(path: Path, kind: type[Kind], missing: str) -> Kind:
    """Read and validate a file.

    Parameters
    ----------
    path : Path
    kind : type
        A `Said`.
    missing : str
        Remedy where there is no such file.

    Raises
    ------
    InputError
        With all faults found.
    """
    try:
        content: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError([Fault(str(path), None, "", "", missing)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"line (\d+)", str(error))
        row = int(line.group(1)) if line else None
        remedy = "write valid UTF-8 TOML"
        raise InputError([Fault(path.name, row, "", str(error), remedy)]) from error
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise InputError([_fault(path.name, detail) for detail in error.errors()]) from error


def _fault(file: str, detail: Any) -> Fault:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return Fault(file, None, where, "", "key is missing; add it")
    if detail["type"] == "value_error":
        return Fault(file, None, where, "", str(detail["ctx"]["error"]))
    return Fault(file, None, where, repr(detail["input"]), str(detail["msg"]))
