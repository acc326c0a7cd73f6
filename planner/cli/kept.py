"""``planner cache``: the arrays that runs keep for other runs of the same tables."""

from contextlib import suppress

import click


@click.command()
@click.option("--clear", is_flag=True, help="Remove them all; the next runs compute them again.")
def cache(clear: bool) -> None:
    """Tell where runs keep road graphs and reaches for later runs, and how much; or clear it.

    The environment variable PLANNER_CACHE names another folder; set to nothing, none is kept.
    """
    from planner.planning.array_cache import FOLDER_VARIABLE, kept_files, user_cache_folder

    folder = user_cache_folder()
    if folder is None:
        click.echo(f"nothing is kept: {FOLDER_VARIABLE} is set to nothing")
        return
    files = kept_files(folder)
    size = sum(path.stat().st_size for path in files)
    if clear:
        for path in files:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # another run may have begun to keep something
                path.parent.rmdir()
    does = "removed from" if clear else "in"
    click.echo(f"{len(files):,} files, {size / 1e6:,.1f} MB {does} {folder}")
