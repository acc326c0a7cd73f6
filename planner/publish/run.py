"""Publish a run: all of it, or nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from planner.database import connected
from planner.files import replaced_file
from planner.publish import statements as says
from planner.publish.database import check_destination
from planner.publish.rows import copy_rows
from planner.publish.run_to_publish import RunToPublish
from planner.publish.statements import Destination, Load, Statement

Step = Statement | Load


@dataclass(frozen=True)
class Publication:
    """What publishing did, or would do.

    Attributes
    ----------
    key, name : str
        Of the run.
    schema : str
        Where it stands.
    tables : tuple of str
        The run's tables, as readers call them.
    rows : mapping of layer to int
        Written, by layer.
    removed : tuple of str
        Keys of older runs that went.
    is_unchanged : bool
        Whether all stood there already, and nothing was written.
    """

    key: str
    name: str
    schema: str
    tables: tuple[str, ...]
    rows: dict[str, int]
    removed: tuple[str, ...] = ()
    is_unchanged: bool = False


@dataclass(frozen=True)
class _Found:
    """What stands in the database already."""

    layers: frozenset[str]
    is_current: bool
    older: tuple[str, ...]


def publish_run(
    run: RunToPublish,
    url: str,
    to: Destination,
    *,
    dry_run: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Publication:
    """Publish a run into a database in one transaction.

    A run that stands there under the same name with these layers is not written again.

    Parameters
    ----------
    run : RunToPublish
        From `planner.publish.run_to_publish.run_to_publish`.
    url : str
        Connection string.
    to : Destination
        Schemas, readers, runs kept.
    dry_run : bool
        Whether only to check the database and to tell what would be done.
    on_progress : callable
        Called with what is being done.

    Returns
    -------
    Publication

    Raises
    ------
    InputError
        If the database cannot be used; it is as it was then.
    """
    with connected(url, read_only=dry_run) as connection:
        if not dry_run:  # what another is just writing must be seen
            connection.execute(says.wait_for_others(to).text)
        check_destination(connection, to, run.srid, [run.parent(layer) for layer in run.layers])
        found = _look(connection, run, to)
        left = tuple(layer for layer in run.layers if layer not in found.layers)
        rows = {layer: run.num_rows(layer) for layer in left}
        removed = _removed(found, run, to)
        is_unchanged = not left and found.is_current and not removed
        if not (dry_run or is_unchanged):
            for step in steps(run, to, left=left, removes_styles=bool(found.layers)):
                _take(connection, run, step, on_progress)
        elif not dry_run:  # readers may be new where rows are not
            for step in says.grant_reading(run, to):
                _take(connection, run, step, on_progress)
    return Publication(run.key, run.name, to.schema, _tables(run, to), rows, removed, is_unchanged)


def write_sql(
    run: RunToPublish,
    path: Path,
    to: Destination,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Publication:
    """Write what would be sent to a database as a script for ``psql --file``.

    It fails, and leaves the database as it is, where the run is published already.
    """
    with replaced_file(path) as partial, partial.open("wb") as stream:
        stream.write(b"\\set ON_ERROR_STOP on\nBEGIN;\n")
        for step in steps(run, to, left=run.layers, removes_styles=False):
            if step.doing:
                on_progress(step.doing)
            stream.write(step.text.as_string(None).encode() + b";\n")
            if isinstance(step, Load):
                for block in copy_rows(step.table.layer, run.key, run.srid):
                    stream.write(block)
                stream.write(b"\\.\n")
        stream.write(b"COMMIT;\n")
    rows = {layer: run.num_rows(layer) for layer in run.layers}
    return Publication(run.key, run.name, to.schema, _tables(run, to), rows)


def steps(
    run: RunToPublish, to: Destination, *, left: tuple[str, ...], removes_styles: bool
) -> Iterator[Step]:
    """Every statement of a publication, in order.

    Parameters
    ----------
    run : RunToPublish
    to : Destination
    left : tuple of str
        Layers to be written.
    removes_styles : bool
        Whether some of the run's layers stand there already, with styles.

    Yields
    ------
    Statement or Load
    """
    yield from says.begin(to)
    yield says.register(run, to)
    for layer in left:
        yield from says.load(run, run.table(layer), to)
    yield from says.make_current(run, to)
    if removes_styles:
        yield says.remove_styles(to, run.layers, run.name)
    yield from says.write_styles(run, to)
    yield from says.drop_old(run, to)
    yield from says.grant_reading(run, to)


def _tables(run: RunToPublish, to: Destination) -> tuple[str, ...]:
    return tuple(f"{to.schema}.{run.name}__{layer}" for layer in run.layers)


def _take(
    connection: Any, run: RunToPublish, step: Step, on_progress: Callable[[str], None]
) -> None:
    if step.doing:
        on_progress(step.doing)
    if isinstance(step, Statement):
        connection.execute(step.text)
        return
    with connection.cursor().copy(step.text) as copy:
        for block in copy_rows(step.table.layer, run.key, run.srid):
            copy.write(block)


def _look(connection: Any, run: RunToPublish, to: Destination) -> _Found:
    if not connection.execute(
        "SELECT to_regclass(format('%%I.%%I', %s::text, 'runs')) IS NOT NULL", (to.schema,)
    ).fetchone()[0]:
        return _Found(frozenset(), False, ())
    schema = to.schema
    layers = connection.execute(
        sql.SQL("SELECT layer FROM {} WHERE run_key = %s").format(
            sql.Identifier(schema, "run_layers")
        ),
        (run.key,),
    ).fetchall()
    runs = connection.execute(
        sql.SQL(
            "SELECT run_key, is_current FROM {} WHERE published_as = %s "
            "ORDER BY is_current DESC, published_at DESC"
        ).format(sql.Identifier(schema, "runs")),
        (run.name,),
    ).fetchall()
    return _Found(
        frozenset(layer for (layer,) in layers),
        (run.key, True) in runs,
        tuple(key for key, _ in runs if key != run.key),
    )


def _removed(found: _Found, run: RunToPublish, to: Destination) -> tuple[str, ...]:
    return () if to.keep is None else found.older[max(0, to.keep - 1) :]
