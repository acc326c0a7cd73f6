"""What the siting found, in a sentence and a card, whatever was asked of it."""

from planner.outputs.report.cards import Card
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import RunFiles
from planner.plans.question_words import Headline, headline_of

_YEARLY_PARTS = ("stations", "drive", "unserved")


def words_of(run: RunFiles) -> Headline:
    """How the run's objective is spoken of; runs that don't tell it served swaps."""
    return headline_of(str(run.run.get("objective_unit", "swaps/day")))


def finding(run: RunFiles) -> str:
    """The plan in a sentence, and what no plan does better."""
    kpi, unit = run.run["kpi"], run.run.get("objective_unit", "swaps/day")
    values = [float(run.run[name]) for name in ("objective", "bound")]
    asked = float(kpi.get("swaps_per_day", 0.0))
    stations = f"{number(kpi.get('num_stations'))} stations"
    if run.counts_trips:
        found, best = map(number, values)
        return _with_limit(
            f"{stations} in cities and {number(kpi.get('num_corridor_stations'))} between them "
            f"serve {found} swaps a day, those on trips between cities counted in",
            found, best, "serves more", "serves more than",
        )  # fmt: skip
    if unit == "swaps/day":
        found, best = (percent(value / asked if asked else None) for value in values)
        return _with_limit(
            f"{stations} serve {found} of all swaps asked for", found, best,
            "serves more", "can serve more than",
        )  # fmt: skip
    if unit == "swap-min/day":
        found, best = (f"{number(value / asked if asked else 0.0, 2)} min" for value in values)
        return _with_limit(
            f"With {stations} the way to the nearest one is {found} on average, swaps beyond reach "
            "counted in",
            found, best, "makes it shorter", "makes it shorter than",
        )  # fmt: skip
    if unit == "CNY/year":
        found, best = (f"{large(value)} CNY" for value in values)
        return _with_limit(
            f"{stations}, the drives to them and swaps not served cost {found} a year",
            found, best, "costs less", "costs less than",
        )  # fmt: skip
    found, best = ((f"{large(value)} CNY" if unit == "CNY" else number(value)) for value in values)
    cost = f" of the cheapest size, {found}," if unit == "CNY" else ""
    return _with_limit(
        f"{stations}{cost} cover {percent(kpi.get('swaps_covered_frac'))} of all swaps asked for",
        found, best, "does with less", "does with less than",
    )  # fmt: skip


def _with_limit(plan: str, found: str, best: str, same: str, better: str) -> str:
    end = same if found == best else f"{better} {best}"
    return f"{plan}; no plan within the same limits {end}."


def objective_card(run: RunFiles) -> Card:
    """How near the plan is to the best, and the objective itself unless that is swaps served."""
    kpi, words = run.run["kpi"], words_of(run)
    objective, bound = (float(run.run[name]) for name in ("objective", "bound"))
    gap = percent(float(run.run["gap_frac"]), 2)
    if "mean_counted_min" in kpi:
        swaps = max(float(kpi["swaps_per_day"]), 1e-9)
        limit = f"none below {number(bound / swaps, 2)} min in the same limits, gap {gap}"
        return Card("Way to a station", number(objective / swaps, 2), "min", limit)
    if "cost_cny_per_year" in kpi:
        parts = [large(float(kpi[f"{part}_cny_per_year"])) for part in _YEARLY_PARTS]
        split = f"stations {parts[0]}, drives {parts[1]}, not served {parts[2]}; gap {gap}"
        return Card("Yearly cost", large(objective), "CNY", split)
    if "swaps_covered_frac" in kpi:
        shown = f"{large(bound)} CNY" if words.unit.startswith("CNY") else f"{number(bound)}"
        limit = f"no plan takes less than {shown}, gap {gap}"
        return Card("Swaps covered", percent(float(kpi["swaps_covered_frac"])), "", limit)
    trips = ", trips between cities counted in" if run.counts_trips else ""
    limit = f"no plan serves more than {number(bound)} per day{trips}"
    return Card("Proven gap", gap, "", limit)
