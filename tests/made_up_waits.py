"""Tables of a simulation made up by formula: the busier a station, the worse its waits."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.outputs.kpi import known_kpis
from planner.planning.result import Planned

PACKS = ("na_25", "lfp_25")
ASKED_FRAC = 0.95
_EDGES_MIN = (0, 1, 2, 3, 5, 10, 15, 20, 30, 60)


def make_wait_tables(
    station_ids: Sequence[str],
    mix_ids: Sequence[str],
    utilisation: Sequence[float],
    *,
    quarter: str = "2027Q1",
    seed: int = 7,
) -> dict[str, pd.DataFrame]:
    """Outputs of a simulation, and the packs it was given, by the tables' names in a run."""
    rng = np.random.default_rng(seed)
    use, mixes = np.asarray(utilisation, float), np.asarray(mix_ids)
    count = len(use)
    expected = 1 - 0.4 / (1 + np.exp(-(use - 0.95) * 14))
    on_time = np.clip(expected + rng.normal(0, 0.006, count), 0, 1)
    half = 0.012
    low, high = np.clip(on_time - half, 0, 1), np.clip(on_time + half, 0, 1)
    verdict = np.select([low >= ASKED_FRAC, high < ASKED_FRAC], ["confirmed", "refuted"], "unclear")
    within = np.clip(on_time + 0.02, 0, 1)
    packs = np.stack([3 + np.arange(count) % 4, 5 + np.arange(count) % 3], axis=1)
    drivers = np.round(40 + 60 * use, 1)
    wait = pd.DataFrame(
        {
            "station_id": list(station_ids),
            "day": "winter_peak",
            "replications": 30,
            "drivers_per_day": drivers,
            "packs": packs.sum(axis=1),
            "swaps_per_pack_day": drivers / packs.sum(axis=1),
            "within_3min_frac": np.clip(within - 0.01, 0, 1),
            "within_5min_frac": within,
            "within_5min_low": np.clip(within - half / 2, 0, 1),
            "within_5min_high": np.clip(within + half / 2, 0, 1),
            "within_10min_frac": np.clip(within + 0.005, 0, 1),
            "on_time_frac": on_time,
            "on_time_low": low,
            "on_time_high": high,
            "expected_on_time_frac": expected,
            "mean_wait_min": 20 * (1 - within),
            "p95_wait_min": 80 * (1 - within),
            "p99_wait_min": np.minimum(120 * (1 - within), 30),
            "in_out_min": 20 * (1 - within) + 1.7,
            "no_pack_frac": 1 - within,
            "expected_no_pack_frac": 1 - np.clip(expected + 0.02, 0, 1),
            "gave_up_frac": (1 - within) / 5,
            "went_on_frac": (1 - within) / 6,
            "lost_frac": (1 - within) / 30,
            "verdict": verdict,
            "lacks": np.where(verdict == "refuted", "packs of na_25", ""),
            "disagrees": np.abs(expected - on_time) > half + 0.02,
        }
    )
    return {
        "station_wait": wait,
        "simulation_figure": _figures(wait, int(packs.sum())),
        "wait_histogram": _histogram(),
        "no_pack_hour": _by_hour(list(dict.fromkeys(mixes.tolist()))),
        "no_pack_type": pd.DataFrame(
            {
                "pack_id": list(PACKS),
                "drivers_per_day": [0.6 * drivers.sum(), 0.4 * drivers.sum()],
                "no_pack_frac": [0.04, 0.02], "low": [0.038, 0.019], "high": [0.042, 0.021],
            }
        ),
        "station_packs": pd.DataFrame(
            {
                # Of the quarter before as many less one: not the ones that count.
                "quarter": np.repeat(["2026Q4", quarter], count * len(PACKS)),
                "station_id": np.tile(np.repeat(list(station_ids), len(PACKS)), 2),
                "pack_id": np.tile(PACKS, 2 * count),
                "packs": np.concatenate([packs.ravel() - 1, packs.ravel()]),
            }
        ),
    }  # fmt: skip


def make_wait_kpi(tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Figures of the plan as `run.json` has them."""
    figures = tables["simulation_figure"].set_index("figure")["value"]
    kpi = {str(name): float(value) for name, value in figures.items()}
    return kpi | {name: int(kpi[name]) for name in ("station_packs", "replications")}


def simulated(planned: Planned, *, seed: int = 7, busier: float = 0.0) -> Planned:
    """A plan as if its stations had been simulated, each so much busier than it is."""
    stations = planned.evaluation.stations
    tables = make_wait_tables(
        stations["site_id"].tolist(),
        stations["city_id"].tolist(),
        (stations["utilisation_frac"] + busier).tolist(),
        quarter=planned.instance.scenario.planning_quarter,
        seed=seed,
    )
    kpi = {**planned.evaluation.kpi, **make_wait_kpi(tables)}
    evaluation = replace(planned.evaluation, kpi=kpi)
    return replace(planned, evaluation=evaluation, tables={**planned.tables, **tables})


def _figures(wait: pd.DataFrame, station_packs: int) -> pd.DataFrame:
    names = [kpi.name for kpi in known_kpis() if "{" not in kpi.name]
    names = names[names.index("within_5min_frac") : names.index("replications") + 1]
    weights = wait["drivers_per_day"] / wait["drivers_per_day"].sum()
    known = {
        "stations_confirmed_frac": float((wait["verdict"] == "confirmed").mean()),
        "num_stations_refuted": float((wait["verdict"] == "refuted").sum()),
        "num_stations_unclear": float((wait["verdict"] == "unclear").sum()),
        "station_packs": float(station_packs),
        "replications": 30.0,
    }
    rows = []
    for name in names:
        if name in known:
            rows.append((name, known[name], math.nan, math.nan, math.nan))
            continue
        value = float((wait[name] * weights).sum())
        half = 0.002 if name.endswith("_frac") else 0.05
        expected = f"expected_{name}"
        has_ends = not name.startswith(("within_5min_low", "within_5min_high", "expected_"))
        rows.append(
            (
                name,
                value,
                value - half if has_ends else math.nan,
                value + half if has_ends else math.nan,
                float((wait[expected] * weights).sum()) if expected in wait else math.nan,
            )
        )
    return pd.DataFrame(rows, columns=["figure", "value", "low", "high", "expected"])


def _histogram() -> pd.DataFrame:
    shares = np.array([0.84, 0.06, 0.03, 0.025, 0.02, 0.01, 0.007, 0.006, 0.002, 0.0])
    expected = np.array([0.83, 0.065, 0.035, 0.025, 0.02, 0.01, 0.007, 0.006, 0.002, 0.0])
    return pd.DataFrame(
        {
            "from_min": np.array(_EDGES_MIN, float),
            "to_min": [*map(float, _EDGES_MIN[1:]), math.nan],
            "drivers_frac": shares,
            "expected_frac": expected,
        }
    )


def _by_hour(mix_ids: Sequence[str]) -> pd.DataFrame:
    hours = np.arange(24)
    bump = np.exp(-(((hours - 18) / 3) ** 2))
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "city_id": mix_id,
                    "hour": hours,
                    # No driver at 3 in the morning: no share either.
                    "drivers_per_hour": np.where(hours == 3, 0.0, (2 + 10 * bump) / (rank + 1)),
                    "no_pack_frac": np.where(
                        hours == 3, math.nan, 0.02 + 0.2 * bump * (1 + rank % 3) / 3
                    ),
                }
            )
            for rank, mix_id in enumerate(mix_ids)
        ],
        ignore_index=True,
    )
