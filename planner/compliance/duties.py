"""Which duty a certificate fulfils: told by its name, as `duties.csv` lists them."""

import csv
import re
from functools import cache
from importlib.resources import files

PASSPORT = "passport"
OTHER = "other"


@cache
def duty_of(certificate: str) -> str:
    """The duty of the first pattern that is found in a certificate's name, whatever the case.

    Parameters
    ----------
    certificate : str
        As the table ``gates`` names it.

    Returns
    -------
    str
        A duty of `duties.csv`, `OTHER` if no pattern is found.

    Examples
    --------
    >>> duty_of("EU battery passport"), duty_of("EU carbon footprint declaration (EV)")
    ('passport', 'carbon')
    """
    found = (row["duty"] for pattern, row in _patterns() if pattern.search(certificate))
    return next(found, OTHER)


@cache
def duties() -> frozenset[str]:
    """Every duty that has a pattern."""
    return frozenset(row["duty"] for _, row in _patterns())


@cache
def rests_on_tests(duty: str) -> bool:
    """Whether a test report stands behind a duty's certificate; of one not known it is expected."""
    return all(row["tested"] == "yes" for _, row in _patterns() if row["duty"] == duty)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], dict[str, str]], ...]:
    text = (files("planner.compliance") / "duties.csv").read_text(encoding="utf-8")
    return tuple(
        (re.compile(row["pattern"], re.IGNORECASE), row)
        for row in csv.DictReader(text.splitlines())
    )
