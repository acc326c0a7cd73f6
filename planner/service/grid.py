"""How long packs wait for power, in closed form: what a scarce grid adds to a turn."""

import math

from numba import njit


@njit(cache=True, nogil=True)
def grid_delay(packs_at_power: float, power_h: float, places: float, bays: int) -> float:
    """Mean time that a pack waits for power: M/D/n, as half of what Erlang's formula C gives.

    Half of the delay of M/M/n is that of M/D/n for one place and at high loads, and a few percent
    less otherwise (Tijms 2003, section 9.6). A part of a place is a pack that charges slower;
    Erlang's formula B begins there with Rapp's parabola (1964) and climbs by its recursion.

    Parameters
    ----------
    packs_at_power : float
        Packs that would draw power on average if the grid gave it, >= 0.
    power_h : float
        Time for which each does, > 0 [h].
    places : float
        How many can at once, > 0.
    bays : int
        How many can be there at most: none waits for power if that is no more than ``places``.

    Returns
    -------
    float
        Rises with the packs; at most what all other bays before it take [h].

    References
    ----------
    H. C. Tijms (2003). A First Course in Stochastic Models. Wiley.
    Y. Rapp (1964). Planning of junction network in a multi-exchange area. Ericsson Technics
    20:77-130.
    """
    if places >= bays or packs_at_power <= 0:
        return 0.0
    at_most_h = (bays - places) * power_h / places
    if packs_at_power >= places:
        return at_most_h
    load = packs_at_power
    part = places - math.floor(places)
    curve = (1.0 + load) ** 2 + load
    blocked = 1.0 - part * (load + 2.0) / curve + part * part / ((1.0 + load) * curve)
    for whole in range(1, int(places) + 1):
        blocked = load * blocked / (whole + part + load * blocked)
    waits = places * blocked / (places - load * (1.0 - blocked))
    return min(0.5 * waits * power_h / (places - load), at_most_h)
