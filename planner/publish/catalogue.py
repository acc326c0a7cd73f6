"""What is published, and taking it away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from planner.database import connected, without_password
from planner.errors import Fault, InputError
from planner.publish import statements as says
from planner.publish.statements import Destination


@dataclass(frozen=True)
class PublishedRun:
    """A run in a database.

    Attributes
    ----------
    key, published_as, name : str
        Its key, the name its tables have or had, its scenario's name.
    is_current : bool
        Whether its tables stand under that name.
    planning_quarter, status : str
    gap_frac : float or None
    published_at : datetime
    published_by : str
        A role of the database.
    layers : tuple of str
    num_rows, num_bytes : int
        Of all layers; bytes with keys and indexes.
    """

    key: str
    published_as: str
    is_current: bool
    name: str
    planning_quarter: str
    status: str
    gap_frac: float | None
    published_at: datetime
    published_by: str
    layers: tuple[str, ...]
    num_rows: int
    num_bytes: int


def published_runs(url: str, schema: str = "planner") -> list[PublishedRun]:
    """Runs in a schema, the newest first.

    Raises
    ------
    InputError
        If the database cannot be read.
    """
    with connected(url, read_only=True) as connection:
        return _runs(connection, schema)


def unpublish(url: str, which: str, to: Destination) -> tuple[PublishedRun, PublishedRun | None]:
    """Remove one run; the one published before it under the same name takes its place.

    Parameters
    ----------
    url : str
        Connection string.
    which : str
        A run's key, or a name: the run that stands under it.
    to : Destination
        Schemas.

    Returns
    -------
    removed : PublishedRun
    successor : PublishedRun or None
        Which stands in its place now.

    Raises
    ------
    InputError
        If there is no such run, or the database refuses.
    """
    with connected(url) as connection:
        connection.execute(says.wait_for_others(to).text)
        runs = _runs(connection, to.schema)
        found = [
            run for run in runs
            if run.key == which or (run.is_current and run.published_as == which)
        ]  # fmt: skip
        if not found:
            known = ", ".join(f"{run.key} ({run.published_as})" for run in runs) or "no runs"
            remedy = f"no such run; the schema {to.schema} holds {known}"
            raise InputError([Fault(without_password(url), None, "", which, remedy)])
        (run,) = found
        key = sql.SQL("SELECT run_key FROM {} WHERE run_key = {}").format(
            sql.Identifier(to.schema, "runs"), sql.Literal(run.key)
        )
        for statement in says.drop_runs(to, key):
            connection.execute(statement.text)
        before = [
            each for each in runs if each.published_as == run.published_as and each.key != run.key
        ]
        successor = before[0] if run.is_current and before else None
        if successor is not None:
            for statement in says.make_current_again(to, successor.key, run.published_as):
                connection.execute(statement.text)
        return run, successor


def _runs(connection: Any, schema: str) -> list[PublishedRun]:
    has_any = connection.execute(
        "SELECT to_regclass(format('%%I.%%I', %s::text, 'runs')) IS NOT NULL", (schema,)
    ).fetchone()[0]
    if not has_any:
        return []
    query = sql.SQL(
        """SELECT run_key AS key, published_as, is_current, name, planning_quarter, status,
  gap_frac, published_at, published_by, array_agg(layer ORDER BY layer) AS layers,
  sum(num_rows)::bigint AS num_rows,
  sum(pg_total_relation_size(format('%I.%I', {0}, table_name)::regclass))::bigint AS num_bytes
FROM {1} JOIN {2} USING (run_key) GROUP BY run_key ORDER BY published_at DESC, run_key"""
    ).format(
        sql.Literal(schema), sql.Identifier(schema, "runs"), sql.Identifier(schema, "run_layers")
    )
    rows = connection.cursor(row_factory=dict_row).execute(query).fetchall()
    return [PublishedRun(**row | {"layers": tuple(row["layers"])}) for row in rows]
