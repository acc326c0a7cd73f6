"""Figures of money in a second currency."""

import pytest

from planner.instance import validate_settings
from planner.instance.settings.currency import Currency
from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import currency_of, describe_kpi, in_cny, shown_kpis
from planner.plans.currency import in_currency

EURO = Currency(code="EUR", cny_per_unit=8.0, date="2026-11-27", source="a bank")


def test_every_figure_of_money_and_no_other_is_shown_once_more():
    figures = {"capex_cny": 16.0, "cost_cny_per_year": 8.0, "cost_per_swap_cny": 4.0, "bays": 3.0}
    assert in_currency(figures, EURO) == {
        "capex_eur": 2.0, "cost_eur_per_year": 1.0, "cost_per_swap_eur": 0.5
    }  # fmt: skip
    assert in_currency(figures, None) == {}


@pytest.mark.parametrize(
    "change", [{"date": "27.11.2026"}, {"code": "CNY"}, {"code": "eur"}, {"cny_per_unit": 0.0}]
)
def test_a_rate_without_a_day_or_a_price_is_refused(change):
    with pytest.raises(ValueError, match=r"date|CNY|pattern|greater than 0"):
        Currency(**{**EURO.model_dump(), **change})


def test_the_workbooks_cover_shows_both_side_by_side_and_says_which():
    shown = shown_kpis("cover", ["capex_eur", "num_bays", "capex_cny"], Chemistries({}))
    titles = [(each.title, each.unit) for each in shown]
    assert {titles.index(("Investment", "CNY")), titles.index(("Investment in EUR", "EUR"))} in (
        {0, 1},
        {1, 2},
    )
    assert "capex_eur" not in [
        each.name for each in shown_kpis("card", ["capex_eur"], Chemistries({}))
    ]


@pytest.mark.parametrize("name", ["num_bays", "taxi_eur", "within_5min_low", "swaps_per_day"])
def test_names_of_other_figures_are_left_alone(name):
    assert in_cny(name) == name


def test_a_currency_follows_the_name():
    assert currency_of("cost_clp_per_year") == "CLP"
    assert describe_kpi("cost_clp_per_year", Chemistries({})).unit == "CLP/year"


def test_a_misspelt_key_of_the_currency_is_told_with_the_right_one():
    currency = {"code": "EUR", "cny_per_unit": 8.0, "date": "2026-11-27", "sourc": "a bank"}
    _, faults = validate_settings("scenario.toml", {"currency": currency}, "")
    told = {fault.column: fault.remedy for fault in faults}
    assert told["currency.sourc"] == "unknown key; did you mean source?"
    assert told["currency.source"] == "setting is missing; add it"
