"""What an instance was read from, each with a checksum of what it held."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_IN_DATABASE = "database table "


@dataclass(frozen=True)
class InputFile:
    """A file, or rows of a database, that was read, and what it held.

    Attributes
    ----------
    path : str
        Name of the file; of rows of a database see `name_of_rows`.
    sha256 : str
        Of the file; of the rows as they came, in the order of their key.
    """

    path: str
    sha256: str


def input_file(path: Path) -> InputFile:
    """A file with its checksum; of a folder (``.gdb``) that of its files' names and checksums."""
    if path.is_dir():
        parts = [each for each in sorted(path.iterdir()) if each.is_file() and not _is_lock(each)]
        listed = "".join(f"{_sha256(part)}  {part.name}\n" for part in parts)
        return InputFile(path.name, hashlib.sha256(listed.encode()).hexdigest())
    return InputFile(path.name, _sha256(path))


def _is_lock(path: Path) -> bool:
    """Whether a program that has a geodatabase open left it there."""
    return path.suffix.lower() == ".lock"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def label_of(database_table: str) -> str:
    """How faults and notes name a table of a database."""
    return _IN_DATABASE + database_table


def name_of_rows(database_table: str, table: str) -> str:
    """How rows of a database, that are a table of an instance, are named among the inputs.

    >>> name_of_rows("infra.plots", "sites")
    'database table infra.plots (sites)'
    """
    return f"{label_of(database_table)} ({table})"


def is_in_database(path: str) -> bool:
    """Whether an input of this name is rows of a database, not a file."""
    return path.startswith(_IN_DATABASE)
