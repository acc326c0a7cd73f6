"""What the check and the outputs know of a siting question, and where it is looked up by name.

A question is a module ``planner.plans.questions.<objective>`` that holds one `Judge`. Nothing
else in ``plans`` or ``outputs`` names an objective or the unit of one. How a question is solved
stands apart, in ``planner.planning.siting.questions``: a judge knows no model.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault, InputError
from planner.instance import Instance, Scenario
from planner.instance.settings.siting import Siting
from planner.plans.plan import Evaluation
from planner.plans.worth import Candidates, Reached, Worth

OBJECTIVES: tuple[str, ...] = get_args(Siting.model_fields["objective"].annotation)
"""Names of all questions, as ``siting.objective`` takes them."""
DEFAULT_OBJECTIVE: str = Siting.model_fields["objective"].default
"""The question of runs that do not state theirs."""


@dataclass(frozen=True)
class Words:
    """How outputs write of an objective.

    Attributes
    ----------
    name : str
        Of the objective, as a label.
    unit : str
        Written after a figure.
    verb : str
        What a plan does with the figure: "serves".
    beats : str
        What no plan does beyond its bound: "serves more than".
    less : str
        Comparative for the smaller of two figures: "fewer" or "less".
    same : str
        A sentence on two plans of equal objective.
    """

    name: str
    unit: str
    verb: str
    beats: str
    less: str
    same: str

    def plan(self, figure: str) -> str:
        """What a plan does.

        >>> Words("Cost", "CNY a year", "costs", "costs less than", "less", "").plan("12")
        'costs 12 CNY a year'
        """
        return f"{self.verb} {figure} {self.unit}"

    def limit(self, figure: str) -> str:
        """What no plan does.

        >>> Words("Swaps", "swaps", "serves", "serves more than", "fewer", "").limit("1,200")
        'no plan within the same limits serves more than 1,200'
        """
        return f"no plan within the same limits {self.beats} {figure}"

    def more_or_less(self, change: float) -> str:
        """Comparative for a figure that differs by ``change`` from another."""
        return "more" if change > 0 else self.less


@dataclass(frozen=True)
class Measure:
    """What a question minimises or maximises.

    Attributes
    ----------
    sense : {"max", "min"}
    unit : str
        Of objective and bound.
    figure : str
        The plan's figure that is the objective.
    bounded : tuple of str
        Figures that the bound holds for: the objective, and it as a share of an input.
    words : Words
    """

    sense: Literal["max", "min"]
    unit: str
    figure: str
    bounded: tuple[str, ...]
    words: Words


class Stated(NamedTuple):
    """What a run's files state of its siting."""

    kpi: Mapping[str, Any]
    unit: str
    objective: float
    bound: float
    gap_frac: float
    counts_trips: bool

    @property
    def swaps_per_day(self) -> float:
        """Swaps that all zones ask for."""
        return float(self.kpi.get("swaps_per_day", 0.0))


class NumberStyles(NamedTuple):
    """How a page writes numbers: rounded to some digits, as a percentage, in millions and so on."""

    number: Callable[..., str]
    percent: Callable[..., str]
    large: Callable[[float], str]


class Finding(NamedTuple):
    """A sentence on the plan, and one on what no plan does.

    ``plan`` states ``found``. Where the bound is written alike, no plan ``matches`` more, else
    none ``beats`` ``best``.
    """

    plan: str
    found: str
    best: str
    matches: str
    beats: str


class CardText(NamedTuple):
    """A figure of the objective with its title, unit and note."""

    title: str
    value: str
    unit: str
    note: str


def no_violations(
    _instance: Instance,
    _kpi: Mapping[str, float],
    _station_min: NDArray[np.float64],
    _site_min: NDArray[np.float64],
) -> list[str]:
    """No demands besides the limits that hold for all questions."""
    return []


def nearest_station(_scenario: Scenario) -> tuple[int, int]:
    """Audit the nearest open station of each zone, and no possible ones."""
    return 1, 0


@dataclass(frozen=True)
class Judge:
    """What the check and the outputs know of a question.

    Attributes
    ----------
    measures : tuple of Measure
        All that settings can choose from; their units differ.
    measure : callable
        ``(scenario)``: the one that a scenario asks for.
    figures : callable
        ``(instance, zones, stations, station_min)``: the question's own figures by name,
        recomputed from an evaluation's zones (in the rows' order of the instance) and stations,
        and from the minutes to the nearest open stations, shape (num_zones, n), inf where there
        is none.
    reasons : mapping of str to str
        Why a site holds no station, by code, in the order of precedence; the last is what
        remains. Texts are formatted with ``swaps, unserved, saving, weighed, drive_time_min``.
    worth : callable
        ``(candidates)``: what a station at each site would bring, as `Worth`.
    finding, card : callable
        ``(stated, styles)``: `Finding` and `CardText` for a page.
    proportion : callable
        ``(kpi)``: the objective beside what it is a part of or made of; empty if it says so
        itself.
    violations : callable
        ``(instance, kpi, station_min, site_min)``: what the question demands and a plan lacks,
        in words; minutes to the nearest open and possible stations, in the order of the zones.
    num_nearest : callable
        ``(scenario)``: how many of the nearest open, and of the nearest possible stations, are to
        be audited for each zone.
    shades_minutes : bool
        Whether maps shade zones by the way to the nearest station rather than by swaps served.
    exchange_loss : callable, optional
        ``(instance, evaluation, reached, leaving, entering)``: what the plan loses with a station
        at site ``entering`` (none where -1) in place of the one at ``leaving``, each shape (n,);
        NaN where that is not told by who reaches whom alone.
    """

    measures: tuple[Measure, ...]
    measure: Callable[[Scenario], Measure]
    figures: Callable[[Instance, pd.DataFrame, pd.DataFrame, NDArray[np.float64]], dict[str, float]]
    reasons: Mapping[str, str]
    worth: Callable[[Candidates], Worth]
    finding: Callable[[Stated, NumberStyles], Finding]
    card: Callable[[Stated, NumberStyles], CardText]
    proportion: Callable[[Mapping[str, float]], str]
    violations: Callable[
        [Instance, Mapping[str, float], NDArray[np.float64], NDArray[np.float64]], list[str]
    ] = no_violations
    num_nearest: Callable[[Scenario], tuple[int, int]] = nearest_station
    shades_minutes: bool = False
    exchange_loss: (
        Callable[
            [Instance, Evaluation, Reached, NDArray[np.int64], NDArray[np.int64]],
            NDArray[np.float64],
        ]
        | None
    ) = None


def judge_of(objective: str) -> Judge:
    """The judge of a question.

    Raises
    ------
    InputError
        If no question has that name.
    """
    if objective not in OBJECTIVES:
        remedy = f"is none of {', '.join(OBJECTIVES)}; plan again with this version of planner"
        raise InputError([Fault("run.json", None, "question", objective, remedy)])
    judge: Judge = import_module(f"planner.plans.questions.{objective}").JUDGE
    return judge


def measure_asked(scenario: Scenario) -> Measure:
    """What a scenario's question minimises or maximises."""
    return judge_of(scenario.siting.objective).measure(scenario)


def judge_of_run(run: Mapping[str, Any]) -> Judge:
    """The judge of a run's question; of `DEFAULT_OBJECTIVE` where its `run.json` names none."""
    return judge_of(str(run.get("question", DEFAULT_OBJECTIVE)))


def measure_of_run(run: Mapping[str, Any]) -> Measure:
    """What a run minimised or maximised, by the question and unit of its `run.json`.

    Raises
    ------
    InputError
        If the question has no such unit.
    """
    measures = judge_of_run(run).measures
    unit = str(run.get("objective_unit", measures[0].unit))
    for measure in measures:
        if measure.unit == unit:
            return measure
    known = " or ".join(measure.unit for measure in measures)
    remedy = f"the question is measured in {known}; plan again with this version of planner"
    raise InputError([Fault("run.json", None, "objective_unit", unit, remedy)])


def share(part: float, whole: float) -> float:
    """Part over whole; 0 of nothing."""
    return part / whole if whole else 0.0
