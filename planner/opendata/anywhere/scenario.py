"""The scenario file of a new instance: what the recipe decides, written once."""

from pathlib import Path

from planner.instance.settings.currency import Currency
from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.anywhere.record import CREDITS, Built

_MOST_TITLE = 200


def write_scenario(
    known: Knowledge, built: Built, value: "dict[str, float]", out_dir: Path
) -> None:
    """Write ``scenario.toml`` unless there is one: from then on it holds the planner's decisions.

    Parameters
    ----------
    known : Knowledge
        The recipe.
    built : Built
        For the title.
    value : dict of str to float
        The recipe's parameters.
    out_dir : path
        Instance folder.
    """
    path = out_dir / "scenario.toml"
    if path.exists():
        return
    recipe = known.recipe
    number = round(value["num_stations"])
    title = recipe.title or (
        f"{number} stations in {len(built.cities)} cities of "
        + ", ".join(sorted(built.countries["name_en"].unique()))
    )
    credit = "".join(
        f" {said.source} ({said.licence})." if not said.citation else f" {said.citation}."
        for said in recipe.files.values()
    )
    lines = [
        "# Written once by planner build-instance; it is kept when the tables are built again.",
        "schema_version = 1",
        f"name = {_quote(recipe.name)}",
        f"title = {_quote(title[:_MOST_TITLE])}",
        'coordinate_reference = "WGS84"',
        f"attribution = {_quote(CREDITS + credit)}",
        f"planning_quarter = {_quote(recipe.horizon.last_quarter)}",
        "",
        "[horizon]",
        f"first_quarter = {_quote(recipe.horizon.first_quarter)}",
        f"last_quarter = {_quote(recipe.horizon.last_quarter)}",
        "",
        "[siting]",
        f"num_stations = {number}",
        "",
        "[packs]",
        f"promised_range_km = {value['promised_range_km']:.1f}",
        "",
        "# Money, electricity and the value of time stand at the defaults, which are",
        "# Chinese; what was assumed beside them stands in assumptions.csv.",
        *(_currency_lines(recipe.currency) if recipe.currency else ()),
        "",
        "[solver]",
        "gap_frac = 0.005",
        "time_limit_s = 120.0",
        "workers = 2",
        "",
        "# Contested figures at the end that favours sodium-ion least, and most.",
        "[scenarios.low]",
        'parameter_set = "low"',
        "",
        "[scenarios.high]",
        'parameter_set = "high"',
        "",
        "# Certificates, and the qualification of packs, at their earliest and their latest dates.",
        "[scenarios.early_gates.gates]",
        "quantile = 0.1",
        "",
        "[scenarios.late_gates.gates]",
        "quantile = 0.9",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _currency_lines(currency: Currency) -> list[str]:
    return [
        "",
        "[currency]",
        f"code = {_quote(currency.code)}",
        f"cny_per_unit = {currency.cny_per_unit!r}",
        f"date = {_quote(currency.date)}",
        f"source = {_quote(currency.source)}",
    ]


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
