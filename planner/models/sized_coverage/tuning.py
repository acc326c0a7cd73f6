"""How hard sized covering works at each step: measured, and no part of the question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Limits, shares and temperatures of the search."""

    always_exact_arcs: int = 500
    """Up to this many arcs optimality is proven in a second or so: done whatever the gap."""
    cuts_per_round: int = 40
    """Most violated cuts added at once."""
    max_cut_rounds: int = 200
    """Rounds of cuts on the linear relaxation."""
    min_round_gain: float = 0.02
    """Separation on the relaxation ends when rounds gain less than this share of the gap each."""
    max_rounds: int = 5
    """Rounds of search and branching: twice the search and four times the branching in each next;
    all that is left of the time for the branching of the last, after which more may follow."""
    hot_frac: float = 0.1
    """First temperature of the search as a fraction of what a station serves. Measured on random
    instances with scarce capacity: 0.1 to 0.2 alike, 0.03 and 0.4 worse."""
    first_steps: int = 200
    """Removals and insertions of the first round in deterministic mode."""
    first_nodes: int = 100
    """And its branch-and-bound nodes."""
    proving: bool = False
    """Whether the plan given is good, so that SCIP works for the bound alone."""
    max_mip_rounds: int = 10
    """SCIP runs in one round."""
    most_flow_pairs: int = 5_000
    """Up to so many pairs of row and site left, flows take the place of cuts where these do not
    end."""
    least_flow_seconds: float = 2.0
    """For the model with flows, at least."""
    relaxation_share: float = 0.25
    """Of the time left, for cuts on the relaxation."""
    max_removed: int = 2
    """Stations taken away at once."""
    noise: float = 0.1
    """Standard deviation of the factors that disturb the scores."""
    two_places_share: float = 0.5
    """Share of the steps that take stations away in two places, so that money moves between
    them."""
    wide_share: float = 0.1
    """Share of the steps that look for new stations everywhere, not only near those removed."""
