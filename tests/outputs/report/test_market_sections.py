"""Sections on supply, certificates, passport and brands: there with their tables, alike to them."""

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.outputs.kpi import known_kpis
from planner.outputs.report import write_report
from planner.outputs.report.certificates import ADAPTED
from planner.outputs.report.charts.certificates import first_deliveries, gates_on_the_calendar
from planner.outputs.report.charts.markets import market_gwh
from planner.outputs.report.charts.passport import before_and_after
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.page import cards
from planner.outputs.report.read import read_run
from tests.market_tables import SHORT, empty_market_tables, make_market_tables
from tests.outputs.report.made_up_run import write_run_folder

SECTIONS = {
    "supply-markets": ("Supply and markets", "供应与市场"),
    "certificates": ("Certificates", "认证"),
    "passport": ("Passport", "电池护照"),
    "brands": ("Brands", "品牌"),
}
CHARTS = ("supply-use", "market-gwh", "supply-price", "materials", "gates", "gate-savings",
          "passport-points", "brand-packs")  # fmt: skip
TOLD_BY = {
    "supply-markets": {"supply_flow", "buyer_quarter", "market_quarter", "material_quarter"},
    "certificates": {"gate_value"},
    "passport": {"passport_flow", "bid_sheet", "declaration_status"},
    "brands": {"brand_quarter", "launch"},
}
EVIL = "<script>alert(9)</script>"


def add_tables(folder: Path, tables: dict[str, pd.DataFrame], language: str = "en") -> Path:
    for name, frame in tables.items():
        frame.to_parquet(folder / f"tables/{name}.parquet", index=False)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(run | {"language": language}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("markets") / "run"
    return add_tables(write_run_folder(folder, with_optional=False), make_market_tables())


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    losses: list[str] = []
    text = write_report(folder, on_loss=losses.append).read_text(encoding="utf-8")
    assert losses == []
    return text


def section(page: str, key: str) -> str:
    start = page.index(f'<section id="{key}" class="subject"')
    ends = [found.start() for found in re.finditer(r"</section>\n\n", page[start:])]
    return page[start : start + ends[0]]


def rows(page: str, key: str) -> list[list[str]]:
    start = page.index(f'id="{key}"')
    body = page[page.index("<tbody>", start) : page.index("</tbody>", start)]
    return [
        [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in body.split("</tr>")[:-1]
    ]


def headings(page: str, key: str) -> list[str]:
    start = page.index(f'id="{key}"')
    head = page[page.index("<thead>", start) : page.index("</thead>", start)]
    return [unescape(re.sub("<[^>]+>", "", each)) for each in re.findall(r"<th .*?</th>", head)]


def test_every_section_stands_with_its_charts(page: str) -> None:
    for key, (title, _) in SECTIONS.items():
        assert f'<h2 id="{key}-title">{title}</h2>' in page
        assert page.count(f'href="#{key}"') == 1
    for key in CHARTS:
        figure = page[page.index(f'id="chart-{key}"') :]
        assert "<svg" in figure[: figure.index("</figure>")], key
    ids = re.findall(r'\bid="([^"]+)"', page[: page.index("<script")])
    assert len(ids) == len(set(ids))


def test_sections_are_there_only_with_their_tables(bare_report: Path, tmp_path: Path) -> None:
    bare = bare_report.read_text(encoding="utf-8")
    assert 'class="subject"' not in bare
    tables = make_market_tables()
    for key, names in TOLD_BY.items():
        without = {name: frame for name, frame in tables.items() if name not in names}
        folder = write_run_folder(tmp_path / key, with_optional=False)
        page = write_report(add_tables(folder, without)).read_text(encoding="utf-8")
        there = {each for each in SECTIONS if f'<section id="{each}" class="subject"' in page}
        assert there == set(SECTIONS) - {key}


def test_tables_without_rows_give_no_section_and_no_fault(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "empty", with_optional=False)
    text = write_report(add_tables(folder, empty_market_tables())).read_text(encoding="utf-8")
    assert 'class="subject"' not in text


def test_who_gets_the_cells_is_counted_from_the_flows(page: str) -> None:
    flow = make_market_tables()["supply_flow"]
    cars = flow.loc[flow["application"] == "swap_car", "gwh"].sum()
    text = section(page, "supply-markets")
    assert f"Swap cars get {percent(cars / flow['gwh'].sum())} of the cells" in text
    assert f"Of {number(flow['gwh'].sum(), 3)} GWh of cells that have a limit" in text
    told = re.findall(rf"{'sodium-ion'}, (\w+): ([\d.]+) GWh for ([\w -]+)\"", text)
    by_use = flow.groupby(["quarter", "application"])["gwh"].sum()
    names = {"swap_car": "swap cars", "ess": "stationary storage", "off_road": "off-road machines"}
    assert {(quarter, use): float(gwh) for quarter, gwh, use in told} == pytest.approx(
        {(quarter, names[use]): round(gwh, 3) for (quarter, use), gwh in by_use.items()}, abs=1e-9
    )


def test_short_contracts_are_those_of_the_buyers(page: str) -> None:
    buyers = make_market_tables()["buyer_quarter"]
    contracts = buyers[buyers["basis"] == "contract"]
    assert (
        f"Contracts of other buyers are short of {number(contracts['short_gwh'].sum(), 3)} of "
        f"{number(contracts['asked_gwh'].sum(), 3)} GWh: 0.006 GWh for want of a certificate, "
        "0.005 GWh for want of cells."
    ) in page
    found = {row[0]: row[5:] for row in rows(page, "buyers")}
    assert found["storage abroad"] == ["0.006", "0.000", "0.006", "gate"]
    assert found["grid storage"] == ["0.035", "0.030", "0.005", "supply"]


def test_sources_and_materials_are_recounted(page: str) -> None:
    tables = make_market_tables()
    sums = tables["supply_source"].groupby("plant")[["capacity_gwh", "made_gwh"]].sum()
    for row in rows(page, "sources"):
        able, made = sums.loc[row[2]]
        assert row[5:8] == [number(able, 3), number(made, 3),
                            percent(made / able).removesuffix(" %")]  # fmt: skip
    assert rows(page, "materials-table")[0][0] == "layered oxide precursor"
    assert rows(page, "materials-table")[0][4] == percent(2.0 / 2.2).removesuffix(" %")


def test_energy_by_market_holds_packs_and_cells_of_others(folder: Path) -> None:
    tables = make_market_tables()
    told = market_gwh(read_run(folder)).set_index(["market", "application"])["gwh"]
    packs = tables["market_quarter"].groupby("market")["delivered_gwh"].sum()
    for market in ("CN", "EU"):
        assert told[market, "swap_car"] == pytest.approx(packs[market])
    assert told["CN", "ess"] == pytest.approx(0.030)
    assert told["no market", "off_road"] == pytest.approx(0.012)
    assert told.sum() == pytest.approx(packs.sum() + tables["buyer_quarter"]["served_gwh"].sum())


def test_certificates_with_dates_savings_and_scope(page: str, folder: Path) -> None:
    gates = make_market_tables()["gate_value"]
    savings = [row[-1] for row in rows(page, "gates-table")]
    assert savings == [number(each) for each in sorted(gates["saving_cny"], reverse=True)]
    adapted = int((gates["scope"] == ADAPTED).sum())
    assert f"{adapted} of these certificates ({percent(adapted / len(gates))}) rest on" in page
    assert rows(page, "scopes") == [["CN", "1", "0", "0", "1", "0", "0.0"],
                                    ["EU", "3", "2", "1", "0", "0", "33.3"]]  # fmt: skip
    assert "Of 4 certificates that keep something out for a time, 2 still do in 2027Q2." in page
    chart = gates_on_the_calendar(read_run(folder))
    assert chart.spec is not None
    spans, dates = (layer["data"]["values"] for layer in chart.spec["layer"])
    by_name = {row["row"].rpartition(": ")[2]: (row["quarter"], row["until"]) for row in spans}
    assert by_name["UNECE R100"] == ("2027Q1", "2028Q2")
    assert by_name["battery passport"] == ("2027Q1", "2027Q2")  # latest: as likely
    assert by_name["T/CNESA 1006"] == ("no date", "no date")
    used = {
        row["row"].rpartition(": ")[2]: row["quarter"] for row in dates if row["kind"] == "used"
    }
    assert used["Art. 12 safety"] == "2027Q3"
    calendar = chart.spec["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert calendar == ["2027Q1", "2027Q2", "2027Q3", "2027Q4", "2028Q1", "2028Q2", "no date"]


def test_first_deliveries_are_those_of_packs_and_buyers(folder: Path) -> None:
    found = first_deliveries(read_run(folder))
    assert found["EU", "swap_car", SHORT] == "2027Q2"
    assert found["CN", "swap_car", SHORT] == "2026Q4"
    assert found["CN", "ess", SHORT] == "2026Q4"
    assert ("EU", "ess", SHORT) not in found  # behind its gate


def test_certificates_stand_in_one_place(page: str) -> None:
    assert 'id="gate-value"' not in page


def test_passport_before_and_after_its_date(page: str, folder: Path) -> None:
    flow = make_market_tables()["passport_flow"]
    asked = flow[flow["asked"]]
    found = rows(page, "passport-flows")
    assert [row[:5] for row in found] == [
        ["EU", "lfp_25", "2026Q4", "ev", "no"],
        ["EU", "lfp_25", "2027Q1", "ev", "yes"],
        ["EU", "na_25", "2027Q2", "ev", "yes"],
    ]
    assert [row[6:11] for row in found] == [
        ["6", "0", "0", "0", "6"],
        *[["6", "3", "2", "1", "0"]] * 2,
    ]
    share = asked["num_filled"].sum() / asked["num_points"].sum()
    assert f"The plan fills {percent(share)} of the points" in page
    run = read_run(folder)
    assert len(before_and_after(run)) == 3
    points = make_market_tables()["passport_point"]
    to_ask = points[points["status"] == "ask_supplier"]
    assert len(rows(page, "passport-asks")) == len(
        to_ask.drop_duplicates(["market", "pack_id", "point"])
    )


def test_brands_add_up_and_launches_at_risk_come_first(page: str, folder: Path) -> None:
    quarters = read_run(folder).optional["brand_quarter"]
    now = quarters[quarters["quarter"] == "2027Q2"]
    told = sum(
        int(cell.replace(",", "")) for row in rows(page, "brand-models") for cell in row[4:7]
    )
    assert told == pytest.approx(now["vehicles"].sum(), abs=len(now) / 2)
    without = now[now["chemistry"] == ""].groupby("brand")["vehicles"].sum()
    assert f"Nevo {number(without['Nevo'])} (" in page
    launches = make_market_tables()["launch"]
    assert [row[-2] for row in rows(page, "launches")] == ["yes", "yes", "no"]
    risky = launches[launches["at_risk"]]
    assert f"short of {number(risky['packs_short'].sum())} packs" in page


def test_headings_are_in_the_language_of_the_run(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "zh", with_optional=False)
    page = write_report(add_tables(folder, make_market_tables(), "zh")).read_text(encoding="utf-8")
    for key, (_, title) in SECTIONS.items():
        assert f'<h2 id="{key}-title">{title}</h2>' in page
    for key in ("supply-flow", "market-quarter", "gates-table", "offers", "bid-sheet", "launches"):
        for text in headings(page, key):
            assert any(ord(letter) >= 0x2E80 for letter in text), (key, text)


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    tables = make_market_tables(EVIL)
    for name, column in (("buyer_quarter", "buyer"), ("gate_value", "certificate"),
                         ("brand_quarter", "brand"), ("material_quarter", "material"),
                         ("launch", "reason")):  # fmt: skip
        tables[name] = tables[name].assign(**{column: tables[name][column] + EVIL})
    folder = write_run_folder(tmp_path / "evil", with_optional=False)
    page = write_report(add_tables(folder, tables)).read_text(encoding="utf-8")
    assert EVIL not in section(page, "supply-markets")
    assert page.count("<script>alert(9)") == 0
    assert "&lt;script&gt;alert(9)" in page


def test_figures_that_are_missing_are_dashes(tmp_path: Path) -> None:
    tables = make_market_tables()
    tables["market_quarter"] = tables["market_quarter"].assign(carbon_t=np.nan)
    tables["gate_value"] = tables["gate_value"].assign(saving_cny=np.nan, scope=None)
    tables["supply_source"] = tables["supply_source"].assign(supplier=None, capacity_gwh=0.0)
    tables["brand_quarter"] = tables["brand_quarter"].assign(brand="", group=None)
    tables["launch"] = tables["launch"].assign(quarters_late=np.nan)
    # A buyer's cells have a passport too, and are no packs.
    tables["passport_flow"] = tables["passport_flow"].assign(packs=np.nan, declared_frac=np.nan)
    folder = write_run_folder(tmp_path / "gaps", with_optional=False)
    page = write_report(add_tables(folder, tables)).read_text(encoding="utf-8")
    told = "".join(section(page, key) for key in SECTIONS)
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", told, flags=re.DOTALL).lower()
    assert "no model on sale" in told
    assert 'id="chart-gate-savings"' not in page


def test_the_passport_has_a_card_with_what_it_rests_on(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "card", with_optional=False)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run["kpi"] |= {"passport_fields_known_frac": 0.5, "flows_with_passport_asked": 3,
                   "packs_declared_frac": 0.25}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    page = write_report(folder).read_text(encoding="utf-8")
    card = page[page.index(">Passport points filled<") :]
    card = card[: card.index("</div>")]
    assert ">50.0 %<" in card
    assert "3 flows of packs need a passport; 25.0 % of the packs have every declaration" in card


def test_every_card_has_a_context_of_its_own(tmp_path: Path) -> None:
    """One without is taken for the vehicles of a chemistry."""
    run = read_run(write_run_folder(tmp_path / "cards", with_optional=False))
    names = [kpi.name for kpi in known_kpis() if "card" in kpi.shown and "{" not in kpi.name]
    run.run["kpi"] = dict.fromkeys([*names, "vehicles_lfp"], 0.5)
    found = [card.label for card in cards(run) if re.search(r" vehicles, .* GWh$", card.context)]
    assert found == ["Vehicles on LFP"]
