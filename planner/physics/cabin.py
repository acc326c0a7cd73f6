"""Energy the cabin takes: warming it at a start, cooling it on hot days. Pure numpy.

Holding it warm while driving is part of `planner.physics.vehicle_range.consumption_kwh_per_km`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

FULL_SUN_K = 5.0
"""Air this much warmer than where cooling begins is taken to come with the full gain [K]."""


def start_energy_kwh(
    ambient_c: ArrayLike,
    *,
    parked_h: ArrayLike,
    cabin_c: ArrayLike,
    cabin_heat_kwh_per_k: float,
    cabin_loss_kw_per_k: ArrayLike,
    heating_cop: ArrayLike,
    drive_h: ArrayLike = np.inf,
    heater_kw: float = np.inf,
) -> FloatArray:
    """Energy that warming the cabin takes at a start, beyond holding it warm [kWh].

    A cabin cools while the vehicle stands; stays are taken as exponentially distributed, so the
    share of its warmth that is gone is p / (p + C / UA) in the mean. Nothing warms it beyond
    what the heater can give during the trip: after a short trip in deep cold it is not warm yet.

    Parameters
    ----------
    ambient_c : array_like
        Air temperature [C].
    parked_h : array_like
        Mean time that the vehicle stood before the start [h].
    cabin_c : array_like
        Temperature of the warm cabin [C].
    cabin_heat_kwh_per_k : float
        Heat that warming it by a kelvin takes, with what it leads away while it warms [kWh/K].
        INF: 0.075 gives 1.4 kWh at -7 C, with which ADAC's cold start is met to within 6 %;
        lumped cabins of FASTSim have 125 to 250 kJ/K (0.035 to 0.07 kWh/K).
    cabin_loss_kw_per_k : array_like
        UA, heat that it loses per kelvin [kW/K].
    heating_cop : array_like
        Heat per electric energy at ``ambient_c``.
    drive_h : array_like
        Length of the trip [h], > 0.
    heater_kw : float
        Electric power of the cabin's heater [kW].

    Returns
    -------
    ndarray
        E = min(C dT p / (p + C / UA), d max(0, P COP - UA dT)) / COP with
        dT = max(0, t_cabin - t).

    Examples
    --------
    >>> calm = dict(cabin_c=20.0, cabin_heat_kwh_per_k=0.075, cabin_loss_kw_per_k=0.09)
    >>> start_energy_kwh(-7.0, parked_h=1e9, heating_cop=1.45, **calm).round(2).tolist()
    1.4
    >>> start_energy_kwh([-20.0, 25.0], parked_h=7.7, heating_cop=1.0, drive_h=0.34,
    ...                  heater_kw=7.0, **calm).round(2).tolist()
    [1.16, 0.0]
    """
    colder_k = np.maximum(0, np.asarray(cabin_c, float) - np.asarray(ambient_c, float))
    loss, cop = np.asarray(cabin_loss_kw_per_k, float), np.asarray(heating_cop, float)
    lost = np.asarray(parked_h, float) * loss
    gone = lost + cabin_heat_kwh_per_k
    # A cabin without heat capacity, or one that loses nothing, takes nothing.
    wanted = cabin_heat_kwh_per_k * colder_k * lost / np.where(gone == 0, 1, gone)
    spare = np.asarray(drive_h, float) * np.maximum(0, heater_kw - loss * colder_k / cop)
    return np.asarray(np.minimum(wanted / cop, spare))


def cooling_kw(
    ambient_c: ArrayLike,
    *,
    cabin_loss_kw_per_k: ArrayLike,
    cooling_from_c: float,
    cooling_gain_kw: float,
    cooling_cop: float,
) -> FloatArray:
    """Electric power of air conditioning while driving [kW].

    Heat comes in through the cabin's shell, and from sun, people, moisture and the pack; the
    latter is taken to grow to its full size within `FULL_SUN_K` above the threshold.

    Parameters
    ----------
    ambient_c : array_like
        Air temperature [C]; calibrated at 35 C, valid to about 40.
    cabin_loss_kw_per_k : array_like
        UA, heat that the cabin exchanges per kelvin [kW/K].
    cooling_from_c : float
        Air temperature above which the cabin is cooled [C].
    cooling_gain_kw : float
        Heat from sun, people, moisture and the pack on a hot day [kW].
    cooling_cop : float
        Heat removed per electric energy.

    Returns
    -------
    ndarray
        P = (UA max(0, t - t_c) + G clip((t - t_c) / 5, 0, 1)) / COP. INF from AAA 2019: range
        -17 % at 35 C with air conditioning.

    Examples
    --------
    >>> cooling_kw([20.0, 24.5, 35.0], cabin_loss_kw_per_k=0.09, cooling_from_c=22.0,
    ...            cooling_gain_kw=1.5, cooling_cop=2.5).round(3).tolist()
    [0.0, 0.39, 1.068]
    """
    above_k = np.maximum(0, np.asarray(ambient_c, dtype=np.float64) - cooling_from_c)
    shell_kw = np.asarray(cabin_loss_kw_per_k, float) * above_k
    gain_kw = cooling_gain_kw * np.minimum(above_k / FULL_SUN_K, 1)
    return np.asarray((shell_kw + gain_kw) / cooling_cop)
