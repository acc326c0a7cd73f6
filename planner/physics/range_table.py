"""Range, usable energy, consumption and swaps of a vehicle over air temperature, per pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault, InputError
from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.curves import temperature_curve
from planner.physics.pack_use import use_packs

CONSUMPTION_DOMAIN_C = (-40.0, 40.0)
"""Air temperatures that the consumption is meant for [C]."""

CROSSOVER_POINTS = 1_601
"""Air temperatures within that domain at which ranges are compared: every 0.05 C."""

MAX_TEMPERATURES = 2_000
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class RangeTable:
    """What one vehicle class does with each pack that fits it, over air temperature.

    Attributes
    ----------
    vehicle_id : str
    segment : str
        The vehicle's segment.
    pack_ids : tuple of str
        In the order of the columns to show.
    rows : DataFrame
        One row per pack and air temperature, ascending: ``pack_id``, ``chemistry``,
        ``ambient_c``, ``pack_c`` (temperature of the pack), ``usable_kwh``,
        ``kwh_per_100km``, ``range_km``, ``swaps_per_day`` (per vehicle), ``outside_curve``
        (the pack is outside its curve's domain and the end value is held),
        ``outside_consumption`` (air outside `CONSUMPTION_DOMAIN_C`).
    crossovers : DataFrame
        One row per sodium-ion pack and other pack: ``pack_id``, ``other_pack_id``,
        ``goes_farther`` ("below", "everywhere" or "nowhere": where the first goes at least as
        far, in air within `CONSUMPTION_DOMAIN_C` and as far as both curves reach),
        ``ambient_c`` and ``pack_c`` (air and pack temperature below which it does; NaN for the
        other two), ``domain_low_c`` and ``domain_high_c`` (pack temperatures that both curves
        cover).
    places : DataFrame
        Temperatures of the chosen city: ``label``, ``ambient_c``; empty without one.
    city : str
        Name of the chosen city, or empty.
    """

    vehicle_id: str
    segment: str
    pack_ids: tuple[str, ...]
    rows: pd.DataFrame
    crossovers: pd.DataFrame
    places: pd.DataFrame
    city: str


def range_table(
    instance: Instance,
    ambient_c: Sequence[float] | NDArray[np.float64],
    *,
    vehicle_id: str | None = None,
    pack_ids: Sequence[str] = (),
    city: str | None = None,
) -> RangeTable:
    """Work out a vehicle's range with every fitting pack.

    The same functions as the plan's demand; mean driving on dry roads, no hour of the day.

    Parameters
    ----------
    instance : Instance
        Vehicles, packs, curves and the scenario's physics.
    ambient_c : sequence of float
        Air temperatures [C]; the city's are added.
    vehicle_id : str, optional
        Vehicle class; the table's first if left out.
    pack_ids : sequence of str
        Packs to show; all that fit the vehicle's envelope if empty.
    city : str, optional
        City id or name, in any case, whose coldest and hottest month and design day are added.

    Returns
    -------
    RangeTable

    Raises
    ------
    InputError
        If an id is not known, or a pack does not fit; lists what is.
    """
    vehicle = _vehicle(instance, vehicle_id)
    packs = _packs(instance, vehicle, pack_ids)
    name, places = _places(instance, city)
    ambient = np.unique(np.concatenate((np.asarray(ambient_c, float), places["ambient_c"])))
    use = use_packs(instance, vehicle, packs, ambient)
    low, high = CONSUMPTION_DOMAIN_C
    frames = []
    for idx, pack in enumerate(packs.to_dict("records")):
        curve = temperature_curve(instance, pack["chemistry"], "usable_energy")
        pack_c, energy, kwh_per_km, swaps = (
            values[0, idx]
            for values in (use.pack_c, use.energy_kwh, use.kwh_per_km, use.swaps_per_day)
        )
        frames.append(
            pd.DataFrame(
                {
                    "pack_id": pack["pack_id"],
                    "chemistry": pack["chemistry"],
                    "ambient_c": ambient,
                    "pack_c": pack_c,
                    "usable_kwh": energy,
                    "kwh_per_100km": 100 * kwh_per_km,
                    "range_km": energy / kwh_per_km,
                    "swaps_per_day": swaps,
                    "outside_curve": curve.is_outside(pack_c),
                    "outside_consumption": (ambient < low) | (ambient > high),
                }
            )
        )
    return RangeTable(
        vehicle_id=str(vehicle["vehicle_id"].item()),
        segment=str(vehicle["segment"].item()),
        pack_ids=tuple(packs["pack_id"]),
        rows=pd.concat(frames, ignore_index=True),
        crossovers=_crossovers(instance, vehicle, packs),
        places=places,
        city=name,
    )


def temperatures(from_c: float, to_c: float, step_c: float) -> NDArray[np.float64]:
    """Air temperatures from one to another, both ends included where the step allows [C].

    Raises
    ------
    InputError
        If they are not ascending, or more than `MAX_TEMPERATURES`.
    """
    if not from_c < to_c:
        raise _fault("--from", f"{from_c:g}", f"must be below --to {to_c:g}")
    count = int((to_c - from_c) / step_c + 1e-9) + 1
    if count > MAX_TEMPERATURES:
        remedy = f"gives {count} temperatures, at most {MAX_TEMPERATURES}: use a larger step"
        raise _fault("--step", f"{step_c:g}", remedy)
    return np.asarray(from_c + step_c * np.arange(count), dtype=np.float64)


def _vehicle(instance: Instance, vehicle_id: str | None) -> pd.DataFrame:
    """The row of a vehicle class."""
    vehicles = instance.vehicles
    if vehicle_id is None:
        return vehicles.iloc[[0]]
    found = vehicles[vehicles["vehicle_id"] == vehicle_id]
    if found.empty:
        raise _unknown("vehicle", vehicle_id, list(vehicles["vehicle_id"]))
    return found


def _packs(instance: Instance, vehicle: pd.DataFrame, pack_ids: Sequence[str]) -> pd.DataFrame:
    packs, envelope = instance.packs, vehicle["envelope"].item()
    fitting = packs[packs["envelope"] == envelope]
    known, fit = list(packs["pack_id"]), list(fitting["pack_id"])
    for pack_id in pack_ids:
        if pack_id not in known:
            raise _unknown("pack", pack_id, known)
        if pack_id not in fit:
            remedy = (
                f"does not fit {vehicle['vehicle_id'].item()}, which takes envelope "
                f"{envelope}: {', '.join(fit)}"
            )
            raise _fault("pack", pack_id, remedy)
    chosen: pd.DataFrame = fitting[fitting["pack_id"].isin(pack_ids or fit)]
    return chosen


def _places(instance: Instance, city: str | None) -> tuple[str, pd.DataFrame]:
    if city is None:
        return "", pd.DataFrame(
            {"label": pd.Series(dtype=str), "ambient_c": pd.Series(dtype=float)}
        )
    cities = instance.cities
    wanted = city.strip().casefold()
    known = pd.DataFrame(
        {name: cities[name] for name in ("city_id", "name_en", "name_zh") if name in cities}
    )
    found = np.flatnonzero(known.apply(lambda names: names.str.casefold() == wanted).any(axis=1))
    if len(found) == 0:
        raise _unknown("city", city, list(cities["name_en"]))
    if len(found) > 1:
        ids = ", ".join(cities["city_id"].iloc[found])
        raise _fault("city", city, f"is the name of several cities; give an id: {ids}")
    position = int(found[0])
    climate = city_climate(instance)
    means = climate.monthly_mean_c[position]
    months = [int(climate.coldest_month[position]), int(climate.hottest_month[position])]
    return str(cities["name_en"].iloc[position]), pd.DataFrame(
        {
            "label": ["design day", *(f"{MONTH_NAMES[month]} mean" for month in months)],
            "ambient_c": [climate.winter_design_c[position], *means[months]],
        }
    ).drop_duplicates(ignore_index=True)


def _crossovers(instance: Instance, vehicle: pd.DataFrame, packs: pd.DataFrame) -> pd.DataFrame:
    """Where each sodium-ion pack goes at least as far as another, by the ranges themselves."""
    air_c = np.linspace(*CONSUMPTION_DOMAIN_C, CROSSOVER_POINTS)
    use = use_packs(instance, vehicle, packs, air_c)
    range_km = use.energy_kwh[0] / use.kwh_per_km[0]
    curves = [
        temperature_curve(instance, chemistry, "usable_energy") for chemistry in packs["chemistry"]
    ]
    inside = [
        ~curve.is_outside(pack_c) for curve, pack_c in zip(curves, use.pack_c[0], strict=True)
    ]
    is_sodium = (packs["chemistry"] == "sodium_ion").to_numpy()
    ids = packs["pack_id"].to_numpy()
    rows = []
    for first in np.flatnonzero(is_sodium):
        for other in np.flatnonzero(~is_sodium):
            at = np.flatnonzero(inside[first] & inside[other])
            surplus_km = range_km[first, at] - range_km[other, at]
            short = surplus_km < 0
            turn = int(short.argmax()) if short.any() else len(at)
            ambient_c = pack_c = np.nan
            if 0 < turn < len(at):
                # The straight line between the two temperatures crosses zero once.
                gap = surplus_km[turn - 1 : turn + 1]
                share = gap[0] / (gap[0] - gap[1])
                before, after = at[turn - 1 : turn + 1]
                ambient_c, pack_c = (
                    float(values[before] + share * (values[after] - values[before]))
                    for values in (air_c, use.pack_c[0, first])
                )
            rows.append(
                {
                    "pack_id": ids[first],
                    "other_pack_id": ids[other],
                    "goes_farther": "nowhere"
                    if turn == 0
                    else ("everywhere" if turn == len(at) else "below"),
                    "ambient_c": ambient_c,
                    "pack_c": pack_c,
                    "domain_low_c": max(curves[at].temperature_c[0] for at in (first, other)),
                    "domain_high_c": min(curves[at].temperature_c[-1] for at in (first, other)),
                }
            )
    columns = ["pack_id", "other_pack_id", "goes_farther", "ambient_c", "pack_c", "domain_low_c",
               "domain_high_c"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _unknown(what: str, value: str, known: Sequence[str]) -> InputError:
    near = get_close_matches(value, known, n=3)
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return _fault(what, value, f"not in this instance; {hint}known: {shown}")


def _fault(what: str, value: str, remedy: str) -> InputError:
    return InputError([Fault("planner range", None, what, value, remedy)])


def range_curves(instance: Instance) -> pd.DataFrame:
    """Range, energy and consumption of every vehicle class and pack over air temperature."""
    air_c = np.arange(CONSUMPTION_DOMAIN_C[0], CONSUMPTION_DOMAIN_C[1] + 1)
    parts = []
    for vehicle_id in instance.vehicles["vehicle_id"]:
        rows = range_table(instance, air_c, vehicle_id=vehicle_id).rows
        is_outside = rows["outside_curve"] | rows["outside_consumption"]
        parts.append(rows.assign(vehicle_id=vehicle_id, is_outside_domain=is_outside))
    rows = pd.concat(parts, ignore_index=True).rename(
        columns={"kwh_per_100km": "consumption_kwh_per_100km"}
    )
    return rows[
        ["vehicle_id", "pack_id", "ambient_c", "range_km", "usable_kwh",
         "consumption_kwh_per_100km", "is_outside_domain"]
    ]  # fmt: skip
