"""Find the file that holds a table, and the files that belong to it."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

from planner.errors import Fault
from planner.instance.settings.sources import Sources
from planner.instance.tables import Table

TABLE_ENDINGS = (".csv", ".parquet", ".gpkg", ".geojson", ".fgb", ".shp", ".xlsx")
ROAD_ENDINGS = (".osm.pbf", ".graphml")
"""Files that hold whole road networks: both ``road_nodes`` and ``roads``."""

MOST_BYTES = 2 * 2**30
"""Larger files of tables are refused before they are read into memory; GIS and Parquet files of
that size hold tens of millions of rows."""

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
        if not path.is_file():
            return None, [Fault(named, None, "", "", f"no such file; it is to hold {table.name}")]
        if not named.endswith(endings):
            remedy = f"a table's file ends in one of: {', '.join(endings)}"
            return None, [Fault(named, None, "", "", remedy)]
        return path, _belonging_faults(path)
    found = [path for end in endings if (path := folder / (table.name + end)).is_file()]
    if len(found) == 1:
        return found[0], _belonging_faults(found[0])
    if found:
        names = " or ".join(path.name for path in found)
        return None, [Fault(names, None, "", "", "the table stands here twice; keep one file")]
    if table.optional:
        return None, []
    names = f"{table.name}.csv or {', '.join(endings[1:])}"
    return None, [Fault(names, None, "", "", f"table is missing; one row per {table.row}")]


def size_faults(path: Path, most_bytes: int = MOST_BYTES) -> list[Fault]:
    """Refuse what is too large to be read, unpacked if it is a workbook; looks at sizes alone.

    Parameters
    ----------
    path : Path
        A file that is there.
    most_bytes : int
        What it may hold at most.
    """
    try:
        num_bytes = path.stat().st_size
        if path.suffix == ".xlsx":
            with ZipFile(path) as packed:
                num_bytes = max(num_bytes, sum(part.file_size for part in packed.infolist()))
    except (OSError, BadZipFile, ValueError) as error:
        return [Fault(path.name, None, "", str(error), "file cannot be read")]
    if num_bytes <= most_bytes:
        return []
    remedy = f"a file holds at most {most_bytes / 2**20:,.0f} MiB; leave away what is not needed"
    return [Fault(path.name, None, "size", f"{num_bytes / 2**20:,.0f} MiB", remedy)]


def is_road_network(path: Path) -> bool:
    """Whether a file holds a whole road network."""
    return path.name.endswith(ROAD_ENDINGS)


def belonging_files(path: Path) -> list[Path]:
    """A table's file and the side files that are read with it."""
    if path.suffix != ".shp":
        return [path]
    endings = _SHAPEFILE_NEEDS + _SHAPEFILE_MAY_HAVE
    return [path, *(side for end in endings if (side := path.with_suffix(end)).is_file())]


def _belonging_faults(path: Path) -> list[Fault]:
    is_streamed = path.name.endswith(".osm.pbf")
    too_large = (
        [] if is_streamed else [f for file in belonging_files(path) for f in size_faults(file)]
    )
    if too_large:
        return too_large
    if path.suffix == ".shp":
        return [
            Fault(path.name, None, "", side.name, "side file is missing; copy it along")
            for end in _SHAPEFILE_NEEDS
            if not (side := path.with_suffix(end)).is_file()
        ]
    journal = path.with_name(path.name + "-wal")
    if path.suffix == ".gpkg" and journal.is_file() and journal.stat().st_size:
        remedy = "holds changes not yet in the file; close the program that has it open"
        return [Fault(path.name, None, "", journal.name, remedy)]
    return []
