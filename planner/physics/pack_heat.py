"""How warm a pack is in use: from the station, by driving, and while the vehicle stands.

A pack exchanges heat with the air, as one lump. Between two swaps it makes starts: it drives,
warmed by its own losses, then stands and cools, and so on. Chemistries that need it are heated
by the vehicle at each start. Pure numpy.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.physics.vehicle_range import TemperatureCurve

FloatArray = NDArray[np.float64]


def pack_temperature_c(
    ambient_c: ArrayLike,
    soak_frac: ArrayLike,
    *,
    station_c: float,
    warmer_k: ArrayLike = 0.0,
) -> FloatArray:
    """Temperature of the pack in use: between station-warm and cold-soaked [C].

    Parameters
    ----------
    ambient_c : array_like
        Air temperature [C].
    soak_frac : array_like
        0 for a pack just swapped in, 1 for one that stood outside so long that nothing of the
        station's warmth is left; stated for a vehicle, or from `soak_of_driving`.
    station_c : float
        Temperature at which packs leave the station [C].
    warmer_k : array_like
        How much warmer than the air a pack is in the long run, by its own heat and by what the
        vehicle puts into it [K].

    Returns
    -------
    ndarray
        T_pack = T_station + soak (T_ambient + warmer - T_station).

    Examples
    --------
    >>> pack_temperature_c(-20, [0.25, 1.0], station_c=20, warmer_k=[0.0, 3.0]).tolist()
    [10.0, -17.0]
    """
    settled = np.asarray(ambient_c, float) + np.asarray(warmer_k, float)
    return np.asarray(station_c + np.asarray(soak_frac, float) * (settled - station_c))


def ambient_temperature_c(
    pack_c: ArrayLike, soak_frac: ArrayLike, *, station_c: float, warmer_k: ArrayLike = 0.0
) -> FloatArray:
    """Air temperature at which a pack in use has a given temperature [C].

    The inverse of `pack_temperature_c`. A pack that stays station-warm (soak 0) is colder than
    that in no air (-inf), warmer in none (inf), and as warm in any (NaN).

    Examples
    --------
    >>> ambient_temperature_c([10.0, -6.0], [0.25, 1.0], station_c=20).tolist()
    [-20.0, -6.0]
    """
    above_station = np.asarray(pack_c, dtype=np.float64) - station_c
    with np.errstate(divide="ignore", invalid="ignore"):
        settled = station_c + above_station / np.asarray(soak_frac, float)
    return np.asarray(settled - np.asarray(warmer_k, float))


def own_heat_rise_k(
    *,
    consumption: ArrayLike,
    speed_kmh: ArrayLike,
    nominal_kwh: ArrayLike,
    own_heat_frac: float,
    loss_kw_per_kwh_k: float,
) -> FloatArray:
    """How much warmer than the air a pack would become that drove for ever [K].

    Its own heat over what it loses per kelvin.

    Parameters
    ----------
    consumption : array_like
        Energy drawn from the pack [kWh/km].
    speed_kmh : array_like
        Mean speed while driving [km/h].
    nominal_kwh : array_like
        Energy at 25 C, > 0 [kWh].
    own_heat_frac : float
        Share of the energy drawn that heats the pack, in [0, 1).
    loss_kw_per_kwh_k : float
        Heat that a pack loses per kilowatt-hour of nominal energy and kelvin [kW/(kWh K)], > 0.

    Returns
    -------
    ndarray
        rise = f c v / (U E25).

    Examples
    --------
    >>> own_heat_rise_k(consumption=0.12, speed_kmh=28.0, nominal_kwh=56.0,
    ...                 own_heat_frac=0.05, loss_kw_per_kwh_k=0.00015).round(6).tolist()
    20.0
    """
    own_kw = own_heat_frac * np.asarray(consumption, float) * np.asarray(speed_kmh, float)
    return np.asarray(own_kw / (loss_kw_per_kwh_k * np.asarray(nominal_kwh, float)))


def soak_of_driving(
    *,
    drive_h: ArrayLike,
    park_h: ArrayLike,
    starts_per_swap: ArrayLike,
    rise_k: ArrayLike,
    pack_heat_kwh_per_kwh_k: float,
    pack_loss_kw_per_kwh_k: float,
) -> tuple[FloatArray, FloatArray]:
    """How much of the station's warmth a pack has lost at a start, and how warm it keeps itself.

    Heat balance of one lump with the time constant tau = heat / loss. With x the pack's
    temperature above the air's, x_0 at the swap, one drive of d hours and one stay of p hours:

        x_(k+1) = (rise (1 - a) + a x_k) b,  a = exp(-d / tau),  b = exp(-p / tau),  q = a b.

    Its mean over the n starts k = 0 .. n - 1 until the next swap is x* + (x_0 - x*) w with
    x* = rise (1 - a) b / (1 - q) and w = (1 - q^n) / (n (1 - q)). Source: Newton's law of
    cooling (lumped battery as in FASTSim); trips of equal length, evenly spread over the day,
    are assumed: a night is longer than the mean stay, so packs are a little colder than said
    at the first start and a little warmer at the others.

    Parameters
    ----------
    drive_h, park_h : array_like
        Length of a trip and of the stay after it [h], >= 0.
    starts_per_swap : array_like
        Starts from one swap to the next, not necessarily whole, >= 1.
    rise_k : array_like
        `own_heat_rise_k` [K].
    pack_heat_kwh_per_kwh_k : float
        Heat that a pack takes up per kilowatt-hour of nominal energy and kelvin [1/K], > 0.
    pack_loss_kw_per_kwh_k : float
        Heat that it loses in the same measure, per hour [1/(h K)], > 0.

    Returns
    -------
    soak_frac : ndarray
        1 - w, in [0, 1): for `pack_temperature_c`.
    warmer_k : ndarray
        x*, for `pack_temperature_c` [K].

    Examples
    --------
    A private car's three starts a day, two weeks to a swap; a taxi's three trips an hour:

    >>> soak_frac, warmer_k = soak_of_driving(
    ...     drive_h=[0.34, 0.45], park_h=[7.7, 0.15], starts_per_swap=[41, 27],
    ...     rise_k=[24.0, 20.0], pack_heat_kwh_per_kwh_k=0.002, pack_loss_kw_per_kwh_k=0.00015)
    >>> soak_frac.round(2).tolist(), warmer_k.round(1).tolist()
    ([0.95, 0.41], [0.7, 14.9])
    """
    tau_h = pack_heat_kwh_per_kwh_k / pack_loss_kw_per_kwh_k
    drive, park = np.asarray(drive_h, float) / tau_h, np.asarray(park_h, float) / tau_h
    cycle, starts = drive + park, np.asarray(starts_per_swap, float)
    # Neither driven nor parked: nothing is lost and nothing gained.
    is_still = cycle == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        kept_frac = np.where(is_still, 1, np.expm1(-starts * cycle) / (starts * np.expm1(-cycle)))
        warmed_frac = np.where(is_still, 0, np.expm1(-drive) * np.exp(-park) / np.expm1(-cycle))
    return np.asarray(1 - kept_frac), np.asarray(np.asarray(rise_k, float) * warmed_frac)


def warmer_by_start_heat_k(
    ambient_c: ArrayLike,
    warmer_k: ArrayLike,
    start_heat: TemperatureCurve,
    *,
    drive_h: ArrayLike,
    park_h: ArrayLike,
    pack_heat_kwh_per_kwh_k: float,
    pack_loss_kw_per_kwh_k: float,
) -> FloatArray:
    """How much warmer than the air a pack is in the long run that is heated at each start [K].

    What is left at the next start of the heat put in at this one, credited: without it, three
    starts a day would each be paid as if the pack were cold-soaked. In the recursion of
    `soak_of_driving` a start adds h(t + x) / C to x, with h the curve `start_heat` and C the
    pack's heat capacity; the state that repeats itself is

        x = x* + q / (1 - q) h(t + x) / C,

    which has one solution, as h does not grow with temperature; exact, as h is straight
    between points (and held outside them).

    Parameters
    ----------
    ambient_c : array_like
        Air temperature [C].
    warmer_k : array_like
        x* of `soak_of_driving` [K].
    start_heat : TemperatureCurve
        Heat put in at a start as a share of nominal energy, over the pack's temperature; must
        not grow with it.
    drive_h, park_h, pack_heat_kwh_per_kwh_k, pack_loss_kw_per_kwh_k
        As in `soak_of_driving`.

    Returns
    -------
    ndarray
        For `pack_temperature_c`, >= ``warmer_k``.

    Raises
    ------
    ValueError
        If the curve grows with temperature.

    Examples
    --------
    A curve that heats to +5 C, three starts a day in -20 C: at a start the pack has -9 C, and
    each start puts 14 kelvins into it instead of 25.

    >>> curve = TemperatureCurve(np.array([-35.0, 5.0, 45.0]), np.array([0.08, 0.0, 0.0]))
    >>> warmer_by_start_heat_k(-20.0, 0.0, curve, drive_h=0.3, park_h=7.7,
    ...                        pack_heat_kwh_per_kwh_k=0.002,
    ...                        pack_loss_kw_per_kwh_k=0.00015).round(2).tolist()
    13.72
    """
    if (np.diff(start_heat.value_frac) > 0).any():
        raise ValueError("heat at a start must not grow with the pack's temperature")
    tau_h = pack_heat_kwh_per_kwh_k / pack_loss_kw_per_kwh_k
    cycle = (np.asarray(drive_h, float) + np.asarray(park_h, float)) / tau_h
    # q / (1 - q); a pack that never cools keeps whatever heat it is given.
    left = 1 / np.expm1(np.maximum(cycle, 1e-9))
    settled = np.asarray(ambient_c, float) + np.asarray(warmer_k, float)
    points, heat_k = start_heat.temperature_c, start_heat.value_frac / pack_heat_kwh_per_kwh_k
    # T - left h(T) / C = settled, by pieces: an increasing, piecewise straight function's
    # inverse is the sum of its pieces', each clipped to its own length.
    start_c = np.minimum(settled + left * heat_k[0], points[0])
    for low, high, more, less in zip(points, points[1:], heat_k, heat_k[1:], strict=False):
        bottom = low - left * more
        share = (settled - bottom) / (high - left * less - bottom)
        start_c = start_c + np.clip(share, 0, 1) * (high - low)
    start_c = start_c + np.maximum(settled + left * heat_k[-1] - points[-1], 0)
    return np.asarray(start_c - np.asarray(ambient_c, float))
