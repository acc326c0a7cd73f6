"""How hard capacitated facility location works at what: measured, and changed by tests alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Sizes, shares and steps of the search.

    Attributes
    ----------
    small_pairs : int
        Up to here SCIP solves the whole model in seconds: done at once and whatever the gap.
    max_exact_pairs : int
        Beyond this SCIP rarely leaves the root in minutes: only restricted models are tried.
    near_gap_frac, quick_pairs : float, int
        Unless the gap is so small, or so few pairs are left, other rounds do more for it.
    max_last_pairs : int
        Beyond this not even when nothing else is left to do.
    dual_iterations, max_dual_blocks, settled_step : int, int, float
        Prices move in blocks of so many steps; Polyak's factor at which they hardly move any more.
    most_target_to_bound : float
        Prices aim at no more than this multiple of the bound: a poor plan would lead them too far.
    dual_share, search_share : float
        Of the time left that the prices and the stations of one round may take.
    quiet_steps, least_saving_frac : int, float
        Stations are left alone after so many steps that each save less than this share of the gap.
    more_pairs : int
        Pairs of the sites that a restricted model holds besides the stations found.
    least_progress, resumed_step : float
        A round that raises the bound by less than this share of the gap, and finds no better plan,
        is the last; Polyak's factor at the beginning of the others.
    restricted_share, least_restricted_s : float
        Of the time left that one restricted model may take.
    max_rounds : int
    exact_nodes_times_pairs : float
        Limits branch and bound in deterministic mode.
    first_open_frac : float
        Sites that relaxed plans open at least as often are opened to begin with.
    """

    small_pairs: int = 3_000
    max_exact_pairs: int = 40_000
    near_gap_frac: float = 0.01
    quick_pairs: int = 4_000
    max_last_pairs: int = 200_000
    dual_iterations: int = 100
    max_dual_blocks: int = 15
    settled_step: float = 0.003
    most_target_to_bound: float = 1.5
    dual_share: float = 0.25
    search_share: float = 0.25
    quiet_steps: int = 3
    least_saving_frac: float = 0.002
    more_pairs: int = 3_000
    least_progress: float = 0.02
    resumed_step: float = 0.3
    restricted_share: float = 0.4
    least_restricted_s: float = 2.0
    max_rounds: int = 30
    exact_nodes_times_pairs: float = 5e7
    first_open_frac: float = 0.5
