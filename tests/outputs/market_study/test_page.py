"""The page of a study of markets, from tables made by hand."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.outputs.chemistries import Chemistries, Chemistry
from planner.outputs.market_study.charts import energy_by_market, gate_chart, price_of_energy
from planner.outputs.market_study.page import MarketsContent, render_markets

QUARTERS = ["2026Q4", "2027Q1"]
NAMES = Chemistries({"x": Chemistry("x-ion", "X", "#123456")})
TITLES = {"home": "Home <b>", "abroad": "Abroad"}


def _tables(gwh: tuple[float, float] = (3.0, 1.0)) -> dict[str, pd.DataFrame]:
    quarters = pd.DataFrame(
        [(member, market, quarter, "x", of if quarter == "2027Q1" else 0.0)
         for (member, market), of in zip((("home", "HH"), ("abroad", "AA")), gwh, strict=True)
         for quarter in QUARTERS],
        columns=["member", "market", "quarter", "chemistry", "delivered_gwh"],
    )  # fmt: skip
    first = pd.DataFrame(
        {
            "chemistry": "x", "place": [1, 2], "member": ["home", "abroad"],
            "market": ["HH", "AA"], "first_open": ["2026Q4", None],
            "first_delivery": ["2027Q1", None], "quarters_closed": [0, 2], "gwh": list(gwh),
            "share_frac": [0.75, 0.25], "vehicles_waiting": [5.0, 7.0],
            "value_cny_per_kwh": [1.0, 2.0], "most_value_cny_per_kwh": [11.25, -2.0],
            "price_cny_per_kwh": [3.0, 3.0], "winter_range_km": [100.0, np.nan],
            "other_range_km": [120.0, np.nan], "below_promise_frac": [0.0, np.nan],
            "other_below_promise_frac": [0.0, np.nan], "why": ["allowed", "closed"],
        }
    )  # fmt: skip
    supply = pd.DataFrame(
        {
            "quarter": QUARTERS, "chemistry": "x", "capacity_gwh": [5.0, 5.0],
            "value_cny_per_kwh": [4.5, 0.0], "swap_car_gwh": [0.0, 4.0],
            "fixed_car_gwh": 0.0, "ess_gwh": [1.0, 1.0], "off_road_gwh": 0.0,
        }
    )  # fmt: skip
    gates = pd.DataFrame(
        {
            "member": ["abroad", ""], "market": ["AA", "AA"], "application": ["swap_car", "ess"],
            "chemistry": "x", "certificate": ["UN 38.3", "late"], "scope": [None, "adapted"],
            "opens_low": "2026Q4", "opens": "2027Q1", "opens_high": "2027Q2",
            "opens_used": "2027Q1", "opens_earlier": "2026Q4", "saving_cny": [2.5e6, np.nan],
        }
    )  # fmt: skip
    buyers = pd.DataFrame(
        {
            "buyer": "storage", "market": "AA", "application": "ess", "chemistry": "x",
            "basis": "contract", "quarter": QUARTERS, "asked_gwh": [1.0, 2.0],
            "is_open": [False, True], "served_gwh": [0.0, 1.5], "worth_cny_per_kwh": 0.0,
        }
    )  # fmt: skip
    return {
        "market_quarter": quarters, "who_first": first, "supply": supply, "gate_value": gates,
        "buyer_quarter": buyers,
        "material_quarter": pd.DataFrame(
            columns=["quarter", "material", "available_t", "used_t", "value_cny_per_kg"]
        ),
    }  # fmt: skip


def _content(**changes: Any) -> MarketsContent:
    proof: Mapping[str, Any] = {
        "status": "OPTIMAL", "objective_cny": 1.0, "bound_cny": 1.0, "gap_frac": 0.0,
        "seconds": 1.25,
    }  # fmt: skip
    whole = MarketsContent("two", "Two markets", proof, TITLES, NAMES, ("x",), _tables(), {})
    return replace(whole, **changes)


def _cells(page: str, section: str) -> list[str]:
    part = page[page.index(f'<section id="{section}"') :]
    part = part[: part.index("</section>")]
    return [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", part)]


def test_the_page_tells_who_is_first_with_its_proof() -> None:
    page = render_markets(_content())
    assert "joint pack model proven optimal, gap 0.0000 %, 1.2 s" in page
    assert "X-ion goes first to: 2027Q1 HH." in page
    cells = _cells(page, "first")
    assert cells[:2] == ["1", "HH"]
    assert "11.2" in cells
    assert cells.count("–") == 4  # never open, never delivered, no ranges
    assert "Home &lt;b&gt;" in page
    assert "Home <b>" not in page
    assert "<script" not in page
    assert page == render_markets(_content())


def test_gates_and_buyers_stand_in_tables() -> None:
    page = render_markets(_content())
    gates = _cells(page, "gates")
    assert "2.50 M" in gates
    assert gates[-1] == "–"  # the time was over
    assert _cells(page, "buyers")[-3:] == ["3.000", "1.500", "1"]


def test_what_is_not_proven_is_not_called_so() -> None:
    proof = {**_content().proof, "status": "FEASIBLE", "gap_frac": 0.01}
    assert "not proven optimal, gap 1.0000 %" in render_markets(_content(proof=proof))


def test_no_packs_at_all_are_told() -> None:
    tables = _tables((0.0, 0.0))
    tables["who_first"]["first_delivery"] = None
    page = render_markets(_content(tables=tables))
    assert "No market gets x-ion packs within the horizon." in page
    assert "x-ion: no market gets any" in page.lower()


def test_sampled_dates_are_told_with_what_they_cost() -> None:
    spread = pd.DataFrame(
        {
            "member": ["home", "home", "abroad", "abroad"], "quarter": QUARTERS * 2,
            "chemistry": "x", "p10_gwh": [0.0, 1.0, 0.0, 0.0], "p50_gwh": [0.0, 2.0, 0.0, 0.0],
            "p90_gwh": [0.0, 3.0, 0.0, 0.5], "had_first_frac": [0.0, 1.0, 0.0, 0.25],
        }
    )  # fmt: skip
    cost = pd.DataFrame({"money_cny": [1e9, 2e9, 3e9]})
    page = render_markets(_content(tables={**_tables(), "date_spread": spread, "date_cost": cost}))
    assert _cells(page, "dates")[1:6] == ["x-ion", "1.000", "2.000", "3.000", "100.0 %"]
    assert "cost 1.20 bn, 2.00 bn and 2.80 bn CNY" in page
    assert 'id="chart-chance-x"' in page


def test_runs_link_to_their_reports() -> None:
    run = pd.DataFrame(
        {
            "member": ["home", "abroad"], "state": ["done", "failed"],
            "status": ["OPTIMAL", "INFEASIBLE"], "reason": ["", "no station fits"],
            "swaps_served_frac": [0.9, np.nan], "num_stations": [3.0, np.nan],
            "capex_cny": [1e7, np.nan], "share_gwh": [1.0, 1.0], "used_gwh": [0.5, np.nan],
        }
    )  # fmt: skip
    tables = {**_tables(), "run": run}
    page = render_markets(_content(tables=tables, reports={"home": "runs/a/report.html"}))
    assert page.count('href="runs/a/report.html"') == 1
    assert "no station fits" in page


def test_charts_find_what_they_show() -> None:
    tables = _tables()
    chart = energy_by_market(tables["market_quarter"], TITLES, "x", NAMES)
    assert chart.title == "X-ion: Home <b> gets 75 % of the packs"
    assert chart.spec is not None
    values = chart.spec["data"]["values"]
    assert sum(value["gwh"] for value in values) == pytest.approx(4.0)
    price = price_of_energy(tables["supply"], NAMES)
    assert price.title == "A kWh of x-ion is worth most in 2026Q4: 4.5 CNY"
    none = price_of_energy(tables["supply"].assign(value_cny_per_kwh=0.0), NAMES)
    assert none.spec is None
    gates = gate_chart(tables["gate_value"])
    assert gates.title == "UN 38.3 in AA a quarter earlier saves 2.50 M CNY"
    assert gate_chart(tables["gate_value"].assign(saving_cny=0.0)).spec is None
