"""Why a site, a city or a list of sites has the stations it has: the question solved anew without.

Open stations of the subject are closed together, of a city so that it has none at all, or, where
there are none, a closed site is forced open; what that costs the plan is an interval
(`planner.models.reasons.result.Interval`).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, StringArray
from planner.errors import Fault, InfeasibleError, InputError
from planner.models.reasons.result import Interval
from planner.planning.reasons.moved import Moved, what_moves
from planner.planning.reasons.sited import Sited, allocate_at
from planner.planning.reasons.stations import find_reasons
from planner.planning.reasons.subject import Subject
from planner.planning.siting.question import ask_of

STATION, SITE, CITY, GROUP = "station", "site", "city", "group"


@dataclass(frozen=True)
class Step:
    """A city with one station more, or one fewer, the slot going to or coming from elsewhere.

    Attributes
    ----------
    cost : float
        What it costs at most; NaN where no such plan is known.
    site_id : str
        Site that opens or closes in the city; empty if none is known.
    """

    cost: float
    site_id: str


@dataclass(frozen=True)
class Explanation:
    """What was found; costs are losses of the objective, as an interval, never below 0.

    Attributes
    ----------
    subject, kind : str
        What was asked, and what it is: ``station``, ``site``, ``city`` or ``group``.
    objective : str
        Name of the siting's question.
    unit : str
        Of costs and of the price.
    stations : int
        Stations of the plan at the subject's sites.
    cost, cost_low : float
        Of closing them (opening the site, if there are none): at most and at least.
    is_exact : bool
        Whether the two agree.
    better_by : float
        How much better than the plan the other one is, where the plan itself is not the best.
    next_best : tuple of str
        Sites that get a station instead; for a closed site those that lose theirs.
    moves : tuple of (str, str, str)
        ``(site_id, city_id, "opens" or "closes")`` of all that changes.
    moved : Moved
        What changes for the zones.
    subsidy_cny : float
        What would make up for the cost; NaN where money has no price.
    price : float
        Of a station in the plan; NaN where the question has none.
    wall_s : float
    why_not : str
        Why a site can have no station, or a station must stay; then nothing was asked.
    one_more, one_fewer : Step, optional
        Of a city.
    """

    subject: str
    kind: str
    objective: str
    unit: str
    stations: int
    cost: float
    cost_low: float
    is_exact: bool
    better_by: float
    next_best: tuple[str, ...]
    moves: tuple[tuple[str, str, str], ...]
    moved: Moved
    subsidy_cny: float
    price: float
    wall_s: float
    why_not: str = ""
    one_more: Step | None = None
    one_fewer: Step | None = None


def explain_subject(sited: Sited, subject: Subject) -> Explanation:
    """Explain a subject.

    Parameters
    ----------
    sited : Sited
        Its options limit the time.
    subject : Subject

    Raises
    ------
    InputError
        If a list of sites has no station that could close and more than one site.
    """
    rules, ask = sited.task.problem.rules, ask_of(sited.instance)
    is_open = np.zeros(rules.num_sites, dtype=np.bool_)
    is_open[sited.siting.open_site_idx] = True
    stations = subject.site_idx[is_open[subject.site_idx]]
    removed = stations[~rules.forced[stations]]
    if subject.city_idx >= 0 and len(removed):  # no station of the city may stand elsewhere in it
        removed = subject.site_idx[rules.usable[subject.site_idx] & ~rules.forced[subject.site_idx]]
    forced = np.empty(0, np.int64)
    is_site = len(subject.site_idx) == 1 and subject.city_idx < 0
    if not len(removed) and is_site and not len(stations):
        forced = subject.site_idx
    kind = CITY if subject.city_idx >= 0 else GROUP
    if is_site:
        kind = STATION if len(stations) else SITE
    why_not = _why_not(sited, subject, stations, removed)
    steps = _steps(sited, subject) if kind == CITY else (None, None)
    if why_not or ask.without is None or not (len(removed) or len(forced)):
        return _unasked(sited, subject, kind, len(stations), why_not, steps)
    try:
        found = ask.without(sited.task, sited.siting, removed, forced)
    except InfeasibleError as error:
        why_not = f"no plan is known {'with a station here' if len(forced) else 'without'}: {error}"
        return _unasked(sited, subject, kind, len(stations), why_not, steps)
    return _explanation(sited, subject, kind, len(stations), found, forced, steps)


def _why_not(sited: Sited, subject: Subject, stations: IntArray, removed: IntArray) -> str:
    rules, sites = sited.task.problem.rules, sited.instance.sites
    if len(removed):
        return ""
    if len(stations):
        return "its stations stand already or are committed: they stay in every plan"
    if subject.city_idx >= 0:
        return "" if rules.usable[subject.site_idx].any() else "no site of it may hold a station"
    if len(subject.site_idx) == 1:
        site = int(subject.site_idx[0])
        status = sites["status"].iloc[site]
        may = bool(rules.usable[site])
        return "" if may else f"no station may stand here (status {status}, or no type fits)"
    remedy = "none of these sites has a station that could close; ask about one closed site"
    raise InputError([Fault("SUBJECT", None, "", subject.name, remedy)])


def _steps(sited: Sited, subject: Subject) -> tuple[Step | None, Step | None]:
    """One more and one fewer, from exchanges with other cities."""
    reasons = find_reasons(sited.task, sited.siting, sited.allocation)
    if reasons is None:
        return None, None
    in_city = np.zeros(len(sited.instance.sites), dtype=np.bool_)
    in_city[subject.site_idx] = True
    ids = sited.instance.sites["site_id"].to_numpy(str)
    return (
        _cheapest(
            reasons.closed_site_idx, reasons.force_in_cost, reasons.leaving_idx, in_city, ids
        ),
        _cheapest(
            reasons.open_site_idx, reasons.replacement_cost, reasons.next_best_idx, in_city, ids
        ),
    )


def _cheapest(
    site_idx: IntArray,
    cost: FloatArray,
    partner: IntArray,
    in_city: BoolArray,
    ids: StringArray,
) -> Step:
    """The cheapest exchange of a site of the city with none of it."""
    elsewhere = (partner < 0) | ~in_city[partner]
    fits = in_city[site_idx] & elsewhere & np.isfinite(cost)
    if not fits.any():
        return Step(float("nan"), "")
    best = np.flatnonzero(fits)[np.argmin(cost[fits])]
    return Step(float(cost[best]), str(ids[site_idx[best]]))


def _explanation(
    sited: Sited,
    subject: Subject,
    kind: str,
    num_stations: int,
    found: Interval,
    forced: IntArray,
    steps: tuple[Step | None, Step | None],
) -> Explanation:
    task, instance = sited.task, sited.instance
    _, after = allocate_at(task, found.found.site_idx, found.found.type_idx)
    ids = instance.sites["site_id"].to_numpy(str)
    cities = instance.sites["city_id"].to_numpy(str)
    opens = np.setdiff1d(found.found.site_idx, sited.siting.open_site_idx)
    closes = np.setdiff1d(sited.siting.open_site_idx, found.found.site_idx)
    moved = what_moves(
        task.problem.coverage.value,
        (sited.siting.open_site_idx, sited.allocation),
        (found.found.site_idx, after),
    )
    price = sited.siting.resource_price.get("stations", float("nan"))
    return Explanation(
        subject=subject.name,
        kind=kind,
        objective=instance.scenario.siting.objective,
        unit=sited.siting.unit,
        stations=num_stations,
        cost=found.high,
        cost_low=found.low,
        is_exact=found.is_exact,
        better_by=found.better_by,
        next_best=tuple(ids[closes if len(forced) else opens].tolist()),
        moves=(
            *((str(ids[each]), str(cities[each]), "closes") for each in closes),
            *((str(ids[each]), str(cities[each]), "opens") for each in opens),
        ),
        moved=moved,
        subsidy_cny=_subsidy_cny(sited, found.high),
        price=price,
        wall_s=found.wall_s,
        one_more=steps[0],
        one_fewer=steps[1],
    )


def _unasked(
    sited: Sited,
    subject: Subject,
    kind: str,
    num_stations: int,
    why_not: str,
    steps: tuple[Step | None, Step | None],
) -> Explanation:
    nan = float("nan")
    return Explanation(
        subject.name, kind, sited.instance.scenario.siting.objective, sited.siting.unit,
        num_stations, nan, nan, False, 0.0, (), (), Moved(), nan,
        sited.siting.resource_price.get("stations", nan), 0.0, why_not, *steps,
    )  # fmt: skip


def _subsidy_cny(sited: Sited, cost: float) -> float:
    """Money that makes up for a cost: it counts money itself, or money has a price."""
    if sited.siting.unit.startswith("CNY"):
        return cost
    money_price = sited.siting.resource_price.get("money", 0.0)
    return cost / money_price if money_price > 0 else float("nan")


def as_answer(explanation: Explanation, run: str) -> dict[str, Any]:
    """What is found as plain values, those of nested parts beside the others.

    Parameters
    ----------
    explanation : Explanation
    run : str
        Name of the run folder.
    """
    said = {"run": run, **asdict(explanation)}
    said |= explanation.moved._asdict()
    del said["moved"]
    said["next_best"] = list(explanation.next_best)
    said["moves"] = [
        {"site_id": site, "city_id": city, "change": change}
        for site, city, change in explanation.moves
    ]
    for name in ("one_more", "one_fewer"):
        if said[name] is not None:
            said[name]["pays_from"] = explanation.price - said[name]["cost"]
    return said
