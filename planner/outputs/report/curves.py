"""Contested curves: what the packs would be under each set, and what it is worth to know which."""

from dataclasses import dataclass

from planner.outputs.curves import chemistries_of, settling_in_one_sentence
from planner.outputs.report.charts.curves import NO_PACK, cities_by_set, shares_by_set
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.tables import Table, places_of

_PRINTED_CITIES = 60


@dataclass(frozen=True)
class CurveSection:
    """What the page tells of contested curves.

    Attributes
    ----------
    finding : str
        One sentence in plain words.
    notes : tuple of str
        How the figures came about, and what they leave out.
    charts : tuple of Chart
        Shares in cold and warm cities, and the cities on a map, set beside set.
    few : tuple of Table
        The sets, and what packs planned for one cost where another is true.
    cities : Table or None
        Cities whose main chemistry changes with the set, the largest first; None if there is none.
    """

    finding: str
    notes: tuple[str, ...]
    charts: tuple[Chart, ...]
    few: tuple[Table, ...]
    cities: Table | None


def describe_curves(run: RunFiles) -> CurveSection:
    """The section of a run whose instance has contested curves."""
    return CurveSection(
        settling_in_one_sentence(run.optional, run.run["kpi"], run.chemistries),
        _notes(run),
        (shares_by_set(run), cities_by_set(run)),
        (_cases(run), _costs(run)),
        _cities(run),
    )


def _notes(run: RunFiles) -> tuple[str, ...]:
    kpi, cases = run.run["kpi"], run.optional["curve_case"]
    best = cases.sort_values("mean_regret_cny").iloc[0]
    chosen = cases[cases["is_chosen"].astype(bool)].iloc[0]
    return (
        f"The instance has {number(len(cases))} sets of curves over pack temperature that "
        f"measurements leave open; the plan was made with {chosen['curve_set']}. For each of them "
        "the packs were planned anew for all quarters, with the stations of the plan as they are; "
        "which other stations would then be built is not looked at.",
        f"To know the true set is worth {large(kpi['settling_cny'])} CNY over all quarters, "
        f"{large(kpi['settling_cny_per_year'])} CNY a year: the mean cost of the packs that do "
        f"best without knowing (those planned for {best['curve_set']}), less that of packs "
        "planned for the true set. All sets count as equally likely, which is a choice, not a "
        "finding.",
    )


def _cases(run: RunFiles) -> Table:
    cases = run.optional["curve_case"]
    ids = chemistries_of(cases)
    headings = [
        ("Set of curves", "base: the rows without a set", False),
        ("Cost of the packs [CNY]", "Of all quarters, planned for this set", True),
        ("Regret of the plan [CNY]", "What the plan's packs cost more, were this set true", True),
    ]
    for name in map(run.chemistries.nickname, ids):
        headings += [
            (f"{name} [%]", "Share of all vehicles in the planning quarter", True),
            (f"{name}, coldest [%]", "Share of the vehicles of the coldest cities", True),
            (f"{name}, warmest [%]", "Share of the vehicles of the warmest cities", True),
            (f"Cities on {name}", "Cities most of whose vehicles take it", True),
        ]
    rows = []
    for row in records(cases):
        cells = [
            str(row["curve_set"]) + (" (chosen)" if row["is_chosen"] else ""),
            large(row["pack_cost_cny"]), large(row["regret_cny"]),
        ]  # fmt: skip
        for chemistry in ids:
            cells += [
                *(
                    percent(row[f"{chemistry}{group}_frac"]).removesuffix(" %")
                    for group in ("", "_coldest", "_warmest")
                ),
                number(row[f"cities_{chemistry}"]),
            ]
        rows.append(cells)
    extreme = int(cases["cities_extreme"].iloc[0])
    note = f"Coldest and warmest: {number(extreme)} cities each, by winter design temperature."
    return Table("curve-sets", "Packs under each set", note, tuple(headings), rows)


def _costs(run: RunFiles) -> Table:
    cost = run.optional["curve_cost"]
    names = list(dict.fromkeys(cost["planned_for"]))
    by_pair = cost.set_index(["planned_for", "true_set"])["cost_cny"]
    rows = [
        [planned, *(large(float(by_pair[planned, true]) - float(by_pair[true, true]))
                    for true in names)]
        for planned in names
    ]  # fmt: skip
    headings = (
        ("Planned for", "Set that the vehicles' packs were planned for", False),
        *((f"{true} is true", "What these packs then cost more than the best", True)
          for true in names),
    )  # fmt: skip
    note = (
        "CNY over all quarters more than packs planned for the true set; vehicles keep the packs "
        "planned for them, and packs are bought as the true set needs them."
    )
    return Table("curve-costs", "What a wrong guess costs", note, headings, rows)


def _cities(run: RunFiles) -> Table | None:
    rows = run.optional["curve_city"]
    contested = rows[rows["is_contested"].astype(bool)]
    if contested.empty:
        return None
    about = run.cities.set_index("city_id")
    by_set = contested.pivot(index="city_id", columns="curve_set", values="main_chemistry")
    names = list(dict.fromkeys(rows["curve_set"]))
    shown = by_set[names].join(about[["name_en", "winter_design_c", "vehicles"]])
    shown = shown.sort_values("vehicles", ascending=False, kind="stable")
    headings = (
        ("City", "Name in Latin letters", False),
        ("Winter design [°C]", "99 % of the year's hours are warmer", True),
        ("Vehicles", "Swap vehicles in the planning quarter", True),
        *((f"Mainly, with {name}", "Chemistry of most of its vehicles", False) for name in names),
    )
    cells = [
        [str(row["name_en"]), number(row["winter_design_c"], 1), number(row["vehicles"]),
         *(_called(run, row[name]) for name in names)]
        for row in shown.to_dict("records")
    ]  # fmt: skip
    title = "Cities whose main chemistry is contested"
    places = places_of(shown.reset_index())
    return Table("contested-cities", title, "", headings, cells, _PRINTED_CITIES, places)


def _called(run: RunFiles, chemistry: str) -> str:
    known = chemistries_of(run.optional["curve_case"])
    return run.chemistries.nickname(chemistry) if chemistry in known else NO_PACK
