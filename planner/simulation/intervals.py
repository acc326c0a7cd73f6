"""How sure a simulated share is: intervals over replications, tests with error control.

Takes counts and their moments over replications; knows no stations.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, stdtrit

from planner.arrays import BoolArray, FloatArray, IntArray, freeze

LEVEL = 0.95
"""Of all intervals."""
FALSE_DISCOVERY_FRAC = 0.05
"""Share of the verdicts of a kind that may be wrong."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums over replications, with its interval."""

    value: float
    low: float
    high: float


def ratio(
    numerator: IntArray | FloatArray,
    denominator: IntArray,
    extremes: tuple[float, float] | None = None,
) -> Ratio:
    """95 % interval of a ratio of means over independent replications.

    With r = sum x / sum n and R replications, the variance of r is estimated by
    R / (R - 1) sum (x_i - r n_i)^2 / (sum n)^2 (Cochran 1977, Sampling Techniques, section 2.11);
    the interval is Student's with R - 1 degrees of freedom.

    Where replications are good or bad as a whole, a rare bad one may be among those not seen. With
    ``extremes`` the interval is that of one replication more, of mean size, at the extreme that is
    farther from r: as if all had gone wrong (or well) there.

    Parameters
    ----------
    numerator, denominator : arrays, shape (replications,)
    extremes : (float, float), optional
        Between them the ratio of any replication must lie.

    Returns
    -------
    Ratio
        Unbounded for fewer than two replications; NaN where the denominator is 0.

    Examples
    --------
    >>> ratio(np.array([4.0, 6.0]), np.array([10, 10]))
    Ratio(value=0.5, low=-0.77..., high=1.77...)
    """
    num, total = len(numerator), float(denominator.sum())
    if total == 0.0:
        return Ratio(math.nan, math.nan, math.nan)
    value = float(numerator.sum()) / total
    if num < 2:
        return Ratio(value, -math.inf, math.inf)
    centre = value
    if extremes is not None:
        farther, mean = max(extremes, key=lambda each: abs(each - value)), total / num
        numerator, denominator = np.append(numerator, farther * mean), np.append(denominator, mean)
        num, total = num + 1, total + mean
        centre = float(numerator.sum()) / total
    residual = numerator - centre * denominator
    deviation = math.sqrt(num / (num - 1) * float(residual @ residual)) / total
    half = float(stdtrit(num - 1, 0.5 + LEVEL / 2)) * deviation
    return Ratio(value, centre - half, centre + half)


@dataclass(frozen=True)
class Shares:
    """Shares of many stations, each worth so many independent drivers.

    Attributes
    ----------
    value, low, high : float arrays, shape (num_stations,)
        NaN, 0 and 1 where nobody came.
    worth : float array, shape (num_stations,)
        Effective number of independent drivers.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    worth: FloatArray

    def __post_init__(self) -> None:
        freeze(self)

    def p_not_above(self, target: float) -> FloatArray:
        """Chance of so large a share, or a larger one, if the true one is the target."""
        met = np.nan_to_num(self.value) * self.worth
        return np.asarray(
            np.where(met > 0.0, betainc(np.maximum(met, 1e-300), self.worth - met + 1.0, target), 1)
        )

    def p_not_below(self, target: float) -> FloatArray:
        """Chance of so small a share, or a smaller one, if the true one is the target."""
        met = np.nan_to_num(self.value) * self.worth
        missed = self.worth - met
        tail = betainc(np.maximum(missed, 1e-300), met + 1.0, 1.0 - target)
        return np.asarray(np.where(missed > 0.0, tail, 1.0))


def shares(
    numerator: IntArray,
    denominator: IntArray,
    squares: IntArray,
    replications: int,
    *,
    days_differ: bool = False,
) -> Shares:
    """Shares of many stations, whose drivers of a replication depend on each other.

    Drivers of a day share its queues: n of them tell as much as n / deff independent ones, where
    deff, at least 1, is the variance of the ratio over replications (`ratio`) divided by
    r (1 - r) / n. As the variance is itself estimated from R replications, n / deff is multiplied
    by (t_{n-1} / t_{R-1})^2, quantiles of Student's distribution, with at most n. With that many
    drivers the interval is that of Clopper and Pearson (1934, Biometrika 26:404), by beta
    quantiles, which take fractional counts (Korn and Graubard 1998, Survey Methodology 24:193).
    It stays open where every driver was on time: a few drivers prove nothing.

    Where days are good or bad as a whole, a rare bad day may be among those not seen, and the
    variance is then too small by far. It is therefore estimated as if a day more had been
    simulated, with the mean number of drivers, who all fared as the fewer did: R days on which
    everybody was on time are worth R drivers, as if those of a day shared one fate.

    Parameters
    ----------
    numerator, denominator : int arrays, shape (num_stations,)
        Sums over replications of x and n.
    squares : int array, shape (num_stations, 3)
        Sums over replications of x^2, x n and n^2.
    replications : int
    days_differ : bool
        Whether replications differ by more than each station's own chance.

    Returns
    -------
    Shares
    """
    n = denominator.astype(np.float64)
    days = replications + days_differ
    with np.errstate(invalid="ignore", divide="ignore"):
        value = numerator / n
        all_n = n * (days / max(replications, 1))
        more_n = all_n - n
        more = np.where(value < 0.5, more_n, 0.0)
        centre = (numerator + more) / all_n
        spread = squares[:, 0] - 2.0 * centre * squares[:, 1] + centre**2 * squares[:, 2]
        spread = np.maximum(spread, 0.0) + (more - centre * more_n) ** 2
        variance = days / max(days - 1, 1) * spread / all_n**2
        effect = variance / (centre * (1.0 - centre) / n)
        effect = np.nan_to_num(effect, nan=1.0, posinf=1.0)
    worth = np.zeros(len(n))
    if replications > 1:
        quantile = 0.5 + LEVEL / 2
        known = stdtrit(np.maximum(n - 1.0, 1.0), quantile)
        adjusted = (known / stdtrit(replications - 1, quantile)) ** 2
        worth = n / np.maximum(effect, 1.0) * np.minimum(adjusted, 1.0)
    met = np.nan_to_num(value) * worth
    missed = worth - met
    tail = (1.0 - LEVEL) / 2
    low = np.where(met > 0.0, betaincinv(np.maximum(met, 1e-300), missed + 1.0, tail), 0.0)
    high = np.where(
        missed > 0.0, betaincinv(met + 1.0, np.maximum(missed, 1e-300), 1.0 - tail), 1.0
    )
    return Shares(np.asarray(value), low, high, worth)


def discoveries(p_value: FloatArray, frac: float = FALSE_DISCOVERY_FRAC) -> BoolArray:
    """Hypotheses to be rejected, so that at most a share of the rejections is expected to be wrong.

    With p_(1) <= ... <= p_(m), those up to the last i with p_(i) <= i / m frac are rejected
    (Benjamini and Hochberg 1995, JRSS B 57:289).

    Parameters
    ----------
    p_value : float array, shape (num_hypotheses,)
    frac : float
        The share, in (0, 1).

    Returns
    -------
    bool array, shape (num_hypotheses,)

    Examples
    --------
    >>> discoveries(np.array([0.01, 0.04, 0.03, 0.2]))
    array([ True, False, False, False])
    """
    num = len(p_value)
    ordered = np.sort(p_value)
    passed = np.flatnonzero(ordered <= np.arange(1, num + 1) / max(num, 1) * frac)
    limit = ordered[passed[-1]] if len(passed) else -1.0
    return np.asarray(p_value <= limit)
