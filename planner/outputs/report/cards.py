"""Figures that stand in front."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A figure of the whole plan: what it is, the figure, and what puts it into proportion."""

    label: str
    figure: str
    unit: str
    context: str
