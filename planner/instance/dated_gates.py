"""Certificates and offers on the calendar: which chemistry may go where, for which use, from when.

Takes the tables `gates` and `offers` and the settings ``[gates]``; gives the date that each
certificate takes of its earliest, expected and latest, what is open in a quarter, and the first
delivery of each pack in each market. Leaves out what a closed gate costs.
"""

from typing import Any

import pandas as pd

from planner.arrays import BoolArray
from planner.instance.read import Instance
from planner.instance.settings.gates import Gates
from planner.instance.tables import SWAP_CAR, quarters_later

EARLIEST_BELOW, LATEST_FROM = 0.3, 0.7
"""Quantiles below and from which a date is the earliest and the latest: Swanson's weights."""

QUALIFICATION = "qualification"
"""Name in ``gates.quantile_of`` of the time from samples to release, of all offers."""


def filled(frame: pd.DataFrame, column: str, default: object = None) -> "pd.Series[Any]":
    """A column that may be left out, its empty cells with a default (None: left missing)."""
    if column not in frame.columns:
        return pd.Series(default, index=frame.index, dtype=object)
    values = frame[column].astype(object)
    return values.where(values.notna(), default)


def quantile_of(settings: Gates, name: str) -> float:
    """The quantile that a certificate, or the qualification, takes its date at."""
    return settings.quantile_of.get(name, settings.quantile)


def gate_dates(instance: Instance) -> pd.DataFrame:
    """The gates with every column filled and the date that each certificate takes.

    Returns
    -------
    DataFrame
        Rows and index of ``instance.gates``: ``market, application`` (swap_car where not stated),
        ``chemistry, certificate, binding, scope, evidence, asked_from, opens_low, opens,
        opens_high`` (both ``opens`` where empty), ``opens_used``: of these the one at the
        certificate's quantile. Dates are missing where there is none.
    """
    gates, settings = instance.gates, instance.scenario.gates
    opens = filled(gates, "opens")
    low, high = (
        filled(gates, name).where(filled(gates, name).notna(), opens)
        for name in ("opens_low", "opens_high")
    )
    at = gates["certificate"].map(lambda name: quantile_of(settings, name)).astype(float)
    used = low.where(at < EARLIEST_BELOW, high.where(at >= LATEST_FROM, opens))
    dates = {
        "asked_from": filled(gates, "asked_from"),
        "opens_low": low,
        "opens": opens,
        "opens_high": high,
        "opens_used": used,
    }
    return pd.DataFrame(
        {
            "market": gates["market"],
            "application": filled(gates, "application", SWAP_CAR),
            "chemistry": gates["chemistry"],
            "certificate": gates["certificate"],
            "binding": gates["binding"].astype(bool),
            "scope": filled(gates, "scope"),
            "evidence": filled(gates, "evidence"),
            **{name: values.where(values.notna(), None) for name, values in dates.items()},
        }
    )


def closed_in(dates: pd.DataFrame, quarter: str) -> BoolArray:
    """Which gates are closed in a quarter: binding, asked for, and their certificate not yet held.

    Parameters
    ----------
    dates : DataFrame
        From `gate_dates`.
    quarter : str

    Returns
    -------
    bool ndarray, shape (num_gates,)
    """
    asked, opens = dates["asked_from"], dates["opens_used"]
    is_asked = asked.isna() | (asked.fillna("") <= quarter)
    is_held = opens.notna() & (opens.fillna("") <= quarter)
    return (dates["binding"] & is_asked & ~is_held).to_numpy(bool)


def markets_of(instance: Instance) -> list[str]:
    """Markets that have cities, buyers of cells or gates, sorted."""
    named = [
        instance.cities["market"],
        instance.gates["market"],
        filled(instance.other_buyers, "market"),
    ]
    return sorted(set(pd.concat(named).dropna()))


def open_in(
    instance: Instance, application: str, quarter: str, dates: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Whether all gates of a use are open, by market and chemistry.

    Parameters
    ----------
    instance : Instance
    application : str
        One of `planner.instance.tables.APPLICATIONS`.
    quarter : str
    dates : DataFrame, optional
        From `gate_dates`, with other dates where one asks about them.

    Returns
    -------
    DataFrame of bool
        A row per market of `markets_of`, a column per chemistry of the table ``chemistries``.
    """
    dates = gate_dates(instance) if dates is None else dates
    markets, chemistries = markets_of(instance), list(instance.chemistries["chemistry"])
    closed = dates[closed_in(dates, quarter) & (dates["application"] == application).to_numpy()]
    is_open = pd.DataFrame(True, index=markets, columns=chemistries)
    for market, chemistry in zip(closed["market"], closed["chemistry"], strict=True):
        is_open.loc[market, chemistry] = False
    return is_open


def offer_dates(instance: Instance) -> pd.DataFrame:
    """The offers, each with its first delivery.

    Returns
    -------
    DataFrame
        Rows and index of ``instance.offers``: ``pack_id, market, supplier, samples_from,
        qualification_quarters`` (at its quantile), ``series_from`` (the pack's ``available_from``
        where not stated), ``lead_quarters, min_order_packs`` (0: any), ``first_delivery``: the
        later of series production and samples' release, and the lead time after it.
    """
    offers = instance.offers
    at = quantile_of(instance.scenario.gates, QUALIFICATION)
    expected = filled(offers, "qualification_quarters")
    end = "low" if at < EARLIEST_BELOW else "high" if at >= LATEST_FROM else ""
    stated = filled(offers, f"qualification_quarters_{end}") if end else expected
    qualified = stated.where(stated.notna(), expected).astype(int)
    available = instance.packs.set_index("pack_id")["available_from"]
    series = filled(offers, "series_from")
    series = series.where(series.notna(), offers["pack_id"].map(available).astype(object))
    lead = filled(offers, "lead_quarters", 0).astype(int)
    first = [
        quarters_later(max(made, quarters_later(samples, tested)), ordered)
        for made, samples, tested, ordered in zip(
            series, offers["samples_from"], qualified, lead, strict=True
        )
    ]
    return pd.DataFrame(
        {
            "pack_id": offers["pack_id"],
            "market": offers["market"],
            "supplier": filled(offers, "supplier", ""),
            "samples_from": offers["samples_from"],
            "qualification_quarters": qualified,
            "series_from": series,
            "lead_quarters": lead,
            "min_order_packs": filled(offers, "min_order_packs", 0.0).astype(float),
            "first_delivery": pd.Series(first, index=offers.index, dtype=object),
        }
    )


def first_deliveries(instance: Instance) -> pd.DataFrame:
    """From when each pack may be delivered to each market, and in orders of how many.

    Returns
    -------
    DataFrame
        A row per pack and market with cities, in their order of the tables: ``pack_id, market,
        first_delivery`` (of several suppliers the earliest; ``packs.available_from`` without an
        offer), ``min_order_packs`` (the smallest; 0 = any). Gates are not looked at.
    """
    offers = offer_dates(instance).groupby(["pack_id", "market"])
    first, least = offers["first_delivery"].min(), offers["min_order_packs"].min()
    rows = [
        (
            pack_id, market, first.get((pack_id, market), available),
            float(least.get((pack_id, market), 0.0)),
        )
        for pack_id, available in zip(
            instance.packs["pack_id"], instance.packs["available_from"], strict=True
        )
        for market in sorted(set(instance.cities["market"]))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["pack_id", "market", "first_delivery", "min_order_packs"])
