"""What reading decided or filled in: rows of the assumptions table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd


@dataclass(frozen=True)
class Note:
    """One row of the table ``assumptions``."""

    item: str
    value: str
    mark: str
    source: str


def with_notes(assumptions: pd.DataFrame, notes: Sequence[Note]) -> pd.DataFrame:
    """The instance's assumptions and, below them, what reading adds."""
    if not notes:
        return assumptions
    return pd.concat(
        [assumptions, pd.DataFrame([asdict(note) for note in notes])], ignore_index=True
    )
