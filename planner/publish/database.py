"""What a database must allow so that a run can be published: all that is missing told at once."""

from collections.abc import Iterator, Sequence
from typing import Any

from planner.errors import Fault, InputError
from planner.publish.statements import STYLES_TABLE, Destination


def check_destination(connection: Any, to: Destination, srid: int, parents: Sequence[str]) -> None:
    """Find everything that would make publishing fail, before any row is sent.

    Raises
    ------
    InputError
        With each grant that is missing as the statement that gives it.
    """
    faults = [
        Fault("database", None, "", what, remedy)
        for what, remedy in _lacks(connection, to, srid, parents)
    ]
    if faults:
        raise InputError(faults)


def _lacks(
    connection: Any, to: Destination, srid: int, parents: Sequence[str]
) -> Iterator[tuple[str, str]]:
    user, database, version = connection.execute(
        "SELECT current_user, current_database(), current_setting('server_version_num')::int"
    ).fetchone()
    if version < 120_000:
        yield f"PostgreSQL {version // 10_000}", "is too old; 12 or later is needed"
    if not _is_true(connection, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname='postgis')"):
        yield "PostGIS", "is not in the database; its administrator says: CREATE EXTENSION postgis"
        return
    if not _is_true(
        connection, "SELECT EXISTS (SELECT FROM spatial_ref_sys WHERE srid = %s)", srid
    ):
        yield f"EPSG:{srid}", "is not in the table spatial_ref_sys; choose another --crs"
    yield from _lacks_in_schema(connection, to, srid, parents, user, database)
    yield from _lacks_styles(connection, to, user)
    for role in to.grant:
        if not _is_true(connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname=%s)", role):
            yield role, "no such role; take it out of --grant or say: CREATE ROLE " + role


def _lacks_in_schema(
    connection: Any, to: Destination, srid: int, parents: Sequence[str], user: str, database: str
) -> Iterator[tuple[str, str]]:
    has_schema = _is_true(
        connection, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", to.schema
    )
    if not has_schema:
        if not _is_true(connection, "SELECT has_database_privilege(current_database(), 'CREATE')"):
            yield (
                f"schema {to.schema}",
                f"is missing and may not be made; its administrator says: GRANT CREATE ON DATABASE "
                f"{database} TO {user}, or CREATE SCHEMA {to.schema} AUTHORIZATION {user}",
            )
        return
    if not _is_true(connection, "SELECT has_schema_privilege(%s, 'CREATE, USAGE')", to.schema) or (
        not _is_true(connection, "SELECT has_schema_privilege(%s, 'CREATE')", to.schema)
    ):
        remedy = f"its owner says: GRANT CREATE, USAGE ON SCHEMA {to.schema} TO {user}"
        yield f"schema {to.schema}", remedy
        return
    for name, owner in connection.execute(
        "SELECT relname, pg_get_userbyid(relowner) FROM pg_class JOIN pg_namespace AS spaces "
        "ON spaces.oid = relnamespace WHERE nspname = %s AND relkind IN ('r', 'p') "
        "AND relname = ANY(%s) AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname",
        (to.schema, ["runs", "run_layers", *parents]),
    ).fetchall():
        yield (
            f"table {to.schema}.{name}",
            f"belongs to {owner}; its owner says: GRANT {owner} TO {user}",
        )
    odd = connection.execute(
        "SELECT DISTINCT srid FROM geometry_columns WHERE f_table_schema = %s "
        "AND f_table_name = ANY(%s) AND srid <> %s",
        (to.schema, list(parents), srid),
    ).fetchall()
    for (other,) in odd:
        remedy = (
            f"the schema {to.schema} holds EPSG:{other}, and a schema has one reference system; "
            f"take --crs EPSG:{other} or another --schema"
        )
        yield f"EPSG:{srid}", remedy


def _lacks_styles(connection: Any, to: Destination, user: str) -> Iterator[tuple[str, str]]:
    table = f"{to.styles_schema}.{STYLES_TABLE}"
    exists = _is_true(connection, "SELECT to_regclass(%s) IS NOT NULL", table)
    another = "or take --styles-schema SCHEMA, which readers then need in their search path"
    if not exists and not _is_true(
        connection,
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", to.styles_schema,
    ):  # fmt: skip
        yield f"schema {to.styles_schema}", "no such schema; choose another --styles-schema"
    elif not exists and not _is_true(
        connection, "SELECT has_schema_privilege(%s, 'CREATE')", to.styles_schema
    ):
        yield (
            f"table {table}",
            f"QGIS looks there for styles, and it may not be made; its owner says: GRANT CREATE ON "
            f"SCHEMA {to.styles_schema} TO {user}, {another}",
        )
    elif exists and not _is_true(
        connection,
        "SELECT has_table_privilege(%s, 'INSERT') AND has_table_privilege(%s, 'UPDATE') "
        "AND has_table_privilege(%s, 'DELETE') AND has_table_privilege(%s, 'SELECT')",
        table, table, table, table,
    ):  # fmt: skip
        sequence = f"{to.styles_schema}.{STYLES_TABLE}_id_seq"
        yield (
            f"table {table}",
            f"QGIS looks there for styles; its owner says: GRANT SELECT, INSERT, UPDATE, DELETE ON "
            f"{table} TO {user}; GRANT USAGE ON {sequence} TO {user}, {another}",
        )


def _is_true(connection: Any, query: str, *values: object) -> bool:
    return bool(connection.execute(query, values or None).fetchone()[0])
