"""Energy a pack gives and energy a vehicle takes, over temperature: two curves, never mixed.

What the battery loses in the cold (`usable_energy_kwh`, over pack temperature) and what the
vehicle draws in the cold (`consumption_kwh_per_km`, over ambient temperature) are separate
functions; their quotient is the range. Published winter tests mix both. Pure numpy.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.errors import OutOfDomainError

FloatArray = NDArray[np.float64]

REFERENCE_C = 20.0
"""Ambient temperature at which a vehicle's consumption is stated [C]."""

ZERO_C_IN_KELVIN = 273.15


@dataclass(frozen=True)
class TemperatureCurve:
    """A fraction over pack temperature, linear between points.

    Attributes
    ----------
    temperature_c : ndarray, shape (num_points,)
        Strictly ascending [C]; the curve's domain runs from the first to the last.
    value_frac : ndarray, shape (num_points,)
        In [0, 1].
    """

    temperature_c: FloatArray
    value_frac: FloatArray

    def __post_init__(self) -> None:
        if len(self.temperature_c) < 2 or not (np.diff(self.temperature_c) > 0).all():
            raise ValueError("a curve needs two points or more, strictly ascending in temperature")

    def is_outside(self, temperature_c: ArrayLike) -> NDArray[np.bool_]:
        """Tell which temperatures lie outside the domain."""
        values = np.asarray(temperature_c, dtype=np.float64)
        return np.asarray((values < self.temperature_c[0]) | (values > self.temperature_c[-1]))

    def at(
        self, temperature_c: ArrayLike, *, outside: Literal["raise", "hold"] = "raise"
    ) -> FloatArray:
        """Value of the curve.

        Parameters
        ----------
        temperature_c : array_like
            Pack temperature [C].
        outside : {"raise", "hold"}
            Outside the domain: raise, or hold the end point's value. Who holds must list
            where (`is_outside`): below a curve's domain it is optimistic.

        Raises
        ------
        OutOfDomainError
            If ``outside`` is "raise" and a temperature lies outside the domain.
        """
        if outside == "raise" and self.is_outside(temperature_c).any():
            low, high = self.temperature_c[0], self.temperature_c[-1]
            raise OutOfDomainError(f"temperature outside the curve's domain {low:g} to {high:g} C")
        values = np.asarray(temperature_c, dtype=np.float64)
        return np.asarray(np.interp(values, self.temperature_c, self.value_frac))


def usable_energy_kwh(
    nominal_kwh: ArrayLike, soc_window_frac: ArrayLike, usable_frac: ArrayLike
) -> FloatArray:
    """Energy a pack gives between two swaps [kWh].

    Counts what the cells give at low rate; cabin heat is consumption, not counted here.

    Parameters
    ----------
    nominal_kwh : array_like
        Energy at 25 C, full window [kWh].
    soc_window_frac : array_like
        Share of the pack used between swaps, in (0, 1].
    usable_frac : array_like
        u(chemistry, T_pack), from a `TemperatureCurve`.

    Returns
    -------
    ndarray
        E = E25 * w * u.
    """
    return np.asarray(
        np.asarray(nominal_kwh, float)
        * np.asarray(soc_window_frac, float)
        * np.asarray(usable_frac, float)
    )


def heat_pump_cop(ambient_c: ArrayLike, *, cop_mild: float, limit_c: float) -> FloatArray:
    """Coefficient of performance of a heat pump that fades to 1 in deep cold.

    Linear from 1 at ``limit_c`` to ``cop_mild`` at +10 C and above; 1 below ``limit_c``.
    """
    mild_c = 10.0
    share = (np.asarray(ambient_c, dtype=np.float64) - limit_c) / (mild_c - limit_c)
    return np.asarray(1 + (cop_mild - 1) * np.clip(share, 0, 1))


def consumption_kwh_per_km(
    ambient_c: ArrayLike,
    *,
    base_kwh_per_km: ArrayLike,
    drag_frac: ArrayLike,
    speed_kmh: ArrayLike,
    cabin_loss_kw_per_k: ArrayLike,
    heating_cop: ArrayLike,
    auxiliary_kw: ArrayLike,
    cabin_c: ArrayLike,
    tyre_loss_per_k: float,
    rated_speed_kmh: ArrayLike | None = None,
    snow_frac: ArrayLike = 0.0,
    wet_frac: ArrayLike = 0.0,
    snow_loss_frac: float = 0.0,
    wet_loss_frac: float = 0.0,
    cooling: ArrayLike = 0.0,
) -> FloatArray:
    """Energy a vehicle draws from its pack per kilometre, warm cabin [kWh/km].

    Traction grows with air density, with stiffer tyres and on snow or wet; cabin heat, cooling
    and auxiliaries are power, so they weigh more the slower the vehicle drives. What a start
    takes comes on top (`planner.physics.cabin.start_energy_kwh`). Not modelled: wind, slopes.

    Parameters
    ----------
    ambient_c : array_like
        Air temperature [C]; validity about -40 to +40.
    base_kwh_per_km : array_like
        Consumption at 20 C in real use without cabin heat, at ``rated_speed_kmh`` [kWh/km].
    drag_frac : array_like
        Share of it that is air drag, in [0, 1].
    speed_kmh : array_like
        Mean speed while driving [km/h], > 0.
    cabin_loss_kw_per_k : array_like
        Heat the cabin loses per kelvin [kW/K].
    heating_cop : array_like
        Heat per electric energy at ``ambient_c``: 1 for a resistor.
    auxiliary_kw : array_like
        Other power beyond the rated consumption [kW].
    cabin_c : array_like
        Cabin temperature [C].
    tyre_loss_per_k : float
        k, growth of the remaining traction per kelvin below 20 C [1/K].
    rated_speed_kmh : array_like, optional
        Speed at which the base holds: drag grows with the square of the speed. As driven if
        left out.
    snow_frac, wet_frac : array_like
        Share of the driving on packed snow and on wet roads, in [0, 1].
    snow_loss_frac, wet_loss_frac : float
        Growth of the traction that is not drag on packed snow and on wet roads.
    cooling : array_like
        Power of air conditioning, `planner.physics.cabin.cooling_kw` [kW].

    Returns
    -------
    ndarray
        c = c20 (d (v / v_rated)^2 293.15 / T
        + (1 - d)(1 + k max(0, 20 - t))(1 + s_snow snow + s_wet wet))
        + (UA max(0, t_cabin - t) / COP + P_cool + P_aux) / v

    Examples
    --------
    >>> calm = dict(base_kwh_per_km=0.11, drag_frac=0.35, speed_kmh=33.0,
    ...             cabin_loss_kw_per_k=0.09, auxiliary_kw=0.0, cabin_c=20.0,
    ...             tyre_loss_per_k=0.002, heating_cop=1.0)
    >>> consumption_kwh_per_km([20.0, -20.0], **calm).round(3).tolist()
    [0.11, 0.231]
    """
    ambient = np.asarray(ambient_c, dtype=np.float64)
    speed, drag = np.asarray(speed_kmh, float), np.asarray(drag_frac, float)
    growth = 1.0 if rated_speed_kmh is None else (speed / np.asarray(rated_speed_kmh, float)) ** 2
    density = (REFERENCE_C + ZERO_C_IN_KELVIN) / (ambient + ZERO_C_IN_KELVIN)
    tyres = 1 + tyre_loss_per_k * np.maximum(0, REFERENCE_C - ambient)
    road = (
        1
        + snow_loss_frac * np.asarray(snow_frac, float)
        + wet_loss_frac * np.asarray(wet_frac, float)
    )
    traction = np.asarray(base_kwh_per_km, float) * (
        drag * growth * density + (1 - drag) * tyres * road
    )
    colder_k = np.maximum(0, np.asarray(cabin_c, float) - ambient)
    heat_kw = np.asarray(cabin_loss_kw_per_k, float) * colder_k
    electric_kw = (
        heat_kw / np.asarray(heating_cop, float)
        + np.asarray(cooling, float)
        + np.asarray(auxiliary_kw, float)
    )
    return np.asarray(traction + electric_kw / speed)


def swaps_per_vehicle_day(
    km_per_day: ArrayLike,
    consumption: ArrayLike,
    energy_kwh: ArrayLike,
    swap_energy_frac: ArrayLike,
) -> FloatArray:
    """Swaps a vehicle makes per day.

    Parameters
    ----------
    km_per_day : array_like
        Distance per day [km].
    consumption : array_like
        `consumption_kwh_per_km` [kWh/km].
    energy_kwh : array_like
        `usable_energy_kwh` [kWh], > 0.
    swap_energy_frac : array_like
        Share of the energy that is taken by swapping rather than charging.

    Returns
    -------
    ndarray
        n = s * km * c / E.
    """
    energy_per_day = np.asarray(km_per_day, float) * np.asarray(consumption, float)
    return np.asarray(
        energy_per_day * np.asarray(swap_energy_frac, float) / np.asarray(energy_kwh, float)
    )


def crossover_temperature_c(
    cold: TemperatureCurve,
    cold_kwh: ArrayLike,
    other: TemperatureCurve,
    other_kwh: ArrayLike,
) -> FloatArray:
    """Pack temperature below which one pack gives at least the energy of another [C].

    Which of two packs goes farther in the same vehicle turns at the same temperature: the
    consumption is the vehicle's. Nothing is said outside the domain that both curves share.

    Parameters
    ----------
    cold : TemperatureCurve
        Usable energy of the pack that keeps more in the cold.
    cold_kwh : array_like
        Its energy at 25 C within its window of charge, > 0 [kWh].
    other : TemperatureCurve
        Usable energy of the other pack.
    other_kwh : array_like
        Its energy at 25 C within its window of charge, > 0 [kWh].

    Returns
    -------
    ndarray
        The warmest T with E_cold u_cold(t) >= E_other u_other(t) for every t <= T of the
        common domain; exact, as both curves are straight between points. inf where that
        holds in the whole domain, -inf where not even at its cold end.

    Raises
    ------
    OutOfDomainError
        If the curves have no common domain.

    Examples
    --------
    >>> sodium = TemperatureCurve(np.array([-30.0, 25.0]), np.array([0.93, 1.0]))
    >>> lfp = TemperatureCurve(np.array([-20.0, 0.0, 25.0]), np.array([0.7, 0.8, 1.0]))
    >>> crossover_temperature_c(sodium, [45.0, 50.0], lfp, 56.0).round(1).tolist()
    [-5.5, 9.4]
    """
    points = np.union1d(cold.temperature_c, other.temperature_c)
    low = max(cold.temperature_c[0], other.temperature_c[0])
    high = min(cold.temperature_c[-1], other.temperature_c[-1])
    if low >= high:
        raise OutOfDomainError("the two curves have no common domain of temperatures")
    points = points[(points >= low) & (points <= high)]
    cold_energy = np.asarray(cold_kwh, float)[..., None] * cold.at(points)
    surplus = cold_energy - np.asarray(other_kwh, float)[..., None] * other.at(points)
    short = surplus < 0
    # The first point, from the cold end, where the cold pack gives less; before it, the last
    # where it does not: the straight line between the two crosses zero once.
    after = np.clip(short.argmax(axis=-1), 1, None)
    before_kwh, after_kwh = (
        np.take_along_axis(surplus, idx[..., None], axis=-1)[..., 0] for idx in (after - 1, after)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = before_kwh / (before_kwh - after_kwh)
    crossing = points[after - 1] + share * (points[after] - points[after - 1])
    crossing = np.where(short[..., 0], -np.inf, np.where(short.any(axis=-1), crossing, np.inf))
    return np.asarray(np.where(np.isnan(surplus).any(axis=-1), np.nan, crossing))
