"""What a run tells of its futures, in words; nothing where it planned for one alone."""

import math
from collections.abc import Mapping

import pandas as pd

FUTURE, MEASURE, SITES, OPENINGS = "future", "measure", "future_site", "future_opening"
BEST_HEAD = "best_in_"


def span(low: float, high: float, unit: str) -> str:
    """An interval in words, shares as percentages.

    >>> span(0.037, 0.083, "1"), span(1200, 1200, "swaps/day"), span(0, math.inf, "CNY")
    ('3.7 to 8.3 %', '1,200 swaps/day', 'at least 0 CNY')
    """
    is_share = unit == "1"
    scale, name = (100, "%") if is_share else (1, unit)
    ends = [low * scale, high * scale]
    finite = [abs(end) for end in ends if math.isfinite(end)]
    decimals = 1 if is_share or max(finite, default=0) < 100 else 0
    low_text, high_text = (f"{end:,.{decimals}f}".replace("-", "\N{MINUS SIGN}") for end in ends)
    if decimals and not is_share and all(end == round(end) for end in finite):
        low_text, high_text = (text.removesuffix(".0") for text in (low_text, high_text))
    if not finite:
        return "not known"
    if not math.isfinite(high):
        return f"at least {low_text} {name}".strip()
    if not math.isfinite(low):
        return f"at most {high_text} {name}".strip()
    text = low_text if low_text == high_text else f"{low_text} to {high_text}"
    return f"{text} {name}".strip()


def in_one_sentence(tables: Mapping[str, pd.DataFrame]) -> str:
    """How the plan fares in the futures it was made for.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        With ``future``.
    """
    future = tables[FUTURE]
    served = future["served_frac"].astype(float)
    worst = future.iloc[int(future["regret_high_frac"].to_numpy(float).argmax())]
    regret = span(float(worst["regret_low_frac"]), float(worst["regret_high_frac"]), "1")
    return (
        f"In its {len(future):,} futures the plan serves {100 * served.min():.1f} to "
        f"{100 * served.max():.1f} % of the swaps asked for; against the best plan for each alone "
        f"it falls short most in {worst['future']}: by {regret}."
    )


def in_common(sites: pd.DataFrame, best: Mapping[str, str]) -> list[tuple[str, int, int, int]]:
    """Sites of the plan and of each future's own best.

    Parameters
    ----------
    sites : DataFrame
        The table ``future_site``.
    best : mapping of column to str
        Per column that tells a future's best plan, the future.

    Returns
    -------
    list of (future, num_both, num_plan_alone, num_best_alone)
    """
    in_plan = sites["in_plan"].to_numpy(bool)
    found = []
    for column, future in best.items():
        is_best = sites[column].to_numpy(bool)
        counts = (in_plan & is_best, in_plan & ~is_best, ~in_plan & is_best)
        both, plan_alone, best_alone = (int(each.sum()) for each in counts)
        found.append((future, both, plan_alone, best_alone))
    return found


TITLES = {
    "expected": "Served on average",
    "expected_best": "Served on average, best plan",
    "cvar": "Served in the worst futures",
    "cvar_best": "Served in the worst futures, best plan",
    "regret": "Largest regret",
    "regret_best": "Largest regret, best plan",
    "vss": "Worth of planning for all futures (VSS)",
    "evpi": "Worth of knowing the future (EVPI)",
    "robustness_price": "Price of robustness",
}
"""What a reader calls the measures."""


def measure_title(measure: str) -> str:
    """What a reader calls a measure; one that is not known is called by its name.

    >>> measure_title("evpi"), measure_title("least_served")
    ('Worth of knowing the future (EVPI)', 'Least served')
    """
    return TITLES.get(measure, measure.replace("_", " ").capitalize())
