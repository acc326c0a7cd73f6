"""`run.json` and other JSON of a run, without the numbers that JSON does not know."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def without_infinity(content: Any) -> Any:
    """Content with None in the place of every number that is not finite.

    >>> without_infinity({"gap_frac": float("inf"), "kpi": [1.0, float("nan")]})
    {'gap_frac': None, 'kpi': [1.0, None]}
    """
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: without_infinity(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_infinity(value) for value in content]
    return content


def read_run_json(path: Path) -> dict[str, Any]:
    """Read `run.json`, with bounds that nothing proved as infinite and their gaps likewise.

    Raises
    ------
    OSError, ValueError
        If there is no such file, or it is not JSON.
    """
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(run, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 as for any other broken file
    for proven in (run, *run.get("models", {}).values()):
        if proven.get("bound", 0.0) is None:
            proven["bound"] = math.inf if proven["sense"] == "max" else -math.inf
        if proven.get("gap_frac", 0.0) is None:
            proven["gap_frac"] = math.inf
    return run
