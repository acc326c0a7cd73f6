"""What a process that works on a run is told, and what it answers; both cross as JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Any

BUSY = "busy"
"""State of an answer when another process works on the run."""


@dataclass(frozen=True)
class RunTask:
    """One run of a batch.

    Attributes
    ----------
    scenario, key : str
        Name in the study, and of the run.
    instance, variant : str
        Folder of the base instance, and its named variant (empty for none).
    settings : dict
        What replaces the instance's settings.
    scale : tuple of dict
        Columns that are multiplied: `Scale` as plain values.
    store, cache : str
        Folders of the runs and of shared arrays.
    outputs : str
        How much the run leaves: one of `planner.outputs.run_folder.Outputs`.
    """

    scenario: str
    key: str
    instance: str
    variant: str
    settings: dict[str, Any]
    scale: tuple[dict[str, Any], ...]
    store: str
    cache: str
    outputs: str

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "RunTask":
        """The task that `to_json` wrote."""
        content = json.loads(line)
        return cls(**content | {"scale": tuple(content["scale"])})


@dataclass(frozen=True)
class Progressed:
    """A run went on: a line for people."""

    key: str
    message: str


@dataclass(frozen=True)
class Ended:
    """A run ended.

    Attributes
    ----------
    key : str
    state : str
        A `State`, or ``"busy"``: another process works on it.
    status, reason : str
        As in a `Record`.
    wall_s, peak_rss_mb : float
        As seen from outside.
    is_lost : bool
        The process died or the connection broke: another attempt may do.
    """

    key: str
    state: str
    status: str = ""
    reason: str = ""
    wall_s: float = 0.0
    peak_rss_mb: float = 0.0
    is_lost: bool = False


Event = Progressed | Ended
