"""How hard reasons are looked for: measured, and no part of the question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Limits of the searches and of the multipliers."""

    relaxation_gap: float = 1e-5
    """The multipliers are good enough when their bound is this close to the relaxation's."""
    iterations: int = 600
    """Primal-dual iterations for them at most."""
    multiplier_time_share: float = 0.4
    """And when they have taken this share of the time limit."""
    improve_time_share: float = 0.6
    """The plan is improved until this share of the time limit; all its sites are judged then."""
    polish_rounds: int = 20
    """Times that improving changes are made at most."""
    least_gain_frac: float = 1e-5
    """Once sites near what changed have no change that pays, all are judged again; then a change
    has to add so much of the value served."""
    chunk: int = 4_000
    """Sites between two looks at the clock; tables are built anew after each."""
    moves_per_site: int = 300
    """Annealing moves per site near a joint change,"""
    most_moves: int = 3_000_000
    """and at most."""
    hot_frac: float = 0.2
    """First temperature as a fraction of a station's mean loss."""
    cold_frac: float = 0.005
    """Last temperature, alike."""
    whole_arcs: int = 200_000
    """Up to this many arcs a changed lock is solved as one problem."""
    city_arcs: int = 2_000_000
    """Up to this many the cities of a changed lock are solved exactly."""
