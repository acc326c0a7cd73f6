"""What the tables are about, and how their figures are written."""

from dataclasses import dataclass

from planner.outputs.report.numbers import large, number, percent
from planner.outputs.station_reasons import figure
from planner.plans.question import Measure

_LARGE = 100_000


@dataclass(frozen=True)
class About:
    """What is told of a plan's alternatives, or of an instance's frontier.

    Attributes
    ----------
    name, title : str
        Of the run folder or the instance's scenario, and what people call it.
    measure : Measure
        What the siting minimises or maximises: `planner.plans.question.measure_of_run` of a
        `run.json`, `measure_asked` of a scenario.
    attribution : str
        Who must be named.
    notes : tuple of str
        What a reader must know of how the tables came about, in sentences.
    parent_run : str
        Id of the run that it is about; empty if it is about an instance.
    """

    name: str
    title: str
    measure: Measure
    attribution: str = ""
    notes: tuple[str, ...] = ()
    parent_run: str = ""

    @property
    def unit(self) -> str:
        """Unit of the objective, and of costs."""
        return self.measure.unit

    @property
    def is_max(self) -> bool:
        """Whether more of the objective is better."""
        return self.measure.sense == "max"


def value(amount: float) -> str:
    """An amount of an objective, the large ones in three digits.

    >>> value(12.34), value(124756.0), value(9.278e9)
    ('12', '125k', '9.28 bn')
    """
    if abs(amount) < _LARGE:
        return number(amount) if abs(amount) >= 10 else figure(amount)
    return large(amount) if abs(amount) >= 1e6 else f"{number(amount / 1000)}k"


def exact(amount: float) -> str:
    """An amount of an objective with the digits that tell two plans apart.

    >>> exact(99.91), exact(124756.4), exact(float("nan"))
    ('99.9', '124,756', '–')
    """
    return number(amount, 0 if abs(amount) >= 1000 else 1 if abs(amount) >= 10 else 2)


def places(count: float) -> str:
    """So many places.

    >>> places(1), places(1508)
    ('1 place', '1,508 places')
    """
    return f"{number(count)} place{'' if count == 1 else 's'}"


def tolerance(within_frac: float) -> str:
    """A tolerance as a percentage without needless digits.

    >>> tolerance(0.005), tolerance(0.01)
    ('0.5 %', '1 %')
    """
    return percent(within_frac, 0 if round(100 * within_frac, 6).is_integer() else 1)
