"""The sources that stand in rows of an instance's tables, as rows of the table of assumptions."""

import re

import pandas as pd

from planner.instance import TABLES, Instance

_MARKS = ("?", "INF", "AN", "MC", "PR", "M")
"""From weak to strong; as `schema.csv` explains them."""

_UNFOUNDED = re.compile(r"\b(assumed|invented)\b")
_MOST_SOURCES = 20
"""Tables with more, such as one weather station per city, are told in one row."""


def table_sources(instance: Instance) -> list[dict[str, str]]:
    """What each table says of where its figures come from.

    Parameters
    ----------
    instance : Instance
        Its own table of assumptions is left out, and so is what that tells already.

    Returns
    -------
    list of dict
        ``item, value, mark, source``; a row per table and distinct text of its columns
        ``source`` and ``..._source``, in the order of the tables and their keys.
    """
    told = set(instance.assumptions["source"])
    rows: list[dict[str, str]] = []
    for name, table in TABLES.items():
        frame = getattr(instance, name)
        columns = [each for each in frame.columns if each.split("_")[-1] == "source"]
        for column in columns if name != "assumptions" else ():
            frame = frame.sort_values(table.key_in(frame.columns))
            texts = frame[column].dropna()
            texts = texts[(texts != "") & ~texts.isin(told)]
            cells = frame.loc[texts.index, table.key_in(frame.columns)].astype("str").fillna("")
            names = [" ".join(filter(None, row)) for row in cells.to_numpy().tolist()]
            keys = pd.Series(names, cells.index, object)
            groups = [
                (text, keys[texts == text].tolist()) for text in dict.fromkeys(texts.astype(str))
            ]
            if len(groups) > _MOST_SOURCES:
                first = groups[0][0]
                groups = [(f"{first}; and {len(groups) - 1} others, in the table's rows",
                           keys.tolist())]  # fmt: skip
            what = f"{name} ({column.removesuffix('_source')})" if column != "source" else name
            rows += [_row(what, text, labels, texts) for text, labels in groups]
    return rows


def _row(what: str, text: str, keys: list[str], texts: "pd.Series[str]") -> dict[str, str]:
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    marked = [text] if len(keys) < len(texts) else texts.unique().tolist()
    return {
        "item": f"{what}: {keys[0]}{more}",
        "value": "1 row" if len(keys) == 1 else f"{len(keys)} rows",
        "mark": min((weakest_mark(each) for each in marked), key=_MARKS.index),
        "source": text,
    }


def weakest_mark(source: str) -> str:
    """Weakest mark that a source's text carries; ``?`` where it has none, or says so in words.

    >>> weakest_mark("bays: CATL (MC); grid: 14/30 of 1.5 MW (INF)"), weakest_mark("M: ERA5 mean")
    ('INF', 'M')
    >>> weakest_mark("life: MC; cost assumed"), weakest_mark("definition")
    ('?', '?')
    """
    if _UNFOUNDED.search(source):
        return "?"
    return next(
        (
            mark
            for mark in _MARKS
            if re.search(rf"(?:^|[\s(;]){re.escape(mark)}(?=[\s:,;)]|$)", source)
        ),
        "?",
    )
