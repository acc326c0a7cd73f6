"""What the dates of certificates change: scenarios' figures by the date that each one takes."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import describe_kpi

PLACE = "gates.quantile_of."
"""Columns of a catalogue begin so whose rest is a certificate, or the qualification."""
_FIGURES = ("swaps_served_frac", "vehicles_without_pack", "cost_per_swap_cny", "delivered_gwh")
_SHARES = ("delivered_", "_frac")
"""Around the chemistry's name: the shares of new packs, by which the table is led."""
EARLIEST_BELOW, LATEST_FROM = 0.3, 0.7
"""As of [gates]: a quantile below takes the earliest date, one from there on the latest."""
COLUMNS = ("figure", "figure_title", "certificate", "earliest", "expected", "latest", "effect",
           "num_earliest", "num_expected", "num_latest")  # fmt: skip


def dates_table(catalogue: pd.DataFrame, varied: Sequence[str]) -> pd.DataFrame:
    """Means of figures by the date that a certificate takes, other dates as they were drawn.

    Parameters
    ----------
    catalogue : DataFrame
        ``state``, what varies, and figures of finished scenarios.
    varied : sequence of str
        Columns of the catalogue that scenarios differ in; those of `PLACE` count.

    Returns
    -------
    DataFrame
        `COLUMNS`: a row per figure and certificate, by figure the one whose dates move it most
        first; figures that are alike in all scenarios are left out. ``effect`` is the latest
        date's mean less the earliest's, missing where no scenario takes one of them. Empty where
        no dates vary.
    """
    done = catalogue[catalogue["state"] == "done"]
    names = [name for name in varied if name.startswith(PLACE) and name in done]
    shares = [
        name for name in map(str, done.columns)
        if name.startswith(_SHARES[0]) and name.endswith(_SHARES[1])
        and 0 < done[name].astype(float).mean() < 1
    ]  # fmt: skip
    figures = [
        name for name in (*shares, *(name for name in _FIGURES if name in done))
        if done[name].astype(float).max() > done[name].astype(float).min()
    ]  # fmt: skip
    rows = []
    for figure in figures:
        values = done[figure].astype(float)
        title = describe_kpi(figure, Chemistries({})).title
        of_figure = list[tuple[float, tuple[Any, ...]]]()
        for name in names:
            at = done[name].astype(float)
            parts = (
                values[at < EARLIEST_BELOW],
                values[(at >= EARLIEST_BELOW) & (at < LATEST_FROM)],
                values[at >= LATEST_FROM],
            )
            means = [float(part.mean()) if len(part) else float("nan") for part in parts]
            effect = means[2] - means[0]
            row = (figure, title, name.removeprefix(PLACE), *means, effect, *map(len, parts))
            of_figure.append((1.0 if math.isnan(effect) else -abs(effect), row))
        rows += [row for _, row in sorted(of_figure, key=lambda each: each[0])]
    return pd.DataFrame(rows, columns=list(COLUMNS))
