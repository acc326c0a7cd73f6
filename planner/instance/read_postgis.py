"""Read tables of an instance from a PostgreSQL database, with geometries of PostGIS.

Rows come as text in the order of the table's key, one snapshot for all tables of a database; what
the server would write differently for another user (dates, decimals) is fixed. The checks of their
cells are those of files.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from planner.database import connected, refusals_in, without_password
from planner.errors import Fault, InputError
from planner.instance.find_table import MOST_BYTES
from planner.instance.input_files import InputFile, label_of, name_of_rows
from planner.instance.layer import Layer, numbered, parsed_geometries, row_faults
from planner.instance.names import nearest
from planner.instance.notes import Note
from planner.instance.settings.sources import Sources, TableSource
from planner.instance.tables import TABLES, Table

_SCENARIO_FILE = "scenario.toml"
_SHAPES = ("geometry", "geography")
_WHOLE = ("int2", "int4", "int8")
_TYPED_SRID = re.compile(r",(\d+)\)$")
_PREPARE = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'iso_8601'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
)
_FIND = """
SELECT relation.oid, nspname, relname, row_security_active(relation.oid),
  has_schema_privilege(space.oid, 'USAGE'), current_user
FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND (
  nspname || '.' || relname = %(name)s OR relname = %(name)s AND pg_table_is_visible(relation.oid))
ORDER BY nspname || '.' || relname = %(name)s DESC LIMIT 1"""
_ALL_TABLES = """
SELECT nspname || '.' || relname FROM pg_class
JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname !~ '^pg_|^information_schema$' ORDER BY 1"""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), COALESCE(base.typname, kind.typname),
  kind.typcategory, has_column_privilege(attrelid, attnum, 'SELECT'),
  EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisprimary
    AND indnkeyatts = 1 AND indkey[0] = attnum)
FROM pg_attribute JOIN pg_type AS kind ON kind.oid = atttypid
LEFT JOIN pg_type AS base ON base.oid = kind.typbasetype
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""


@dataclass(frozen=True)
class DatabaseTable:
    """What a database gave for a table of an instance.

    Attributes
    ----------
    layer : Layer or None
        All cells as text; None if there is a fault.
    source : TableSource
        What the scenario file says of it, without the columns that were not asked for.
    inputs : tuple of InputFile
        The rows' name and checksum.
    faults : tuple of Fault
        Of connection, table, rights, condition and geometry; cells are not looked at.
    """

    layer: Layer | None
    source: TableSource
    inputs: tuple[InputFile, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class _Column:
    name: str
    type_text: str
    type_name: str
    category: str
    may_read: bool
    is_primary: bool


@dataclass(frozen=True)
class _Query:
    """What is asked of a table of the database: columns in order, the geometry last if any."""

    label: str
    text: str
    shape: _Column | None
    notes: tuple[Note, ...]


def read_database_tables(
    sources: Sources, names: Iterable[str] = tuple(TABLES)
) -> dict[str, DatabaseTable]:
    """Read the tables that stand in databases.

    Parameters
    ----------
    sources : Sources
        What the scenario file says of the tables.
    names : iterable of str
        Those that are asked for.

    Returns
    -------
    dict of str to DatabaseTable
        By table of the instance; those that stand in files are not in it.
    """
    read: dict[str, DatabaseTable] = {}
    for url, tables in _by_url(sources, names).items():
        try:
            with _snapshot(url) as connection:
                for name in tables:
                    read[name] = _read(connection, TABLES[name], sources.of_table(name))
        except InputError as error:
            place = f"tables.{tables[0]}.url"
            faults = tuple(
                replace(fault, file=_SCENARIO_FILE, column=place, value=without_password(url))
                if fault.file != "psycopg" else fault
                for fault in error.faults
            )  # fmt: skip
            for name in tables:
                first = faults if name == tables[0] else ()
                read[name] = DatabaseTable(None, sources.of_table(name), faults=first)
    return read


def database_inputs(sources: Sources) -> list[InputFile]:
    """Checksums of the rows as they are now; of what cannot be read there is none.

    Parameters
    ----------
    sources : Sources
        What the scenario file says of the tables.
    """
    found = []
    for url, tables in _by_url(sources, TABLES).items():
        try:
            with _snapshot(url) as connection:
                for name in tables:
                    try:
                        query = _ask(connection, TABLES[name], sources.of_table(name))[0]
                        found.append(_fetch(connection, query, TABLES[name])[1])
                    except InputError:
                        continue  # whoever reads the table tells why
        except InputError:
            continue
    return found


def _by_url(sources: Sources, names: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        url = sources.of_table(name).url
        if url is not None:
            found.setdefault(url, []).append(name)
    return found


@contextmanager
def _snapshot(url: str) -> Iterator[Any]:
    """A connection that may write nothing, and in whose eyes the database does not change."""
    with connected(url, read_only=True) as connection:
        for statement in _PREPARE:
            connection.execute(statement)
        yield connection


def _read(connection: Any, table: Table, source: TableSource) -> DatabaseTable:
    try:
        query, unused = _ask(connection, table, source)
        content, stated = _fetch(connection, query, table)
        frame = pd.read_csv(
            io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""],
            skip_blank_lines=False, low_memory=False, encoding="utf-8",
        )  # fmt: skip
        source = source.model_copy(
            update={"ignore": [name for name in source.ignore if name not in unused]}
        )
        layer = Layer(numbered(frame), query.label, notes=query.notes)
        if query.shape is None:
            return DatabaseTable(layer, source, (stated,))
        layer, faults = _with_geometry(connection, layer, query.shape, table)
        return DatabaseTable(layer, source, (stated,), tuple(faults))
    except InputError as error:
        return DatabaseTable(None, source, faults=error.faults)


def _ask(connection: Any, table: Table, source: TableSource) -> tuple[_Query, set[str]]:
    """The query for a table, and the names of columns that it leaves away."""
    assert source.table is not None
    place = f"tables.{table.name}"
    with refusals_in(_SCENARIO_FILE, f"{place}.table", source.table), connection.transaction():
        found = connection.execute(_FIND, {"name": source.table}).fetchone()
        if found is None:
            names = [name for (name,) in connection.execute(_ALL_TABLES).fetchall()]
            raise InputError([_missing(source.table, f"{place}.table", names)])
        oid, schema, name, is_filtered, may_use, user = found
        columns = [_Column(*row) for row in connection.execute(_COLUMNS, (oid,)).fetchall()]
    label = label_of(f"{schema}.{name}")
    used, shape = _used_columns(columns, table, source, label)
    stands = f"{_quoted(schema)}.{_quoted(name)}"
    asked = [*used, *([shape] if shape is not None else [])]
    hidden = [column.name for column in asked if not column.may_read]
    if hidden or not may_use:
        says = [] if may_use else [f"GRANT USAGE ON SCHEMA {_quoted(schema)} TO {_quoted(user)}"]
        says += [f"GRANT SELECT ON {stands} TO {_quoted(user)}"] if hidden else []
        remedy = f"may not be read; its owner says: {'; '.join(says)}"
        raise InputError([Fault(label, None, ", ".join(hidden), "", remedy)])
    if not asked:
        raise InputError([Fault(label, None, "", "", "has no columns that are used")])
    by_name = {source.columns.get(column.name, column.name): column.name for column in used}
    order = [f'{_quoted(by_name[key])}::text COLLATE "C"' for key in table.key if key in by_name]
    text = f"SELECT {', '.join(map(_shown, asked))} FROM {stands}"
    text += f" WHERE (\n{source.where}\n)" if source.where is not None else ""
    text += f" ORDER BY {', '.join(order)}" if order else ""
    notes = []
    if source.where is not None:
        notes.append(Note(f"{label}: where", source.where, "set", "set in scenario.toml"))
    if is_filtered:
        value = "rows that policies hide are not read"
        notes.append(Note(f"{label}: row-level security", value, "INF", "PostgreSQL"))
    unused = {column.name for column in columns} - {column.name for column in used}
    return _Query(label, text, shape, tuple(notes)), unused


def _missing(name: str, place: str, names: list[str]) -> Fault:
    bare = {each.partition(".")[2]: each for each in reversed(names)}
    close = bare.get(name) or nearest(name, [*names, *bare])
    hint = f"did you mean {bare.get(close, close)}?" if close else "write it as SCHEMA.TABLE"
    return Fault(_SCENARIO_FILE, None, place, name, f"no such table in the database; {hint}")


def _used_columns(
    columns: list[_Column], table: Table, source: TableSource, label: str
) -> tuple[list[_Column], _Column | None]:
    """The columns to read, and the one with the geometry.

    As in layers of files, a whole number that is the primary key and no column of the table is the
    feature's number, and a geometry counts where rows have a place.
    """
    known = {column.name for column in table.accepted}
    used, shapes = [], []
    for column in columns:
        if column.name in source.ignore:
            continue
        meant = source.columns.get(column.name, column.name)
        if column.type_name in _SHAPES:
            shapes.append(column)
        elif not (column.is_primary and column.type_name in _WHOLE and meant not in known):
            used.append(column)
    if "lon" not in known:
        return used, None
    if len(shapes) > 1:
        names = ", ".join(shape.name for shape in shapes)
        remedy = f"several geometries; write all but one under [tables.{table.name}] ignore"
        raise InputError([Fault(label, None, names, "", remedy)])
    return used, shapes[0] if shapes else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shown(column: _Column) -> str:
    """A column as it is asked for, such that the same value is the same text always."""
    name = _quoted(column.name)
    if column.category == "B":
        return f"{name}::text AS {name}"  # true, not t
    if column.type_name == "numeric":  # 230100, not 230100.00
        exact = f"rtrim(rtrim({name}::text, '0'), '.')"
        return f"CASE WHEN {name}::text LIKE '%.%' THEN {exact} ELSE {name}::text END AS {name}"
    return name


def _fetch(connection: Any, query: _Query, table: Table) -> tuple[bytes, InputFile]:
    """The rows as CSV with a header, and their checksum."""
    content, digest = io.BytesIO(), hashlib.sha256()
    where = next((note.value for note in query.notes if note.item.endswith(": where")), "")
    place = (_SCENARIO_FILE, f"tables.{table.name}.where") if where else (query.label, "")
    with refusals_in(*place, where), connection.transaction():
        # Prepared it can be one statement only: a condition cannot end it and begin another.
        connection.execute(query.text + " LIMIT 0", prepare=True)
        asks = f"COPY (\n{query.text}\n) TO STDOUT (FORMAT csv, HEADER)"
        with connection.cursor() as cursor, cursor.copy(asks) as rows:
            for block in rows:
                digest.update(block)
                content.write(block)
                if content.tell() > MOST_BYTES:
                    remedy = (
                        f"a table holds at most {MOST_BYTES / 2**20:,.0f} MiB; leave rows away "
                        f"with [tables.{table.name}] where, or columns with ignore"
                    )
                    raise InputError([Fault(query.label, None, "size", "", remedy)])
    name = name_of_rows(query.label.removeprefix(label_of("")), table.name)
    return content.getvalue(), InputFile(name, digest.hexdigest())


def _with_geometry(
    connection: Any, layer: Layer, shape: _Column, table: Table
) -> tuple[Layer, list[Fault]]:
    """Take the last column for the geometry that it is, in the reference system of its SRID."""
    text = layer.frame.iloc[:, -1]
    frame = layer.frame.iloc[:, :-1]
    geometry = parsed_geometries(
        shapely.from_wkb, text.astype(object).where(text.notna(), None).to_numpy()
    )
    is_told = text.notna().to_numpy() & pd.isna(geometry)
    remedy = "cannot be read as a geometry; PostGIS makes it a plain one with ST_CurveToLine"
    blank = pd.Series("", index=frame.index)
    faults = row_faults(
        layer.label, table, frame, np.flatnonzero(is_told), shape.name, remedy, blank
    )
    found = shapely.get_srid(geometry)
    counts = Counter(found[~pd.isna(geometry)].tolist())
    typed = _TYPED_SRID.search(shape.type_text)
    srid = counts.most_common(1)[0][0] if counts else int(typed[1]) if typed else 0
    if len(counts) > 1:
        odd = ~pd.isna(geometry) & (found != srid)
        remedy = f"most rows have SRID {srid}; bring all to one with ST_Transform"
        values = pd.Series(found, index=frame.index).map("SRID {}".format)
        faults += row_faults(
            layer.label, table, frame, np.flatnonzero(odd), shape.name, remedy, values
        )
    schema, name = layer.label.removeprefix(label_of("")).split(".", 1)
    gives = f"SELECT UpdateGeometrySRID('{schema}', '{name}', '{shape.name}', 4326)"
    crs, crs_faults = _crs(connection, srid, layer.label, shape.name, gives)
    placed = replace(
        layer, frame=frame, geometry=geometry, crs=crs, is_told=is_told, states_crs=not crs_faults,
        without_crs=f"the SRID of {shape.name} is 0; give the one it is in, e.g. {gives}",
    )  # fmt: skip
    return placed, faults + crs_faults


def _crs(
    connection: Any, srid: int, label: str, column: str, gives: str
) -> tuple[Any, list[Fault]]:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if srid == 0:
        return None, []
    with refusals_in(label, column, f"SRID {srid}"), connection.transaction():
        found = connection.execute(
            "SELECT nspname FROM pg_extension JOIN pg_namespace AS space "
            "ON space.oid = extnamespace WHERE extname = 'postgis'"
        ).fetchone()
        (home,) = found or ("public",)  # installed by scripts, not as an extension
        row = connection.execute(
            f"SELECT auth_name, auth_srid, srtext FROM {_quoted(home)}.spatial_ref_sys "
            "WHERE srid = %s", (srid,),
        ).fetchone()  # fmt: skip
    if row is None:
        remedy = f"is not in spatial_ref_sys; give the one it is in, e.g. {gives}"
        return None, [Fault(label, None, column, f"SRID {srid}", remedy)]
    authority, code, text = row
    for said in (f"{authority}:{code}", text):
        try:
            return CRS.from_user_input(said), []
        except CRSError:
            continue
    remedy = "PROJ does not know what spatial_ref_sys says of it; take another reference system"
    return None, [Fault(label, None, column, f"SRID {srid}", remedy)]
