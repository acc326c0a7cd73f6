"""Brands: whose cars get which packs, whose get none, and which launches are at risk."""

import pandas as pd

from planner.outputs.markets import BRAND_QUARTER, CAR_MODEL, LAUNCH
from planner.outputs.report.charts.brands import brand_names, vehicles_by_brand
from planner.outputs.report.numbers import MISSING, number, percent
from planner.outputs.report.read import RunFiles, records, sum_by
from planner.outputs.report.section import Section
from planner.outputs.report.tables import Table, build_table


def describe_brands(run: RunFiles) -> Section | None:
    """The section of a run that knows brands or launches; None for others."""
    brands, launches = (run.optional.get(name, pd.DataFrame()) for name in (BRAND_QUARTER, LAUNCH))
    if brands.empty and launches.empty:
        return None
    few, tables = [], []
    if len(brands):
        few.append(_models(run))
    if len(launches):
        worst = launches.sort_values(
            ["at_risk", "packs_short", "quarter", "model"], ascending=[False, False, True, True],
            kind="stable",
        )  # fmt: skip
        tables.append(build_table(run, "launches", "Launches", worst, LAUNCH, list(worst.columns)))
    models = run.optional.get(CAR_MODEL, pd.DataFrame())
    if len(models):
        title = "Models of cars, in the plan or not"
        columns = list(models.columns)
        tables.append(build_table(run, "car-models", title, models, CAR_MODEL, columns))
    return Section(
        "brands",
        "Brands",
        brands_in_words(run),
        (vehicles_by_brand(run),) if len(brands) else (),
        tuple(few),
        tuple(tables),
    )


def brands_in_words(run: RunFiles) -> tuple[str, ...]:
    """Who has most vehicles without a pack, and how many launches are at risk."""
    found = []
    now = _now(run)
    if len(now):
        now = now.assign(lacking=now["vehicles"].where(now["chemistry"] == "", 0.0))
        by_brand = sum_by(now, ["brand"], ["vehicles", "lacking"])
        lacks = by_brand[by_brand["lacking"] >= 0.5].sort_values(
            "lacking", ascending=False, kind="stable"
        )
        quarter = now["quarter"].iloc[0]
        if lacks.empty:
            found.append(f"Every car of every brand has a pack in {quarter}.")
        else:
            parts = ", ".join(
                f"{row['brand']} {number(row['lacking'])} "
                f"({percent(row['lacking'] / row['vehicles'])})"
                for row in records(lacks)
            )
            found.append(f"Cars without a pack in {quarter}: {parts}.")
    launches = run.optional.get(LAUNCH, pd.DataFrame())
    if len(launches):
        risky = launches[launches["at_risk"].astype(bool)]
        found.append(
            f"{number(len(risky))} of {number(len(launches))} launches are at risk, short of "
            f"{number(float(risky['packs_short'].sum()))} packs."
        )
    return tuple(found)


def _now(run: RunFiles) -> pd.DataFrame:
    """Vehicles of the planning quarter, of the last one where that is not told."""
    frame = run.optional.get(BRAND_QUARTER, pd.DataFrame())
    if frame.empty:
        return frame
    quarter = run.scenario.get("planning_quarter")
    if quarter not in set(frame["quarter"]):
        quarter = frame["quarter"].max()
    here = frame[frame["quarter"] == quarter]
    named = {name: here[name].fillna("") for name in ("chemistry", "group", "model")}
    return here.assign(**named, brand=brand_names(here))


def _models(run: RunFiles) -> Table:
    """Models of the planning quarter by chemistry."""
    now = _now(run)
    keys = ["brand", "group", "model", "market"]
    ids = sorted(set(now["chemistry"]) - {""})
    table = now.pivot_table(index=keys, columns="chemistry", values="vehicles", aggfunc="sum")
    table = table.reindex(columns=[*ids, ""]).fillna(0.0)
    refused = now[~now["accepts"].astype(bool) & (now["chemistry"] != "")]
    not_yet = refused.groupby(keys)["chemistry"].agg(
        lambda each: ", ".join(map(run.chemistries.nickname, sorted(set(each))))
    )
    headings = (
        ("Brand", "Brand of the cars", False),
        ("Group", "Group that owns it", False),
        ("Model", "Model of a car", False),
        ("Market", "Where the cars are", False),
        *((run.chemistries.nickname(each), "Vehicles on such a pack", True) for each in ids),
        ("Without a pack", "Vehicles that no pack is left for", True),
        ("Does not accept yet", "Chemistries that the cars do not take in the quarter", False),
    )
    rows = [
        [*(part or MISSING for part in key), *(number(count) for count in counts),
         not_yet.get(key, MISSING)]
        for key, counts in zip(table.index.tolist(), table.to_numpy().tolist(), strict=True)
    ]  # fmt: skip
    note = f"Vehicles in {now['quarter'].iloc[0]}."
    return Table("brand-models", "Models and their packs", note, headings, rows)
