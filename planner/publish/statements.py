"""The statements that publish a run, the same for a connection and for a file.

None depends on what the database holds: what is there already is looked for by the statements
themselves. All belong into one transaction, which readers see whole or not at all.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from planner.outputs.layers.geopackage import styled_layer
from planner.publish.run_to_publish import RunToPublish
from planner.publish.tables import PublishedTable

STYLES_TABLE = "layer_styles"
_STYLE_NAME_CHARACTERS = 30  # of tables that old QGIS versions made


@dataclass(frozen=True)
class Destination:
    """Where in a database runs stand.

    Attributes
    ----------
    schema : str
        Of the runs' tables.
    styles_schema : str
        Where QGIS looks for ``layer_styles``: the first schema of a reader's search path.
    grant : tuple of str
        Roles that may read.
    keep : int or None
        Runs kept under one name; all if None.
    """

    schema: str = "planner"
    styles_schema: str = "public"
    grant: tuple[str, ...] = ()
    keep: int | None = None


@dataclass(frozen=True)
class Statement:
    """One statement, and in a few words what it does."""

    text: sql.Composed
    doing: str = ""


@dataclass(frozen=True)
class Load:
    """Rows that follow a COPY statement."""

    text: sql.Composed
    table: PublishedTable
    doing: str = ""


def begin(to: Destination) -> Iterator[Statement]:
    """Wait for other publications into the schema, and make what all runs share.

    Yields
    ------
    Statement
    """
    yield _statement("SET LOCAL client_min_messages = warning")
    yield _statement("SET LOCAL lock_timeout = '60s'")
    yield wait_for_others(to)
    yield _block(
        """
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis') THEN
    RAISE EXCEPTION 'the database has no PostGIS: CREATE EXTENSION postgis';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {0}) THEN
    EXECUTE format('CREATE SCHEMA %I', {0});
  END IF;""",
        sql.Literal(to.schema),
    )
    yield _statement(
        """CREATE TABLE IF NOT EXISTS {} (
  run_key text PRIMARY KEY, published_as text NOT NULL, is_current boolean NOT NULL,
  name text NOT NULL, scenario text, title text, planning_quarter text, status text,
  objective double precision, bound double precision, gap_frac double precision,
  objective_unit text, sense text, planner_version text, srid integer NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(), published_by text NOT NULL DEFAULT current_user,
  kpi jsonb NOT NULL, inputs jsonb NOT NULL)""",
        _in(to, "runs"),
    )
    yield _statement(
        """CREATE TABLE IF NOT EXISTS {} (
  run_key text NOT NULL REFERENCES {}, layer text NOT NULL, parent_table text NOT NULL,
  table_name text NOT NULL, geometry_type text, num_rows bigint NOT NULL,
  PRIMARY KEY (run_key, layer))""",
        _in(to, "run_layers"),
        _in(to, "runs"),
    )
    yield _statement(
        "COMMENT ON TABLE {} IS 'Plans published by planner; the tables of the current one under "
        "a name are called NAME__LAYER.'",
        _in(to, "runs"),
    )
    yield _statement(
        "COMMENT ON TABLE {} IS 'Layers and tables of each published plan.'",
        _in(to, "run_layers"),
    )
    yield _block(
        """
  IF to_regclass(format('%I.%I', {0}, {1})) IS NULL THEN
    EXECUTE format('CREATE TABLE %I.%I (id serial PRIMARY KEY, f_table_catalog varchar,
      f_table_schema varchar, f_table_name varchar, f_geometry_column varchar, stylename text,
      styleqml xml, stylesld xml, useasdefault boolean, description text,
      owner varchar(63) DEFAULT current_user, ui xml,
      update_time timestamp DEFAULT current_timestamp, type varchar)', {0}, {1});
  END IF;""",
        sql.Literal(to.styles_schema),
        sql.Literal(STYLES_TABLE),
    )


def wait_for_others(to: Destination) -> Statement:
    """Let publications into a schema follow each other, until the transaction ends."""
    return _statement(
        "SELECT pg_advisory_xact_lock(hashtext({}))", sql.Literal(f"planner publish {to.schema}")
    )


def load(run: RunToPublish, table: PublishedTable, to: Destination) -> Iterator[Statement | Load]:
    """One layer of one run as a table of its own, beside those that others read.

    Yields
    ------
    Statement or Load
    """
    name, parent = table.layer.name, _in(to, table.parent)
    part_name = stored_name(run.key, name)
    part = _in(to, part_name)
    geometry = None
    if table.geometry is not None:
        geometry = sql.SQL("geom geometry({}, {})").format(
            _name_of_type(table.geometry), sql.Literal(run.srid)
        )
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(column), _name_of_type(kind))
        for column, kind in table.types.items()
    ] + ([geometry] if geometry is not None else [])
    fixed = sql.SQL("run_key text NOT NULL, fid integer NOT NULL, ")
    yield _statement(
        "CREATE TABLE IF NOT EXISTS {} ({}, UNIQUE (run_key, fid)) PARTITION BY LIST (run_key)",
        parent,
        fixed + sql.SQL(", ").join(columns),
        doing=f"{name}: {len(table.layer.frame):,} rows",
    )
    wider = [column for column, kind in table.types.items() if kind == "double precision"]
    if wider:
        yield _widen(to, table.parent, wider)
    yield _statement("CREATE TABLE {} (LIKE {})", part, parent)
    missing = sql.SQL(", ").join(
        sql.SQL("ADD COLUMN IF NOT EXISTS {}").format(column) for column in columns
    )
    yield _statement("ALTER TABLE {} {}", part, missing)
    names = ["run_key", "fid", *table.types, *(["geom"] if geometry is not None else [])]
    yield Load(
        sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(
            part, sql.SQL(", ").join(map(sql.Identifier, names))
        ),
        table,
    )
    yield _statement(
        "ALTER TABLE {} ADD PRIMARY KEY (fid), ADD UNIQUE (run_key, fid), ADD CHECK (run_key = {})",
        part,
        sql.Literal(run.key),
    )
    for column in table.unique:
        yield _statement("ALTER TABLE {} ADD UNIQUE ({})", part, sql.Identifier(column))
    for column in table.indexed:
        yield _statement("CREATE INDEX ON {} ({})", part, sql.Identifier(column))
    if geometry is not None:
        yield _statement("CREATE INDEX ON {} USING gist (geom)", part)
    yield _comments(part, table)
    yield _statement("ANALYZE {}", part)
    yield _statement("ALTER TABLE {} {}", parent, missing)
    yield _statement(
        "ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})", parent, part, sql.Literal(run.key)
    )
    yield _comments(parent, table)
    yield _statement(
        "INSERT INTO {} VALUES ({})",
        _in(to, "run_layers"),
        _literals(
            run.key, name, table.parent, part_name, table.geometry, len(table.layer.frame)
        ),
    )  # fmt: skip


def register(run: RunToPublish, to: Destination) -> Statement:
    """Note the run, or that it is published again."""
    told, info = run.described, run.files.run_info
    models_first = (
        told.get("status"), told.get("objective"), told.get("bound"), told.get("gap_frac"),
        told.get("objective_unit"), told.get("sense"), info.get("planner_version"),
    )  # fmt: skip
    return _statement(
        """INSERT INTO {} (run_key, published_as, is_current, name, scenario, title,
  planning_quarter, status, objective, bound, gap_frac, objective_unit, sense, planner_version,
  srid, kpi, inputs) VALUES ({}) ON CONFLICT (run_key) DO NOTHING""",
        _in(to, "runs"),
        _literals(
            run.key, run.name, False, told.get("name"), told.get("scenario"), told.get("title"),
            info.get("planning_quarter"), *models_first, run.srid,
            json.dumps(told.get("kpi", {})), json.dumps(told.get("inputs", [])),
        ),
    )  # fmt: skip


def make_current(run: RunToPublish, to: Destination) -> Iterator[Statement]:
    """Give the run's tables their name; those of the run before go back to their own.

    Yields
    ------
    Statement
    """
    yield _rename(
        to,
        sql.SQL("is_current AND (published_as = {} OR run_key = {})").format(
            sql.Literal(run.name), sql.Literal(run.key)
        ),
        sql.SQL("layer || '__' || run_key"),
    )
    yield from make_current_again(to, run.key, run.name)


def make_current_again(to: Destination, key: str, name: str) -> Iterator[Statement]:
    """Let a run that is there be the one that stands under a name.

    Yields
    ------
    Statement
    """
    yield _statement(
        "UPDATE {} SET is_current = false WHERE published_as = {}",
        _in(to, "runs"),
        sql.Literal(name),
    )
    yield _statement(
        "UPDATE {} SET is_current = true, published_as = {}, published_at = now() "
        "WHERE run_key = {}",
        _in(to, "runs"),
        sql.Literal(name),
        sql.Literal(key),
    )
    yield _rename(
        to,
        sql.SQL("run_key = {}").format(sql.Literal(key)),
        sql.SQL("{} || '__' || layer").format(sql.Literal(name)),
    )


def write_styles(run: RunToPublish, to: Destination) -> Iterator[Statement]:
    """Let QGIS find the styles of the run's tables.

    Yields
    ------
    Statement
    """
    table = _in(Destination(to.styles_schema), STYLES_TABLE)
    for style, (qml, text) in run.styles().items():
        layer = styled_layer(style)
        of_table = f"{run.name}__{layer}"
        geometry = "geom" if run.files.has_geometry(layer) else None
        yield _statement(
            """INSERT INTO {} (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
  stylename, styleqml, useasdefault, description)
VALUES (current_database(), {}, {}, {}, {}, XMLPARSE(DOCUMENT {}), {}, {})""",
            table,
            *map(
                sql.Literal,
                (
                    to.schema, of_table, geometry, style[:_STYLE_NAME_CHARACTERS], qml,
                    style == layer, text,
                ),
            ),
        )  # fmt: skip


def remove_styles(to: Destination, layers: tuple[str, ...], name: str) -> Statement:
    """Take away the styles of some tables of a run that stands under a name."""
    return _statement(
        "DELETE FROM {} WHERE f_table_schema = {} AND f_table_catalog = current_database() "
        "AND f_table_name IN ({})",
        _in(Destination(to.styles_schema), STYLES_TABLE),
        sql.Literal(to.schema),
        _literals(*(f"{name}__{layer}" for layer in layers)),
    )


def drop_old(run: RunToPublish, to: Destination) -> Iterator[Statement]:
    """Remove the oldest runs under the name beyond those to keep.

    Yields
    ------
    Statement
    """
    if to.keep is not None:
        oldest = sql.SQL(
            "SELECT run_key FROM {} WHERE published_as = {} "
            "ORDER BY is_current DESC, published_at DESC OFFSET {}"
        ).format(_in(to, "runs"), sql.Literal(run.name), sql.Literal(to.keep))
        yield from drop_runs(to, oldest)


def drop_runs(to: Destination, keys: sql.Composed) -> Iterator[Statement]:
    """Remove runs whose keys a query gives, with their tables and styles.

    Yields
    ------
    Statement
    """
    yield _block(
        """
  FOR part IN SELECT layers.table_name FROM {0} AS layers WHERE run_key IN ({1}) LOOP
    EXECUTE format('DROP TABLE %I.%I', {2}, part.table_name);
    DELETE FROM {3} WHERE f_table_schema = {2} AND f_table_name = part.table_name
      AND f_table_catalog = current_database();
  END LOOP;
  CREATE TEMPORARY TABLE dropped ON COMMIT DROP AS {1};
  DELETE FROM {0} WHERE run_key IN (SELECT run_key FROM dropped);
  DELETE FROM {4} WHERE run_key IN (SELECT run_key FROM dropped);
  DROP TABLE dropped;""",
        _in(to, "run_layers"),
        keys,
        sql.Literal(to.schema),
        _in(Destination(to.styles_schema), STYLES_TABLE),
        _in(to, "runs"),
        declare="part record;",
        doing="removing old runs",
    )


def grant_reading(run: RunToPublish, to: Destination) -> Iterator[Statement]:
    """Let roles read what was published.

    Yields
    ------
    Statement
    """
    tables = [name for layer in run.layers for name in (run.parent(layer), f"{run.name}__{layer}")]
    for role in map(sql.Identifier, to.grant):
        yield _statement("GRANT USAGE ON SCHEMA {} TO {}", sql.Identifier(to.schema), role)
        for name in ("runs", "run_layers", *tables):
            yield _statement("GRANT SELECT ON {} TO {}", _in(to, name), role)
        yield _statement(
            "GRANT SELECT ON {} TO {}", _in(Destination(to.styles_schema), STYLES_TABLE), role
        )


def stored_name(key: str, layer: str) -> str:
    """Name of a run's table while no name stands for it."""
    return f"{layer}__{key}"


def _statement(text: str, *parts: sql.Composable, doing: str = "") -> Statement:
    return Statement(sql.SQL(text).format(*parts), doing)


def _block(text: str, *parts: sql.Composable, declare: str = "", doing: str = "") -> Statement:
    whole = f"DO $planner$ {'DECLARE ' + declare if declare else ''} BEGIN{text}\nEND $planner$"
    return _statement(whole, *parts, doing=doing)


def _name_of_type(name: str) -> sql.SQL:
    return sql.SQL(name)


def _in(to: Destination, table: str) -> sql.Identifier:
    return sql.Identifier(to.schema, table)


def _literals(*values: object) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Literal, values))


def _widen(to: Destination, parent: str, columns: list[str]) -> Statement:
    """Whole numbers of earlier runs may have fractions in this one."""
    return _block(
        """
  FOR narrow IN SELECT column_name FROM information_schema.columns WHERE table_schema = {0}
    AND table_name = {1} AND data_type = 'bigint' AND column_name IN ({2}) LOOP
    EXECUTE format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE double precision', {0}, {1},
      narrow.column_name);
  END LOOP;""",
        sql.Literal(to.schema),
        sql.Literal(parent),
        _literals(*columns),
        declare="narrow record;",
    )


def _rename(to: Destination, of_runs: sql.Composed, new_name: sql.Composable) -> Statement:
    """Rename tables of runs, and let their styles follow."""
    return _block(
        """
  FOR part IN SELECT layers.run_key, layer, table_name, {0} AS new_name
    FROM {1} AS layers WHERE run_key IN (SELECT run_key FROM {2} WHERE {3}) LOOP
    IF part.table_name <> part.new_name THEN
      EXECUTE format('ALTER TABLE %I.%I RENAME TO %I', {4}, part.table_name, part.new_name);
      UPDATE {5} SET f_table_name = part.new_name WHERE f_table_schema = {4}
        AND f_table_name = part.table_name AND f_table_catalog = current_database();
      UPDATE {1} SET table_name = part.new_name
        WHERE run_key = part.run_key AND layer = part.layer;
    END IF;
  END LOOP;""",
        new_name,
        _in(to, "run_layers"),
        _in(to, "runs"),
        of_runs,
        sql.Literal(to.schema),
        _in(Destination(to.styles_schema), STYLES_TABLE),
        declare="part record;",
    )


def _comments(name: sql.Identifier, table: PublishedTable) -> Statement:
    """What the table and its columns hold, in one go."""
    texts = [sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(table.comment))]
    texts += [
        sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
            name, sql.Identifier(column), sql.Literal(text)
        )
        for column, text in table.comments.items()
    ]
    return Statement(sql.SQL(";\n").join(texts))
