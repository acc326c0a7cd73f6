"""What the page's template and scripts say, in the language that the run was asked for."""

import re
from collections.abc import Callable, Iterable
from functools import partial

from planner.outputs.language import Language, translate

# What a script says stands as one text in double quotes; {} in it takes a value.
_SAID = re.compile(r'\bsay\("((?:[^"\\]|\\.)*)"')


def words_in(language: Language) -> Callable[[str], str]:
    """What gives each text of the template as the language has it."""
    return partial(translate, language=language)


def words_of_scripts(scripts: Iterable[str], language: Language) -> dict[str, str]:
    """Each text that scripts say, as the language has it; none where they say it as it stands."""
    if language == "en":
        return {}
    said = sorted({text for script in scripts for text in _SAID.findall(script)})
    return {text: translate(text, language) for text in said}
