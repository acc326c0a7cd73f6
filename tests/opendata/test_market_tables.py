"""Certificates by market and use, what others buy, and what an instance takes of them."""

import re

import pandas as pd
import pytest

from planner.instance.tables import APPLICATIONS, PARAMETER_SETS, TABLES, quarters_between
from planner.opendata.market_tables import ELSEWHERE, market_tables, swap_cars_elsewhere
from planner.opendata.parameters import read_table

QUARTERS = quarters_between("2026Q1", "2029Q4")
ALWAYS = ("2026Q1",) * 3
"""Open in all quarters that are looked at."""
TRANSPORT = ("2026Q1", "2026Q1", "2026Q4")
"""Certificate of transport alone."""
APPROVED = ("2027Q1", "2027Q3", "2028Q2")
"""Approval of the car's pack by UNECE R100."""

SODIUM_ION = {
    "CN": (("2026Q3",) * 3, ("2026Q1",) * 3, ("2026Q1",) * 3),
    "EU": (APPROVED, ("2027Q1", "2027Q2", "2028Q1"), ("2026Q4", "2027Q1", "2028Q1")),
    "GB": (APPROVED, ("2026Q1", "2027Q2", "2027Q4"), ("2026Q1", "2027Q2", "2027Q4")),
    "NO": (APPROVED, TRANSPORT, TRANSPORT),
    "TH": (TRANSPORT, TRANSPORT, TRANSPORT),
    "ID": (TRANSPORT, TRANSPORT, TRANSPORT),
    "MY": (APPROVED, TRANSPORT, TRANSPORT),
    "VN": (("2026Q4", "2026Q4", "2027Q4"), TRANSPORT, TRANSPORT),
    "PH": (TRANSPORT, TRANSPORT, TRANSPORT),
    "BR": (("2026Q4", "2026Q4", "2027Q4"), ("2027Q2", "2027Q4", "2028Q4"), TRANSPORT),
    "CL": (("2026Q3", "2026Q4", "2027Q2"), TRANSPORT, TRANSPORT),
    "MX": (("2026Q4", "2026Q4", "2027Q2"), TRANSPORT, TRANSPORT),
    "CO": (("2026Q4", "2026Q4", "2027Q2"), TRANSPORT, TRANSPORT),
}
"""Market: for cars, storage and machines the first quarter from which all that is asked for is
held, at the earliest, expected and latest dates: the table of the survey of November 2026."""

LFP_CARS = {
    "EU": ("2026Q4", "2026Q4", "2027Q3"),
    "CN": ALWAYS,
    "CL": ALWAYS,
    "MX": ("2026Q4", "2026Q4", "2027Q2"),
}
USES = {"swap_car": 0, "fixed_car": 0, "ess": 1, "off_road": 2}


@pytest.fixture(scope="module")
def gates():
    return read_table("gates")


def _first_open(gates, market, application, chemistry, which):
    """First quarter from which no binding certificate that is asked for is missing any more."""
    rows = gates[
        (gates["market"] == market)
        & (gates["application"] == application)
        & (gates["chemistry"] == chemistry)
        & (gates["binding"] == "true")
    ]
    column = "opens" if which == "mid" else f"opens_{which}"
    held = rows[column].where(rows[column] != "", rows["opens"])
    closed = [
        ((rows["asked_from"] <= quarter) & ((held == "") | (held > quarter))).any()
        for quarter in QUARTERS
    ]
    assert not closed[-1]
    return QUARTERS[max((i + 1 for i, shut in enumerate(closed) if shut), default=0)]


@pytest.mark.parametrize("application", USES)
@pytest.mark.parametrize("market", SODIUM_ION)
def test_sodium_ion_may_be_sold_from_the_quarters_of_the_survey(gates, market, application):
    found = tuple(
        _first_open(gates, market, application, "sodium_ion", which) for which in PARAMETER_SETS
    )
    assert found == SODIUM_ION[market][USES[application]]


@pytest.mark.parametrize("market", LFP_CARS)
def test_lfp_cars_may_be_sold_from_the_quarters_of_the_survey(gates, market):
    found = tuple(_first_open(gates, market, "swap_car", "lfp", which) for which in PARAMETER_SETS)
    assert found == LFP_CARS[market]


def test_gates_know_every_market_and_use_of_the_survey(gates):
    assert set(gates["market"]) == set(SODIUM_ION)
    assert set(gates["application"]) == set(APPLICATIONS)
    key = TABLES["gates"].key_in(gates.columns)
    assert not gates.duplicated(key).any()
    dated = gates[(gates["opens_low"] != "") & (gates["opens_high"] != "")]
    assert (dated["opens_low"] <= dated["opens"]).all()
    assert (dated["opens"] <= dated["opens_high"]).all()
    # An approval that is not dated could never be had: it may be told of, but not bind.
    assert (gates.loc[gates["opens"] == "", "binding"] == "false").all()


def test_nothing_is_asked_for_before_its_law(gates):
    asked = gates[gates["asked_from"] != ""].groupby("certificate")["asked_from"].unique()
    assert {name: list(values) for name, values in asked.items()} == {
        "EU battery passport": ["2027Q1"],
        "EU due diligence policy": ["2027Q3"],
        "EU carbon footprint declaration (EV)": ["2027Q4"],
        "EU carbon footprint declaration (industrial)": ["2028Q2"],
        "Machinery Regulation 2023/1230": ["2027Q1"],
    }
    scope = gates[gates["chemistry"] == "sodium_ion"].set_index("certificate")["scope"]
    assert set(scope["UN 38.3 and class 9 transport"]) == {"yes"}
    assert set(scope["IEC 62619 / 62620"]) == {"no"}
    assert set(scope[["SBESS safety (Art. 12, Annex V)"]]) == {"adapted"}


@pytest.mark.parametrize(
    "name",
    ["gates", "supply", "other_buyers", "materials", "material_supply", "offers", "declarations"],
)
def test_every_row_says_how_sure_it_is(name):
    source = read_table(name)["source"]
    assert source.map(lambda text: bool(re.match(r"(MC|M|PR|AN|INF|\?)\W", text))).all()
    assert (source.str.len() > 15).all()


def _by_quarter(frame, which):
    gwh = pd.to_numeric(frame["gwh"])
    if which != "mid":
        gwh = pd.to_numeric(frame[f"gwh_{which}"]).fillna(gwh)
    return gwh.groupby(frame["quarter"]).sum()


@pytest.mark.parametrize("which", PARAMETER_SETS)
def test_contracts_leave_something_of_every_quarter(which):
    supply, buyers = read_table("supply"), read_table("other_buyers")
    contracts = buyers[buyers["basis"] == "contract"]
    left = _by_quarter(supply, which) - _by_quarter(contracts, which).reindex(
        _by_quarter(supply, which).index, fill_value=0.0
    )
    assert (left > 0).all()


def test_more_is_left_the_more_a_set_favours_sodium_ion():
    supply, buyers = read_table("supply"), read_table("other_buyers")
    left = [
        (_by_quarter(supply, which) - _by_quarter(buyers, which)).cumsum()
        for which in PARAMETER_SETS
    ]
    assert (left[0].dropna() <= left[1].dropna()).all()
    assert (left[1].dropna() <= left[2].dropna()).all()


def test_the_storage_contract_is_sixty_gigawatt_hours_in_three_years():
    buyers = read_table("other_buyers")
    storage = _by_quarter(buyers[buyers["buyer"] == "HyperStrong grid storage"], "mid")
    assert storage.loc["2027Q1":"2027Q4"].sum() == pytest.approx(20, abs=0.01)
    later = 3 * storage["2028Q4"]  # three more quarters of the twelve
    assert storage.sum() + later == pytest.approx(60, abs=0.5)


def _supply(**columns):
    rows = {"chemistry": "sodium_ion", "quarter": ["2027Q1", "2027Q2"], "gwh": ["1", "4"]}
    return pd.DataFrame(rows | columns)


def _buyer(basis, gwh, quarter="2027Q2"):
    row = {"chemistry": "sodium_ion", "quarter": quarter, "gwh": gwh, "basis": basis}
    return pd.DataFrame([row])


def test_swap_cars_elsewhere_take_their_share_of_what_is_left():
    buyers = pd.concat([_buyer("contract", "1"), _buyer("price", "0.5")])
    found = swap_cars_elsewhere(_supply(), buyers, 0.9).set_index("quarter")
    assert found.loc["2027Q1", "gwh"] == "0.900000"
    assert found.loc["2027Q2", "gwh"] == "2.250000"
    assert set(found["basis"]) == {"contract"}
    nothing = swap_cars_elsewhere(_supply(), _buyer("contract", "9"), 0.9)
    assert nothing["gwh"].tolist() == ["0.900000", "0.000000"]


def test_each_parameter_set_has_its_own_share():
    supply = _supply(gwh_low=["0.5", ""], gwh_high=["2", "8"])
    found = swap_cars_elsewhere(supply, _buyer("contract", "1"), 0.5).set_index("quarter")
    assert found.loc["2027Q1", ["gwh_low", "gwh", "gwh_high"]].tolist() == [
        "0.250000", "0.500000", "1.000000",
    ]  # fmt: skip
    assert found.loc["2027Q2", ["gwh_low", "gwh", "gwh_high"]].tolist() == [
        "1.500000", "1.500000", "3.500000",
    ]  # fmt: skip


def test_pilot_cells_serve_contracts_and_never_swap_cars():
    supply = pd.concat([_supply(kind="series"), _supply(kind="pilot")])
    found = swap_cars_elsewhere(supply, _buyer("contract", "5"), 1.0).set_index("quarter")
    assert found["gwh"].tolist() == ["1.000000", "3.000000"]


def _read(name):
    return read_table(name)


def test_an_instance_takes_the_rows_of_its_markets_and_of_all_contracts():
    tables = market_tables(_read, {"EU", "NO"}, 45_000, 450_000)
    buyers = tables["other_buyers"]
    assert set(buyers.loc[buyers["basis"] == "price", "market"]) == {"EU"}
    contracts = set(buyers.loc[buyers["basis"] == "contract", "buyer"])
    assert {"HyperStrong grid storage", "Aion cars with fixed packs", ELSEWHERE} <= contracts
    gates = tables["gates"]
    assert set(gates["market"]) == {"EU", "NO", "CN"}
    assert set(gates.loc[gates["market"] == "CN", "application"]) == {"ess", "fixed_car"}
    assert set(tables["offers"]["market"]) == {"EU", "NO"}
    # A tenth as many vehicles: a hundredth share less of what storage and fixed packs leave.
    elsewhere = buyers[buyers["buyer"] == ELSEWHERE].set_index("quarter")
    assert float(elsewhere.loc["2027Q1", "gwh"]) == pytest.approx(0.25 * 10 / 11, abs=2e-6)


def test_an_offer_without_a_market_is_made_in_every_market_abroad():
    offers = market_tables(_read, {"CN", "SG", "VN"})["offers"]
    assert offers[["market", "pack_id"]].to_numpy().tolist() == [
        [market, pack] for market in ("SG", "VN") for pack in ("na_20", "na_25")
    ]
    own = read_table("offers").iloc[:1].assign(market="VN", min_order_packs="500")
    both = pd.concat([read_table("offers"), own])

    def read(name):
        return both if name == "offers" else read_table(name)

    offers = market_tables(read, {"SG", "VN"})["offers"]
    assert offers["market"].value_counts().to_dict() == {"SG": 2, "VN": 1}


def test_china_has_all_swap_cars_and_needs_no_offer():
    tables = market_tables(_read, {"CN"})
    assert "offers" not in tables
    assert ELSEWHERE not in set(tables["other_buyers"]["buyer"])
    assert set(tables["gates"]["market"]) == {"CN"}
