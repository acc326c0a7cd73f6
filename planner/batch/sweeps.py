"""Sweeps written out: which values each of their scenarios takes."""

import itertools
import math
import re
from collections.abc import Sequence

from planner.batch.study import (
    Axis,
    Grid,
    LatinHypercube,
    OneAtATime,
    RangeAxis,
    Settings,
    Study,
    Value,
    ValueList,
    Variant,
)
from planner.instance.settings.scale import Scale
from planner.outputs.study.tornado import Ends, Tornado

MAX_NAME_LENGTH = 100


def write_out(
    name: str, sweep: Grid | ValueList | LatinHypercube | OneAtATime
) -> dict[str, Variant]:
    """The scenarios of a sweep.

    Parameters
    ----------
    name : str
        Of the sweep.
    sweep : Grid, ValueList, LatinHypercube or OneAtATime

    Returns
    -------
    dict of name to Variant
        A listed sweep's scenarios are named after their values, so that a value more leaves
        the names of the others; a sample's are numbered; one assumption at a time gives
        ``NAME-base`` and ``NAME-ASSUMPTION-low`` and ``-high``.

    Notes
    -----
    Latin hypercube: McKay, Beckman and Conover (1979), as drawn by `scipy.stats.qmc`. Its
    values keep six digits; whole numbers are equally likely, both ends included.
    """
    if isinstance(sweep, OneAtATime):
        return {base_name(name): Variant()} | {
            end_name(name, assumption, end): variant
            for assumption, given in sweep.assumptions.items()
            for end, variant in given.ends.items()
        }
    axes: Sequence[Axis] = sweep.axes
    if isinstance(sweep, LatinHypercube):
        rows = _sample(sweep)
        digits = len(str(len(rows)))
        return {
            f"{name}-{number:0{digits}}": _variant(axes, row)
            for number, row in enumerate(rows, start=1)
        }
    values = [axis.values for axis in sweep.axes]
    listed: list[tuple[Value, ...]] = list(
        itertools.product(*values) if isinstance(sweep, Grid) else zip(*values, strict=True)
    )
    named = [(f"{name}-{'-'.join(map(_label, row))}"[:MAX_NAME_LENGTH], row) for row in listed]
    taken = [label for label, _ in named]
    return {
        label if taken.count(label) == 1 else f"{name}-row-{number}": _variant(axes, row)
        for number, (label, row) in enumerate(named, start=1)
    }


def base_name(sweep: str) -> str:
    """Scenario in which no assumption is changed."""
    return f"{sweep}-base"


def end_name(sweep: str, assumption: str, end: str) -> str:
    """Scenario in which one assumption is at an end: ``low`` or ``high``."""
    return f"{sweep}-{assumption}-{end}"


def places_of_ends(name: str, sweep: OneAtATime) -> dict[str, str]:
    """Where in the study file each end of a sweep stands, by its scenario."""
    return {
        end_name(name, assumption, end): f"sweeps.{name}.assumptions.{assumption}.{end}"
        for assumption, given in sweep.assumptions.items()
        for end in given.ends
    }


def tornadoes(study: Study) -> list[Tornado]:
    """The study's sweeps of one assumption at a time, as their page and table need them."""
    return [
        Tornado(
            name=name,
            figures=tuple(sweep.figures),
            base=base_name(name),
            assumptions=tuple(
                Ends(
                    title=given.title,
                    scenarios={end: end_name(name, assumption, end) for end in given.ends},
                    titles={end: variant.title for end, variant in given.ends.items()},
                )
                for assumption, given in sweep.assumptions.items()
            ),
        )
        for name, sweep in study.sweeps.items()
        if isinstance(sweep, OneAtATime)
    ]


def _label(value: Value) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9._]+", "_", text)


def _sample(sweep: LatinHypercube) -> list[tuple[Value, ...]]:
    from scipy.stats.qmc import LatinHypercube as Sampler

    unit = Sampler(len(sweep.axes), rng=sweep.seed).random(sweep.num)
    return [
        tuple(_in_range(axis, float(share)) for axis, share in zip(sweep.axes, row, strict=True))
        for row in unit
    ]


def _in_range(axis: RangeAxis, share: float) -> Value:
    if axis.whole:
        low, high = math.ceil(axis.low), math.floor(axis.high)
        return min(high, low + math.floor(share * (high - low + 1)))
    return float(f"{axis.low + share * (axis.high - axis.low):.6g}")


def _variant(axes: Sequence[Axis], row: Sequence[Value]) -> Variant:
    settings: Settings = {}
    scale = []
    for axis, value in zip(axes, row, strict=True):
        if axis.factor_of is not None:
            scale.append(Scale.model_validate(axis.factor_of.model_dump() | {"factor": value}))
            continue
        *sections, key = axis.path
        place = settings
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return Variant(settings=settings, scale=scale)
