"""One assumption at a time: bars in the order of their effect, all worked out by hand."""

import html
import json
import re
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from planner.outputs.chemistries import Chemistries
from planner.outputs.report.charts.drawing import draw
from planner.outputs.study.tornado import (
    Ends,
    Tornado,
    read_tornado,
    tornado_charts,
    tornado_table,
)

NAMES = Chemistries({})
SERVED, MONEY = "swaps_served_frac", "capex_cny"
TORNADO = Tornado(
    name="t",
    figures=(SERVED, MONEY),
    base="t-base",
    assumptions=(
        Ends("Snow", {"low": "t-snow-low"}, {"low": "none"}),
        Ends("Use", {"low": "t-use-low", "high": "t-use-high"}, {"low": "", "high": ""}),
        Ends("Cost", {"high": "t-cost-high"}, {"high": "double"}),
        Ends("Late", {"high": "t-late-high"}, {"high": "late"}),
    ),
)


@pytest.fixture
def catalogue() -> pd.DataFrame:
    rows = [
        ("t-base", "done", 0.6, 10.0),
        ("t-snow-low", "done", 0.65, 10.0),
        ("t-use-low", "done", 0.62, 9.0),
        ("t-use-high", "done", 0.5, 11.0),
        ("t-cost-high", "done", 0.6, 20.0),
        ("t-late-high", "failed", np.nan, np.nan),
    ]
    frame = pd.DataFrame(rows, columns=["scenario", "state", SERVED, MONEY])
    return frame.assign(gap_frac=0.001, differences=["x = " + name for name in frame["scenario"]])


def test_table_is_ordered_by_effect(catalogue: pd.DataFrame) -> None:
    table = tornado_table([TORNADO], catalogue, NAMES)
    served = table[table["figure"] == SERVED].set_index("assumption")
    assert list(served.index) == ["Use", "Snow", "Cost", "Late"]
    assert served["effect"].tolist()[:3] == pytest.approx([0.12, 0.05, 0.0])
    assert np.isnan(served["effect"]["Late"])
    money = table[table["figure"] == MONEY]
    assert list(money["assumption"])[:3] == ["Cost", "Use", "Snow"]
    assert money["effect"].tolist()[:3] == pytest.approx([10.0, 2.0, 0.0])
    use = served.loc["Use"]
    assert (use["low_value"], use["base_value"], use["high_value"]) == (0.62, 0.6, 0.5)
    assert (use["low"], use["high"]) == ("x = t-use-low", "x = t-use-high")
    snow = served.loc["Snow"]
    assert (snow["low"], snow["high"], snow["high_value"]) == ("none", "as the base", 0.6)


def test_without_a_base_nothing_has_an_effect(catalogue: pd.DataFrame) -> None:
    table = tornado_table([TORNADO], catalogue[catalogue["scenario"] != "t-base"], NAMES)
    assert len(table) == 8
    assert table["effect"].isna().all()
    charts = tornado_charts(table, catalogue)
    assert [chart.note for chart in charts] == ["No end is done beside the base yet."] * 2
    assert tornado_table([], catalogue, NAMES).empty
    assert tornado_charts(tornado_table([], catalogue, NAMES), catalogue) == []


def test_chart_shows_the_longest_bar_first_and_says_each_end(catalogue: pd.DataFrame) -> None:
    charts = tornado_charts(tornado_table([TORNADO], catalogue, NAMES), catalogue)
    served, money = draw(charts, print)
    assert served.title == "Swaps served: Use moves it most"
    assert money.title == "Investment: Cost moves it most"
    assert "0.10 %" in served.note
    texts = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", served.svg)]
    assert [text for text in texts if text in ("Use", "Snow", "Cost", "Late")] == [
        "Use", "Snow", "Cost",
    ]  # fmt: skip
    assert 'aria-label="Use, high end (x = t-use-high): 50 %"' in served.svg
    assert 'aria-label="base: 60 %"' in served.svg


def test_a_tornado_is_read_as_it_was_written() -> None:
    assert read_tornado(json.loads(json.dumps(asdict(TORNADO)))) == TORNADO
