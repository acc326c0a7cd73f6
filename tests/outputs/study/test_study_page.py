"""A study's page: what is drawn and listed is what the catalogue says."""

import html
import re
from dataclasses import replace

import pandas as pd
import pytest

from planner.outputs.chemistries import Chemistries
from planner.outputs.report.charts.drawing import draw
from planner.outputs.study.charts import robust_sites, trade_off
from planner.outputs.study.page import StudyContent, render_study
from planner.outputs.study.tornado import tornado_table

NAMES = Chemistries({})
VARIED = "siting.num_stations"
DONE = pd.DataFrame(
    {
        "scenario": ["small", "also_small", "large", "wasteful"],
        "capex_cny": [5e6, 5e6, 9e6, 9e6],
        "swaps_served_frac": [0.4, 0.4, 0.9, 0.3],
    }
)
SITES = pd.DataFrame(
    {
        "site_id": ["a", "b", "c"],
        "city_id": ["town", "town", "village"],
        "lon": [10.0, 10.1, 10.3],
        "lat": [60.0, 60.05, 60.1],
        "num_chosen": [4, 2, 1],
        "num_scenarios": [4, 4, 4],
        "chosen_frac": [1.0, 0.5, 0.25],
    }
)


@pytest.fixture
def content() -> StudyContent:
    catalogue = DONE.assign(
        state="done", status="OPTIMAL", reason="", folder=[f"runs/{n}" for n in DONE["scenario"]],
        gap_frac=0.0, wall_s=1.5, **{name: [1, 1, 2, 2] for name in ("num_stations", VARIED)},
    )  # fmt: skip
    failed = {
        "scenario": "impossible", "state": "failed", "status": "INFEASIBLE",
        "reason": "3 sites are forced & 2 allowed", "folder": "", VARIED: 2,
    }  # fmt: skip
    return StudyContent(
        name="towns",
        title="How <many> stations",
        base=("solver.deterministic = true",),
        varied=(VARIED,),
        catalogue=pd.concat([catalogue, pd.DataFrame([failed])], ignore_index=True),
        sites=SITES,
        reports={"runs/large": "runs/large/report.html"},
        tornado=tornado_table([], catalogue, NAMES),
    )


def _texts(svg: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


def test_scenarios_that_nothing_beats_are_named() -> None:
    (chart,) = draw([trade_off(DONE)], print)
    assert "small and 1 more" in _texts(chart.svg)
    assert "large" in _texts(chart.svg)
    assert "wasteful" not in _texts(chart.svg)
    assert 'aria-label="wasteful: 9.0 M CNY, 30.0 %"' in chart.svg
    assert 'aria-label="small, also_small: 5.0 M CNY, 40.0 %"' in chart.svg


def test_sites_chosen_always_are_counted_and_every_site_says_how_often() -> None:
    (chart,) = draw([robust_sites(SITES)], print)
    assert chart.title == "1 of 3 sites are chosen in every scenario"
    for said in ("a, town: in 4 of 4 scenarios", "c, village: in 1 of 4 scenarios"):
        assert f'aria-label="{said}"' in chart.svg
    assert {"town", "village"} <= set(_texts(chart.svg))
    (alone,) = draw([robust_sites(SITES.head(1))], print)
    assert alone.svg


def test_page_lists_every_scenario_and_asks_no_host(content: StudyContent) -> None:
    page = render_study(content)
    assert "How &lt;many&gt; stations" in page
    assert "5 scenarios: 4 done, 1 failed" in page
    assert "serve 30.0 % to 90.0 % of all swaps asked for, for 5.00 M to 9.00 M CNY" in page
    assert '<a href="runs/large/report.html">large</a>' in page
    assert "<td>small</td>" in page
    assert "failed INFEASIBLE" in page
    assert "3 sites are forced &amp; 2 allowed" in page
    assert "siting.<wbr>num_<wbr>stations" in page
    assert not re.search(r"""(src|href)=["']https?:""", page)
    assert "<script" not in page
    assert render_study(content) == page


def test_page_of_a_study_without_results(content: StudyContent) -> None:
    waiting = content.catalogue.assign(state="waiting", status="")
    waiting = waiting[["scenario", "state", "status", "reason", "folder", "gap_frac", "wall_s"]]
    page = render_study(replace(content, catalogue=waiting, sites=SITES.head(0)))
    assert page.count("No scenario is done yet.") == 3
    assert "<svg" not in page
