"""Take the file of a table out of the archive that it is packed in."""

import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile, ZipInfo

from planner.errors import Fault, InputError
from planner.instance.find_table import TABLE_ENDINGS
from planner.instance.tables import Table

_FOLDER = ".gdb"
_INSIDE = tuple(ending for ending in TABLE_ENDINGS if ending not in (".zip", _FOLDER))


@contextmanager
def unpacked(path: Path, table: Table) -> Iterator[Path]:
    """The file or folder of a table, while it is read.

    Parameters
    ----------
    path : Path
        The archive; of several tables in it the one that is called like the table.
    table : Table
        Which is asked for.

    Raises
    ------
    InputError
        If it cannot be unpacked, or holds none or several.
    """
    with TemporaryDirectory(prefix="planner-") as folder:
        try:
            with ZipFile(path) as archive:
                yield _unpack(archive, path, table, Path(folder))
        except (BadZipFile, zlib.error, EOFError) as error:
            remedy = "archive cannot be unpacked; pack it anew"
            raise InputError([Fault(path.name, None, "", str(error), remedy)]) from error


def _unpack(archive: ZipFile, path: Path, table: Table, folder: Path) -> Path:
    parts = [part for part in archive.infolist() if _counts(part)]
    held = sorted({held for part in parts if (held := _holder(part)) is not None})
    named = [each for each in held if each.stem.lower() == table.name]
    chosen = held if len(held) == 1 else named
    if len(chosen) != 1:
        listed = ", ".join(map(str, held)) or ", ".join(part.filename for part in parts)
        remedy = f"pack one file for {table.name} and call it so; it ends in one of: "
        remedy += ", ".join((*_INSIDE, _FOLDER))
        raise InputError([Fault(path.name, None, "", listed, remedy)])
    (wanted,) = chosen
    target = folder / wanted.name
    for part in parts:
        name = PurePosixPath(part.filename)
        if wanted in name.parents:
            inside = target / name.name  # a file geodatabase has no folders in it
        elif name.parent == wanted.parent and name.stem == wanted.stem:
            inside = folder / name.name
        else:
            continue
        inside.parent.mkdir(exist_ok=True)
        with archive.open(part) as packed, inside.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    return target


def _counts(part: ZipInfo) -> bool:
    """Whether it is a file, and not one that macOS adds for itself."""
    name = PurePosixPath(part.filename)
    return not part.is_dir() and name.parts[0] != "__MACOSX" and not name.name.startswith("._")


def _holder(part: ZipInfo) -> PurePosixPath | None:
    """The file, or the folder that it belongs to, if it holds a table."""
    name = PurePosixPath(part.filename)
    for each in name.parents:
        if each.suffix.lower() == _FOLDER:
            return each
    return name if name.suffix.lower() in _INSIDE else None
