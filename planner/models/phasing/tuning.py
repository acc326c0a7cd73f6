"""How hard the search over time works at each step: measured, and no part of the question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Limits, shares and temperatures of the search."""

    exact_entries: int = 20_000
    """Up to so many pairs of zone and site, times columns, SCIP is asked for the proof, whatever
    the gap."""
    exact_nodes: int = 2_000
    """Its branch-and-bound nodes in deterministic mode."""
    dual_share: float = 0.3
    """Share of the time for the multipliers, before plans are looked for."""
    dual_iterations: int = 400
    """Primal-dual iterations at most, in each round."""
    relaxation_gap: float = 3e-4
    """The multipliers are good enough when their bound is this close to the relaxation's."""
    rough_gap: float = 0.01
    """Multipliers further from the relaxation's say nothing about which sites deserve a look."""
    last_relaxation_gap: float = 3e-5
    """They are not improved any further when it is this close."""
    first_moves_per_station: int = 1_000
    """Moves offered in the first round of annealing; three times as many in each next."""
    min_first_moves: int = 20_000
    """At least so many in the first."""
    max_moves: int = 30_000_000
    """At most so many in any."""
    moves_per_poll: int = 100_000
    """Moves between two looks at clock and stop request."""
    by_city_share: float = 0.2
    """Share of the time for answers of the cities, one by one, where there are several. Measured
    on 140 cities and nine quarters in 300 seconds: annealing finds hardly anything in its last 150,
    the cities took 0.02 % off a gap of 0.5 % in 60."""
    max_rounds: int = 5
    """Rounds of annealing in deterministic mode, and where SCIP takes what is small enough."""
    hot_frac: float = 0.12
    """First temperature as a fraction of what the least useful stations serve. Measured on a
    synthetic country of 150 stations: 0.1 better than 0.3 with 300 and 1,000 moves a station, 0.03
    clearly worse."""
    crowded_moves_per_station: int = 100
    """Moves of the rounds after the first where stations are full, until cuts tell the truth."""
    crowded_hot_frac: float = 0.03
    """First temperature there. Measured on 84,000 sites and 3,000 stations over nine quarters: in
    170 seconds 1,000 moves a station at 0.12, then rounds like this, leave a gap of 0.78 %, rounds
    of 300 moves at 0.06 from the first on 0.92 %; rounds three times as long each time found
    nothing between 60 and 200 seconds."""
    crowded_time_share: float = 0.4
    """Share of the time left that a round may take there: the next learns what it made full."""
    stale_rounds: int = 3
    """Of them without a better plan, before a long one that leaves crowded cities alone."""
    crowded_bounds: int = 200
    """Turns of cities with full stations, each of some steps, in each round without a thread."""
    crowded_bound_share: float = 0.1
    """Share of the time left for them there."""
    cut_families: int = 40
    """Plans whose cuts are kept; with 12 annealing goes back to what the first ruled out."""
    near_frac: float = 1e-3
    """Annealing goes on from a plan that serves this fraction less than the incumbent at most."""
    cold_frac: float = 0.006
    """Last temperature, alike."""
    rent_quantile: float = 0.1
    """What this share of the stations of a node at most serves alone is the unit of temperature."""
    candidate_frac: float = 0.93
    """Sites that earn less than this fraction of the price of an opening, at every node, are not
    opened."""
    enlarging_rounds: int = 8
    """Rounds in which stations that turn load away are made larger for what money is left."""
    last_moves_per_station: int = 2_000
    """Moves of the search for good sites at the leaves, before they are put in order."""
    last_hot_frac: float = 0.15
    """Its first temperature as a fraction of the least that an open site serves alone."""
