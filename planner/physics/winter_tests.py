"""Published winter and summer tests beside what the physics gives for them.

The table `winter_tests.csv` has the measured results. Those with the role "calibration" set the
physics' parameters (tyres, cabin, heat pump, cooling, snow, real use); the others are held out.
A test's car is not one of an instance, so each carries inputs of its own; what a source does not
tell is assumed, and said so. `docs/physics.md` prints these tables.
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance.settings.physics import Physics
from planner.physics.cabin import cooling_kw, start_energy_kwh
from planner.physics.vehicle_range import TemperatureCurve, consumption_kwh_per_km, heat_pump_cop

FloatArray = NDArray[np.float64]

CABIN_LOSS_KW_PER_K = 0.09
"""Cabin loss of the tested cars [kW/K], that of the instances' vehicles; INF: parked heat up
to 3 kW at -14 C over 33 K (ADAC/OAMTC)."""

REAL_USE_FACTOR = 1.15
"""Real use at 20 C over the CLTC rating, 1.10 to 1.25; INF from the two calibration rows in mild
air (0.74 and 0.88 of the rating)."""

DRIVEN_PACK = TemperatureCurve(np.array([-35.0, -20.0, 25.0, 45.0]), np.array([0.96, 0.97, 1, 1]))
"""Usable energy over temperature at the start of packs in cars that drive until empty: 0.94 to
1 at -20 C (Xiaomi SU7), 0.967 at -6.7 C (AAA 2019: 0.88 of the range over 0.91 of the energy
economy, an upper bound on the loss); the base curve of lithium packs."""

SOAKED_PACK = TemperatureCurve(
    np.array([-35.0, -20.0, 0.0, 25.0, 45.0]), np.array([0.625, 0.7, 0.8, 1, 1])
)
"""Usable energy of a cold-soaked LFP pack: vendor minimum (MC Upower UE-12Li300BL manual), slope
continued below -20 C (INF); the other end of what is contested."""

START_HEAT = TemperatureCurve(
    np.array([-40.0, -20.0, 0.0, 5.0, 45.0]), np.array([0.09, 0.05, 0.01, 0, 0])
)
"""Heat that a car puts into its LFP pack at a start, as a share of nominal energy, over the
pack's temperature: INF, up to 5 C; 2.2 to 2.8 kWh for 56 kWh at -15 to -20 C."""

LONG_PARKED_H = 1e6
"""A tested car stood until nothing of its cabin's warmth was left [h]."""


@dataclass(frozen=True)
class Elements:
    """Which elements the physics of a test counts; each can be left out.

    Attributes
    ----------
    physics : Physics
        Parameters; a loss of 0 leaves its element out.
    cabin_loss_kw_per_k : float
        Heat that a cabin loses [kW/K].
    real_use_factor : float
        Real use over a CLTC rating; 1 leaves it out.
    driven, heated : TemperatureCurve
        Usable energy of packs that are not heated at a start, and of LFP packs that are.
    start_heat : TemperatureCurve or None
        Heat put into the latter.
    is_cooled : bool
        Whether air conditioning is counted where a test used it.
    """

    physics: Physics
    cabin_loss_kw_per_k: float = CABIN_LOSS_KW_PER_K
    real_use_factor: float = REAL_USE_FACTOR
    driven: TemperatureCurve = DRIVEN_PACK
    heated: TemperatureCurve = DRIVEN_PACK
    start_heat: TemperatureCurve | None = START_HEAT
    is_cooled: bool = True


def measured_tests() -> pd.DataFrame:
    """Measured results and the inputs that their conditions are modelled with.

    Returns
    -------
    DataFrame
        One row per test, calibration first: ``name``; ``role`` ("calibration" or "held out");
        ``quantity`` ("range" and "consumption" over the reference's, "energy" of the pack over
        nominal, "snow": range on cleared roads less range on packed snow); ``measured`` with
        ``_low`` and ``_high``, its spread over cars; ``ambient_c`` and ``reference_c``; the car's
        ``base_kwh_per_km``, ``drag_frac``, ``speed_kmh``, ``rated_speed_kmh`` (empty: as
        driven); ``rating`` ("cltc", or "own" where its own mild-air use is the reference);
        ``heating``, ``cabin_c``, ``cooled`` (1: air conditioning); ``pack`` ("heated" at a
        start, or "driven") and ``nominal_kwh``; ``trip_km`` from one cold start to the next
        (empty: none counted); ``snow_frac``, ``wet_frac``; ``source``; ``assumed``.
    """
    with (files("planner.physics") / "winter_tests.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream)


def modelled(tests: pd.DataFrame, elements: Elements) -> FloatArray:
    """What the physics gives for tests: range, consumption, energy, or what snow takes.

    Parameters
    ----------
    tests : DataFrame
        As `measured_tests`.
    elements : Elements
        What is counted.

    Returns
    -------
    ndarray, shape (num_tests,)
    """
    cold = _consumption(tests, elements, tests["ambient_c"], tests["snow_frac"])
    used = np.where(tests["rating"] == "cltc", elements.real_use_factor, 1.0)
    calm = tests.assign(heating="none", cooled=0, trip_km=np.nan, wet_frac=0.0)
    calm["rated_speed_kmh"] = calm["speed_kmh"]
    reference = _consumption(calm, elements, tests["reference_c"], 0 * tests["snow_frac"]) / used
    energy = _usable(tests, elements, "ambient_c") / _usable(tests, elements, "reference_c")
    snowy = _consumption(tests, elements, tests["ambient_c"], 1 + 0 * tests["snow_frac"])
    values = {
        "range": energy * reference / cold,
        "consumption": cold / reference,
        "energy": energy,
        "snow": energy * reference * (1 / cold - 1 / snowy),
    }
    return np.select([tests["quantity"] == name for name in values], list(values.values()))


def _usable(tests: pd.DataFrame, elements: Elements, at: str) -> FloatArray:
    is_heated = tests["pack"] == "heated"
    return np.where(
        is_heated, elements.heated.at(tests[at]), elements.driven.at(tests[at])
    )  # fmt: skip


def _consumption(
    tests: pd.DataFrame, elements: Elements, ambient: pd.Series, snow_frac: pd.Series
) -> FloatArray:
    physics, ambient_c = elements.physics, ambient.to_numpy(float)
    loss = np.where(tests["heating"] == "none", 0.0, elements.cabin_loss_kw_per_k)
    pump = heat_pump_cop(
        ambient_c, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )
    cop = np.where(tests["heating"] == "heat_pump", pump, 1.0)
    cooling = cooling_kw(
        ambient_c,
        cabin_loss_kw_per_k=elements.cabin_loss_kw_per_k,
        cooling_from_c=physics.cooling_from_c,
        cooling_gain_kw=physics.cooling_gain_kw,
        cooling_cop=physics.cooling_cop,
    )
    used = np.where(tests["rating"] == "cltc", elements.real_use_factor, 1.0)
    driving = consumption_kwh_per_km(
        ambient_c,
        base_kwh_per_km=tests["base_kwh_per_km"] * used,
        drag_frac=tests["drag_frac"],
        speed_kmh=tests["speed_kmh"],
        rated_speed_kmh=tests["rated_speed_kmh"].fillna(tests["speed_kmh"]),
        cabin_loss_kw_per_k=loss,
        heating_cop=cop,
        auxiliary_kw=0.0,
        cabin_c=tests["cabin_c"].to_numpy(float),
        tyre_loss_per_k=physics.tyre_loss_per_k,
        snow_frac=snow_frac,
        wet_frac=tests["wet_frac"],
        snow_loss_frac=physics.snow_road_loss_frac,
        wet_loss_frac=physics.wet_road_loss_frac,
        cooling=cooling * tests["cooled"] * elements.is_cooled,
    )
    start_kwh = start_energy_kwh(
        ambient_c,
        parked_h=LONG_PARKED_H,
        cabin_c=tests["cabin_c"].to_numpy(float),
        cabin_heat_kwh_per_k=physics.cabin_heat_kwh_per_k,
        cabin_loss_kw_per_k=loss,
        heating_cop=cop,
        drive_h=(tests["trip_km"] / tests["speed_kmh"]).to_numpy(),
        heater_kw=physics.cabin_heater_kw,
    )
    if elements.start_heat is not None:
        heat = elements.start_heat.at(ambient_c) * tests["nominal_kwh"].fillna(0)
        start_kwh = start_kwh + np.where(tests["pack"] == "heated", heat, 0)
    return np.asarray(driving + (start_kwh / tests["trip_km"]).fillna(0))


def compare_with_measurement(
    physics: Physics | None = None,
    cabin_loss_kw_per_k: float = CABIN_LOSS_KW_PER_K,
    *,
    elements: Elements | None = None,
) -> pd.DataFrame:
    """Measured and modelled side by side.

    Parameters
    ----------
    physics : Physics, optional
        Parameters; the scenario's defaults if left out.
    cabin_loss_kw_per_k : float
        Heat that a cabin loses [kW/K].
    elements : Elements, optional
        In place of the two: which elements are counted, with which curves.

    Returns
    -------
    DataFrame
        One row per test, calibration first: ``name``, ``role``, ``quantity``, ``ambient_c``,
        ``measured``, ``measured_low``, ``measured_high``, ``modelled``, ``error`` (modelled -
        measured, as a share of the reference), ``within`` (modelled lies in the measured
        spread), ``heating``, ``speed_kmh``, ``source``, ``assumed``.
    """
    table = measured_tests()
    counted = elements or Elements(physics or Physics(), cabin_loss_kw_per_k)
    table["modelled"] = modelled(table, counted)
    table["error"] = table["modelled"] - table["measured"]
    table["within"] = table["modelled"].between(table["measured_low"], table["measured_high"])
    return table[
        ["name", "role", "quantity", "ambient_c", "measured", "measured_low", "measured_high",
         "modelled", "error", "within", "heating", "speed_kmh", "source", "assumed"]
    ]  # fmt: skip


def range_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Errors over the range rows of `compare_with_measurement`.

    Parameters
    ----------
    table : DataFrame
        As `compare_with_measurement`.

    Returns
    -------
    DataFrame
        One row per ``role`` and one for "all": ``count``, ``mean`` and ``rmse`` [points of
        range].
    """
    ranges = table[table["quantity"] == "range"]
    roles = {role: ranges[ranges["role"] == role] for role in ("calibration", "held out")}
    return pd.DataFrame(
        [
            {
                "role": role,
                "count": len(rows),
                "mean": 100 * rows["error"].mean(),
                "rmse": 100 * float(np.sqrt((rows["error"] ** 2).mean())),
            }
            for role, rows in (roles | {"all": ranges}).items()
        ]
    )


def calibration_error(tyre_loss_per_k: float, cabin_loss_kw_per_k: float) -> float:
    """Root mean square error over the calibration ranges, as a share of the range."""
    table = compare_with_measurement(Physics(tyre_loss_per_k=tyre_loss_per_k), cabin_loss_kw_per_k)
    return float(range_errors(table)["rmse"].iloc[0]) / 100
