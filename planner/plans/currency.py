"""Figures of money in the scenario's own currency, beside those in CNY."""

import re
from collections.abc import Mapping

from planner.instance.settings.currency import Currency

_CNY = re.compile(r"_cny(?=_|$)")


def in_currency(figures: Mapping[str, float], currency: Currency | None) -> dict[str, float]:
    """Figures of money once more, in another currency.

    Parameters
    ----------
    figures : mapping of str to float
        By name; those of money bear ``_cny`` in it.
    currency : Currency or None
        None gives none.

    Returns
    -------
    dict of str to float
        By the same names with the currency's code in place of ``cny``.

    >>> euro = Currency(code="EUR", cny_per_unit=8.0, date="2026-11-27", source="a bank")
    >>> in_currency({"capex_cny": 16.0, "num_stations": 2.0}, euro)
    {'capex_eur': 2.0}
    """
    if currency is None:
        return {}
    code = f"_{currency.code.lower()}"
    return {
        _CNY.sub(code, name): value / currency.cny_per_unit
        for name, value in figures.items()
        if _CNY.search(name)
    }
