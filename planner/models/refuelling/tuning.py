"""How much work the search of flow refuelling spends on what: it decides on gaps, not on truth."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Amounts of work of a solve and, from ``rough_looks`` on, of a claim at national prices.

    Attributes
    ----------
    exact_needs : int
        Up to so many pairs of path and set SCIP proves optimality in seconds: done whatever the
        gap.
    first_moves : int
        Exchanges offered by an annealing.
    dual_rounds, further_dual_rounds : int
        Looks at the bound in the first round, after which it has nearly converged, and in others.
    max_rounds : int
        Rounds of annealing in deterministic mode.
    candidate_worth_frac : float
        Annealing opens sites worth at least this fraction of the p-th best at the multipliers.
    region_sets : tuple of int
        Sets in a region, in turn: larger ones bound closer, and take longer.
    regions_time_frac : float
        Part of the time left that regions may take.
    patience, least_region_s : float
        A region may take so many times its part of the time, and so many seconds.
    region_nodes : int
        Nodes of SCIP's tree for a region in deterministic mode; most regions need one.
    new_plans : int
        Annealings in each further round.
    merge_time_frac : float
        Part of the time left in which SCIP merges them.
    max_cuts : int
        Benders' cuts for capacity, at most.
    rough_looks, plan_looks : int
        Looks at the bound for the same prices: for a first guess, and for plans.
    check_looks, close_frac : int and float
        Enough when so many better it by no more than this share.
    same_price_frac : float
        Prices no farther apart than this are answered by the same multipliers.
    around_frac : tuple of float
        Plans with so many stations more or less are offered too.
    near_moves, last_moves : int
        Exchanges offered for these, and for the plan of the number that is granted.
    """

    exact_needs: int = 15_000
    first_moves: int = 100_000
    dual_rounds: int = 30
    further_dual_rounds: int = 10
    max_rounds: int = 12
    candidate_worth_frac: float = 0.5
    region_sets: tuple[int, ...] = (800, 1600)
    regions_time_frac: float = 0.6
    patience: float = 3.0
    least_region_s: float = 5.0
    region_nodes: int = 100
    new_plans: int = 4
    merge_time_frac: float = 0.2
    max_cuts: int = 50
    rough_looks: int = 10
    plan_looks: int = 20
    check_looks: int = 5
    close_frac: float = 1e-4
    same_price_frac: float = 0.01
    around_frac: tuple[float, ...] = (-0.1, -0.03, 0.03, 0.1)
    near_moves: int = 20_000
    last_moves: int = 500_000


DEFAULT = Tuning()
