"""Numbers as a reader sees them."""

import pytest

from planner.outputs.report.numbers import large, number, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9_278_000_000, "9.28 bn"),
        (999_999_999, "1,000 M"),
        (1_000_000, "1.00 M"),
        (10_000_000, "10.0 M"),
        (999_999.4, "999,999"),
        (0, "0"),
        (-2.5e6, "\N{MINUS SIGN}2.50 M"),
        (float("inf"), "–"),
    ],
)
def test_large(value: float, text: str) -> None:
    assert large(value) == text


def test_no_minus_before_zero() -> None:
    assert number(-0.04, 1) == "0.0"
    assert percent(-1e-9) == "0.0 %"
    assert percent(float("nan")) == "–"
