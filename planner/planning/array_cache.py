"""Arrays that are computed once and kept in files, by the hash of what they were made from."""

import hashlib
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from planner.files import replaced_file

Arrays = TypeVar("Arrays")
FOLDER_VARIABLE = "PLANNER_CACHE"
"""Environment variable that names the user's folder of kept arrays."""
LIMIT_BYTES = 2_000_000_000
"""Of that folder: what was not asked for longest goes first."""
KINDS = {
    "keptinstance": "checked tables of instances",
    "roadgraph": "road graphs",
    "access": "where sites and zones join the roads",
    "reach": "which zones reach which sites in time",
    "keptpacks": "packs that the first round begins with",
    "capacity": "what stations can do with these packs",
    "keptstart": "stations and prices that a siting search starts from",
}
"""What is kept, by the first word of a file's name, in plain words."""
_DIGEST_BYTES = hashlib.sha256().digest_size


def content_key(*parts: Any) -> str:
    """Hash of tables and plain values.

    Parameters
    ----------
    *parts : DataFrame, array, tuple of such, or anything whose ``repr`` tells its value
        What a result depends on. A table's index does not count, its rows' order does.

    Examples
    --------
    >>> table = pd.DataFrame({"lon": [1.0, 2.0]})
    >>> content_key(table, 3) == content_key(table.copy(), 3)
    True
    >>> content_key(table, 3) == content_key(table + 1, 3)
    False
    >>> content_key(np.arange(3)) == content_key((np.arange(3),))
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            digest.update(f"tuple {content_key(*part)}".encode())
        elif isinstance(part, np.ndarray):
            digest.update(repr((part.dtype, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, pd.DataFrame):
            digest.update(repr([*part.columns, len(part)]).encode())
            for name in part.columns:
                digest.update(
                    pd.util.hash_pandas_object(part[name], index=False).to_numpy().tobytes()
                )
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


class ArrayCache:
    """A folder of results, each a dataclass of arrays in one file.

    Files are written beside their place and renamed, so that processes may share the folder.
    One that is damaged is computed again.

    Parameters
    ----------
    folder : Path
        Made when the first result is kept. What is in it never expires: name the folder after
        the version of the code.
    limit_bytes : int, optional
        Of this folder and those beside it: the files used longest ago are removed beyond it.

    Attributes
    ----------
    taken : list of str
        Kinds of results that were found here and used, each once.
    """

    def __init__(self, folder: Path, limit_bytes: int | None = None) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.taken: list[str] = []

    def once(self, kind: type[Arrays], key: str, compute: Callable[[], Arrays]) -> Arrays:
        """The result kept under a key, or else computed and kept.

        Parameters
        ----------
        kind : dataclass
            Whose fields are arrays.
        key : str
            From `content_key`, of all that ``compute`` depends on.
        compute : callable
            Gives an instance of ``kind``.

        Returns
        -------
        Arrays
            Kept arrays equal computed ones bit for bit.
        """
        kept = self.take(kind, key)
        if kept is not None:
            self.record(kind)
            return kept
        made = compute()
        self.keep(key, made)
        return made

    def take(self, kind: type[Arrays], key: str) -> Arrays | None:
        """The result kept under a key; None if there is none, or its file is damaged.

        Parameters
        ----------
        kind, key
            As of `once`.
        """
        path, names = self._path(kind, key), _names(kind)
        kept = _read(path)
        if kept is None or set(kept) != names:
            return None
        if self.limit_bytes is not None:
            with suppress(OSError):
                os.utime(path)
        return kind(**kept)

    def record(self, kind: type[Any]) -> None:
        """Note in `taken` that a kept result is used."""
        if _kind_name(kind) not in self.taken:
            self.taken.append(_kind_name(kind))

    def keep(self, key: str, made: Any) -> None:
        """Keep a dataclass of arrays under a key, in place of what was kept there."""
        path, names = self._path(type(made), key), _names(type(made))
        with suppress(OSError):  # a full disk costs the time saved, not the result
            _write(path, {name: getattr(made, name) for name in sorted(names)})
            if self.limit_bytes is not None:
                _keep_within(self.folder.parent, self.limit_bytes)

    def _path(self, kind: type[Any], key: str) -> Path:
        return self.folder / f"{_kind_name(kind)}-{key[:32]}.npz"


def user_cache_folder() -> Path | None:
    """Where runs of this user keep arrays: `FOLDER_VARIABLE`, or the system's place for caches.

    Returns
    -------
    Path or None
        None if the variable is set to nothing: then nothing is kept.
    """
    stated = os.environ.get(FOLDER_VARIABLE)
    if stated is not None:
        return Path(stated) if stated else None
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Caches"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return place / "planner"


def user_cache(version: str) -> ArrayCache | None:
    """The user's kept arrays for a version of the code, held within `LIMIT_BYTES`; None if off."""
    folder = user_cache_folder()
    return None if folder is None else ArrayCache(folder / version, LIMIT_BYTES)


def kept_files(folder: Path) -> list[Path]:
    """Files of all versions in a user's folder, those used longest ago first."""
    return sorted(folder.glob("*/*.npz"), key=lambda path: path.stat().st_mtime_ns)


def _names(kind: type[Any]) -> set[str]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no dataclass of arrays")
    return {field.name for field in fields(kind)}


def kind_of(path: Path) -> str:
    """What a kept file is: a key of `KINDS`, unless it is of another version."""
    return path.name.partition("-")[0]


def _kind_name(kind: type[Any]) -> str:
    return kind.__name__.lower()


def _keep_within(folder: Path, limit_bytes: int) -> None:
    files = kept_files(folder)
    total = sum(path.stat().st_size for path in files)
    for path in files:
        if total <= limit_bytes:
            break
        total -= path.stat().st_size
        path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return dict(arrays)
    except (BadZipFile, ValueError, OSError):
        return None


def _write(path: Path, arrays: dict[str, Any]) -> None:
    body = io.BytesIO()
    np.savez(body, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(body.getbuffer()).digest()
    with replaced_file(path) as partial, partial.open("xb") as stream:
        stream.write(digest)
        stream.write(body.getbuffer())
