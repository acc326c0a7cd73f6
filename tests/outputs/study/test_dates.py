"""What dates change: means by the date taken, checked by hand."""

import math

import pandas as pd

from planner.outputs.study.dates import dates_table

CATALOGUE = pd.DataFrame(
    {
        "state": ["done", "done", "done", "done", "failed"],
        "gates.quantile_of.UN 38.3": [0.1, 0.2999, 0.3, 0.7, 0.1],
        "gates.quantile_of.late": [0.9, 0.9, 0.9, 0.9, 0.1],
        "gates.quantile_of.none": [0.1, 0.5, 0.9, 0.1, 0.9],
        "packs.promised_range_km": [1.0, 2.0, 3.0, 4.0, 5.0],
        "swaps_served_frac": [0.8, 0.6, 0.5, 0.4, math.nan],
        "delivered_x_frac": [0.2, 0.2, 0.1, 0.0, math.nan],
        "delivered_y_frac": [1.0, 1.0, 1.0, 1.0, math.nan],
    }
)
VARIED = [name for name in map(str, CATALOGUE) if name.startswith(("gates", "packs"))]


def test_means_by_the_date_taken() -> None:
    table = dates_table(CATALOGUE, VARIED)
    assert set(table["figure"]) == {"swaps_served_frac", "delivered_x_frac"}
    of = (table["figure"] == "swaps_served_frac") & (table["certificate"] == "UN 38.3")
    row = table[of].iloc[0]
    assert [round(row[name], 9) for name in ("earliest", "expected", "latest")] == [0.7, 0.5, 0.4]
    assert round(row["effect"], 9) == -0.3
    assert [row[f"num_{name}"] for name in ("earliest", "expected", "latest")] == [2, 1, 1]


def test_what_moves_a_figure_most_comes_first_and_what_is_not_known_last() -> None:
    table = dates_table(CATALOGUE, VARIED)
    served = table[table["figure"] == "swaps_served_frac"]
    assert served["certificate"].tolist() == ["UN 38.3", "none", "late"]
    assert math.isnan(served["effect"].iloc[-1])
    assert table["figure"].iloc[0] == "delivered_x_frac"


def test_without_dates_there_is_no_table() -> None:
    assert dates_table(CATALOGUE, ["packs.promised_range_km"]).empty
