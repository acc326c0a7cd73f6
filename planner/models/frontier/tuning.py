"""How hard the search for a frontier works: measured, and no part of the question."""

from dataclasses import dataclass, field

from planner.models.phasing.tuning import Tuning as SearchTuning


@dataclass(frozen=True)
class Tuning:
    """Limits and shares."""

    first_iterations: int = 400
    """Primal-dual iterations at the first amount,"""
    iterations: int = 100
    """and at the others."""
    relaxation_gap: float = 1e-4
    """They end when the bound is this close to the relaxation's."""
    bound_time_share: float = 0.35
    """Of the time, for the multipliers of all amounts,"""
    beside_time_share: float = 0.9
    """or where they have a thread of their own."""
    plans_time_share: float = 0.9
    """Of the time left, for plans of the amounts left."""
    first_parts: int = 4
    """The first amount has so many times the part of another."""
    first_moves: int = 2_000
    """Moves offered a station at the first amount,"""
    moves: int = 1_000
    """and at the others."""
    crowded_moves: int = 100
    """In each round more where stations turn load away that annealing did not know of."""
    crowded_rounds: int = 6
    """So many rounds at most,"""
    stale_rounds: int = 2
    """and no more after so many that gain less each than"""
    little_frac: float = 1e-3
    """this fraction."""
    city_moves: int = 100
    """Moves offered a site in each city at the price of a station."""
    city_hot_frac: float = 0.2
    """First temperature there as a fraction of the price,"""
    city_cold_frac: float = 0.005
    """and the last."""
    little_again_frac: float = 1e-4
    """A number is not visited again after ``stale_rounds`` visits that gain less than this."""
    price_power: float = 0.85
    """The price of a station falls with about this power of their number."""
    full_frac: float = 1e-3
    """A city's stations are full if they turn away more than this fraction of what they reach."""
    first_exact_moves: int = 100
    """Moves with exact service a station in each such city at the first number,"""
    exact_moves: int = 40
    """and at the others,"""
    most_exact_moves: int = 6_000
    """and of a city at most."""
    rounds_entries: int = 200_000
    """Up to so many pairs of zone and site the nation is annealed in rounds after its cities."""
    exact_hot_frac: float = 0.1
    """First temperature there as a fraction of the price of a station,"""
    exact_cold_frac: float = 0.005
    """and the last."""
    nested_moves: int = 300
    """Moves offered a station and point of a nested frontier."""
    nested_rounds: int = 3
    """Rounds more where stations turn load away."""
    least_moves: int = 20_000
    """At least so many in any round."""
    first_hot_frac: float = 0.12
    """First temperature at the first amount, as a fraction of what the least useful stations
    serve,"""
    hot_frac: float = 0.06
    """and at the others. From the plan of 250 stations fewer, over a synthetic country of 84,000
    sites: 0.06 better than 0.03, 0.12 and 0.2 at equal work."""
    exact_entries: int = 20_000
    """Up to so many pairs of zone and site every point is proven as far as the time allows."""
    least_national_s: float = 5.0
    """The national search is not begun for less on larger problems."""
    search: SearchTuning = field(default_factory=SearchTuning)
    """Of the search at each amount."""
