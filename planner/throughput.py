"""Swaps a station can do per hour: what binds of robot, bays and grid. Pure numpy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.units import SECONDS_PER_HOUR


def swaps_per_hour(
    *,
    bays: ArrayLike,
    seconds_per_swap: ArrayLike,
    handling_s: ArrayLike,
    charger_kw_per_bay: ArrayLike,
    grid_kw: ArrayLike,
    energy_per_swap_kwh: ArrayLike,
    charge_power_frac: ArrayLike,
    utilisation_frac: float,
) -> NDArray[np.float64]:
    """Rate at which a station serves vehicles while waiting stays acceptable [1/h].

    Parameters
    ----------
    bays : array_like
        Packs that charge side by side.
    seconds_per_swap : array_like
        Mechanical time per vehicle [s].
    handling_s : array_like
        Time a bay is idle between two charges [s].
    charger_kw_per_bay : array_like
        Charger power [kW].
    grid_kw : array_like
        Grid connection [kW].
    energy_per_swap_kwh : array_like
        Energy put back per swap [kWh].
    charge_power_frac : array_like
        Share of the charger's power that the pack accepts at its temperature.
    utilisation_frac : float
        Share of the nameplate rate planned with, in (0, 1].

    Returns
    -------
    ndarray
        u min(3600 / t_swap, bays / (E / (P f) + t_handling), P_grid / E).

    Notes
    -----
    A nameplate of 822 swaps a day is one every 105 s round the clock and needs 30 packs
    turned in 52.6 min each; plans use the hour that binds.

    Examples
    --------
    >>> rate = swaps_per_hour(bays=30, seconds_per_swap=100, handling_s=300,
    ...     charger_kw_per_bay=62.5, grid_kw=1500, energy_per_swap_kwh=44.8,
    ...     charge_power_frac=1.0, utilisation_frac=1.0)
    >>> float(rate.round(1))  # the grid binds
    33.5
    """
    energy = np.asarray(energy_per_swap_kwh, dtype=np.float64)
    power = np.asarray(charger_kw_per_bay, float) * np.asarray(charge_power_frac, float)
    turn_h = turn_hours(energy, power, handling_s)
    mechanical = SECONDS_PER_HOUR / np.asarray(seconds_per_swap, float)
    charging = np.asarray(bays, float) / turn_h
    grid = np.asarray(grid_kw, float) / energy
    return np.asarray(utilisation_frac * np.minimum(np.minimum(mechanical, charging), grid))


def turn_hours(
    energy_kwh: ArrayLike, power_kw: ArrayLike, handling_s: ArrayLike
) -> NDArray[np.float64]:
    """Time from one pack's arrival in a bay to the next [h]; infinite without power."""
    with np.errstate(divide="ignore"):
        charge_h = np.asarray(energy_kwh, float) / np.asarray(power_kw, float)
    return np.asarray(charge_h + np.asarray(handling_s, float) / SECONDS_PER_HOUR)
