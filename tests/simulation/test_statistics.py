"""Intervals cover, verdicts err as seldom as they say, tables hold what was counted."""

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control

from planner.arrays import IntArray
from planner.service.day import busiest_hours
from planner.service.waits import no_pack, on_time, wait_shares, waits_of_day
from planner.simulation.behaviour import Behaviour
from planner.simulation.intervals import Shares, discoveries, ratio, shares
from planner.simulation.plan_day import expect
from planner.simulation.run import simulate
from planner.simulation.statistics import (
    HISTOGRAM_FROM_MIN,
    Expected,
    no_pack_hour,
    no_pack_type,
    simulation_figure,
    station_shares,
    station_wait,
    verdicts,
    wait_histogram,
    wait_quantile,
)
from planner.simulation.tally import WAIT_EDGES_MIN, Count
from tests.simulation.days import PROFILE, flat, made_up, station_day


def _shares(x: IntArray, n: IntArray) -> Shares:
    """Of counts by station and replication."""
    squares = np.stack([(x * x).sum(1), (x * n).sum(1), (n * n).sum(1)], axis=1)
    return shares(x.sum(1), n.sum(1), squares, x.shape[1])


def test_intervals_cover_what_many_days_say() -> None:
    """Over 200 seeds: as many stations alike, each with drivers of its own."""
    rates = np.outer([0.4, 0.6], PROFILE / PROFILE.sum() * 80.0)
    day = station_day(np.repeat(rates[None], 200, axis=0), [5, 7], charge_h=1.0, lane_s=100.0)
    many = simulate(day, Behaviour(replications=60, precision_frac=1e-9), seed=1)
    found = simulate(day, Behaviour(replications=10, precision_frac=1e-9), seed=2)
    for share in range(2):
        truth = np.average(station_shares(many, share).value)
        assert 0.9 < truth < 0.98
        each = station_shares(found, share)
        covered = ((each.low <= truth) & (truth <= each.high)).mean()
        assert 0.90 <= covered <= 0.99, covered
    # And of all stations together, by the ratio estimator: 40 networks.
    truth = many.network[:, Count.ON_TIME].sum() / many.network[:, Count.DRIVERS].sum()
    rows = [simulate(day, Behaviour(replications=5), seed=seed) for seed in range(3, 43)]
    inside = 0
    for one in rows:
        network = ratio(one.network[:, Count.ON_TIME], one.network[:, Count.DRIVERS])
        inside += network.low <= truth <= network.high
    assert inside >= 34


def test_independent_drivers_are_worth_what_they_are() -> None:
    rng = np.random.default_rng(3)
    n = rng.poisson(25.0, (4_000, 30))
    x = rng.binomial(n, 0.93)
    found = _shares(x, n)
    worth = found.worth / n.sum(1)
    assert 0.7 < np.median(worth) <= 1.0
    covered = ((found.low <= 0.93) & (found.high >= 0.93)).mean()
    assert 0.94 < covered < 0.99
    assert (found.p_not_above(0.93) < 0.05).mean() <= 0.05
    assert (found.p_not_below(0.93) < 0.05).mean() <= 0.05


def test_exact_where_all_were_on_time() -> None:
    n = np.array([[2, 3], [200, 220]])
    found = _shares(n, n)
    assert found.high.tolist() == [1.0, 1.0]
    worth = found.worth
    np.testing.assert_allclose(found.p_not_above(0.95), 0.95**worth)
    np.testing.assert_allclose(found.low, 0.025 ** (1 / worth))
    assert found.p_not_above(0.95)[0] > 0.7  # five drivers confirm nothing
    assert found.p_not_below(0.95).tolist() == [1.0, 1.0]


def test_tails_are_binomial_for_whole_numbers() -> None:
    found = Shares(np.array([0.9]), np.zeros(1), np.ones(1), np.array([50.0]))
    np.testing.assert_allclose(found.p_not_above(0.95), binom.sf(44, 50, 0.95))
    np.testing.assert_allclose(found.p_not_below(0.95), binom.cdf(45, 50, 0.95))


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        p = rng.uniform(0.0, 1.0, 40) ** rng.integers(1, 5)
        assert (discoveries(p) == (false_discovery_control(p) <= 0.05)).all()
    assert not discoveries(np.ones(3)).any()
    assert len(discoveries(np.zeros(0))) == 0


def test_few_verdicts_are_wrong() -> None:
    """3,000 stations, a third each above, at and below the target."""
    rng = np.random.default_rng(6)
    true = np.repeat([0.985, 0.95, 0.88], 1_000)
    n = rng.poisson(25.0, (3_000, 30))
    verdict = verdicts(_shares(rng.binomial(n, true[:, None]), n), 0.95)
    assert (verdict[:1_000] == "confirmed").mean() > 0.9
    assert (verdict[2_000:] == "refuted").mean() > 0.9
    assert (verdict[1_000:] == "confirmed").sum() <= 0.05 * (verdict == "confirmed").sum()
    assert (verdict[:2_000] == "refuted").sum() <= 0.05 * (verdict == "refuted").sum()


def test_what_a_station_lacks() -> None:
    rates = np.repeat(flat(6.0, 6.0), 5, axis=0)
    rates[4] = 0.0
    day = station_day(
        rates, [[2, 30], [30, 30], [14, 14], [30, 30], [30, 30]], lane_s=[100, 600, 100, 100, 100],
        grid_kw=[1e9, 1e9, 400.0, 1e9, 1e9],
    )  # fmt: skip
    table = station_wait(simulate(day, Behaviour(), seed=1), None, "mean")
    assert table["verdict"].tolist() == ["refuted"] * 3 + ["confirmed", "unclear"]
    assert table["lacks"].tolist() == ["packs of pack_0", "lane", "grid", "", ""]
    assert table.loc[4, "on_time_frac":"on_time_high"].isna().all()
    assert not table["disagrees"].any()


def test_quantiles_of_waits() -> None:
    waits = np.zeros((3, len(WAIT_EDGES_MIN) - 1), dtype=np.int64)
    waits[0, 0], waits[0, 1 + 8] = 90, 10  # ten between 2 and 2.25 min
    waits[1, 0] = 50  # and fifty gave up
    found = wait_quantile(waits, np.array([100, 100, 0]), 30.0, 0.95)
    np.testing.assert_allclose(found, [2.125, 30.0, np.nan])


def test_tables_hold_what_was_counted() -> None:
    day = made_up(12, 2, 3, per_day=150.0)
    found = simulate(day, Behaviour(replications=10, patience_min=20.0), seed=4)
    cdf = np.linspace(0.5, 0.95, len(HISTOGRAM_FROM_MIN))
    expected = Expected(np.full(12, 0.5), np.full(12, 0.25), 0.25, cdf)
    figure = simulation_figure(found, expected).set_index("figure")
    drivers = found.counts[:, Count.DRIVERS]
    within = found.counts[:, Count.WITHIN_5_MIN].sum() / drivers.sum()
    assert figure.loc["within_5min_frac", "value"] == pytest.approx(within)
    assert figure.loc["within_5min_low", "value"] < within < figure.loc["within_5min_high", "value"]
    assert figure.loc["no_pack_frac", "expected"] == 0.25
    assert figure.loc["station_packs", "value"] == day.packs.sum()
    wait_min = found.wait_h.sum() / drivers.sum() * 60
    assert figure.loc["in_out_min", "value"] == pytest.approx(wait_min + 100 / 60)
    stations = station_wait(found, expected, "winter_peak")
    assert stations["disagrees"].all()
    weighted = (stations["drivers_per_day"] * stations["lost_frac"]).sum()
    lost = weighted / stations["drivers_per_day"].sum()
    assert figure.loc["lost_frac", "value"] == pytest.approx(lost)
    confirmed = (stations["verdict"] == "confirmed").mean()
    assert figure.loc["stations_confirmed_frac", "value"] == confirmed
    histogram = wait_histogram(found, expected)
    assert histogram["drivers_frac"].sum() == pytest.approx(1.0)
    assert histogram["expected_frac"].sum() == pytest.approx(1.0)
    assert histogram.loc[:3, "drivers_frac"].sum() == pytest.approx(within, abs=1e-3)
    gave_up = found.counts[:, Count.GAVE_UP].sum() / drivers.sum()
    assert histogram.loc[7, "drivers_frac"] == pytest.approx(gave_up)
    hours = no_pack_hour(found, np.repeat(["a", "b"], 6))
    assert len(hours) == 48
    assert hours["drivers_per_hour"].sum() * 10 == pytest.approx(drivers.sum())
    types = no_pack_type(found)
    per_day = types["drivers_per_day"] * types["no_pack_frac"]
    assert per_day.sum() * 10 == pytest.approx(found.counts[:, Count.NO_PACK].sum())
    assert (
        (types["low"] <= types["no_pack_frac"]) & (types["no_pack_frac"] <= types["high"])
    ).all()
    assert simulation_figure(found, None)["expected"].isna().all()


def test_closed_forms_are_those_of_all_stations_at_once() -> None:
    rates = np.linspace(0.1, 1.4, 19 * 2).reshape(19, 2, 1) * PROFILE / PROFILE.mean() * 3.0
    day = station_day(rates, [5, 7], charge_h=1.0, lane_s=100.0)
    behaviour = Behaviour(busy_hours=3)
    found = expect(day, behaviour, workers=3)
    hours = busiest_hours(day.swaps_per_hour, behaviour.busy_hours)
    np.testing.assert_array_equal(found.on_time, on_time(day, hours, behaviour.wait_min).share)
    within = waits_of_day(day, np.array(HISTOGRAM_FROM_MIN)).served
    np.testing.assert_array_equal(found.wait_share, wait_shares(day, within))
    drivers = day.swaps_per_hour
    without = (no_pack(day) * drivers).sum(axis=(1, 2)) / drivers.sum(axis=(1, 2))
    np.testing.assert_array_equal(found.no_pack, without)
    assert 0.01 < found.network_no_pack < 0.99
