"""What a check says."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
    state : {"ok", "note", "fault"}
        A note concerns something that `planner run` can do without.
    found : str
        What is there.
    remedy : str
        What to do about it; empty where nothing needs to be done.
    """

    name: str
    state: Literal["ok", "note", "fault"]
    found: str
    remedy: str = ""
