"""``planner build-instance``: from a recipe to an instance folder, without a network."""

import json
from pathlib import Path
from typing import Any

import click

from planner.errors import InputError


@click.command("build-instance")
@click.argument("recipe", metavar="RECIPE", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder to write the tables into."
)
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of the recipe's own files.  [default: beside the recipe]",
)  # fmt: skip
@click.option(
    "--level", type=click.Choice(["offline", "grid", "full"]), default="offline",
    show_default=True,
    help="What is built from: what comes with the program; people from a grid too; streets too.",
)  # fmt: skip
@click.option("--init", "region", metavar="REGION", help='Print a recipe for a region, "Chile".')
@click.option("--downloads", is_flag=True, help="Name public files that would improve tables.")
@click.option("--check", is_flag=True, help="Check the recipe's own files; nothing is built.")
@click.option("--json", "as_json", is_flag=True, help="With --downloads or --check: JSON.")
def build_instance(
    recipe: str | None,
    out: Path | None,
    data: Path | None,
    level: Any,
    region: str | None,
    downloads: bool,
    check: bool,
    as_json: bool,
) -> None:
    """Build the tables of an instance from RECIPE (extra `opendata`), without a network.

    RECIPE is a TOML file, or one of the recipes that come with the program: china-140,
    nordic-export, chile, poland, southeast-asia, eu-export, latin-america, helsinki. scenario.toml
    is written once and then kept: it holds decisions, not data.

    \b
    Example:
      planner build-instance --init "Chile" > chile.toml
      planner build-instance chile.toml --downloads
      planner build-instance chile.toml --out chile
      planner run chile
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    if region is not None:
        from planner.opendata.init import write_recipe

        click.echo(write_recipe(region), nl=False)
        return
    if recipe is None:
        raise click.UsageError("give a RECIPE, or --init REGION to write one")
    from planner.opendata.recipe import SHIPPED, parse_recipe, recipe_text

    text, file = recipe_text(recipe), Path(recipe).name
    said = parse_recipe(text, file)
    folder = data or (Path() if recipe in SHIPPED else Path(recipe).parent)
    if downloads:
        from planner.opendata.downloads import format_downloads, list_downloads

        found = list_downloads(said, folder)
        click.echo(json.dumps([vars(each) for each in found]) if as_json else
                   format_downloads(found))  # fmt: skip
        return
    if check:
        from planner.opendata.inputs import check_inputs, format_inputs

        inputs, faults = check_inputs(said, folder, level)
        click.echo(json.dumps([vars(each) for each in inputs]) if as_json else
                   format_inputs(inputs))  # fmt: skip
        if faults:
            raise InputError(faults, source=file)
        return
    if out is None:
        raise click.UsageError("give --out DIR")
    from planner.opendata.build import build_instance as build

    build(
        text, out, file=file, data_dir=folder, level=level,
        on_progress=lambda line: click.echo(line, err=True),
    )  # fmt: skip
    click.echo(f"{said.name}: tables written to {out}")
