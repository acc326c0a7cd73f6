"""Write `report.html` into a run folder."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from planner.errors import Fault, InputError
from planner.files import write_text
from planner.outputs.report.page import render_page
from planner.outputs.report.read import read_run

REPORT_FILE = "report.html"
_DONE_FILE, _CHECKSUM_FILE = "DONE", "checksums.txt"


def write_report(
    folder: Path, out: Path | None = None, on_loss: Callable[[str], None] = lambda _: None
) -> Path:
    """Write the report of a run; it opens from the disk, without a network.

    Parameters
    ----------
    folder : Path
        A run folder whose files stand, `DONE` and `checksums.txt` apart.
    out : Path, optional
        File to write; default ``report.html`` in the folder.
    on_loss : callable
        Hears of each drawing that could not be made; the page says so in its place.

    Returns
    -------
    Path
        The file. The same run folder and versions give the same bytes.

    Raises
    ------
    InputError
        If files or columns of a run are missing, with each of them.
    """
    path = out or folder / REPORT_FILE
    page = render_page(read_run(folder), on_loss)
    try:
        write_text(path, page)
    except OSError as error:
        remedy = "choose another file with --out"
        raise InputError([Fault(str(path), None, "", str(error), remedy)]) from error
    return path


def rebuild_report(
    folder: Path, out: Path | None = None, on_loss: Callable[[str], None] = lambda _: None
) -> Path:
    """Write the report of a finished run anew, and its checksum if it stands in the folder.

    Parameters and returns as of `write_report`.

    Raises
    ------
    InputError
        If the folder is not a finished run.
    """
    if not (folder / _DONE_FILE).is_file():
        remedy = "not a finished run: its file DONE is missing; plan with `planner run`"
        raise InputError([Fault(str(folder), None, "", "", remedy)])
    path = write_report(folder, out, on_loss)
    if path.resolve() == (folder / REPORT_FILE).resolve():
        _renew_checksum(folder)
    return path


def _renew_checksum(folder: Path) -> None:
    path = folder / _CHECKSUM_FILE
    kept = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.partition("  ")[2] != REPORT_FILE
    ]
    digest = hashlib.sha256((folder / REPORT_FILE).read_bytes()).hexdigest()
    lines = sorted([*kept, f"{digest}  {REPORT_FILE}"], key=lambda line: line.partition("  ")[2])
    write_text(path, "".join(f"{line}\n" for line in lines))
