"""How hard set covering works at what: measured, and changed by tests alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Sizes, shares and steps of the search.

    Attributes
    ----------
    always_exact_arcs : int
        Up to this many arcs after fixing, CP-SAT is tried at once and whatever the gap.
    max_exact_arcs : int
        Beyond this CP-SAT rarely closes the gap in minutes: not tried while there is a plan.
    early_share, less_arcs_frac : float
        Before the last round CP-SAT gets this share of the time left, and another look only once
        this fraction of the arcs is left.
    max_rounds : int
        Rounds of bound and annealing in deterministic mode, and before CP-SAT gets a larger
        problem.
    max_dual_iterations : int
        Primal-dual iterations after which the bound has converged for all practical purposes.
    first_relaxation_share, relaxation_share : float
        The bound is close enough to the linear relaxation's when that is this share of the gap, in
        the first round and in the others.
    bound_share : float
        Share of the time left that a round spends on the bound at most.
    first_moves_per_station, min_first_moves, max_moves : int
        Moves offered in the first annealing round and in any; three times as many in each next.
    moves_per_poll : int
        Moves between two looks at clock and stop request.
    hot_frac, cold_frac : float
        First and last temperature as fractions of the median cost of an open site.
    candidate_worth_frac : float
        Annealing opens sites whose rows are worth at least this fraction of their cost at the
        multipliers.
    first_steps, max_steps : int
        Alike for the search by weights of rows, which takes the place of annealing where all rows
        must be covered and numbers do not count.
    weighing_share : float
        Share of the time left that a round spends on it at most.
    steps_per_poll : int
        Its steps between two looks at clock and stop request.
    most_weighed_stations : int
        Beyond so many stations annealing is left to do: a step looks at all open sites.
    max_area_arcs : int
        Up to so many arcs the bound is raised by cuts and by areas.
    area_time_share, cut_share, area_share : float
        In the last round, or once less than this share of all time is left, these shares of what is
        left are for that.
    cut_weight : float
        Weight of multipliers over openings, when both are alike in size. At 1 the bound comes no
        sooner and the cuts are more; at 20 it comes later.
    iterations_per_look, least_cut_iterations, cut_iterations_share : int, int, float
        With cuts: iterations between two looks at bound and clock, and between two searches for
        cuts, at least and as a share of those done: the later a cut the less it brings.
    max_cut_iterations : int
        With cuts: after so many the bound has converged for all practical purposes.
    area_stations : float
        Stations of the smallest areas, about.
    area_nodes : int
        Branch-and-bound nodes of an area in deterministic mode.
    """

    always_exact_arcs: int = 20_000
    max_exact_arcs: int = 60_000
    early_share: float = 0.25
    less_arcs_frac: float = 0.7
    max_rounds: int = 5
    max_dual_iterations: int = 4_000
    first_relaxation_share: float = 0.2
    relaxation_share: float = 0.05
    bound_share: float = 0.5
    first_moves_per_station: int = 300
    min_first_moves: int = 100_000
    max_moves: int = 30_000_000
    moves_per_poll: int = 200_000
    hot_frac: float = 0.15
    cold_frac: float = 0.006
    candidate_worth_frac: float = 0.85
    first_steps: int = 10_000
    max_steps: int = 3_000_000
    weighing_share: float = 0.5
    steps_per_poll: int = 5_000
    most_weighed_stations: int = 2_000
    max_area_arcs: int = 2_000_000
    area_time_share: float = 0.7
    cut_share: float = 0.5
    cut_weight: float = 5.0
    iterations_per_look: int = 20
    least_cut_iterations: int = 160
    cut_iterations_share: float = 0.5
    max_cut_iterations: int = 20_000
    area_share: float = 0.6
    area_stations: float = 4.0
    area_nodes: int = 200
