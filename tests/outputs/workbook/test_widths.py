"""Widths of columns are those of their widest cells, though few cells are looked at."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.outputs.workbook.formats import PERCENT, TEXT
from planner.outputs.workbook.sheets import Column
from planner.outputs.workbook.widths import longest

CODES = {PERCENT: "{:,.1f}%", "#,##0": "{:,.0f}", "#,##0.00": "{:,.2f}"}
NUMBERS = st.floats(-1e9, 1e9).map(lambda value: value + 0.0) | st.sampled_from(
    [math.inf, -math.inf, 0.0]
)


@given(st.lists(st.none() | NUMBERS), st.sampled_from(sorted(CODES)))
def test_numbers_are_as_wide_as_the_widest_is_written(values, code):
    written = [
        CODES[code].format(100 * value if code == PERCENT else value)
        for value in values
        if value is not None
    ]
    column = Column("x", "X", "", values, [code] * len(values))
    assert longest(column) == max(map(len, written), default=0)


def test_each_number_counts_in_its_own_format():
    assert longest(Column("x", "X", "", [0.5, 1234.5], [PERCENT, "#,##0.00"])) == len("1,234.50")
    assert longest(Column("x", "X", "", [1234.5, 0.5], [PERCENT, "#,##0.00"])) == len("123,450.0%")


@pytest.mark.parametrize(
    ("values", "width"), [([], 0), ([None], 0), (["ab", "哈尔滨", None], 6), (["Harbin", True], 6)]
)
def test_ideographs_are_two_wide(values, width):
    assert longest(Column("x", "X", "", values, [TEXT] * len(values))) == width
