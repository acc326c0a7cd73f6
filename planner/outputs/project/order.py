"""Groups, order, titles and themes of a project's layers, and how its tables hang together.

The tables beside this file tell them; layers that a run lacks are left out, layers that nobody has
put into a group come last.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from planner.outputs.language import Language, translate
from planner.outputs.project.package import Held

OTHERS = "Other tables"


@dataclass(frozen=True)
class Group:
    """Layers that stand together in the list of layers, the uppermost first, with their titles."""

    title: str
    layers: dict[str, str]


@dataclass(frozen=True)
class Theme:
    """Layers that make one map: the style of each, which is the default's if it is empty."""

    title: str
    styles: dict[str, str]


@dataclass(frozen=True)
class Relation:
    """Rows of a table that belong to one row of another, told by a column of each."""

    parent: str
    parent_column: str
    child: str
    child_column: str

    @property
    def key(self) -> str:
        """Name among a project's relations."""
        return f"{self.child}_of_{self.parent}"


def order_groups(layers: Mapping[str, Held], language: Language) -> list[Group]:
    """Groups of the layers that are there, in the order of the list of layers.

    Parameters
    ----------
    layers : mapping of str to Held
        What is to be ordered.
    language : Language
        Of all titles.
    """
    found: dict[str, dict[str, str]] = {}
    known = _rows("groups.csv")
    for row in known:
        if row["layer"] in layers:
            group = found.setdefault(translate(row["group"], language), {})
            group[row["layer"]] = translate(row["title"], language)
    others = sorted(set(layers) - {row["layer"] for row in known})
    if others:
        found[translate(OTHERS, language)] = {name: name for name in others}
    return [Group(title, titles) for title, titles in found.items()]


def find_themes(layers: Mapping[str, Held], language: Language) -> list[Theme]:
    """Themes whose first layer is there, in its style; their other layers as far as they are there.

    Parameters
    ----------
    layers, language
        As of `order_groups`.
    """
    themes: dict[str, list[tuple[str, str]]] = {}
    for row in _rows("themes.csv"):
        themes.setdefault(row["theme"], []).append((row["layer"], row["style"]))

    def is_there(name: str, style: str) -> bool:
        return name in layers and (not style or style in layers[name].other_styles)

    return [
        Theme(
            translate(title, language),
            {name: style for name, style in styles if is_there(name, style)},
        )
        for title, styles in themes.items()
        if is_there(*styles[0])
    ]


def find_relations(layers: Mapping[str, Held]) -> list[Relation]:
    """Relations both of whose columns are there.

    Parameters
    ----------
    layers : mapping of str to Held
        What may be related.
    """
    return [
        relation
        for relation in (Relation(**row) for row in _rows("relations.csv"))
        if relation.parent in layers
        and relation.parent_column in layers[relation.parent].columns
        and relation.child in layers
        and relation.child_column in layers[relation.child].columns
    ]


@cache
def _rows(name: str) -> list[dict[str, str]]:
    text = files("planner.outputs.project").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
