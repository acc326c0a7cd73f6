"""The list of data points and of duties: complete, counted, and everything named is there."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from planner.compliance.duties import OTHER, PASSPORT, duties, duty_of, rests_on_tests
from planner.compliance.known import READERS
from planner.compliance.points import (
    CATEGORY_OF,
    EV,
    INDUSTRIAL,
    Point,
    Requirement,
    Role,
    passport_points,
)
from planner.instance.tables import APPLICATIONS, TABLES

ROOT = Path(__file__).parents[2]
NOT_IN_FEBRUARY_2027 = {*range(16, 24), 25, 44}


def test_the_list_has_the_points_that_the_commission_counts() -> None:
    points = passport_points()
    assert [point.number for point in points] == list(range(1, 72))
    must = {
        category: sum(point.requirement[category] == Requirement.MUST for point in points)
        for category in (EV, INDUSTRIAL)
    }
    assert must == {EV: 47, INDUSTRIAL: 32}


def test_points_that_wait_are_those_of_the_list() -> None:
    waiting = (Requirement.LATER, Requirement.NONE)
    for point in passport_points():
        both = {point.requirement[category] in waiting for category in (EV, INDUSTRIAL)}
        if point.number in NOT_IN_FEBRUARY_2027:
            assert both == {True}, point
        else:
            # Of one category alone: the vehicle's energy and threshold, the others' health.
            assert both == {False} or point.number in {33, *range(61, 67)}, point


@pytest.mark.parametrize("point", passport_points(), ids=lambda point: str(point.number))
def test_each_point_is_told_in_full(point: Point) -> None:
    assert point.name
    assert any("\u4e00" <= letter <= "\u9fff" for letter in point.name_zh)
    assert point.group
    assert point.source.startswith(("M:", "?:"))
    assert "2023/1542" in point.source
    name, _, argument = point.how.partition(":")
    assert not name or name in READERS
    if name == "pack":
        assert argument in {column.name for column in TABLES["packs"].columns}
    assert not point.from_duty or point.from_duty in duties()
    later = Requirement.LATER in point.requirement.values()
    assert later or not (point.from_quarter or point.from_duty)
    if point.role is Role.FILL:
        assert point.how
    else:
        assert point.ask


def test_names_stand_once() -> None:
    for name in ("name", "name_zh"):
        counted = Counter(getattr(point, name) for point in passport_points())
        assert counted.most_common(1)[0][1] == 1


def test_every_use_has_a_category() -> None:
    assert set(CATEGORY_OF) == set(APPLICATIONS)


@pytest.mark.parametrize(
    ("certificate", "duty"),
    [
        ("EU battery passport", PASSPORT),
        ("MS 2818 battery passport", PASSPORT),
        ("EU carbon footprint declaration (industrial)", "carbon"),
        ("EU carbon footprint label", "carbon label"),
        ("EU declaration of conformity and CE (2023/1542 Art. 6, 9-14)", "conformity"),
        ("EU due diligence policy", "due diligence"),
        ("UN 38.3 and class 9 transport", "transport"),
        ("UNECE R100 thermal propagation", "type approval"),
        ("GB 38031-2025", "type approval"),
        ("GB/T 40032-2021", "swap safety"),
        ("IEC 62619 / 62620", "storage safety"),
        ("UKCA or CE (LVD, EMC, machinery)", "marking"),
        ("a rule of tomorrow", OTHER),
    ],
)
def test_a_certificates_name_tells_its_duty(certificate: str, duty: str) -> None:
    assert duty_of(certificate) == duty


def test_the_shipped_gates_have_a_duty_each() -> None:
    named = {
        row["certificate"]
        for path in ROOT.glob("instances/*/gates*.csv")
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    }
    assert named
    assert {name for name in named if duty_of(name) == OTHER} == set()
    passports = {name for name in named if duty_of(name) == PASSPORT}
    assert passports == {name for name in named if "passport" in name}


def test_tests_stand_behind_certificates_that_are_not_papers_alone() -> None:
    assert {duty for duty in duties() if not rests_on_tests(duty)} == {
        PASSPORT, "carbon", "carbon label", "due diligence",
    }  # fmt: skip
    assert rests_on_tests(OTHER)
