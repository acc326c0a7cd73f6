"""What a planner may ask about, and what is told of a name that is not known."""

from pathlib import Path

import pytest

from planner.errors import InputError
from planner.instance import Instance
from planner.planning.reasons.subject import find_subject


def _ids(tutorial: Instance, asked: str) -> list[str]:
    return tutorial.sites["site_id"].iloc[find_subject(tutorial, asked).site_idx].tolist()


def test_a_site_a_list_and_a_city(tutorial: Instance, tmp_path: Path) -> None:
    assert _ids(tutorial, "B") == ["B"]
    assert _ids(tutorial, "C, A,C") == ["A", "C"]
    everywhere = tutorial.sites["site_id"].tolist()
    for name in ("town", "Tutorial Town", "tutorial town"):
        assert _ids(tutorial, name) == everywhere
        assert find_subject(tutorial, name).city_idx == 0
    wishes = tmp_path / "wishes.csv"
    wishes.write_text("site_id,why\nD,dealer\nA,\n", encoding="utf-8")
    assert _ids(tutorial, str(wishes)) == ["A", "D"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("twon", "twon: is neither a site nor a city .* did you mean town?"),
        ("A,Aa,q", "Aa: no such site; did you mean A?"),
        ("nothing.csv", "nothing.csv: no such file"),
    ],
)
def test_unknown_names_come_with_near_ones(tutorial: Instance, asked: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        find_subject(tutorial, asked)


def test_all_unknown_sites_of_a_file_are_told(tutorial: Instance, tmp_path: Path) -> None:
    wishes = tmp_path / "wishes.csv"
    wishes.write_text("site_id\nA\nX1\nX2\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        find_subject(tutorial, str(wishes))
    assert [fault.value for fault in raised.value.faults] == ["X1", "X2"]
    wishes.write_text("site\nA\n", encoding="utf-8")
    with pytest.raises(InputError, match="site_id: column is missing"):
        find_subject(tutorial, str(wishes))
