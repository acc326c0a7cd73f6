"""Swaps a station can do per hour: what binds of robot, bays and grid. Pure numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.physics.vehicle_range import TemperatureCurve
from planner.units import SECONDS_PER_HOUR

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Turn:
    """One pack's stay in a bay; arrays of one shape, that of the inputs together.

    Attributes
    ----------
    turn_h : ndarray
        From one pack's arrival in the bay to the next [h]; infinite where no temperature in
        reach lets the pack charge.
    grid_kwh : ndarray
        Energy drawn from the grid, heat included [kWh].
    charge_at_c : ndarray
        Pack temperature that the bay charges at, never below the arrival's [C].
    heat_h : ndarray
        Part of the turn in which the heater warms the pack, at ``heater_kw`` from the grid [h].
    charge_h : ndarray
        Part of the turn in which the pack charges after that; infinite where it cannot [h].
    charge_kw : ndarray
        What it then draws from the grid; ``heat_h heater_kw + charge_h charge_kw`` is
        ``grid_kwh`` wherever the turn is finite [kW].
    """

    turn_h: FloatArray
    grid_kwh: FloatArray
    charge_at_c: FloatArray
    heat_h: FloatArray
    charge_h: FloatArray
    charge_kw: FloatArray


def fastest_turn(
    arrive_c: ArrayLike,
    *,
    energy_kwh: ArrayLike,
    nominal_kwh: ArrayLike,
    charge_power: TemperatureCurve,
    charger_kw: ArrayLike,
    handling_s: ArrayLike,
    heater_kw: ArrayLike,
    heat_kwh_per_kwh_k: float,
    charger_efficiency_frac: float,
) -> Turn:
    """Warm a pack to the temperature that gives the shortest turn, then charge it.

    Not modelled: heat that charging itself sets free, losses to the air, warming while
    charging, power that falls with the state of charge. They pull both ways; the first makes
    cold turns shorter than stated.

    Parameters
    ----------
    arrive_c : array_like
        Pack temperature on arrival [C].
    energy_kwh : array_like
        Energy to put back [kWh].
    nominal_kwh : array_like
        Energy of the pack at 25 C, > 0: measures its mass [kWh].
    charge_power : TemperatureCurve
        Share of the charger's power that the pack accepts over its temperature. A pack below
        the curve's domain is warmed up to it first; above, the last value is held: who calls
        lists where (`TemperatureCurve.is_outside`).
    charger_kw : array_like
        Charger power per bay, > 0 [kW].
    handling_s : array_like
        Time the bay is idle between two packs [s].
    heater_kw : array_like
        Heat that the bay puts into the pack, > 0 [kW].
    heat_kwh_per_kwh_k : float
        Heat taken up per kilowatt-hour of nominal energy and kelvin, > 0 [1/K].
    charger_efficiency_frac : float
        Energy into the pack over energy from the grid, in (0, 1].

    Returns
    -------
    Turn
        All inputs broadcast against each other.

    Notes
    -----
    With heat capacity C = h E_nominal, the turn is

        handling + min over T >= T_arrive of g(T) = C (T - T_arrive) / P_heat + E / (P f(T)).

    On a linear piece f = f_i + s_i (T - t_i) g is convex. Where s_i > 0 its slope vanishes at
    f = sqrt(E s_i P_heat / (P C)); elsewhere the piece's cold end is best. The best point of
    each piece, moved into the piece and not below T_arrive, and T_arrive itself: one of them
    is the minimum, exactly.

    Examples
    --------
    >>> lfp = TemperatureCurve(np.array([0.0, 25.0, 45.0]), np.array([0.0, 1.0, 1.0]))
    >>> turn = fastest_turn([-20.0, 20.0], energy_kwh=31.4, nominal_kwh=56.0, charge_power=lfp,
    ...     charger_kw=62.5, handling_s=300.0, heater_kw=6.0, heat_kwh_per_kwh_k=0.002,
    ...     charger_efficiency_frac=0.94)
    >>> turn.charge_at_c.tolist()
    [25.0, 25.0]
    >>> turn.turn_h.round(2).tolist()
    [1.43, 0.68]
    """
    arrive, energy, nominal, charger, heater, idle_s = np.broadcast_arrays(
        *(
            np.asarray(values, dtype=np.float64)
            for values in (arrive_c, energy_kwh, nominal_kwh, charger_kw, heater_kw, handling_s)
        )
    )
    points, values = charge_power.temperature_c, charge_power.value_frac
    capacity = heat_kwh_per_kwh_k * nominal
    # A pack colder than the curve is not charged before it is as warm as its cold end.
    least = np.maximum(arrive, points[0])

    def heat_hours(temperature: FloatArray) -> FloatArray:
        return np.asarray(capacity * (temperature - arrive) / heater)

    def power_at(temperature: FloatArray) -> FloatArray:
        return np.asarray(charger * charge_power.at(temperature, outside="hold"))

    def charge_hours(temperature: FloatArray) -> FloatArray:
        power = power_at(temperature)
        with np.errstate(over="ignore"):  # next to no power: for ever
            hours = np.divide(energy, power, out=np.full(power.shape, np.inf), where=power > 0)
        return np.asarray(hours)

    def hours_at(temperature: FloatArray) -> FloatArray:
        return heat_hours(temperature) + charge_hours(temperature)

    best, best_h = least, hours_at(least)
    slopes = np.diff(values) / np.diff(points)
    for cold_end, warm_end, value, slope in zip(
        points[:-1], points[1:], values[:-1], slopes, strict=True
    ):
        if slope > 0:
            frac = np.sqrt(energy * slope * heater / (charger * capacity))
            stationary = np.clip(cold_end + (frac - value) / slope, cold_end, warm_end)
        else:
            stationary = np.full(least.shape, cold_end)
        candidate = np.maximum(least, stationary)
        candidate_h = hours_at(candidate)
        shorter = candidate_h < best_h
        best = np.where(shorter, candidate, best)
        best_h = np.where(shorter, candidate_h, best_h)
    return Turn(
        turn_h=best_h + idle_s / SECONDS_PER_HOUR,
        grid_kwh=energy / charger_efficiency_frac + capacity * (best - arrive),
        charge_at_c=best,
        heat_h=heat_hours(best),
        charge_h=charge_hours(best),
        charge_kw=power_at(best) / charger_efficiency_frac,
    )


def swaps_per_hour(
    *,
    bays: ArrayLike,
    seconds_per_swap: ArrayLike,
    grid_kw: ArrayLike,
    turn_h: ArrayLike,
    grid_kwh_per_swap: ArrayLike,
    utilisation_frac: float,
) -> FloatArray:
    """Rate at which a station serves vehicles while waiting stays acceptable [1/h].

    Parameters
    ----------
    bays : array_like
        Packs that charge side by side.
    seconds_per_swap : array_like
        Mechanical time per vehicle [s].
    grid_kw : array_like
        Grid connection [kW].
    turn_h : array_like
        `Turn.turn_h`: from one pack's arrival in a bay to the next [h].
    grid_kwh_per_swap : array_like
        `Turn.grid_kwh`: energy drawn per swap [kWh].
    utilisation_frac : float
        Share of the nameplate rate planned with, in (0, 1].

    Returns
    -------
    ndarray
        u min(3600 / t_swap, bays / t_turn, P_grid / E_grid).

    Notes
    -----
    A nameplate of 822 swaps a day is one every 105 s round the clock and needs 30 packs
    turned in 52.6 min each; plans use the hour that binds.

    Examples
    --------
    >>> float(swaps_per_hour(bays=14, seconds_per_swap=100, grid_kw=720, turn_h=[1.4],
    ...     grid_kwh_per_swap=36.0, utilisation_frac=1.0)[0])  # the bays bind
    10.0
    """
    mechanical = SECONDS_PER_HOUR / np.asarray(seconds_per_swap, float)
    charging = np.asarray(bays, float) / np.asarray(turn_h, float)
    grid = np.asarray(grid_kw, float) / np.asarray(grid_kwh_per_swap, float)
    return np.asarray(utilisation_frac * np.minimum(np.minimum(mechanical, charging), grid))
