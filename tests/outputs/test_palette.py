"""Colours stand in the palette, those of chemistries in data."""

import itertools
import re
from pathlib import Path

import pytest

import planner
from planner.outputs import palette

PACKAGE = Path(planner.__file__).parent
COLOUR = re.compile(r"""["']#[0-9a-fA-F]{6}["']""")
CHEMISTRY = re.compile(r"""["'](lfp|nmc|sodium_ion)["']""")
BY_DEFINITION = {
    "physics/range_table.py",
    "validation/predictions.py",
    "opendata/anywhere/winters.py",
}
"""Where sodium-ion packs meet the others: the crossover temperature is about them. Published
figures that are an LFP pack's are held against an LFP pack. What a region's winters say is said of
sodium-ion."""


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


def _lightness(colour: str) -> float:
    """L* of a colour, CIE 1976, from sRGB under D65."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    ]
    luminance = sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


SCALES = {
    "served": tuple(colour for _, colour, _ in palette.SERVED_CLASSES),
    "on time": tuple(colour for _, colour, _ in palette.ON_TIME_CLASSES),
    "winter": palette.WINTER_COLOURS,
    "utilisation": palette.UTILISATION_COLOURS,
    "drive": palette.DRIVE_COLOURS,
    "margin": palette.MARGIN_COLOURS,
    "chosen": palette.CHOSEN_COLOURS,
    "cost": palette.COST_COLOURS,
}


@pytest.mark.parametrize("scale", SCALES)
def test_a_print_in_grey_keeps_the_order_of_a_scale(scale: str) -> None:
    grey = [_lightness(colour) for colour in SCALES[scale]]
    steps = [high - low for low, high in itertools.pairwise(grey)]
    assert all(step >= 10 for step in steps) or all(step <= -10 for step in steps), grey


def test_what_is_served_is_the_dark_end_and_all_shows_on_land() -> None:
    served = SCALES["served"]
    assert _lightness(served[-1]) < _lightness(served[0]) <= _lightness(palette.LAND) - 10
    assert served[-1] == palette.SERVED
