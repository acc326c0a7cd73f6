"""Good and bad days: as many more or fewer as stated, the same everywhere and every time."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from planner.errors import InputError
from planner.service.day import StationDay
from planner.simulation.behaviour import Behaviour
from planner.simulation.day_spread import DaySpread, day_factors
from planner.simulation.intervals import ratio
from planner.simulation.run import Simulated, simulate
from planner.simulation.statistics import station_shares
from planner.simulation.tables import read_day, read_spread
from planner.simulation.tally import Count
from tests.simulation.days import PROFILE, flat, made_up, station_day
from tests.simulation.test_read_day import make_tables

ALL_DAYS = Behaviour(replications=2_000, precision_frac=1e-9)


def _spread(day: StationDay, **parts: tuple[float, float]) -> DaySpread:
    """Segment, its spread and its share of all drivers."""
    rates = [day.swaps_per_hour * share for _, share in parts.values()]
    names, spreads = list(parts), [spread for spread, _ in parts.values()]
    return DaySpread(np.array(names), np.array(spreads), np.array(rates))


def test_factors_have_mean_one_and_the_spread() -> None:
    names = np.array(["private", "private", "taxi"])
    spread = DaySpread(names, np.array([0.1, 0.3, 0.5]), np.zeros((3, 1, 1, 24)))
    factor = day_factors(spread, 7, 0, 20_000)
    assert factor.mean(axis=0) == pytest.approx(1.0, abs=0.012)
    assert factor.std(axis=0) == pytest.approx([0.1, 0.3, 0.5], rel=0.03)
    # A segment's classes have their good days together, other segments theirs.
    assert (np.argsort(factor[:, 0]) == np.argsort(factor[:, 1])).all()
    assert abs(np.corrcoef(factor[:, 0], factor[:, 2])[0, 1]) < 0.03


def test_the_same_seed_has_the_same_days() -> None:
    spread = DaySpread(np.array(["taxi"]), np.array([0.3]), np.zeros((1, 1, 1, 24)))
    days = day_factors(spread, 7, 0, 40)
    assert (day_factors(spread, 7, 15, 25) == days[15:]).all()
    assert not np.isclose(day_factors(spread, 8, 0, 40), days).any()
    wider = DaySpread(spread.segment, np.array([0.6]), spread.swaps_per_hour)
    assert (np.argsort(day_factors(wider, 7, 0, 40), axis=0) == np.argsort(days, axis=0)).all()


def test_days_vary_by_chance_and_by_the_spread() -> None:
    """Var N = m + sum (v m_g)^2 at a station; v^2 m_g m'_g is common to two."""
    day = station_day(np.concatenate([flat(2.0), flat(3.0)]), [[60], [60]])
    spread = _spread(day, private=(0.3, 0.6), taxi=(0.5, 0.2))
    found = simulate(day, ALL_DAYS, seed=3, spread=spread)
    assert found.day_factor.shape == (2_000, 2)
    mean = 24 * 5.0
    common = (0.3 * 0.6) ** 2 + (0.5 * 0.2) ** 2
    drivers = found.network[:, Count.DRIVERS]
    assert drivers.mean() == pytest.approx(mean, abs=4 * (common**0.5 * mean) / 2_000**0.5)
    assert drivers.var() == pytest.approx(mean + common * mean**2, rel=0.15)
    sums = found.counts[:, Count.DRIVERS] / found.replications
    n = np.array([48.0, 72.0])
    square = station_squares(found) / found.replications - sums**2
    assert square == pytest.approx(n + common * n**2, rel=0.15)
    without = simulate(day, ALL_DAYS, seed=3)
    assert without.network[:, Count.DRIVERS].var() == pytest.approx(mean, rel=0.15)
    # What is left beside the factors is chance: Poisson given the day.
    given = mean * (0.2 + found.day_factor @ [0.6, 0.2])
    assert ((drivers - given) ** 2 / given).mean() == pytest.approx(1.0, abs=0.13)


def station_squares(found: Simulated) -> np.ndarray:
    """Sums over days of squared drivers."""
    return found.squares[:, 0, 2]


def _same(one: Simulated, other: Simulated, *, but: tuple[str, ...] = ()) -> None:
    for field in fields(Simulated):
        value = getattr(one, field.name)
        if isinstance(value, np.ndarray) and field.name not in but:
            assert value.tobytes() == getattr(other, field.name).tobytes(), field.name


def test_without_a_spread_no_byte_changes() -> None:
    day = made_up(40, 2, 4, per_day=150.0)
    ten = Behaviour(replications=10)
    plain = simulate(day, ten, seed=5)
    _same(plain, simulate(day, ten, seed=5, spread=DaySpread.none(day)))
    nobody = simulate(day, ten, seed=5, spread=_spread(day, taxi=(0.5, 0.0)))
    _same(plain, nobody, but=("day_factor",))
    assert nobody.days_differ
    assert not plain.days_differ


def test_workers_and_batches_change_no_day() -> None:
    day = made_up(120, 3, 1, per_day=120.0)
    spread = _spread(day, private=(0.3, 0.9), taxi=(0.4, 0.1))
    ten = Behaviour(replications=10)
    found = simulate(day, ten, seed=2, spread=spread)
    _same(found, simulate(day, ten, seed=2, spread=spread, workers=2))
    longer = replace(ten, replications=33, precision_frac=1e-9)
    more = simulate(day, longer, seed=2, spread=spread)
    assert (more.network[:10] == found.network).all()
    assert (more.day_factor[:10] == found.day_factor).all()


@pytest.mark.parametrize("packs", [[6, 9], [8, 12]])
def test_intervals_hold_where_the_bad_days_are_rare(packs: list[int]) -> None:
    """100 networks of ten days, of which most have seen no bad day."""
    rates = np.outer([0.4, 0.6], PROFILE / PROFILE.sum() * 80.0)
    day = station_day(rates[None], packs, lane_s=100.0)
    spread = _spread(day, private=(0.3, 1.0))
    many = simulate(day, replace(ALL_DAYS, replications=5_000), seed=1, spread=spread)
    truth = [station_shares(many, share).value[0] for share in range(2)]
    network = many.network[:, Count.ON_TIME].sum() / many.network[:, Count.DRIVERS].sum()
    inside, plain, wrong = np.zeros(3), 0, 0
    for seed in range(2, 102):
        found = simulate(day, Behaviour(replications=10), seed=seed, spread=spread)
        for share in range(2):
            each = station_shares(found, share)
            inside[share] += each.low[0] <= truth[share] <= each.high[0]
        wrong += station_shares(found, 1).p_not_above(truth[1])[0] < 0.05
        counts = found.network[:, Count.ON_TIME], found.network[:, Count.DRIVERS]
        interval = ratio(*counts, found.extremes())
        assert interval.low <= interval.value <= interval.high
        inside[2] += interval.low <= network <= interval.high
        usual = ratio(*counts)
        plain += usual.low <= network <= usual.high
    assert (inside >= 93).all(), inside
    assert wrong <= 5
    assert plain < 85  # days taken for alike would not tell


def _spread_rows(**changes: object) -> pd.DataFrame:
    rows = pd.DataFrame(
        [
            ("mean", "town", 8, "a", "private", 0.3, 4.0),
            ("mean", "town", 8, "a", "taxi", 0.5, 1.0),
            ("mean", "R", 8, "b", "taxi", 0.5, 1.0),
            ("mean", "away", 8, "a", "taxi", 0.5, 9.0),
        ],
        columns=["day", "mix_id", "hour", "pack_id", "segment", "day_spread_frac",
                 "swaps_per_hour"],
    )  # fmt: skip
    for column, value in changes.items():
        rows.loc[0, column] = value
    return rows


def test_parts_of_a_day_by_hand() -> None:
    tables = make_tables()
    day = read_day(**tables, day="mean", quarter="2027Q1")
    found = read_spread(day, tables["station_service"], _spread_rows(), "mean")
    assert found.segment.tolist() == ["private", "taxi"]
    assert found.spread_frac.tolist() == [0.3, 0.5]
    assert found.swaps_per_hour[:, :, 1, 8].tolist() == [[1.0, 2.0, 0.0], [0.25, 0.5, 0.0]]
    assert found.swaps_per_hour[:, :, 0, 8].tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert found.swaps_per_hour.sum() == pytest.approx(4.75)
    for rows, kind in ((_spread_rows(), "winter_peak"), (None, "mean")):
        assert not len(read_spread(day, tables["station_service"], rows, kind).segment)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pack_id": "X"}, "mix_spread, pack_id: X: is not known"),
        ({"swaps_per_hour": -1.0}, "swaps_per_hour: mean/town/8/a/private/0.3: must be"),
        ({"day_spread_frac": 0.0}, "day_spread_frac: mean/town/8/a/private/0.0: must be"),
        ({"hour": 24}, "mix_spread, hour: 24: must be 0 to 23"),
        ({"segment": "taxi", "day_spread_frac": 0.5}, "mean/town/8/a/taxi/0.5: is there twice"),
    ],
)
def test_faults_of_parts_say_where(changes: dict[str, object], expected: str) -> None:
    tables = make_tables()
    day = read_day(**tables, day="mean", quarter="2027Q1")
    with pytest.raises(InputError, match=expected):
        read_spread(day, tables["station_service"], _spread_rows(**changes), "mean")
