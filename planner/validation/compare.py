"""Every measured figure beside the predicted one, and how far apart they are by topic."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from planner.instance import Instance, read_instance
from planner.outputs.compare.read import FinishedRun, read_finished_run
from planner.validation.evidence import Evidence, LacksError
from planner.validation.measured import SHARE, read_measured
from planner.validation.predictions import PREDICTIONS, TEST_TABLES

COLUMNS = (
    "comparison", "topic", "measured", "measured_low", "measured_high", "predicted", "unit",
    "error", "role", "source", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Validation:
    """Measured beside predicted.

    Attributes
    ----------
    name : str
        Of the instance's scenario.
    run : str
        Folder name of the run; empty without one.
    rows : DataFrame
        `COLUMNS`, a row per comparison, grouped by topic. ``predicted`` and ``error`` are NaN
        where something is missing; ``note`` then begins with what it is.
    topics : DataFrame
        A row per topic and role: ``topic, role, compared, missing, mean_error, rmse``.
    remarks : tuple of str
        What a reader must know of all rows: tables that changed since the run.
    """

    name: str
    run: str
    rows: pd.DataFrame
    topics: pd.DataFrame
    remarks: tuple[str, ...]


def validate_model(folder: Path, run_folder: Path | None = None) -> Validation:
    """Hold an instance, and if given a finished run of it, against what was measured.

    Parameters
    ----------
    folder : Path
        The instance.
    run_folder : Path, optional
        What `planner run` left of it. Without it all that takes a plan is told as missing.

    Raises
    ------
    InputError
        If either is not sound.
    """
    run = None if run_folder is None else read_finished_run(run_folder)
    instance = read_instance(
        folder, scenario_name=(run.run.get("scenario") or None) if run else None
    )
    rows = compare(Evidence(instance, run))
    return Validation(
        name=instance.scenario.name,
        run=run.label if run else "",
        rows=rows,
        topics=errors_by_topic(rows),
        remarks=_remarks(instance, run),
    )


def _remarks(instance: Instance, run: FinishedRun | None) -> tuple[str, ...]:
    if run is None:
        return ()
    now = {Path(each.path).name: each.sha256 for each in instance.input_files}
    then = {Path(each["path"]).name: each["sha256"] for each in run.run["inputs"]}
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if not changed:
        return ()
    return (f"The run was made of other inputs than the instance has now: {', '.join(changed)}.",)


def compare(evidence: Evidence) -> pd.DataFrame:
    """All comparisons.

    Returns
    -------
    DataFrame
        `COLUMNS`; tests that bring their own conditions first, then `measured.csv` in its order.
    """
    tables = [table(evidence) for table in TEST_TABLES]
    measured = read_measured()
    predicted, lacking = [], []
    for key in measured.index:
        value, why = _predict(evidence, str(key))
        predicted.append(value)
        lacking.append(why)
    published = measured.assign(
        predicted=predicted,
        note=[
            f"missing: {why}" + (f"; {note}" if note else "") if why else note
            for why, note in zip(lacking, measured["note"], strict=True)
        ],
    )
    rows = pd.concat([*tables, published], ignore_index=True)
    rows["error"] = error(rows)
    order = {topic: place for place, topic in enumerate(rows["topic"].unique())}
    return rows[list(COLUMNS)].sort_values(
        "topic", key=lambda topic: topic.map(order), kind="stable", ignore_index=True
    )


def _predict(evidence: Evidence, key: str) -> tuple[float, str]:
    """The prediction, or NaN and why there is none."""
    try:
        return PREDICTIONS[key](evidence), ""
    except LacksError as lack:
        return np.nan, str(lack)


def error(rows: pd.DataFrame) -> "pd.Series[float]":
    """Predicted minus measured: of shares as it is, of all else as a share of the measured.

    Examples
    --------
    >>> rows = pd.DataFrame({"measured": [0.5, 200.0], "predicted": [0.6, 150.0]})
    >>> error(rows.assign(unit=["1", "km"])).round(3).tolist()
    [0.1, -0.25]
    """
    difference = rows["predicted"] - rows["measured"]
    return difference.where(rows["unit"] == SHARE, difference / rows["measured"])


def errors_by_topic(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean error and root mean square error by topic, calibrated and held out apart.

    Returns
    -------
    DataFrame
        ``topic, role, compared, missing, mean_error, rmse``; NaN where nothing was compared.
    """
    grouped = rows.groupby(["topic", "role"], sort=False)["error"]
    return grouped.agg(
        compared="count",
        missing=lambda errors: int(errors.isna().sum()),
        mean_error="mean",
        rmse=lambda errors: float(np.sqrt((errors**2).mean())),
    ).reset_index()
