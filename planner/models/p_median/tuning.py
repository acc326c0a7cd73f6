"""How hard the p-median search works at what: measured, and changed by tests alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Sizes, shares and steps of the search.

    Attributes
    ----------
    list_stations, least_list : int
        A list is long enough for this many stations spread evenly, and this much longer.
    max_pairs : int
        Pairs listed at most, 700 MB: where shorter lists make the bound weaker, it is still one.
    walk_steps : int
        Dual steps of a round, before the plan gets its turn.
    least_step : float
        The dual has arrived once its step is down to this.
    pairs_per_poll : int
        Pairs looked at between two looks at clock and stop request, about half a second.
    promising_stations, least_promising : tuple of float, int
        Annealing keeps to the sites that cost the bound least: so many per station, turn by turn,
        and this many more. The fewer, the better its plans, if they are the right ones.
    anneal_pairs, anneal_sweeps : int
        Pairs looked at by annealing, 0.3 s, or as many as it takes to offer each site so many
        times: several short runs find better plans than a long one.
    tree_sites : int
        With so few sites left the tree finds the best plan sooner than annealing.
    hot_frac, cold_frac : float
        First and last temperature as fractions of the mean loss by closing an open site.
    exchange_nodes : int
        Every so many nodes exchange starts from the relaxed plan.
    tree_per_anneal : int
        Pairs looked at by the tree for each one of annealing: about the same time for both.
    tree_work : int
        Limits branching in deterministic mode: pairs looked at, about an hour's work.
    """

    list_stations: int = 4
    least_list: int = 30
    max_pairs: int = 30_000_000
    walk_steps: int = 300
    least_step: float = 1e-4
    pairs_per_poll: int = 300_000_000
    promising_stations: tuple[float, ...] = (1.5, 2.0, 3.0)
    least_promising: int = 60
    anneal_pairs: int = 30_000_000
    anneal_sweeps: int = 200
    tree_sites: int = 150
    hot_frac: float = 0.07
    cold_frac: float = 0.002
    exchange_nodes: int = 16
    tree_per_anneal: int = 4
    tree_work: int = 2_000_000_000_000
