"""How wide a column's cells are, measured where it matters: numbers by their ends, texts once.

Takes what cells hold and their formats; leaves pages and lines of text to the writer.
"""

import math
from collections import defaultdict

from planner.outputs.workbook.formats import PERCENT
from planner.outputs.workbook.sheets import Column


def longest(column: Column) -> int:
    """Characters of the widest cell.

    A number of a format is wider the farther it is from zero, on either side: of a hundred
    thousand numbers, two are written out.
    """
    texts, numbers = set[str](), defaultdict[str, list[float]](list)
    for value, code in zip(column.values, column.number_formats, strict=True):
        if isinstance(value, float):
            numbers[code].append(value)
        elif value is not None:
            texts.add(str(value))
    of_numbers = (
        _number_width(value, code) for code, values in numbers.items() for value in _widest(values)
    )
    return max(max(of_numbers, default=0), max(map(text_width, texts), default=0))


def _widest(values: list[float]) -> list[float]:
    finite = [value for value in values if math.isfinite(value)]
    others = [value for value in values if not math.isfinite(value)]
    return [max(finite), min(finite), *others] if finite else others


def _number_width(value: float, code: str) -> int:
    decimals = len(code.partition(".")[2].rstrip("%"))
    scaled = 100 * value if code == PERCENT else value
    return len(f"{scaled:,.{decimals}f}") + code.endswith("%")


def text_width(text: str) -> int:
    """Characters that a text takes; ideographs are two wide."""
    if text.isascii():
        return len(text)
    return sum(2 if ord(character) >= 0x2E80 else 1 for character in text)
