"""How hard the national search works at each step: measured, and no part of the question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Limits, shares and temperatures of the search by prices and of its cities."""

    moves_per_site: int = 300
    """Annealing moves per site and visit: about 50 ms for a city."""
    rebuilds_per_station: int = 2
    """Removals and insertions per station where a plan of covering turns load away."""
    around: tuple[int, ...] = (-3, -2, -1, 1, 2, 3)
    """Stations more or less than the best plan in further plans of a city."""
    first_seconds: float = 2.0
    """Limit of the exact search at the first visit to a city at given prices."""
    first_nodes: int = 500
    """Alike, in deterministic mode."""
    growth: int = 8
    """Growth of both limits from visit to visit."""
    max_visits: int = 5
    """To a city at given prices."""
    price_rounds: int = 6
    """Rounds of plans without proof, until the prices of limits other than stations settle."""
    settled_frac: float = 3e-3
    """They have settled when what the limits are worth moves by less than this share of the
    value."""
    enough_share: float = 0.8
    """The master is asked while cities are visited once the best plans of all parts leave less than
    this share of the gap that is asked for; half of it next time, if it says no."""
    batch_cities: int = 8
    """Cities between two looks at that in deterministic mode."""
    master_seconds: float = 20.0
    """Limit of the master."""
    master_nodes: int = 2_000
    """Alike, in deterministic mode."""
    last_seconds: float = 2.0
    """For the master when time is over: plans that came in late are not lost."""
    city_share: float = 0.3
    """At given prices cities are visited again while they make more than this share of the gap."""
    step_frac: float = 0.5
    """New prices lie this far from the best so far towards the master's duals; twice as far next
    time if the gap has shrunk, half as far if not."""
    max_stalls: int = 3
    """Steps in a row without progress that end the search."""
    warm_arcs: int = 500_000
    """From so many on processes for cities start while the first prices are computed: a small
    nation may be done before they are ready,"""
    warm_gap_frac: float = 2e-3
    """if a smaller gap than this is asked for: a larger one may be reached without any city."""
    whole_arcs: int = 200_000
    """Up to this many arcs ``sized_coverage`` may close what prices leave open."""
    small_arcs: int = 20_000
    """Up to this many it is sure to have time of its own,"""
    priced_share: float = 0.4
    """and prices have this share."""
    negligible_share: float = 0.1
    """Cities whose part of the gap is below this share of an equal part of the target rest."""
    start_relaxation_gap: tuple[float, float] = (3e-5, 2e-4)
    """The first multipliers are good enough when their bound is this close to the relaxation's: the
    least and the most,"""
    start_gap_share: float = 0.05
    """and between these this share of the gap that is asked for."""
    start_iterations: int = 1_500
    """Primal-dual iterations for them at most."""
    start_time_share: float = 0.25
    """And when they have taken this share of the time limit."""
    report_iterations: int = 200
    """Primal-dual iterations between two reports."""
    last_frac: float = 0.02
    """Share of the greedy plan's stations that tell a rough price."""
    hot_frac: float = 0.2
    """First temperature of annealing in a city as a fraction of a station's mean price."""
    cold_frac: float = 0.005
    """Last temperature, alike."""
    lost_frac: float = 0.01
    """If stations lose more than this fraction of what a plan covers for want of capacity, plain
    covering is not worth a search."""
    plain_share: float = 0.25
    """Share of the time that plain covering has where they lose less."""
