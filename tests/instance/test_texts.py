"""What bytes show of a column of texts is what its texts, looked at one by one, show."""

import h3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.instance.cells import CONTROL, SPACES, UNSEEN, trimmed
from planner.instance.check_places import shared_points
from planner.instance.texts import is_ascending, is_plain, is_trimmed, whole_numbers
from planner.instance.zone_cells import are_cells, with_centres

_CHARACTERS = "ab0~ \t\n\x00\x7f\x85é馬" + UNSEEN[0]
_TEXTS = st.lists(st.none() | st.text(_CHARACTERS, max_size=3), max_size=5)
_CELL = "8831818059fffff"


def _column(texts: list[str | None]) -> pd.Series:
    return pd.Series(texts, dtype="str")


@given(_TEXTS, st.integers(0, 2))
def test_a_glance_says_no_more_than_the_texts_do(texts: list[str | None], skipped: int) -> None:
    column, texts = _column(texts)[skipped:], texts[skipped:]
    known = [text for text in texts if text is not None]
    if is_plain(column):
        assert not any(CONTROL.search(text) for text in known)
    if is_trimmed(column):
        assert all(trimmed(text) == text for text in known)
        assert not any(text[0] in SPACES or text[-1] in SPACES for text in known)
    if is_ascending(column):
        assert len(set(known)) == len(texts)
        assert sorted(known) == texts


def test_a_glance_is_enough_where_texts_are_as_usual() -> None:
    column = pd.concat([_column(["110100-a", "110100-b"]), _column(["230100-a"])])
    assert is_plain(column)
    assert is_trimmed(column)
    assert is_ascending(column)
    assert is_trimmed(_column(["a b", None]))
    assert not is_ascending(_column(["b", "a"]))
    assert not is_ascending(_column(["a", "a"]))


@given(st.lists(st.integers(0, 16**15 - 1), min_size=1, max_size=4))
def test_hexadecimal_texts_are_numbers(numbers: list[int]) -> None:
    read = whole_numbers(_column([f"{number:015x}" for number in numbers]), 15)
    assert read is not None
    assert read.tolist() == numbers


@pytest.mark.parametrize("text", [_CELL.upper(), _CELL[:-1], f"0{_CELL}", "x" * 15, None])
def test_other_texts_are_left_to_a_closer_look(text: str | None) -> None:
    assert whole_numbers(_column([_CELL, text]), 15) is None


@pytest.mark.parametrize("others", [[], ["x" * 15], ["", None], [_CELL.upper(), "2"], ["f" * 15]])
def test_cells_are_told_as_h3_tells_them(others: list[str | None]) -> None:
    ids = [_CELL, "8831818058fffff", "0" * 15, *others]
    assert are_cells(_column(ids)).tolist() == [h3.is_valid_cell(each or "") for each in ids]


@pytest.mark.parametrize("ids", [[_CELL, "8831818051fffff"], [_CELL.upper(), f"0{_CELL}"], []])
def test_centres_are_those_of_h3(ids: list[str]) -> None:
    zones = with_centres(pd.DataFrame({"zone_id": _column(ids)}))
    expected = [h3.cell_to_latlng(each.lower().lstrip("0")) for each in ids]
    assert zones["lat"].tolist() == [round(lat, 6) for lat, _ in expected]
    assert zones["lon"].tolist() == [round(lon, 6) for _, lon in expected]


def test_points_that_agree_to_six_decimals_are_shared_and_missing_ones_are_not() -> None:
    places = pd.DataFrame(
        {
            "lon": [2.0, 1.0, np.nan, np.nan, 1.0, 1.0000001],
            "lat": [1.0, 1.0, 7.0, 7.0, 2.0, 1.0],
            "site_id": list("abcdef"),
        }
    )
    frames = dict.fromkeys(("cities", "zones", "corridor_sites"), places.iloc[:0])
    (note,) = shared_points({**frames, "sites": places}, {"sites": "sites.csv"})
    assert note.value == "b and f"
