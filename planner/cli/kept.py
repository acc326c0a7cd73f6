"""``planner cache``: the arrays that runs keep for other runs of the same tables."""

from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from planner.planning.array_cache import ArrayCache


def users_cache() -> "ArrayCache | None":
    """What commands of this user keep for one another, for this state of the code; None if off."""
    from planner.outputs.versions import code_digest
    from planner.planning.array_cache import user_cache

    return user_cache(code_digest()[:16])


@click.command()
@click.option("--clear", is_flag=True, help="Remove them all; the next runs compute them again.")
def cache(clear: bool) -> None:
    """Tell what runs keep for later runs of the same tables, where, and how much; or clear it.

    Checked tables, road graphs, reaches, first packs, and where the siting search ended. The
    environment variable PLANNER_CACHE names another folder; set to nothing, none is kept.
    """
    from planner.planning.array_cache import (
        FOLDER_VARIABLE,
        KINDS,
        kept_files,
        kind_of,
        user_cache_folder,
    )

    folder = user_cache_folder()
    if folder is None:
        click.echo(f"nothing is kept: {FOLDER_VARIABLE} is set to nothing")
        return
    files = kept_files(folder)
    sizes = {path: path.stat().st_size for path in files}
    if clear:
        for path in files:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # another run may have begun to keep something
                path.parent.rmdir()
    does = "removed from" if clear else "in"
    click.echo(f"{len(files):,} files, {sum(sizes.values()) / 1e6:,.1f} MB {does} {folder}")
    for kind in sorted({kind_of(path) for path in files}):
        of_kind = [size for path, size in sizes.items() if kind_of(path) == kind]
        click.echo(f"{sum(of_kind) / 1e6:>10,.1f} MB in {len(of_kind):,}: {KINDS.get(kind, kind)}")
