"""Write files and folders that are whole or not there, and lock them, on any operating system.

Takes texts, JSON and whatever a caller writes into a path; leaves formats to the callers. What only
some systems have is imported when it is called for.
"""

import importlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` when the block ends well.

    Parameters
    ----------
    path : Path
        In a folder that exists; what stands there is replaced, or kept if the block fails.

    Yields
    ------
    Path
        A name beside it, hidden and with its ending, that nobody else writes to.
    """
    partial = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of ``folder`` when the block ends well.

    At no moment is there a half-written folder under the name.

    Parameters
    ----------
    folder : Path
        Its parents are made; what stands there is replaced, or kept if the block fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(folder)
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            replaced = folder.rename(_beside(folder))
            partial.rename(folder)
            shutil.rmtree(replaced)
        else:
            partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """An empty hidden folder beside a path, on the same disk, which is gone when the block ends.

    Parameters
    ----------
    beside : Path
        Its parents are made; it need not stand.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    scratch = _beside(beside)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text: UTF-8, lines end in LF, on the disk before it takes its name."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, on the disk before they take their name."""
    with replaced_file(path) as partial, partial.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def write_json(path: Path, content: Any, *, indent: int = 1) -> None:
    """Write content as JSON, a line per entry; see `write_text`.

    Raises
    ------
    ValueError
        If a number is not finite: JSON proper knows none.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")


def try_lock(stream: IO[bytes]) -> bool:
    """Lock an open file unless another process has; the lock ends with the file or the process."""
    try:
        import fcntl
    except ImportError:
        return _try_lock_on_windows(stream)
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_on_windows(stream: IO[bytes]) -> bool:
    msvcrt: Any = importlib.import_module("msvcrt")
    stream.seek(0)
    try:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
