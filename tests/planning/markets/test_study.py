"""What a study of markets may say, and what is wrong with faulty ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.errors import InputError
from planner.planning.markets.members import read_members
from planner.planning.markets.study import read_market_study
from tests.market_study_files import TwoMarkets, two_markets


@pytest.fixture
def made(tmp_path: Path) -> TwoMarkets:
    return two_markets(tmp_path)


def _faults(made: TwoMarkets, **content: Any) -> str:
    file = made.write(**content) if content else made.file
    with pytest.raises(InputError) as caught:
        read_members(read_market_study(file), file)
    return str(caught.value)


HOME = {"instance": "home"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"supply_of": "hom"}, "supply_of: no member is called hom; did you mean home?"),
        ({"other_buyers_of": ["x"]}, "other_buyers_of: no member is called x"),
        ({"members": {"home": HOME}}, "two members or more"),
        ({"members": {"home": HOME, "b": {"folder": "x"}}}, "unknown key folder"),
        ({"members": {"home": HOME, "b": {"instance": "no"}}}, "members.b.instance: no: no such"),
        ({"settings": {"name": "x"}}, "settings.name: an instance says it itself"),
        ({"time_limit_s": 0.0}, "time_limit_s"),
        ({"dates": {"num": 1}}, "dates.num"),
        ({"weight": 2}, "unknown key weight"),
        ({"settings": {"siting": {"num_statons": 3}}}, "home: scenario.toml"),
    ],
)  # fmt: skip
def test_what_a_study_says_wrong_is_told(
    made: TwoMarkets, content: dict[str, Any], told: str
) -> None:
    assert told in _faults(made, **content)


def test_a_missing_study_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"docs/markets\.md"):
        read_market_study(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(InputError, match="valid UTF-8 TOML"):
        read_market_study(tmp_path / "bad.toml")


def _packs(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[TwoMarkets], None]:
    return lambda made: made.change("abroad", "packs", change(made.table("abroad", "packs")))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            _packs(lambda packs: packs.replace({"nominal_kwh": {"45": "50"}})),
            ["abroad: packs (na_25), nominal_kwh: 50", "home has 45"],
        ),
        (
            _packs(lambda packs: packs.replace({"pack_id": {"na_25": "na_26"}})),
            ["abroad: packs, pack_id: na_25: is missing", "pack_id: na_26: home has no such pack"],
        ),
    ],
)  # fmt: skip
def test_packs_that_differ_are_told(
    made: TwoMarkets, change: Callable[[TwoMarkets], None], told: list[str]
) -> None:
    change(made)
    found = _faults(made)
    assert all(text in found for text in told), found


def test_other_quarters_and_costs_are_told(made: TwoMarkets) -> None:
    abroad = {
        "instance": "abroad",
        "settings": {"horizon": {"last_quarter": "2027Q1"}, "costs": {"no_pack_cny": 1.0}},
    }
    found = _faults(made, members={"home": HOME, "abroad": abroad})
    assert "members.abroad: horizon: 2026Q4 to 2027Q1: home has 2026Q4 to 2027Q2" in found
    assert "members.abroad: costs.no_pack_cny: 1:" in found


def test_faults_of_an_instance_carry_the_member(made: TwoMarkets) -> None:
    made.change("abroad", "cities", made.table("abroad", "cities").drop(columns="lon"))
    assert "abroad: cities.csv" in _faults(made)


def test_demand_that_two_members_state_otherwise_is_told(made: TwoMarkets) -> None:
    buyers = made.table("abroad", "other_buyers").replace({"gwh": {"0.02": "0.03"}})
    made.change("abroad", "other_buyers", buyers)
    found = _faults(made, other_buyers_of=["home", "abroad"])
    assert "abroad: other_buyers (grid storage//ess/sodium_ion/2027Q1), gwh: 0.03" in found
    assert "home has 0.02" in found


def test_supply_that_limits_nothing_is_told(made: TwoMarkets) -> None:
    supply = made.table("home", "supply")
    made.change("home", "supply", supply[:0])
    made.change("home", "other_buyers", made.table("home", "other_buyers")[:0])
    assert "limits no chemistry of the packs" in _faults(made)


def test_a_cap_of_one_member_is_told(made: TwoMarkets) -> None:
    packs = made.table("abroad", "packs").assign(kgco2e_per_kwh="70")
    made.change("abroad", "packs", packs)
    abroad = {"instance": "abroad", "settings": {"packs": {"carbon_cap_kt": 2.5}}}
    found = _faults(made, members={"home": HOME, "abroad": abroad})
    assert "members.abroad: packs.carbon_cap_kt: 2.5" in found


def test_a_buyer_by_contract_here_and_by_price_there_is_told(made: TwoMarkets) -> None:
    buyers = made.table("abroad", "other_buyers").assign(basis="price", worth_cny_per_kwh="3")
    made.change("abroad", "other_buyers", buyers)
    found = _faults(made, other_buyers_of=["home", "abroad"])
    assert "basis: price: home has contract" in found
