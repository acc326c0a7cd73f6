"""What a simulation says of each station and of all together: shares, waits, verdicts, as tables.

Takes what was simulated, and closed forms where the caller has them; draws nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray, StringArray
from planner.simulation.intervals import Ratio, Shares, discoveries, ratio, shares
from planner.simulation.run import SHARES, Simulated
from planner.simulation.tally import WAIT_EDGES_MIN, Count
from planner.units import HOURS_PER_DAY, MINUTES_PER_HOUR, SECONDS_PER_HOUR

CONFIRMED, REFUTED, UNCLEAR = "confirmed", "refuted", "unclear"
HISTOGRAM_FROM_MIN = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)
"""Where the bins of the distribution of waits begin [min]; the last has no end."""
DISAGREES_FRAC = 0.02
"""So far outside its interval a closed form disagrees with the simulation."""


@dataclass(frozen=True)
class Expected:
    """Closed forms of what is simulated.

    Attributes
    ----------
    on_time : float array, shape (num_stations,)
        Share of the drivers of the busy hours who are on time.
    no_pack : float array, shape (num_stations,)
        Share of all drivers who find no full pack.
    network_no_pack : float
        That of all stations together.
    wait_share : float array, shape (len(HISTOGRAM_FROM_MIN),)
        Share of all drivers of all stations who wait no longer than each of
        `HISTOGRAM_FROM_MIN`.
    """

    on_time: FloatArray
    no_pack: FloatArray
    network_no_pack: float
    wait_share: FloatArray


def _frac(numerator: IntArray | FloatArray, denominator: IntArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(numerator / denominator, dtype=np.float64)


def station_shares(simulated: Simulated, share: int) -> Shares:
    """Shares of all stations, by position in `planner.simulation.run.SHARES`.

    Parameters
    ----------
    simulated : Simulated
    share : int

    Returns
    -------
    Shares
    """
    above, below = SHARES[share]
    counts = simulated.counts
    squares = simulated.squares[:, share]
    return shares(
        counts[:, above], counts[:, below], squares, simulated.replications,
        days_differ=simulated.days_differ,
    )  # fmt: skip


def verdicts(on_time: Shares, within_frac: float) -> StringArray:
    """Whether each station keeps the share of drivers on time that it promises.

    Two one-sided exact binomial tests per station, with its effective number of drivers:
    ``confirmed`` where "the share is no more than the target" is rejected, ``refuted`` where "no
    less" is, each with false discoveries over all stations controlled at 5 %; else ``unclear``.
    A station without drivers in its busy hours is unclear: nothing was seen that could confirm it.

    Parameters
    ----------
    on_time : Shares
    within_frac : float
        The target, in (0, 1).

    Returns
    -------
    str array, shape (num_stations,)
    """
    confirmed = discoveries(on_time.p_not_above(within_frac))
    refuted = discoveries(on_time.p_not_below(within_frac))
    return np.where(confirmed, CONFIRMED, np.where(refuted, REFUTED, UNCLEAR))


def station_lacks(simulated: Simulated, verdict: StringArray) -> StringArray:
    """What refuted stations lack: that for which most late drivers of the busy hours waited.

    Parameters
    ----------
    simulated : Simulated
    verdict : str array, shape (num_stations,)

    Returns
    -------
    str array, shape (num_stations,)
        ``"packs of <pack_id>"``, of the type with most late drivers, where most lacked packs,
        else ``"lane"`` or ``"grid"``; empty where not refuted.
    """
    packs, lane, grid = np.split(simulated.late, [-2, -1], axis=1)
    by_cause = np.column_stack((packs.sum(axis=1), lane, grid)).argmax(axis=1)
    pack_id = simulated.day.pack_id[packs.argmax(axis=1)]
    named = np.array([f"packs of {each}" for each in pack_id], dtype=np.str_)
    lacks = np.where(by_cause == 0, named, np.where(by_cause == 1, "lane", "grid"))
    return np.asarray(np.where(verdict == REFUTED, lacks, ""), dtype=np.str_)


def wait_quantile(
    waits: IntArray, drivers: IntArray, patience_min: float, quantile: float
) -> FloatArray:
    """Waits that a share of the drivers do not exceed, linear within bins.

    Parameters
    ----------
    waits : int array, shape (num_rows, num_bins)
        Drivers served, in the bins of `WAIT_EDGES_MIN`.
    drivers : int array, shape (num_rows,)
        All drivers; those not served in ``waits`` waited the patience.
    patience_min : float
    quantile : float
        In (0, 1).

    Returns
    -------
    float array, shape (num_rows,)
        NaN without drivers [min].
    """
    so_far = np.cumsum(waits, axis=1)
    wanted = quantile * drivers
    place = np.minimum((so_far < wanted[:, None]).sum(axis=1), waits.shape[1] - 1)
    rows = np.arange(len(drivers))
    inside, upto = waits[rows, place], so_far[rows, place]
    begin, end = WAIT_EDGES_MIN[place], WAIT_EDGES_MIN[place + 1]
    wait = begin + (end - begin) * _frac(wanted - (upto - inside), np.maximum(inside, 1))
    wait = np.where(upto < wanted, patience_min, np.minimum(wait, patience_min))
    return np.where(drivers > 0, wait, np.nan)


def station_wait(simulated: Simulated, expected: Expected | None, day_kind: str) -> pd.DataFrame:
    """One row per station: what its drivers waited, and whether it keeps its promise.

    Parameters
    ----------
    simulated : Simulated
    expected : Expected or None
        Columns of closed forms are missing values without.
    day_kind : str
        Name of the day, for column ``day``.

    Returns
    -------
    pd.DataFrame
        Drivers count at the station to which they came first.
    """
    day, behaviour, counts = simulated.day, simulated.behaviour, simulated.counts
    num, drivers = len(day.station_id), counts[:, Count.DRIVERS]
    within_5, on_time = station_shares(simulated, 0), station_shares(simulated, 1)
    verdict = verdicts(on_time, behaviour.within_frac)
    packs, missing = day.packs.sum(axis=1), np.full(num, np.nan)
    expected_on_time = missing if expected is None else expected.on_time
    mean_wait_min = _frac(simulated.wait_h, drivers) * MINUTES_PER_HOUR
    served_per_day = (drivers - counts[:, Count.GAVE_UP]) / simulated.replications
    quantile = (simulated.waits, drivers, behaviour.patience_min)
    outside = np.maximum(on_time.low - expected_on_time, expected_on_time - on_time.high)
    columns: dict[str, object] = {
        "station_id": day.station_id,
        "day": day_kind,
        "replications": simulated.replications,
        "drivers_per_day": drivers / simulated.replications,
        "packs": packs,
        "swaps_per_pack_day": _frac(served_per_day, packs),
        "within_3min_frac": _frac(counts[:, Count.WITHIN_3_MIN], drivers),
        "within_5min_frac": within_5.value,
        "within_5min_low": np.where(drivers > 0, within_5.low, np.nan),
        "within_5min_high": np.where(drivers > 0, within_5.high, np.nan),
        "within_10min_frac": _frac(counts[:, Count.WITHIN_10_MIN], drivers),
        "on_time_frac": on_time.value,
        "on_time_low": np.where(counts[:, Count.BUSY] > 0, on_time.low, np.nan),
        "on_time_high": np.where(counts[:, Count.BUSY] > 0, on_time.high, np.nan),
        "expected_on_time_frac": expected_on_time,
        "mean_wait_min": mean_wait_min,
        "p95_wait_min": wait_quantile(*quantile, 0.95),
        "p99_wait_min": wait_quantile(*quantile, 0.99),
        "in_out_min": mean_wait_min + day.lane_s / SECONDS_PER_HOUR * MINUTES_PER_HOUR,
        "no_pack_frac": _frac(counts[:, Count.NO_PACK], drivers),
        "expected_no_pack_frac": missing if expected is None else expected.no_pack,
        "gave_up_frac": _frac(counts[:, Count.GAVE_UP], drivers),
        "went_on_frac": _frac(counts[:, Count.WENT_ON], drivers),
        "lost_frac": _frac(counts[:, Count.LOST], drivers),
        "verdict": verdict,
        "lacks": station_lacks(simulated, verdict),
        "disagrees": outside > DISAGREES_FRAC,
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(num))


def simulation_figure(simulated: Simulated, expected: Expected | None) -> pd.DataFrame:
    """Figures of all stations together, each with its interval and closed form where it has one.

    Parameters
    ----------
    simulated : Simulated
    expected : Expected or None

    Returns
    -------
    pd.DataFrame
        Columns figure, value, low, high, expected; the figures are KPIs of a run.
    """
    day, behaviour = simulated.day, simulated.behaviour
    network, counts = simulated.network, simulated.counts
    drivers = network[:, Count.DRIVERS]
    all_drivers = int(drivers.sum())

    def of(count: Count, below: Count = Count.DRIVERS) -> Ratio:
        found = ratio(network[:, count], network[:, below], simulated.extremes())
        return Ratio(found.value, max(found.low, 0.0), min(found.high, 1.0))

    patience_h = behaviour.patience_min / MINUTES_PER_HOUR
    wait_h = ratio(simulated.network_wait_h, drivers, simulated.extremes(patience_h))
    wait = [each * MINUTES_PER_HOUR for each in (wait_h.value, wait_h.low, wait_h.high)]
    served = simulated.waits.sum(axis=0, keepdims=True)
    p95, p99 = (
        float(wait_quantile(served, np.array([all_drivers]), behaviour.patience_min, quantile)[0])
        for quantile in (0.95, 0.99)
    )
    lane_s = float(_frac(counts[:, Count.DRIVERS] @ day.lane_s, np.array(all_drivers)))
    in_out = [each + lane_s / SECONDS_PER_HOUR * MINUTES_PER_HOUR for each in wait]
    within_5 = of(Count.WITHIN_5_MIN)
    verdict = verdicts(station_shares(simulated, 1), behaviour.within_frac)
    cdf = {} if expected is None else dict(
        zip(HISTOGRAM_FROM_MIN, expected.wait_share.tolist(), strict=True)
    )  # fmt: skip
    expected_on_time, expected_no_pack = np.nan, np.nan
    if expected is not None:
        busy = counts[:, Count.BUSY]
        came = busy > 0
        expected_on_time = float(_frac(busy[came] @ expected.on_time[came], busy.sum()))
        expected_no_pack = expected.network_no_pack
    missing = (np.nan, np.nan)
    rows: list[tuple[str, float, float, float, float]] = [
        _row("within_3min_frac", of(Count.WITHIN_3_MIN), cdf.get(3.0, np.nan)),
        _row("within_5min_frac", within_5, cdf.get(5.0, np.nan)),
        ("within_5min_low", within_5.low, *missing, np.nan),
        ("within_5min_high", within_5.high, *missing, np.nan),
        _row("within_10min_frac", of(Count.WITHIN_10_MIN), cdf.get(10.0, np.nan)),
        _row("on_time_frac", of(Count.BUSY_ON_TIME, Count.BUSY), expected_on_time),
        ("mean_wait_min", wait[0], max(wait[1], 0.0), wait[2], np.nan),
        ("p95_wait_min", p95, *missing, np.nan),
        ("p99_wait_min", p99, *missing, np.nan),
        ("in_out_min", in_out[0], max(in_out[1], 0.0), in_out[2], np.nan),
        _row("no_pack_frac", of(Count.NO_PACK), expected_no_pack),
        ("expected_no_pack_frac", expected_no_pack, *missing, np.nan),
        _row("gave_up_frac", of(Count.GAVE_UP)),
        _row("went_on_frac", of(Count.WENT_ON)),
        _row("lost_frac", of(Count.LOST)),
        ("stations_confirmed_frac", _mean(verdict == CONFIRMED), *missing, np.nan),
        ("num_stations_refuted", float((verdict == REFUTED).sum()), *missing, np.nan),
        ("num_stations_unclear", float((verdict == UNCLEAR).sum()), *missing, np.nan),
        ("station_packs", float(day.packs.sum()), *missing, np.nan),
        ("replications", float(simulated.replications), *missing, np.nan),
    ]
    return pd.DataFrame(rows, columns=["figure", "value", "low", "high", "expected"])


def _row(
    figure: str, found: Ratio, expected: float = np.nan
) -> tuple[str, float, float, float, float]:
    return figure, found.value, found.low, found.high, expected


def _mean(flags: FloatArray) -> float:
    return float(flags.mean()) if len(flags) else np.nan


def wait_histogram(simulated: Simulated, expected: Expected | None) -> pd.DataFrame:
    """Share of all drivers of all stations by wait; who gave up waited his patience.

    Parameters
    ----------
    simulated : Simulated
    expected : Expected or None

    Returns
    -------
    pd.DataFrame
        Columns from_min, to_min, drivers_frac, expected_frac; from_min belongs to the bin, to_min,
        missing in the last row, does not.
    """
    begin = np.array(HISTOGRAM_FROM_MIN)
    drivers = np.bincount(
        np.searchsorted(begin, WAIT_EDGES_MIN[:-1], side="right") - 1,
        weights=simulated.waits.sum(axis=0),
        minlength=len(begin),
    )
    patience = np.searchsorted(begin, simulated.behaviour.patience_min, side="right") - 1
    drivers[patience] += simulated.counts[:, Count.GAVE_UP].sum()
    expected_frac = np.full(len(begin), np.nan)
    if expected is not None:
        expected_frac = np.diff(np.concatenate(([0.0], expected.wait_share[1:], [1.0])))
    return pd.DataFrame(
        {
            "from_min": begin,
            "to_min": np.append(begin[1:], np.nan),
            "drivers_frac": _frac(drivers, simulated.counts[:, Count.DRIVERS].sum()),
            "expected_frac": expected_frac,
        }
    )


def no_pack_hour(simulated: Simulated, mix_id: StringArray) -> pd.DataFrame:
    """Drivers who found no full pack, by hour of the day and city.

    Parameters
    ----------
    simulated : Simulated
    mix_id : str array, shape (num_stations,)
        City of each station, or the station itself on corridors.

    Returns
    -------
    pd.DataFrame
        Columns city_id, hour, drivers_per_hour, no_pack_frac, which is missing where none came.
    """
    cities, city = np.unique(mix_id, return_inverse=True)
    found = np.zeros((len(cities), HOURS_PER_DAY, 2), dtype=np.int64)
    np.add.at(found, city, simulated.by_hour)
    drivers = found[:, :, 0].ravel()
    return pd.DataFrame(
        {
            "city_id": np.repeat(cities, HOURS_PER_DAY),
            "hour": np.tile(np.arange(HOURS_PER_DAY), len(cities)),
            "drivers_per_hour": drivers / simulated.replications,
            "no_pack_frac": _frac(found[:, :, 1].ravel(), drivers),
        }
    )


def no_pack_type(simulated: Simulated) -> pd.DataFrame:
    """Drivers of all stations who found no full pack, by pack type, with the interval.

    Parameters
    ----------
    simulated : Simulated

    Returns
    -------
    pd.DataFrame
        Columns pack_id, drivers_per_day, no_pack_frac, low, high.
    """
    rows = []
    for k, pack_id in enumerate(simulated.day.pack_id.tolist()):
        drivers, without = simulated.by_type[:, k, 0], simulated.by_type[:, k, 1]
        found = ratio(without, drivers, simulated.extremes())
        low, high = np.maximum(found.low, 0.0), np.minimum(found.high, 1.0)
        rows.append((pack_id, drivers.sum() / simulated.replications, found.value, low, high))
    columns = ["pack_id", "drivers_per_day", "no_pack_frac", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
