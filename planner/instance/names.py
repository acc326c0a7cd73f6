"""Which known name an unknown one may stand for."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(unknown: str, known: Iterable[str]) -> str | None:
    """The known name most like it, whatever the case; None if none is alike.

    >>> nearest("cn", ["CN", "EU"])
    'CN'
    """
    names: dict[str, str] = {}
    for name in known:
        names.setdefault(name.casefold(), name)
    close = get_close_matches(unknown.casefold(), names, n=1)
    return names[close[0]] if close else None


def suggest(unknown: str, known: list[str]) -> str:
    """Tell what to do about a name that is not known.

    >>> suggest("num_station", ["num_stations", "near_km"])
    'did you mean num_stations?'
    """
    close = nearest(unknown, known)
    return f"did you mean {close}?" if close else f"remove it, or use one of: {', '.join(known)}"
