"""Build an instance from a recipe: the census of China has a way of its own, all else is one."""

from collections.abc import Callable
from pathlib import Path

from planner.opendata.anywhere.build import build_region
from planner.opendata.china.recipe import build_china_140
from planner.opendata.recipe import Level, parse_recipe


def build_instance(
    text: str,
    out_dir: Path,
    *,
    file: str,
    data_dir: Path | None = None,
    level: Level = "offline",
    on_progress: Callable[[str], None],
) -> None:
    """Build the tables of an instance, its recipe beside them.

    Parameters
    ----------
    text : str
        The recipe, TOML.
    out_dir : path
        Folder to write into.
    file : str
        Name of the recipe that faults carry.
    data_dir : path or None
        Folder of the recipe's own files.
    level : {"offline", "grid", "full"}
        What is built from: what comes with the program; the recipe's grid of people too; its
        extract of OpenStreetMap too.
    on_progress : callable
        Told what is being done, one line at a time.

    Raises
    ------
    InputError
        See `parse_recipe` and the ways of building.
    """
    recipe = parse_recipe(text, file)
    if recipe.facts == "china":
        build_china_140(out_dir, on_progress=on_progress)
    else:
        build_region(recipe, out_dir, data_dir=data_dir, level=level, on_progress=on_progress)
    (out_dir / "recipe.toml").write_text(text, encoding="utf-8", newline="\n")
