"""What tables state of openings fits the scenario's periods, or is a named fault."""

from pathlib import Path

import pandas as pd
import pytest

from planner.errors import InfeasibleError, InputError
from planner.instance import Instance, read_instance
from planner.planning.limits import check_limits

HORIZON = {"first_quarter": "2026Q3", "last_quarter": "2027Q2"}


def _write(folder: Path, rates: str = "", **columns: list[str]) -> None:
    sites = pd.read_csv(folder / "sites.csv", dtype=str).assign(**columns)
    sites.to_csv(folder / "sites.csv", index=False)
    if rates:
        (folder / "build_rates.csv").write_text(rates, encoding="utf-8")


def _read(folder: Path, per_period: int = 1, **phasing: object) -> Instance:
    settings = {"first_quarter": "2026Q4", "quarters_per_period": per_period, **phasing}
    return read_instance(folder, overrides={"horizon": HORIZON, "phasing": settings})


def _faults(folder: Path, per_period: int = 1) -> list[str]:
    with pytest.raises(InputError) as caught:
        _read(folder, per_period)
    return [str(fault) for fault in caught.value.faults]


def test_dates_of_openings_are_checked_all_at_once(tutorial_copy: Path) -> None:
    _write(
        tutorial_copy,
        status=["committed", "committed", "candidate", "existing", "committed"],
        opens_quarter=["2026Q3", "2026Q4", "2026Q4", "", ""],
        earliest_quarter=["", "2027Q1", "2027Q2", "2026Q4", "2027Q2"],
    )
    found = "\n".join(_faults(tutorial_copy))
    assert "row 2 (A), opens_quarter: 2026Q3: is no quarter of phasing, 2026Q4 to 2027Q1" in found
    assert "row 3 (B), earliest_quarter: 2027Q1: is after the first day of the period" in found
    assert "row 4 (C), opens_quarter: 2026Q4: only sites of status committed have it" in found
    assert "row 5 (D), earliest_quarter: 2026Q4: only sites of status candidate" in found
    assert "row 6 (E), earliest_quarter: 2027Q2: no period begins then or later" in found
    assert len(found.splitlines()) == 5


def test_build_rates_are_checked(tutorial_copy: Path) -> None:
    rows = [
        "quarter,city_id,openings,budget_cny",
        "2026Q3,,1,",
        "2026Q4,town,1,100",
        "2027Q1,,1,",
        "2027Q1,,2,",
        "2027Q1,twon,2,",
    ]
    _write(tutorial_copy, "\n".join(rows) + "\n")
    found = "\n".join(_faults(tutorial_copy))
    assert "row 2, quarter: 2026Q3: is no quarter of phasing" in found
    assert "row 3 (2026Q4 / town), budget_cny: 100.0" in found
    assert "money is limited for the nation only" in found
    assert "twon" in found
    assert "row 5 (2027Q1), quarter + city_id" in found


def test_dates_without_phasing_are_noted(tutorial_copy: Path) -> None:
    _write(tutorial_copy, "quarter,city_id,openings\n2026Q4,,1\n", earliest_quarter=["2026Q4"] * 5)
    notes = read_instance(tutorial_copy).assumptions.set_index("item")["value"]
    assert notes["sites.earliest_quarter"] == notes["build_rates"] == "not used"
    phased = _read(tutorial_copy)
    assert "build_rates" not in set(phased.assumptions["item"])
    # An instance read for one scenario is not taken for another that looks at more of it.
    like = read_instance(tutorial_copy, overrides={"horizon": HORIZON})
    settings = {"horizon": HORIZON, "phasing": {"first_quarter": "2027Q1"}}
    with pytest.raises(InputError, match="2026Q4: is no quarter of phasing"):
        read_instance(tutorial_copy, overrides=settings, like=like)


@pytest.mark.parametrize(
    ("rates", "phasing", "conflict"),
    [
        ("", {"openings_per_quarter": 1}, ["at most 1 new station in 2027Q1",
         "the 2 stations committed to open in 2027Q1 A, B"]),
        ("quarter,city_id,openings\n2027Q1,town,1\n", {},
         ["city town: at most 1 new station in 2027Q1",
         "the 2 stations committed to open in 2027Q1 A, B"]),
        ("quarter,city_id,openings\n2026Q4,,0\n",
         {"openings_per_quarter": 1, "openings_carry_over": True},
         ["at most 0 new stations in 2026Q4", "station committed to open in 2026Q4 C"]),
        ("", {"openings_per_quarter": 2}, None),
    ],
)  # fmt: skip
def test_more_commitments_than_openings(
    tutorial_copy: Path, rates: str, phasing: dict[str, object], conflict: list[str] | None
) -> None:
    opens = ["2027Q1", "2027Q1", "2026Q4", "", ""]
    if phasing.get("openings_carry_over") is None:
        status = ["committed", "committed", "candidate", "candidate", "candidate"]
        opens[2] = ""
    else:
        status = ["committed"] * 3 + ["candidate"] * 2
    _write(tutorial_copy, rates, status=status, opens_quarter=opens)
    overrides = {"horizon": HORIZON, "phasing": {"first_quarter": "2026Q4", **phasing}}
    instance = read_instance(tutorial_copy, overrides={**overrides, "siting": {"num_stations": 3}})
    if conflict is None:
        check_limits(instance)
        return
    with pytest.raises(InfeasibleError) as refused:
        check_limits(instance)
    assert list(refused.value.conflict) == conflict
