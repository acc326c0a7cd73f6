"""Commands on databases: runs go there, are listed and taken away."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from planner.errors import Fault, InputError

_URL = click.argument("url", metavar="URL")
_SCHEMA = click.option(
    "--schema", default="planner", show_default=True, metavar="NAME", help="Of the runs' tables."
)
_STYLES_SCHEMA = click.option(
    "--styles-schema", default="public", show_default=True, metavar="NAME",
    help="Of layer_styles, where QGIS finds it: the first of its readers' search path.",
)  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help="The result as JSON.")


def _of_publish(name: str) -> Callable[..., Any]:
    try:
        import_module("psycopg")
    except ImportError as error:
        remedy = "is not installed; say: pip install 'planner[postgis]'"
        raise InputError([Fault("psycopg", None, "", "", remedy)]) from error
    return getattr(import_module("planner.publish"), name)  # type: ignore[no-any-return]


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("url", metavar="[URL]", required=False)
@_SCHEMA
@click.option(
    "--as", "name", metavar="NAME",
    help="Tables are called NAME__LAYER.  [default: the scenario's name]",
)  # fmt: skip
@click.option("--layers", default="", metavar="A,B", help="Layers and tables.  [default: all]")
@click.option(
    "--crs", default="EPSG:4326", show_default=True, metavar="CODE", help="Of the shapes."
)
@click.option("--dry-run", is_flag=True, help="Check the database and tell what would be written.")
@click.option(
    "--keep", type=click.IntRange(min=1), metavar="N",
    help="Remove older runs under NAME beyond N.  [default: keep all]",
)  # fmt: skip
@click.option("--grant", multiple=True, metavar="ROLE", help="May read; may be repeated.")
@_STYLES_SCHEMA
@click.option(
    "--sql", "sql_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the statements for `psql --file` instead; no URL then.",
)  # fmt: skip
@_JSON
def publish(
    run_folder: Path,
    url: str | None,
    schema: str,
    name: str | None,
    layers: str,
    crs: str,
    dry_run: bool,
    keep: int | None,
    grant: tuple[str, ...],
    styles_schema: str,
    sql_file: Path | None,
    as_json: bool,
) -> None:
    """Publish the finished run RUN into the PostGIS database at URL (docs/publish.md).

    All of it or nothing, in one transaction; a run that stands there is not written again.
    Passwords belong into ~/.pgpass, a service file or PGPASSWORD.

    \b
    Example:
      planner publish outputs/nordic postgresql://gis@db/plans --as winter_plan
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    if (url is None) == (sql_file is None):
        raise click.UsageError("give a URL, or --sql FILE")
    if sql_file is not None and dry_run:
        raise click.UsageError("--sql writes to no database; leave --dry-run away")
    to = _of_publish("Destination")(schema, styles_schema, grant, keep)
    chosen = [each.strip() for each in layers.split(",") if each.strip()]
    run = _of_publish("run_to_publish")(run_folder, name=name, layers=chosen, crs=crs)

    def report(line: str) -> None:
        click.echo(line, err=True)

    if sql_file is not None:
        done = _of_publish("write_sql")(run, sql_file, to, report)
    else:
        done = _of_publish("publish_run")(run, url, to, dry_run=dry_run, on_progress=report)
    _of_publish("show_publication")(done, is_planned=dry_run, file=sql_file, as_json=as_json)


@click.command()
@_URL
@_SCHEMA
@_JSON
def published(url: str, schema: str, as_json: bool) -> None:
    """Show the runs in the database at URL, newest first."""
    _of_publish("show_published")(
        _of_publish("published_runs")(url, schema), schema, as_json=as_json
    )


@click.command()
@click.argument("which", metavar="KEY_OR_NAME")
@_URL
@_SCHEMA
@_STYLES_SCHEMA
@_JSON
def unpublish(which: str, url: str, schema: str, styles_schema: str, as_json: bool) -> None:
    """Remove a run from the database at URL: by its key, or the one that stands under a name.

    The run published before it under the same name takes its place.
    """
    to = _of_publish("Destination")(schema, styles_schema)
    removed, successor = _of_publish("unpublish")(url, which, to)
    _of_publish("show_removed")(removed, successor, as_json=as_json)
