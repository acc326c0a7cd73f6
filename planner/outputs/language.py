"""Words of maps, legends and headings in the languages they are offered in.

English is the language of the code; `words.csv` gives each text in the others. Texts that hold
figures or names have a row with ``{}`` in their places, and are never translated whole.
"""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "zh"]
"""English or simplified Chinese."""

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def language_of(run_info: Mapping[str, object]) -> Language:
    """The language that a run's maps, legends and headings are in; English if it tells none."""
    found: dict[object, Language] = {each: each for each in LANGUAGES}
    return found.get(run_info.get("language"), "en")


def translate(text: str, language: Language) -> str:
    """A text of `words.csv` in a language.

    Raises
    ------
    KeyError
        If the text has no row there: a fault of the program, which tests find.

    Examples
    --------
    >>> translate("served", "zh")
    '已服务'
    """
    return text if language == "en" else _words()[text][language]


def phrase(text: str, language: Language) -> str:
    """A text that may hold figures or names, or be one, in a language.

    Names that stand in the data alone, such as a station type's, stay as they are.

    Examples
    --------
    >>> phrase("20 to 40 %", "zh"), phrase("choco_14", "zh")
    ('20～40 %', 'choco_14')
    """
    if language == "en":
        return text
    if text in _words():
        return _words()[text][language]
    for pattern, words in _patterns():
        if found := pattern.fullmatch(text):
            return words[language].format(*(phrase(part, language) for part in found.groups()))
    return text


@cache
def _words() -> dict[str, dict[str, str]]:
    text = files("planner.outputs").joinpath("words.csv").read_text(encoding="utf-8")
    return {row["en"]: row for row in csv.DictReader(text.splitlines())}


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, str]]]:
    """Texts with places for figures; those that say most stand first."""
    held = sorted((text for text in _words() if "{}" in text), key=len, reverse=True)
    return [(re.compile("(.+)".join(map(re.escape, text.split("{}")))), _words()[text])
            for text in held]  # fmt: skip
