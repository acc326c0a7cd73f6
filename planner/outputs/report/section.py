"""A section of the page: what is found, drawn and listed of one subject."""

from dataclasses import dataclass

from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.tables import Table


@dataclass(frozen=True)
class Section:
    """One subject of the page.

    Attributes
    ----------
    key : str
        Anchor within the page.
    title : str
        Heading; `words.csv` has it in every language.
    texts : tuple of str
        Paragraphs in plain words, the finding first.
    charts : tuple of Chart
        What is drawn.
    few : tuple of Table
        Tables that stand in full.
    tables : tuple of Table
        Longer ones, with filters.
    """

    key: str
    title: str
    texts: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    few: tuple[Table, ...] = ()
    tables: tuple[Table, ...] = ()
