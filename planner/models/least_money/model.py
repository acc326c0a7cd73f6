"""The mixed-integer model of least money: flows from zones to stations with sizes.

Sets, data and openings y_jt, z_j = sum_t y_jt as in `planner.models.sized_coverage.solve`;
f_ij >= 0 is the share of zone i that site j serves, V the value to be served.

    min  sum_jt c_jt y_jt
    (1)  sum_j f_ij <= 1,  f_ij <= z_j                                     every zone i, pair ij
    (2)  sum_i a_i f_ij <= sum_t K_jt y_jt                                 every site j
    (3)  sum_ij w_i f_ij >= V
    (4)  locks, most stations, most money, least and most by city
and of what else is kept, as far as stated:
    (5)  sum_j h_j z_j <= H
    (6)  sum_{j in N(i)} z_j >= n_i v_i,  sum_i w_i v_i >= W,  v_i in {0, 1}
    (7)  sum_j g_ij + g_i0 = 1,  0 <= g_ij <= z_j,
         sum_ij w_i d_ij g_ij + sum_i w_i D g_i0 <= M                      (p-median)
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray, IntArray
from planner.models.least_money.problem import EQUAL_FRAC, LeastMoneyProblem
from planner.solving.linear_model import LinearModel


@dataclass(frozen=True)
class LeastMoneyModel:
    """Columns and rows of (1) to (7) over usable sites, fitting types and pairs within reach.

    Attributes
    ----------
    problem : LeastMoneyProblem
    """

    problem: LeastMoneyProblem

    @cached_property
    def options(self) -> tuple[IntArray, IntArray]:
        """Site and type of each option."""
        stations = self.problem.stations
        site, kind = np.nonzero((stations.capacity > 0) & stations.rules.usable[:, None])
        return site.astype(np.int64), kind.astype(np.int64)

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray, IntArray]:
        """Zone and site of each pair that counts, and its position in the reach."""
        coverage = self.problem.stations.coverage
        owner, zone = coverage.reach.owner, coverage.reach.idx.astype(np.int64)
        place = np.flatnonzero(self.usable[owner] & (coverage.value[zone] > 0))
        return zone[place], owner[place], place

    @cached_property
    def usable(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Sites that may hold a station of some type."""
        usable = np.zeros(self.problem.stations.coverage.num_sites, dtype=np.bool_)
        usable[self.options[0]] = True
        return usable

    def to_linear(self, most_cost: float) -> LinearModel:
        """The model, for plans that cost at most so much."""
        build = _Build()
        problem, (site, kind), (zone, at, _) = self.problem, self.options, self.pairs
        stations, rules, coverage = (
            problem.stations, problem.stations.rules, problem.stations.coverage
        )  # fmt: skip
        num_sites, num_zones = coverage.num_sites, coverage.num_zones
        value = coverage.value
        z = build.columns(num_sites, rules.forced.astype(float), self.usable.astype(float), True)
        y = build.columns(len(site), 0.0, 1.0, True, cost=rules.cost[site, kind])
        f = build.columns(len(zone), 0.0, 1.0, False)
        row = build.rows(num_sites, 0.0, 0.0)
        build.add(row, z, 1.0)
        build.add(row[site], y, -1.0)
        row = build.rows(num_zones, -math.inf, 1.0)
        build.add(row[zone], f, 1.0)
        row = build.rows(len(zone), -math.inf, 0.0)
        build.add(row, f, 1.0)
        build.add(row, z[at], -1.0)
        row = build.rows(num_sites, -math.inf, 0.0)
        build.add(row[at], f, stations.load[zone])
        build.add(row[site], y, -stations.capacity[site, kind])
        if problem.least_served > 0:
            row = build.rows(1, 1.0 - EQUAL_FRAC, math.inf)
            build.add(row[[0] * len(zone)], f, value[zone] / problem.least_served)
        row = build.rows(1, -math.inf, float(rules.most))
        build.add(row[[0] * num_sites], z, 1.0)
        cities = rules.cities_or_one()
        row = build.rows(
            len(cities.min_stations), cities.min_stations.astype(float),
            cities.max_stations.astype(float),
        )  # fmt: skip
        build.add(row[cities.city_idx], z, 1.0)
        self._keep(build, z)
        row = build.rows(1, -math.inf, 1.0)
        build.add(row[[0] * len(site)], y, rules.cost[site, kind] / max(most_cost, 1e-300))
        return build.model()

    def _keep(self, build: "_Build", z: IntArray) -> None:
        """Rows (5) to (7)."""
        kept, coverage = self.problem.kept, self.problem.stations.coverage
        zone, at, place = self.pairs
        num_zones, value = coverage.num_zones, coverage.value
        if kept.site_cost is not None:
            row = build.rows(1, -math.inf, kept.most_site_cost * (1.0 + EQUAL_FRAC))
            build.add(row[[0] * len(z)], z, kept.site_cost)
        if kept.need is not None:
            met = build.columns(num_zones, float(math.isinf(kept.least_covered)), 1.0, True)
            row = build.rows(num_zones, 0.0, math.inf)
            reach = coverage.reach
            build.add(row[reach.idx], z[reach.owner], 1.0)
            build.add(row, met, -kept.need.astype(float))
            if math.isfinite(kept.least_covered):
                row = build.rows(1, 1.0 - EQUAL_FRAC, math.inf)
                build.add(row[[0] * num_zones], met, value / kept.least_covered)
        if kept.minutes is not None:
            weighed = np.flatnonzero(value > 0)
            position = np.full(num_zones, -1)
            position[weighed] = np.arange(len(weighed))
            g = build.columns(len(zone), 0.0, 1.0, False)
            none = build.columns(len(weighed), 0.0, 1.0, False)
            row = build.rows(len(weighed), 1.0, 1.0)
            build.add(row[position[zone]], g, 1.0)
            build.add(row, none, 1.0)
            row = build.rows(len(zone), -math.inf, 0.0)
            build.add(row, g, 1.0)
            build.add(row, z[at], -1.0)
            scale = max(kept.most_minutes, 1e-300)
            row = build.rows(1, -math.inf, kept.most_minutes / scale * (1.0 + EQUAL_FRAC))
            build.add(row[[0] * len(zone)], g, value[zone] * kept.minutes[place] / scale)
            build.add(row[[0] * len(weighed)], none, value[weighed] * kept.unserved_minutes / scale)


class _Build:
    """Columns, rows and entries, added block by block."""

    def __init__(self) -> None:
        self.num_columns, self.num_rows = 0, 0
        self._lower: list[FloatArray] = []
        self._upper: list[FloatArray] = []
        self._cost: list[FloatArray] = []
        self._integer: list[FloatArray] = []
        self._row_lower: list[FloatArray] = []
        self._row_upper: list[FloatArray] = []
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []

    def columns(
        self, count: int, lower: float | FloatArray, upper: float | FloatArray, whole: bool,
        cost: float | FloatArray = 0.0,
    ) -> IntArray:  # fmt: skip
        """Columns with their bounds; returns their positions."""
        for store, given in (
            (self._lower, lower), (self._upper, upper), (self._cost, cost), (self._integer, whole)
        ):  # fmt: skip
            store.append(np.broadcast_to(np.asarray(given, dtype=float), count))
        self.num_columns += count
        return np.arange(self.num_columns - count, self.num_columns)

    def rows(self, count: int, lower: float | FloatArray, upper: float | FloatArray) -> IntArray:
        """Rows with their limits; returns their positions."""
        self._row_lower.append(np.broadcast_to(np.asarray(lower, dtype=float), count))
        self._row_upper.append(np.broadcast_to(np.asarray(upper, dtype=float), count))
        self.num_rows += count
        return np.arange(self.num_rows - count, self.num_rows)

    def add(self, rows: IntArray, columns: IntArray, values: float | FloatArray) -> None:
        """Entries at rows and columns."""
        spread = np.broadcast_to(np.asarray(values, dtype=float), len(columns))
        self._entries.append((rows, columns, spread))

    def model(self) -> LinearModel:
        """All that was added, to be minimized."""
        rows, columns, values = (
            np.concatenate(parts) for parts in zip(*self._entries, strict=True)
        )
        return LinearModel(
            name="least_money",
            matrix=scipy.sparse.csr_matrix(
                (values, (rows, columns)), shape=(self.num_rows, self.num_columns)
            ),
            row_lower=np.concatenate(self._row_lower),
            row_upper=np.concatenate(self._row_upper),
            lower=np.concatenate(self._lower),
            upper=np.concatenate(self._upper),
            objective=np.concatenate(self._cost),
            maximize=False,
            integer=np.concatenate(self._integer) > 0,
        )
