"""The futures of an instance: the same tables with what differs in each.

Takes `[uncertainty]` of the scenario and the tables, gives an instance per future. Futures that are
drawn take all their factors in one draw, so that what packs and what stations are planned for
belongs to one future. Leaves out what is planned for them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.errors import Fault, InputError
from planner.instance.names import suggest
from planner.instance.read import SCENARIO_FILE, Instance
from planner.instance.scale_tables import match_faults, scale_faults, scale_tables
from planner.instance.settings.scale import Scale
from planner.instance.settings.uncertainty import Changes, Factor, Future, Uncertainty
from planner.instance.tables import TABLES, quarters_later

WINTER_MONTHS = 3
"""A city's winter is its coldest so many months."""
AS_IT_IS = "as the tables say"


@dataclass(frozen=True)
class FutureInstance:
    """One future of an instance.

    Attributes
    ----------
    name : str
    weight : float
        Its probability; those of all add up to 1.
    words : str
        What differs from the tables.
    instance : Instance
        With these differences; the instance itself where there are none.
    """

    name: str
    weight: float
    words: str
    instance: Instance


def futures_of(instance: Instance) -> tuple[FutureInstance, ...]:
    """An instance per future, the stated ones first.

    Raises
    ------
    InputError
        If a change names what the tables do not have, or a product is out of a column's bounds.
    """
    uncertainty = instance.scenario.uncertainty
    stated = [*uncertainty.futures, *_drawn(uncertainty, _winters(instance))]
    faults = [fault for future in stated for fault in _faults(instance, future)]
    made = []
    for future in stated if not faults else []:
        try:
            changed = _changed(instance, future)
        except InputError as error:
            faults += [
                replace(fault, file=f"{fault.file} of future {future.name}")
                for fault in error.faults
            ]
        else:
            made.append(FutureInstance(future.name, future.weight, _words(future), changed))
    if faults:
        raise InputError(faults, source=str(instance.folder))
    total = math.fsum(future.weight for future in made)
    return tuple(replace(future, weight=future.weight / total) for future in made)


def check_futures(instance: Instance) -> None:
    """Say at once what keeps futures from being made, if any are asked for.

    Raises
    ------
    InputError
        With all faults found.
    """
    faults = []
    for factor in instance.scenario.uncertainty.factors:
        wrong = _factor_faults(instance, factor)
        faults += [
            Fault(SCENARIO_FILE, None, f"uncertainty.factors.{factor.name}", "", each)
            for each in wrong
        ]
    if faults:
        raise InputError(faults, source=str(instance.folder))
    futures_of(instance)


def _factor_faults(instance: Instance, factor: Factor) -> list[str]:
    if factor.factor_of is not None:
        return _scale_faults(instance, Scale(**factor.factor_of.model_dump(), factor=1.0))
    if factor.quantity == "winter" and instance.winters.empty:
        return ["there is no table winters to draw from: give one, or draw winter_shift_c"]
    return [
        *_chemistry_faults(instance, "supply", [factor.supply_delay_of]),
        *_chemistry_faults(instance, "gates", [factor.certificate_delay_of]),
    ]


def _faults(instance: Instance, future: Future) -> list[Fault]:
    """What a stated future names that is not there."""
    found = [wrong for scale in future.scale for wrong in _scale_faults(instance, scale)]
    found += _chemistry_faults(instance, "supply", list(future.supply_delay_quarters))
    found += _chemistry_faults(instance, "gates", list(future.certificate_delay_quarters))
    winters = _winters(instance)
    if future.winter and future.winter not in winters:
        hint = suggest(future.winter, winters) if winters else "give the table"
        found.append(f"the table winters has no winter {future.winter}; {hint}")
    place = f"uncertainty.futures.{future.name}"
    return [Fault(SCENARIO_FILE, None, place, "", wrong) for wrong in found]


def _scale_faults(instance: Instance, scale: Scale) -> list[str]:
    wrong = scale_faults(scale)
    if not wrong:
        wrong = match_faults(scale, getattr(instance, scale.table))
    return [f"{scale.place}: {each}" for each in wrong]


def _chemistry_faults(instance: Instance, table: str, wanted: Sequence[str]) -> list[str]:
    known = sorted(getattr(instance, table)["chemistry"].unique())
    return [
        f"the table {table} has no rows of {name}, so nothing of it can be late; "
        + suggest(name, known)
        for name in wanted
        if name and name not in known
    ]


def _winters(instance: Instance) -> list[str]:
    return sorted(instance.winters["winter"].unique().tolist())


def _drawn(uncertainty: Uncertainty, winters: Sequence[str]) -> list[Future]:
    """Futures from a Latin hypercube over the factors (McKay, Beckman and Conover 1979)."""
    if not uncertainty.samples:
        return []
    from scipy.stats.qmc import LatinHypercube

    num = uncertainty.samples
    left = 1.0 - sum(future.weight for future in uncertainty.futures)
    unit = LatinHypercube(len(uncertainty.factors), rng=uncertainty.seed).random(num)
    digits = len(str(num))
    return [
        Future.model_validate(
            {"name": f"sample_{number:0{digits}}", "weight": left / num}
            | _changes(uncertainty.factors, row.tolist(), winters)
        )
        for number, row in enumerate(unit, start=1)
    ]


def _changes(
    factors: Sequence[Factor], row: Sequence[float], winters: Sequence[str]
) -> dict[str, object]:
    """What one draw changes, as fields of `Changes`."""
    scale: list[dict[str, object]] = []
    supply: dict[str, int] = {}
    certificates: dict[str, int] = {}
    changes: dict[str, object] = {
        "scale": scale,
        "supply_delay_quarters": supply,
        "certificate_delay_quarters": certificates,
    }
    for factor, share in zip(factors, row, strict=True):
        if factor.quantity == "winter":
            changes["winter"] = winters[int(share * len(winters))]
            continue
        low, high = factor.low or 0.0, factor.high or 0.0
        if factor.is_delay:
            first, last = int(np.ceil(low)), int(np.floor(high))
            drawn = min(last, first + int(share * (last - first + 1)))
            to = supply if factor.supply_delay_of else certificates
            to[factor.supply_delay_of or factor.certificate_delay_of] = drawn
            continue
        value = float(f"{low + share * (high - low):.6g}")
        if factor.quantity == "winter_shift_c":
            changes["winter_shift_c"] = value
        elif factor.factor_of is not None:
            scale.append(factor.factor_of.model_dump() | {"factor": value})
    return changes


def _words(changes: Changes) -> str:
    told = [str(scale) for scale in changes.scale]
    for what, delays in (
        ("supply", changes.supply_delay_quarters),
        ("certificates", changes.certificate_delay_quarters),
    ):
        told += [
            f"{what} of {name} {quarters} quarters later"
            for name, quarters in delays.items()
            if quarters
        ]
    if changes.winter:
        told.append(f"winter of {changes.winter}")
    if changes.winter_shift_c:
        warmer = "warmer" if changes.winter_shift_c > 0 else "colder"
        told.append(f"winter {abs(changes.winter_shift_c):g} C {warmer}")
    return "; ".join(told) or AS_IT_IS


def _changed(instance: Instance, changes: Changes) -> Instance:
    if changes.scale:
        instance = scale_tables(instance, changes.scale, "set for this future")
    for chemistry, delay in changes.supply_delay_quarters.items():
        instance = replace(instance, supply=_later_supply(instance.supply, chemistry, delay))
    for chemistry, delay in changes.certificate_delay_quarters.items():
        instance = replace(instance, gates=_later_gates(instance.gates, chemistry, delay))
    shift_c = pd.Series(changes.winter_shift_c, index=instance.cities["city_id"])
    design_c = pd.Series(np.nan, index=shift_c.index)
    if changes.winter:
        of_winter = instance.winters[instance.winters["winter"] == changes.winter]
        rows = of_winter.set_index("city_id")
        shift_c = shift_c.add(rows["shift_c"].reindex(shift_c.index), fill_value=0.0)
        if "winter_design_c" in rows.columns:
            design_c = rows["winter_design_c"].reindex(shift_c.index)
    return _with_winter(instance, shift_c, design_c)


def _later_supply(supply: pd.DataFrame, chemistry: str, delay: int) -> pd.DataFrame:
    """Every quarter has what the same source had earlier; nothing before its first."""
    rows = supply["chemistry"] == chemistry
    source = [name for name in TABLES["supply"].key_in(supply.columns) if name != "quarter"]
    keys = supply[["quarter", *source]].fillna("")
    earlier = keys.assign(quarter=[quarters_later(each, -delay) for each in keys["quarter"]])
    known = pd.Series(supply["gwh"].to_numpy(float), pd.MultiIndex.from_frame(keys))
    shifted = known.reindex(pd.MultiIndex.from_frame(earlier), fill_value=0.0).to_numpy()
    return supply.assign(gwh=np.where(rows, shifted, supply["gwh"].astype(float)))


def _later_gates(gates: pd.DataFrame, chemistry: str, delay: int) -> pd.DataFrame:
    """Gates of the chemistry open later on all their dates; those without a date stay closed."""
    rows = gates["chemistry"] == chemistry
    changed = {}
    for name in ("opens_low", "opens", "opens_high"):
        if name in gates.columns:
            later = [
                quarters_later(quarter, delay) if is_late and isinstance(quarter, str) else quarter
                for quarter, is_late in zip(gates[name], rows, strict=True)
            ]
            changed[name] = pd.Series(later, index=gates.index, dtype=gates[name].dtype)
    return gates.assign(**changed)


def _with_winter(
    instance: Instance, shift_c: "pd.Series[float]", design_c: "pd.Series[float]"
) -> Instance:
    """Another winter: the coldest months and the design day of each city shifted."""
    if not shift_c.any() and design_c.isna().all():
        return instance
    cities, climate = instance.cities, instance.climate
    of_city = cities["city_id"]
    stated = design_c.reindex(of_city).to_numpy(float)
    shifted = cities["winter_design_c"].to_numpy(float) + shift_c.reindex(of_city).to_numpy(float)
    rank = climate.groupby("city_id")["mean_c"].rank(method="first")
    warmer_c = climate["city_id"].map(shift_c).where(rank <= WINTER_MONTHS, 0.0)
    return replace(
        instance,
        cities=cities.assign(winter_design_c=np.where(np.isnan(stated), shifted, stated)),
        climate=climate.assign(mean_c=climate["mean_c"] + warmer_c),
    )
