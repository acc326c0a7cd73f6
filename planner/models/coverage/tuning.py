"""How hard maximal covering works at each step: measured, and no part of the question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Limits, shares and temperatures of the search; the defaults suit small and national sizes."""

    always_exact_arcs: int = 20_000
    """Up to this many arcs after fixing, SCIP proves optimality in seconds: done whatever the
    gap."""
    max_exact_arcs: int = 60_000
    """Beyond this SCIP rarely closes the gap in minutes: not tried."""
    exact_nodes_times_arcs: float = 5e7
    """Limits branch-and-bound nodes in deterministic mode: minutes of work whatever the size."""
    max_rounds: int = 5
    """Rounds of bound and annealing in deterministic mode, and before SCIP gets a larger
    problem."""
    max_dual_iterations: int = 4_000
    """Primal-dual iterations after which the bound has converged for all practical purposes."""
    report_iterations: int = 200
    """Primal-dual iterations between two reports."""
    first_relaxation_share: float = 0.2
    """The bound is close enough to the linear relaxation's when that is this share of the gap, in
    the first round."""
    relaxation_share: float = 0.05
    """And in the others."""
    first_moves_per_station: int = 300
    """Exchanges offered in the first annealing round; three times as many in each next."""
    min_first_moves: int = 100_000
    """At least so many in the first."""
    max_moves: int = 30_000_000
    """At most so many in any."""
    max_moves_per_station: int = 100_000
    """More than this in one schedule finds less, on Bronx and Kings, than starting again."""
    moves_per_poll: int = 400_000
    """Exchanges between two looks at clock and stop request, about half a second."""
    hot_frac: float = 0.15
    """First temperature as a fraction of the least loss by closing an open site. Measured on Bronx,
    Kings and a synthetic country: 0.1 to 0.2 alike, 0.4 and more clearly worse."""
    cold_frac: float = 0.006
    """Last temperature, alike."""
    reheat_frac: float = 0.4
    """First temperature after a round without a better plan: hot enough to leave that plan for
    good, where a cooler schedule would come back to it."""
    candidate_worth_frac: float = 0.85
    """Annealing opens sites worth at least this fraction of the p-th best at the multipliers. On
    the synthetic country this leaves 22,000 of 80,000 sites and 0.1 % less gap for equal work."""
    iterations_per_point: int = 20
    """Primal-dual iterations between two looks at bound and gap; a look costs about four."""
    sufficient_decay: float = 0.2
    """Restart rules of PDLP (section 3.2)."""
    necessary_decay: float = 0.8
    """Restart rules of PDLP (section 3.2)."""
    artificial_share: float = 0.36
    """Restart rules of PDLP (section 3.2)."""
    first_cut_round: int = 5
    """Cuts come in from this round on, when the relaxation's own multipliers have converged and
    annealing finds little more."""
    max_cut_arcs: int = 1_500_000
    """Up to this many arcs cuts are tried. Measured with 0.2 to 0.8 million (Bronx, Kings), where
    an iteration takes 2 to 4 ms."""
    first_cut_iterations: int = 1_600
    """Iterations with cuts in their first round, at least; twice as many in each next."""
    min_cut_iterations: int = 160
    """Iterations between two searches for cuts, which cost about as much, at least."""
    cut_iterations_share: float = 0.5
    """And this share of the iterations done: the later a cut the less it brings."""
    cut_weight: float = 5.0
    """Primal weight with cuts over that without. On Kings, p = 60, 1,500 iterations leave 0.03 % of
    the bound above the best one at 5 to 20, and 0.06 % where the weight follows PDLP's rule."""
