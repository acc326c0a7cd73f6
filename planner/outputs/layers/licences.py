"""Licences that an attribution names, as SPDX and the licences' own pages call them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """A licence of data.

    Attributes
    ----------
    spdx : str
        Its identifier (spdx.org/licenses); empty if it has none.
    title, url : str
        Its name and where its text stands.
    words : tuple of str
        What an attribution calls it.
    """

    spdx: str
    title: str
    url: str
    words: tuple[str, ...]


_CC = "https://creativecommons.org"
_KNOWN = (
    Licence("ODbL-1.0", "Open Data Commons Open Database License 1.0",
            "https://opendatacommons.org/licenses/odbl/1-0/", ("ODbL",)),
    Licence("CC-BY-4.0", "Creative Commons Attribution 4.0 International",
            f"{_CC}/licenses/by/4.0/", ("CC BY 4.0", "CC-BY-4.0", "CC-BY 4.0")),
    Licence("CC-BY-SA-4.0", "Creative Commons Attribution Share Alike 4.0 International",
            f"{_CC}/licenses/by-sa/4.0/", ("CC BY-SA 4.0", "CC-BY-SA-4.0", "CC-BY-SA 4.0")),
    Licence("CC-BY-3.0", "Creative Commons Attribution 3.0 Unported",
            f"{_CC}/licenses/by/3.0/", ("CC BY 3.0", "CC-BY-3.0")),
    Licence("CC0-1.0", "Creative Commons Zero 1.0 Universal",
            f"{_CC}/publicdomain/zero/1.0/", ("CC0",)),
    Licence("PDDL-1.0", "Open Data Commons Public Domain Dedication and License 1.0",
            "https://opendatacommons.org/licenses/pddl/1-0/", ("PDDL",)),
    Licence("", "Licence to use Copernicus products",
            "https://cds.climate.copernicus.eu/licences/licence-to-use-copernicus-products",
            ("Copernicus",)),
)  # fmt: skip


def licences_named(attribution: str) -> tuple[Licence, ...]:
    """Licences whose names stand in a text.

    >>> [each.spdx for each in licences_named("© OpenStreetMap contributors (ODbL)")]
    ['ODbL-1.0']
    """
    return tuple(
        each for each in _KNOWN if any(word.lower() in attribution.lower() for word in each.words)
    )
