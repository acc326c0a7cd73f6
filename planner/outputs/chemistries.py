"""The run's table of cell chemistries: what readers call each, and its colour on every picture.

An id that the table lacks stands for itself, in the palette's colour of what is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.outputs.palette import MISSING


@dataclass(frozen=True)
class Chemistry:
    """A cell chemistry: its full name, a short one for charts and tight columns, its colour."""

    name: str
    nickname: str
    colour: str


@dataclass(frozen=True)
class Chemistries:
    """Cell chemistries by id."""

    rows: Mapping[str, Chemistry]

    def __getitem__(self, chemistry: str) -> Chemistry:
        """What is known of a chemistry; see the module for ids that are not known."""
        return self.rows.get(chemistry, Chemistry(chemistry, chemistry, MISSING))

    def nickname(self, chemistry: str) -> str:
        """Short name of a chemistry."""
        return self[chemistry].nickname

    def colour(self, chemistry: str) -> str:
        """Colour of a chemistry, ``#rrggbb``."""
        return self[chemistry].colour


def read_chemistries(table: pd.DataFrame) -> Chemistries:
    """The table ``chemistries`` of an instance or of a run, as `Chemistries`."""
    return Chemistries(
        {
            chemistry: Chemistry(name, nickname, colour)
            for chemistry, name, nickname, colour in zip(
                table["chemistry"], table["name"], table["nickname"], table["colour"], strict=True
            )
        }
    )


def capitalised(text: str) -> str:
    """A name at the start of a sentence: its first letter large, the others as they are.

    >>> capitalised("sodium-ion"), capitalised("LFP")
    ('Sodium-ion', 'LFP')
    """
    return text[:1].upper() + text[1:]
