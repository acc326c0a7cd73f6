"""One plan for many futures: the plan, its payoffs, and intervals of all that is not known."""

from dataclasses import dataclass

from planner.arrays import FloatArray
from planner.models.phasing.solution import PhasedPlan, PhasedStart
from planner.models.robust.measure import Interval
from planner.models.robust.payoff import Payoff
from planner.models.robust.program import Cut
from planner.solving.proof import Proof


@dataclass(frozen=True)
class Judged:
    """What is known of one measure.

    Attributes
    ----------
    of_plan : Interval
        What it is for the plan: one number, unless each future's best is part of it.
    attainable : Interval
        Where the best value that any plan can have lies.
    """

    of_plan: Interval
    attainable: Interval


@dataclass(frozen=True)
class RobustSolution:
    """Plan, proof, and what is known of every future.

    Attributes
    ----------
    plan : PhasedPlan
        The best by the measure among all plans met.
    served_frac : float array, shape (num_zones, num_columns)
        Share of each zone served, column by column, at its best there.
    served : float array, shape (num_columns,)
        Sum of value * served_frac of each column.
    value : float array, shape (num_futures,)
        V_s of the plan.
    best : float array, shape (num_futures, 2)
        What each future's own best plan serves lies between.
    best_plan : tuple of PhasedPlan
        Best plan known for each future alone.
    regret_frac : float array, shape (num_futures, 2)
        Share of its own best that each future misses with the plan lies between.
    expected, cvar, regret : Judged
        Mean, mean of the worst futures (by ``tail_frac`` and ``mean_weight`` of the measure), and
        greatest regret over the futures as the measure counts it: less is better.
    evpi : Interval
        Expected value of perfect information: mean of the futures' bests less the best mean.
    vss : Interval, optional
        Value of the stochastic solution: the best mean less that of the plan for mean values. On a
        tree that plan's openings before the news are kept, and what is best after it follows. None
        where no plan for mean values is known.
    vss_is_zero : bool
        Whether theory says that it is zero: no plan can fill a station in any future.
    mean_plan : PhasedPlan, optional
        The plan for mean values, loads and capacities; on a tree with what is best after the news.
    robustness_price : Interval
        Mean that the plan gives up against the best mean.
    weight : float array, shape (num_futures,)
        Weights on the futures behind the bound.
    payoffs : tuple of Payoff
        All plans met.
    cuts : tuple of Cut
        All bounds met.
    end : PhasedStart
        What a search for other values can start from.
    proof : Proof
        Of the measure's score; of the greatest regret itself, less is better, where it is a value.
        INFEASIBLE if no plan keeps the shares that ``p_robust`` asks for, NO_SOLUTION if none is
        known that is proven to; the plan is then the one that comes nearest.
    """

    plan: PhasedPlan
    served_frac: FloatArray
    served: FloatArray
    value: FloatArray
    best: FloatArray
    best_plan: tuple[PhasedPlan, ...]
    regret_frac: FloatArray
    expected: Judged
    cvar: Judged
    regret: Judged
    evpi: Interval
    vss: Interval | None
    vss_is_zero: bool
    mean_plan: PhasedPlan | None
    robustness_price: Interval
    weight: FloatArray
    payoffs: tuple[Payoff, ...]
    cuts: tuple[Cut, ...]
    end: PhasedStart
    proof: Proof
