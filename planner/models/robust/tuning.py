"""How hard each step of planning for many futures works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Shares of the time limit, and what ends the search without a clock.

    Attributes
    ----------
    first_share, first_share_expected : float
        Of the time: the plan for the futures' probabilities, that where it is the answer.
    alone_share, alone_share_judged : float
        Of the time: each future alone, and there where its best is part of the measure.
    round_share : float
        Of the time, for one round of weights at most.
    all_share : float
        Of the time left for rounds: on all futures, where a few stand for them first.
    mixture_s : float
        Seconds for the whole parts of known plans, and their share of the time at most.
    mixture_share : float
    mixture_nodes : int
        Branch-and-bound nodes instead, without a clock.
    rounds : int
        Rounds without a clock.
    patience : int
        Rounds in a row that bring next to nothing.
    least_gain : float
        What counts as something, as a share of what is not known.
    gap_share : float
        Gap at which one solve ends, as a share of the gap at which the search does.
    """

    first_share: float = 0.1
    first_share_expected: float = 0.4
    alone_share: float = 0.2
    alone_share_judged: float = 0.45
    round_share: float = 0.08
    all_share: float = 0.5
    mixture_s: float = 5.0
    mixture_share: float = 0.03
    mixture_nodes: int = 2000
    rounds: int = 12
    patience: int = 3
    least_gain: float = 0.01
    gap_share: float = 0.25
