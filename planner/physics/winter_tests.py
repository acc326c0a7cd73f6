"""Published winter tests beside what the physics gives for them.

Four results set the physics' parameters (tyres, cabin loss, heat pump); the others are held
out. A test's car is not one of an instance, so each carries inputs of its own; what a source
does not tell is assumed, and said so. `docs/physics.md` prints these tables.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from planner.instance.settings.physics import Physics
from planner.physics.vehicle_range import TemperatureCurve, consumption_kwh_per_km, heat_pump_cop

CABIN_LOSS_KW_PER_K = 0.09
"""Cabin loss of the tested cars [kW/K], that of the instances' vehicles; INF: parked heat up
to 3 kW at -14 C over 33 K (ADAC/OAMTC)."""

MANAGED_PACK = TemperatureCurve(np.array([-40.0, -6.7, 24.0, 45.0]), np.array([0.93, 0.967, 1, 1]))
"""Energy of lithium packs that the car keeps warm, over ambient temperature.

INF from AAA 2019: at -6.7 C range fell by 12 % and energy economy by 9 %: 0.88 / 0.91 = 0.967
(an upper bound: the economy contains the charger's losses). Colder: the slope continued.
"""

SOAKED_LFP_PACK = TemperatureCurve(
    np.array([-35.0, -20.0, 0.0, 25.0]), np.array([0.625, 0.7, 0.8, 1.0])
)
"""Energy of a cold-soaked LFP pack: vendor minimum (MC Upower UE-12Li300BL manual), slope
continued below -20 C (INF)."""


@dataclass(frozen=True)
class WinterTest:
    """One measured result and the inputs that its conditions are modelled with.

    Attributes
    ----------
    name, source, assumed : str
        What was measured; who measured it, with mark; which inputs the source does not tell.
    role : {"calibration", "held out"}
        Whether the physics' parameters were chosen with it in view.
    quantity : {"range", "consumption"}
        Measured is range over the reference's, or consumption over the reference's.
    measured, measured_low, measured_high : float
        Mean or only value; spread over cars, equal to it where none is told.
    ambient_c, reference_c : float
        Air temperature of the test and of its base [C].
    base_kwh_per_km, drag_frac, speed_kmh : float
        Consumption at 20 C, its share of drag, mean speed.
    pack : TemperatureCurve
        Usable energy over ambient temperature.
    heating : {"none", "resistive", "heat_pump"}
    cabin_c : float
        Cabin temperature [C].
    rating_frac : float
        The base over the consumption at ``reference_c``: below 1 where the base is a rating
        that driving at this speed misses even in mild air.
    """

    name: str
    source: str
    assumed: str
    role: Literal["calibration", "held out"]
    quantity: Literal["range", "consumption"]
    measured: float
    measured_low: float
    measured_high: float
    ambient_c: float
    reference_c: float
    base_kwh_per_km: float
    drag_frac: float
    speed_kmh: float
    pack: TemperatureCurve
    heating: Literal["none", "resistive", "heat_pump"]
    cabin_c: float = 22.0
    rating_frac: float = 1.0


_AAA = WinterTest(
    name="AAA 2019, 5 cars, no cabin heat",
    source="M: AAA Electric Vehicle Range Testing, Feb 2019",
    assumed="0.114 kWh/km from the pack (labels x 0.7 x 0.88), drag 40 %; 43 km/h is the "
    "55/45 mean of the two cycles; cabin 22 C is the report's",
    role="calibration", quantity="range",
    measured=0.88, measured_low=0.88, measured_high=0.88, ambient_c=-6.7, reference_c=24.0,
    base_kwh_per_km=0.114, drag_frac=0.40, speed_kmh=43.0, pack=MANAGED_PACK, heating="none",
)  # fmt: skip
_RECURRENT = WinterTest(
    name="Recurrent 2024/25, cars without heat pump",
    source="M: Recurrent, 18,000 cars of 20 models; spread over models (topcarz, lnginnorthernbc)",
    assumed="0.165 kWh/km, drag 50 %, 50 km/h, cabin 20 C",
    role="calibration", quantity="range",
    measured=0.75, measured_low=0.63, measured_high=0.79, ambient_c=0.0, reference_c=20.0,
    base_kwh_per_km=0.165, drag_frac=0.50, speed_kmh=50.0, pack=MANAGED_PACK,
    heating="resistive", cabin_c=20.0,
)  # fmt: skip
_LEAF = WinterTest(
    name="Argonne, Nissan Leaf 2012, city cycle",
    source="M second-hand: AnandTech 2013, 'nearly double'",
    assumed="0.125 kWh/km, drag 25 %; 31.5 km/h is the cycle's, cabin 22 C is told",
    role="held out", quantity="consumption",
    measured=1.95, measured_low=1.95, measured_high=1.95, ambient_c=-6.7, reference_c=22.0,
    base_kwh_per_km=0.125, drag_frac=0.25, speed_kmh=31.5, pack=MANAGED_PACK,
    heating="resistive",
)  # fmt: skip
_NAF_2026 = WinterTest(
    name="NAF Jan 2026, 24 cars, packs kept warm",
    source="M: NAF/Motor, revijahak 2026-01-29; down to -31 C; mean of the 15 cars read",
    assumed="-20 C in the mean, 0.17 kWh/km, drag 50 %, 65 km/h, heat pump; at mild air the "
    "rating is met",
    role="held out", quantity="range",
    measured=0.61, measured_low=0.54, measured_high=0.71, ambient_c=-20.0, reference_c=23.0,
    base_kwh_per_km=0.17, drag_frac=0.50, speed_kmh=65.0, pack=MANAGED_PACK,
    heating="heat_pump",
)  # fmt: skip
_YAKESHI = WinterTest(
    name="Autohome Dec 2025, Yakeshi, packs kept warm",
    source="M: Autohome via arenaev 2025-12-28, the spread's middle; most below 50 %; speed via "
    "allthe.news",
    assumed="-17.5 C is the middle of -10 to -25; 60 km/h in the mean of 70-80 and stops, "
    "0.15 kWh/km, drag 50 %, cabin 23 C, heat pump; 10 % above the CLTC rating in mild air (the "
    "tester's Model Y reached 85 % at 5 to 15 C in 2024)",
    role="held out", quantity="range",
    measured=0.44, measured_low=0.348, measured_high=0.539, ambient_c=-17.5, reference_c=20.0,
    base_kwh_per_km=0.15, drag_frac=0.50, speed_kmh=60.0, pack=MANAGED_PACK,
    heating="heat_pump", cabin_c=23.0, rating_frac=1 / 1.1,
)  # fmt: skip

WINTER_TESTS = (
    _AAA,
    replace(_AAA, name="AAA 2019, 5 cars, cabin heat", measured=0.59, measured_low=0.59,
            measured_high=0.59, heating="resistive"),
    _RECURRENT,
    replace(_RECURRENT, name="Recurrent 2024/25, cars with heat pump", measured=0.83,
            measured_low=0.72, measured_high=0.89, heating="heat_pump"),
    replace(_AAA, name="AAA, later report, cabin heat", source="M: AAA via b-seen.io",
            assumed="as AAA 2019; cars not named, heat pump assumed", role="held out",
            measured=0.61, measured_low=0.61, measured_high=0.61, heating="heat_pump"),
    _LEAF,
    replace(_LEAF, name="Argonne, Nissan Leaf 2012, highway cycle",
            source="M second-hand: AnandTech 2013, '40 % more'",
            assumed="0.12 kWh/km, drag 50 %; 77.7 km/h is the cycle's, cabin 22 C is told",
            measured=1.4, measured_low=1.4, measured_high=1.4, base_kwh_per_km=0.12,
            drag_frac=0.50, speed_kmh=77.7),
    replace(_NAF_2026, name="NAF Jan 2025, 24 cars", ambient_c=1.5, measured=0.81,
            source="M: NAF/Motor, krone 2025-01-21; mean via origo.hu",
            assumed="+1.5 C is the middle of -2 to +5; otherwise as 2026",
            measured_low=0.68, measured_high=0.95),
    _NAF_2026,
    _YAKESHI,
    replace(_YAKESHI, name="Autohome Dec 2025, Yakeshi, LFP cold-soaked", pack=SOAKED_LFP_PACK),
    replace(_YAKESHI, name="Autohome Dec 2025, Yakeshi, best consumption",
            source="M: BYD Seagull 23.5 kWh/100 km (arenaev); 9.6 by CLTC (INF)",
            assumed="as Yakeshi; 0.106 kWh/km, which is 10 % above the rating",
            quantity="consumption", measured=2.45, measured_low=2.45, measured_high=2.45,
            base_kwh_per_km=0.106),
)  # fmt: skip
"""Measured results, those used for calibration first."""


def modelled(test: WinterTest, physics: Physics, cabin_loss_kw_per_k: float) -> float:
    """What the physics gives for a test: range, or consumption, over the reference's."""

    def consumption(ambient_c: float, loss_kw_per_k: float) -> float:
        cop = 1.0
        if test.heating == "heat_pump":
            cop = float(
                heat_pump_cop(
                    ambient_c, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
                )
            )
        return float(
            consumption_kwh_per_km(
                ambient_c,
                base_kwh_per_km=test.base_kwh_per_km,
                drag_frac=test.drag_frac,
                speed_kmh=test.speed_kmh,
                cabin_loss_kw_per_k=loss_kw_per_k,
                heating_cop=cop,
                auxiliary_kw=0.0,
                cabin_c=test.cabin_c,
                tyre_loss_per_k=physics.tyre_loss_per_k,
            )
        )

    loss = 0.0 if test.heating == "none" else cabin_loss_kw_per_k
    cold = consumption(test.ambient_c, loss)
    reference = test.rating_frac * consumption(test.reference_c, 0.0)
    if test.quantity == "consumption":
        return cold / reference
    energy = test.pack.at([test.ambient_c, test.reference_c])
    return float(energy[0] / energy[1] * reference / cold)


def compare_with_measurement(
    physics: Physics | None = None, cabin_loss_kw_per_k: float = CABIN_LOSS_KW_PER_K
) -> pd.DataFrame:
    """Measured and modelled side by side.

    Parameters
    ----------
    physics : Physics, optional
        Parameters; the scenario's defaults if left out.
    cabin_loss_kw_per_k : float
        Heat that a cabin loses [kW/K].

    Returns
    -------
    DataFrame
        One row per test: ``name``, ``role``, ``quantity``, ``ambient_c``, ``measured``,
        ``measured_low``, ``measured_high``, ``modelled``, ``error`` (modelled - measured, as
        a share of the reference), ``within`` (modelled lies in the measured spread),
        ``heating``, ``speed_kmh``, ``source``, ``assumed``.
    """
    taken = physics or Physics()
    rows = []
    for test in WINTER_TESTS:
        value = modelled(test, taken, cabin_loss_kw_per_k)
        rows.append(
            {
                "name": test.name,
                "role": test.role,
                "quantity": test.quantity,
                "ambient_c": test.ambient_c,
                "measured": test.measured,
                "measured_low": test.measured_low,
                "measured_high": test.measured_high,
                "modelled": value,
                "error": value - test.measured,
                "within": test.measured_low <= value <= test.measured_high,
                "heating": test.heating,
                "speed_kmh": test.speed_kmh,
                "source": test.source,
                "assumed": test.assumed,
            }
        )
    return pd.DataFrame(rows)


def calibration_error(tyre_loss_per_k: float, cabin_loss_kw_per_k: float) -> float:
    """Root mean square error over the calibration tests, as a share of the range."""
    table = compare_with_measurement(
        Physics(tyre_loss_per_k=tyre_loss_per_k), cabin_loss_kw_per_k
    ).query("role == 'calibration'")
    return float(np.sqrt((table["error"] ** 2).mean()))


def format_comparison() -> str:
    """Markdown tables of `docs/physics.md`, with the scenario's default parameters."""
    lines = [
        "| # | test | role | air | heating, speed | measured | model | error | source; assumed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(compare_with_measurement().to_dict("records"), start=1):
        form = ".2f" if row["quantity"] == "consumption" else ".0%"
        sign = "x" if row["quantity"] == "consumption" else ""
        spread = ""
        if row["measured_low"] < row["measured_high"]:
            spread = f" ({row['measured_low']:{form}} to {row['measured_high']:{form}})"
        error = (
            f"{row['error'] / row['measured']:+.0%}"
            if row["quantity"] == "consumption"
            else f"{100 * row['error']:+.1f} pp"
        )
        lines.append(
            f"| {number} | {row['name']} | {row['role']} | {row['ambient_c']:g} C "
            f"| {row['heating'].replace('_', ' ')}, {row['speed_kmh']:g} km/h "
            f"| {sign}{row['measured']:{form}}{spread} | {sign}{row['modelled']:{form}} "
            f"| {error} | {row['source']}; {row['assumed']} |"
        )
    losses = (0.08, 0.09, 0.10)
    lines += [
        "",
        "Root mean square error of the four calibration results [percentage points of range]:",
        "",
        "| tyre_loss_per_k | " + " | ".join(f"cabin loss {loss:g} kW/K" for loss in losses) + " |",
        "|---" * (1 + len(losses)) + "|",
    ]
    for tyres in (0.002, 0.003, 0.004):
        errors = (f"{100 * calibration_error(tyres, loss):.1f}" for loss in losses)
        lines.append(f"| {tyres:g} | " + " | ".join(errors) + " |")
    return "\n".join(lines) + "\n"
