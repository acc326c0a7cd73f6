"""Each text of the page's map has its words in every language."""

import re
from importlib.resources import files

import pytest

from planner.outputs.language import LANGUAGES, Language, translate
from planner.outputs.report.words import words_of_scripts

ROOM = files("planner.outputs.report")
SCRIPTS = [
    ROOM.joinpath(f"{name}.js").read_text(encoding="utf-8")
    for name in ("map", "map_panel", "map_labels")
]
TEMPLATE = ROOM.joinpath("page.html.j2").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_all_that_is_said_is_known(language: Language) -> None:
    words = words_of_scripts(SCRIPTS, language)
    assert len(words) > 60
    for text, said in words.items():
        assert said != text
        # Every value finds its place.
        places = re.findall(r"\{\d?\}", said)
        assert len(places) == text.count("{}")
        assert places in (["{}"] * len(places), sorted({*places}, reverse=True))
    said_in_page = re.findall(r'\bsay\("([^"]+)"\)', TEMPLATE)
    assert len(said_in_page) > 20
    assert all(translate(text, language) for text in said_in_page)


def test_no_script_says_what_has_no_words() -> None:
    """Texts that a reader sees go through `say`: nothing else in quotes is a sentence."""
    for script in SCRIPTS:
        code = re.sub(r"//.*", "", re.sub(r'\bsay\("[^"]*"', "", script))
        assert re.findall(r'"[A-Z][a-z]+ [a-z][^"]*"', code) == []
