"""Dates of gates at a quantile, openness by use, first deliveries: by hand, and as checked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.instance import Instance
from planner.instance.dated_gates import first_deliveries, gate_dates, offer_dates, open_in
from planner.planning.packs import may_be_used, open_packs
from planner.plans.gate_rows import placings
from tests.cars import SODIUM, table
from tests.markets import QUARTERS, gates, offers, two_markets


def _at(instance: Instance, quantile: float, **of: float) -> Instance:
    settings = instance.scenario.gates.model_copy(
        update={"quantile": quantile, "quantile_of": of}
    )  # fmt: skip
    return replace(instance, scenario=instance.scenario.model_copy(update={"gates": settings}))


@pytest.mark.parametrize(
    ("quantile", "opens"),
    [(0.0, "2027Q1"), (0.29, "2027Q1"), (0.3, "2027Q2"), (0.69, "2027Q2"), (0.7, "2027Q4"),
     (1.0, "2027Q4")],
)  # fmt: skip
def test_a_quantile_takes_one_of_three_dates(
    tutorial: Instance, quantile: float, opens: str
) -> None:
    dates = gate_dates(_at(two_markets(tutorial), quantile)).set_index("certificate")
    assert dates.loc["R100", "opens_used"] == opens
    # A gate with one date has it at every quantile.
    assert dates.loc["GB 38031", "opens_used"] == "2026Q3"
    assert dates.loc["GB 38031", "opens_low"] == dates.loc["GB 38031", "opens_high"] == "2026Q3"


def test_a_certificate_has_a_quantile_of_its_own(tutorial: Instance) -> None:
    dates = gate_dates(_at(two_markets(tutorial), 0.1, R100=0.9)).set_index("certificate")
    assert dates.loc["R100", "opens_used"] == "2027Q4"


def test_a_gate_without_a_date_stays_closed(tutorial: Instance) -> None:
    towns = two_markets(tutorial)
    never = gates(("EU", "swap_car", SODIUM, "R100", None, "2027Q1", None, None))
    for quantile, opens in ((0.1, "2027Q1"), (0.5, None), (0.9, None)):
        found = gate_dates(_at(replace(towns, gates=never), quantile))
        assert found["opens_used"].tolist() == [opens]
    late = _at(replace(towns, gates=never), 0.5)
    assert not open_in(late, "swap_car", "2099Q4").loc["EU", SODIUM]


def test_a_certificate_is_asked_for_from_a_quarter_on(tutorial: Instance) -> None:
    towns = two_markets(tutorial)
    passport = [
        bool(open_in(towns, "swap_car", quarter).loc["EU", "lfp"]) for quarter in QUARTERS
    ]  # fmt: skip
    assert passport == [True, True, False, True, True]
    assert open_in(towns, "ess", QUARTERS[2]).loc["EU", "lfp"]
    may_use = may_be_used(open_packs(towns))
    lfp = towns.packs["pack_id"].tolist().index("lfp_25")
    assert may_use[:, 1, lfp].all()  # what came before stays in use


def test_gates_of_old_tables_are_those_of_swap_cars(tutorial: Instance) -> None:
    assert gate_dates(tutorial)["application"].tolist() == ["swap_car", "swap_car"]
    assert open_in(tutorial, "swap_car", "2026Q2").loc["CN", SODIUM] == False  # noqa: E712
    assert open_in(tutorial, "swap_car", "2026Q3").loc["CN", SODIUM]
    assert open_in(tutorial, "ess", "2026Q2").loc["CN", SODIUM]


def test_first_deliveries_by_hand(tutorial: Instance) -> None:
    towns = two_markets(tutorial)
    found = first_deliveries(towns).set_index(["pack_id", "market"])
    # Samples 2026Q4, one quarter of tests: not before 2027Q1; the EU is a quarter away.
    assert found.loc[("na_25", "CN")].tolist() == ["2027Q1", 100.0]
    assert found.loc[("na_25", "EU")].tolist() == ["2027Q2", 150.0]
    assert found.loc[("lfp_25", "CN")].tolist() == ["2024Q4", 0.0]  # no offer
    by_supplier = offer_dates(towns).set_index(["market", "supplier"])["first_delivery"]
    assert by_supplier["EU", "late"] == "2027Q4"


def test_series_production_may_come_after_qualification(tutorial: Instance) -> None:
    columns = (
        "pack_id market supplier samples_from qualification_quarters qualification_quarters_low "
        "qualification_quarters_high series_from lead_quarters source"
    )
    rows = [("na_25", "CN", "cells", "2026Q1", 2, 1, 6, "2026Q4", 1, "invented")]
    towns = replace(two_markets(tutorial), offers=table("offers", columns, rows))
    first = {
        quantile: offer_dates(_at(towns, 0.5, qualification=quantile))["first_delivery"].item()
        for quantile in (0.0, 0.5, 0.9)
    }
    assert first == {0.0: "2027Q1", 0.5: "2027Q1", 0.9: "2027Q4"}


_QUARTER = st.sampled_from(["2026Q3", *QUARTERS, "2028Q1"])
_MAYBE = st.none() | _QUARTER


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["CN", "EU"]), st.sampled_from(["swap_car", "ess"]),
            st.sampled_from([SODIUM, "lfp"]), _MAYBE, _MAYBE, _MAYBE, _MAYBE,
        ),
        max_size=5,
    ),
    terms=st.lists(
        st.tuples(
            st.sampled_from(["na_25", "lfp_25"]), st.sampled_from(["CN", "EU"]),
            st.sampled_from(["a", "b"]), _QUARTER, st.integers(0, 3), st.integers(0, 2),
            st.none() | st.floats(0, 500),
        ),
        max_size=4, unique_by=lambda row: row[:3],
    ),
    quantile=st.floats(0, 1),
)  # fmt: skip
def test_planned_and_checked_gates_agree(
    tutorial: Instance, rows: list[tuple[str, ...]], terms: list[tuple[object, ...]],
    quantile: float,
) -> None:  # fmt: skip
    """Arrays for the model and rows for the check are written apart and say the same."""
    named = [(*row[:3], f"rule {number}", *row[3:]) for number, row in enumerate(rows)]
    instance = _at(
        replace(two_markets(tutorial), gates=gates(*named), offers=offers(*terms)), quantile
    )
    found = placings(instance).set_index(["quarter", "market", "pack_id"])
    for of_plan, column in (
        (open_packs(instance), "placed"), (may_be_used(open_packs(instance)), "used"),
    ):  # fmt: skip
        for q, quarter in enumerate(QUARTERS):
            for c, market in enumerate(instance.cities["market"]):
                for k, pack_id in enumerate(instance.packs["pack_id"]):
                    is_so = bool(found.loc[(quarter, market, pack_id), column])
                    assert is_so == of_plan[q, c, k], (column, quarter, market, pack_id)
