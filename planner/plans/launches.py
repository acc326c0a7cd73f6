"""What becomes of the launches announced: late, short of packs, and what holds each up.

Takes the tables of launches, models, offers and gates and what a plan delivers to each market;
leaves out who gets those packs.
"""

from typing import Any, NamedTuple

import pandas as pd

from planner.instance import Instance
from planner.instance.car_models import acceptance
from planner.instance.dated_gates import closed_in, first_deliveries, gate_dates
from planner.instance.tables import SWAP_CAR, quarters_between

_TOLERANCE = 1e-6
"""Relative: as far as the solver keeps its rows."""


def launch_table(instance: Instance, market_quarter: pd.DataFrame) -> pd.DataFrame:
    """Each announced launch in the instance's markets beside what is possible and delivered.

    Parameters
    ----------
    instance : Instance
        Launches, models, brands, supply, offers, gates.
    market_quarter : DataFrame
        ``quarter, market, pack_id, delivered_packs``.

    Returns
    -------
    DataFrame
        Sorted by market, quarter and model: ``model, brand, market, pack_id, quarter, packs``;
        ``first_possible`` (missing if never): first quarter in which the model is sold, takes the
        chemistry, the pack is delivered and every gate is open; ``quarters_late`` (0 if possible by
        the quarter announced, NaN if never); ``delivered_packs``: to the market, up to and with
        that quarter; ``packs_short``; ``at_risk``: late, never or short; ``reason``, empty
        where not at risk.

    Notes
    -----
    What is delivered of a pack to a market fills the launches in the order of their quarters, d
    being deliveries up to quarter q and n what the launches up to and with this one need::

        short = min(packs, max(0, n - d))
    """
    rows = instance.launches[instance.launches["market"].isin(instance.cities["market"])]
    rows = rows.sort_values(["market", "quarter", "model", "pack_id"], ignore_index=True)
    chemistry = dict(zip(instance.packs["pack_id"], instance.packs["chemistry"], strict=True))
    needed = rows.groupby(["market", "pack_id"])["packs"].cumsum()
    told = []
    for row, so_far in zip(rows[[*_Launch._fields]].to_numpy(object), needed, strict=True):
        launch = _Launch(*row)
        model = _model_row(instance, launch)
        holds = _what_holds_up(instance, launch, model, chemistry[launch.pack_id])
        first = _first_possible(holds)
        late = float("nan") if first is None else _quarters_after(launch.quarter, first)
        delivered = _delivered(market_quarter, launch)
        short = min(float(launch.packs), max(0.0, float(so_far) - delivered))
        short = short if short > _TOLERANCE * max(1.0, float(so_far)) else 0.0
        at_risk = late != 0 or short > 0
        reasons = _say_late(holds, launch.quarter) if late != 0 else []
        if short and not reasons:
            reasons = [_say_short(instance, launch, short)]
        told.append(
            (
                launch.model, "" if model is None else model.brand, launch.market, launch.pack_id,
                launch.quarter, float(launch.packs), first, late, delivered, short, at_risk,
                "; ".join(reasons),
            )
        )  # fmt: skip
    columns = [
        "model", "brand", "market", "pack_id", "quarter", "packs", "first_possible",
        "quarters_late", "delivered_packs", "packs_short", "at_risk", "reason",
    ]  # fmt: skip
    texts = ["model", "brand", "market", "pack_id", "quarter", "first_possible", "reason"]
    return pd.DataFrame(told, columns=columns).astype(dict.fromkeys(texts, "str"))


def launch_figures(launches: pd.DataFrame) -> dict[str, float]:
    """Figures of a table of launches.

    Parameters
    ----------
    launches : DataFrame
        From `launch_table`.

    Returns
    -------
    dict of str to float
        ``launches``, ``launches_at_risk`` and ``launch_packs_short``.
    """
    return {
        "launches": len(launches),
        "launches_at_risk": int(launches["at_risk"].sum()),
        "launch_packs_short": float(launches["packs_short"].sum()),
    }


class _Launch(NamedTuple):
    model: str
    market: str
    pack_id: str
    quarter: str
    packs: float


class _HoldUps(NamedTuple):
    """From when each thing lets a launch be, None if never, and what to say of it; the gates."""

    froms: tuple[tuple[str | None, str], ...]
    gates: pd.DataFrame


def _model_row(instance: Instance, launch: _Launch) -> Any:
    """The row that speaks for a model in a market; None where it is not sold there."""
    rows = instance.car_models
    rows = rows[rows["model"] == launch.model]
    rows = rows.reindex(columns=["brand", "market", "application", "swap_version_from"])
    there = rows[rows["market"] == launch.market]
    chosen = there if len(there) else rows[rows["market"].isna()]
    return next(chosen.itertuples(), None)


def _what_holds_up(instance: Instance, launch: _Launch, model: Any, chemistry: str) -> _HoldUps:
    dates = gate_dates(instance)
    if model is None:
        return _HoldUps(((None, f"{launch.model} is not sold in {launch.market}"),), dates.iloc[:0])
    name = dict(zip(instance.chemistries["chemistry"], instance.chemistries["name"], strict=True))
    of, application = name.get(chemistry, chemistry), model.application
    released, supplied = acceptance(instance, launch.model, model.brand, chemistry, application)
    first = first_deliveries(instance).set_index(["pack_id", "market"])["first_delivery"]
    sold = None if pd.isna(model.swap_version_from) else model.swap_version_from
    delivery = str(first[launch.pack_id, launch.market])
    offers = instance.offers
    has_offer = ((offers["pack_id"] == launch.pack_id) & (offers["market"] == launch.market)).any()
    kind = "with swap packs" if application == SWAP_CAR else "with fixed packs"
    froms = (
        (sold, f"not on sale {kind}" + _before(sold)),
        (released, f"battery management not released for {of}" + _before(released)),
        (supplied, f"no {of} from the brand's only supplier" + _before(supplied)),
        (
            delivery,
            f"qualification: first delivery in {delivery}" if has_offer
            else f"{launch.pack_id} not on offer before {delivery}",
        ),
    )  # fmt: skip
    mine = (
        (dates["market"] == launch.market)
        & (dates["application"] == application)
        & (dates["chemistry"] == chemistry)
    )
    return _HoldUps(froms, dates[mine])


def _before(quarter: str | None) -> str:
    return f" before {quarter}" if quarter else ""


def _tries(holds: _HoldUps) -> list[str]:
    """Quarters in which a launch may become possible; none where something never lets it be."""
    froms = [quarter for quarter, _ in holds.froms if quarter is not None]
    if len(froms) < len(holds.froms):
        return []
    opens = holds.gates["opens_used"].dropna()
    return sorted({max(froms), *opens[opens > max(froms)]})


def _first_possible(holds: _HoldUps) -> str | None:
    return next((each for each in _tries(holds) if not closed_in(holds.gates, each).any()), None)


def _quarters_after(quarter: str, first: str) -> float:
    return float(max(0, len(quarters_between(quarter, first)) - 1))


def _delivered(market_quarter: pd.DataFrame, launch: _Launch) -> float:
    rows = market_quarter[
        (market_quarter["market"] == launch.market)
        & (market_quarter["pack_id"] == launch.pack_id)
        & (market_quarter["quarter"] <= launch.quarter)
    ]
    return float(rows["delivered_packs"].sum())


def _say_late(holds: _HoldUps, announced: str) -> list[str]:
    """Each thing that alone makes the launch late, the last to let go first."""
    late = [(start, words) for start, words in holds.froms if start is None or start > announced]
    first = _first_possible(holds)
    # A gate may be open when announced, and closed once everything else is there.
    asked = [announced, *(each for each in _tries(holds) if first is None or each < first)]
    for row, *closed in zip(
        holds.gates.itertuples(), *(closed_in(holds.gates, each) for each in asked), strict=True
    ):
        if any(closed):
            opens = row.opens_used
            never = opens is None or pd.isna(opens)
            when = "has no date" if never else f"opens {opens}"
            late.append((None if never else str(opens), f"gate {row.certificate} {when}"))
    return [words for _, words in sorted(late, key=lambda each: each[0] or "9999", reverse=True)]


def _say_short(instance: Instance, launch: _Launch, short: float) -> str:
    first, last = instance.scenario.quarters[0], instance.scenario.quarters[-1]
    if launch.quarter < first:
        return f"supply: the plan delivers nothing before {first}"
    by = f"by {min(launch.quarter, last)}"
    if launch.quarter > last:
        by += ", its last quarter"
    enough = float(launch.packs) - short
    return f"supply: the plan has {enough:,.0f} of {launch.packs:,.0f} packs for it {by}"
