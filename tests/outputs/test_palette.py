"""Colours stand in the palette, those of chemistries in data."""

import re
from pathlib import Path

import planner

PACKAGE = Path(planner.__file__).parent
COLOUR = re.compile(r"""["']#[0-9a-fA-F]{6}["']""")
CHEMISTRY = re.compile(r"""["'](lfp|nmc|sodium_ion)["']""")
BY_DEFINITION = {"physics/range_table.py", "validation/predictions.py"}
"""Where sodium-ion packs meet the others: the crossover temperature is about them. Published
figures that are an LFP pack's are held against an LFP pack."""


def _lines(pattern: re.Pattern[str], room: str = "") -> set[str]:
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in (PACKAGE / room).rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    }


def test_colours_of_outputs_stand_in_the_palette() -> None:
    assert _lines(COLOUR, "outputs") == {"outputs/palette.py"}
    assert _lines(COLOUR, "batch") == set()


def test_no_code_names_a_chemistry() -> None:
    assert _lines(CHEMISTRY) - BY_DEFINITION == set()
