"""Arrays that are computed once and kept in files, by the hash of what they were made from."""

import hashlib
import io
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
_DIGEST_BYTES = hashlib.sha256().digest_size


def content_key(*parts: Any) -> str:
    """Hash of tables and plain values.

    Parameters
    ----------
    *parts : DataFrame, or anything whose ``repr`` tells its value
        What a result depends on. A table's index does not count, its rows' order does.

    Examples
    --------
    >>> table = pd.DataFrame({"lon": [1.0, 2.0]})
    >>> content_key(table, 3) == content_key(table.copy(), 3)
    True
    >>> content_key(table, 3) == content_key(table + 1, 3)
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame):
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
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__name__} is no dataclass of arrays")
        path = self.folder / f"{kind.__name__.lower()}-{key[:32]}.npz"
        names = {field.name for field in fields(kind)}
        kept = _read(path)
        if kept is not None and set(kept) == names:
            return kind(**kept)
        made = compute()
        with suppress(OSError):  # a full disk costs the time saved, not the result
            _write(path, {name: getattr(made, name) for name in sorted(names)})
        return made


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
