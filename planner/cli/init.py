"""``planner init``: a folder for a planner's own tables."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(folder: Path) -> None:
    """Write templates of a planner's own tables into DIR: fill the blanks, and it is an instance.

    Tables of vehicles, packs and stations come filled with published figures. README.md there
    explains each column to fill. Nothing is overwritten.
    """
    from planner.opendata.templates import write_templates

    blank = write_templates(folder)
    click.echo(f"{folder}: fill in {', '.join(blank)}")
    click.echo(f"then: planner validate {folder}")
