"""Find the file that holds a table, and the files that belong to it."""

from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from planner.errors import Fault
from planner.instance.settings.sources import Sources
from planner.instance.tables import Table

TABLE_ENDINGS = (
    ".csv", ".parquet", ".gpkg", ".geojson", ".fgb", ".shp", ".xlsx", ".kml", ".kmz", ".gdb", ".zip"
)  # fmt: skip
"""Of files that hold tables, in lower case; files may have them in upper case. A ``.gdb`` is a
folder; a ``.zip`` holds one of the others."""

ROAD_ENDINGS = (".osm.pbf", ".graphml")
"""Files that hold whole road networks: both ``road_nodes`` and ``roads``."""

MOST_BYTES = 2 * 2**30
"""Larger files of tables are refused before they are read into memory; GIS and Parquet files of
that size hold tens of millions of rows."""

_ZIPPED_ENDINGS = (".shp.zip", ".gdb.zip", ".gpkg.zip", ".csv.zip")
"""As programs that pack a file call it; with `TABLE_ENDINGS` to be looked for."""

_NOT_READ = (
    ".7z", ".accdb", ".dbf", ".dwg", ".dxf", ".geojsonl", ".gml", ".gpx", ".gz", ".json", ".mdb",
    ".mif", ".ods", ".osm", ".osm.bz2", ".pbf", ".rar", ".sqlite", ".tab", ".tar.gz", ".tsv",
    ".txt", ".xls", ".xlsm",
)  # fmt: skip
"""Files of that kind and called like a table are meant as one, though they cannot be read."""

_SHAPEFILE_NEEDS = (".shx", ".dbf")
_SHAPEFILE_MAY_HAVE = (".prj", ".cpg")


def find_table(folder: Path, table: Table, sources: Sources) -> tuple[Path | None, list[Fault]]:
    """Find a table's file.

    Parameters
    ----------
    folder : Path
        The instance.
    table : Table
        Its specification.
    sources : Sources
        What the scenario file says; ``file`` of the table goes before its name.

    Returns
    -------
    path : Path or None
        None if there is none, or more than one, or a database holds the table.
    faults : list of Fault
        Unless the table may be left out.
    """
    endings = TABLE_ENDINGS + (ROAD_ENDINGS if table.name == "roads" else ())
    if sources.of_table(table.name).url is not None:
        return None, []
    named = sources.of_table(table.name).file
    if named is not None:
        path = folder / named
        if not path.exists():
            return None, [Fault(named, None, "", "", f"no such file; it is to hold {table.name}")]
        if not _can_be_read(path, endings):
            remedy = f"a table's file ends in one of: {', '.join(endings)}"
            return None, [Fault(named, None, "", "", remedy)]
        return path, _belonging_faults(path)
    found = [path for path in _called(folder, table, (*endings, *_ZIPPED_ENDINGS))
             if _can_be_read(path, endings)]  # fmt: skip
    if len(found) == 1:
        return found[0], _belonging_faults(found[0])
    if found:
        names = " or ".join(path.name for path in found)
        return None, [Fault(names, None, "", "", "the table stands here twice; keep one file")]
    unread = _called(folder, table, _NOT_READ)
    if unread:
        names = " and ".join(path.name for path in unread)
        remedy = f"cannot be read; save the table as one of: {', '.join(endings)}"
        return None, [Fault(names, None, "", "", remedy)]
    if table.optional:
        return None, []
    names = f"{table.name}.csv or {', '.join(endings[1:])}"
    return None, [Fault(names, None, "", "", f"table is missing; one row per {table.row}")]


def size_faults(path: Path, most_bytes: int = MOST_BYTES) -> list[Fault]:
    """Refuse what is too large to be read, unpacked if it is packed; looks at sizes alone.

    Parameters
    ----------
    path : Path
        A file or folder that is there.
    most_bytes : int
        What it may hold at most.
    """
    try:
        parts = path.rglob("*") if path.is_dir() else [path]
        num_bytes = sum(part.stat().st_size for part in parts)
        if ending_of(path) in (".xlsx", ".zip", ".kmz"):
            with ZipFile(path) as packed:
                num_bytes = max(num_bytes, sum(part.file_size for part in packed.infolist()))
    except (OSError, BadZipFile, ValueError) as error:
        return [Fault(path.name, None, "", str(error), "file cannot be read")]
    if num_bytes <= most_bytes:
        return []
    remedy = f"a file holds at most {most_bytes / 2**20:,.0f} MiB; leave away what is not needed"
    return [Fault(path.name, None, "size", f"{num_bytes / 2**20:,.0f} MiB", remedy)]


def ending_of(path: Path) -> str:
    """Ending of a file's name, in lower case."""
    return path.suffix.lower()


def is_road_network(path: Path) -> bool:
    """Whether a file holds a whole road network."""
    return path.name.lower().endswith(ROAD_ENDINGS)


def side_file(path: Path, ending: str) -> Path | None:
    """The file of that name and ending, in lower or upper case, if it is there.

    Parameters
    ----------
    path : Path
        The file whose side file is asked for.
    ending : str
        In lower case.
    """
    sides = (path.with_suffix(ending), path.with_suffix(ending.upper()))
    return next((side for side in sides if side.is_file()), None)


def belonging_files(path: Path) -> list[Path]:
    """A table's file and the side files that are read with it."""
    if ending_of(path) != ".shp":
        return [path]
    sides = (side_file(path, end) for end in _SHAPEFILE_NEEDS + _SHAPEFILE_MAY_HAVE)
    return [path, *(side for side in sides if side is not None)]


def _called(folder: Path, table: Table, endings: Iterable[str]) -> list[Path]:
    """Files and folders called like a table, whatever the case, in the order of the endings."""
    wanted = [(table.name + ending).lower() for ending in endings]
    here = [path for path in folder.iterdir() if path.name.lower() in wanted]
    return sorted(here, key=lambda path: (wanted.index(path.name.lower()), path.name))


def _can_be_read(path: Path, endings: tuple[str, ...]) -> bool:
    is_folder = ending_of(path) == ".gdb"
    return path.name.lower().endswith(endings) and path.is_dir() == is_folder


def _belonging_faults(path: Path) -> list[Fault]:
    is_streamed = path.name.lower().endswith(".osm.pbf")
    too_large = (
        [] if is_streamed else [f for file in belonging_files(path) for f in size_faults(file)]
    )
    if too_large:
        return too_large
    if ending_of(path) == ".shp":
        is_upper = path.suffix.isupper()
        return [
            Fault(path.name, None, "", path.with_suffix(end.upper() if is_upper else end).name,
                  "side file is missing; copy it along")
            for end in _SHAPEFILE_NEEDS
            if side_file(path, end) is None
        ]  # fmt: skip
    journal = path.with_name(path.name + "-wal")
    if ending_of(path) == ".gpkg" and journal.is_file() and journal.stat().st_size:
        remedy = "holds changes not yet in the file; close the program that has it open"
        return [Fault(path.name, None, "", journal.name, remedy)]
    return []
