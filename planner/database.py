"""A connection to a PostgreSQL server, whose passwords are neither kept nor shown.

Takes connection strings of libpq; psycopg is imported when one is opened.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from planner.errors import Fault, InputError

SAFE_PLACES = "~/.pgpass, a service file or PGPASSWORD"
"""Where libpq finds passwords by itself."""

_CREDENTIALS = re.compile(r"(//[^:/@\s]*):(?!\d*(?:[/?,\s'\"]|$))(.*)@")
"""User and password of a URI; a number behind the colon is a port."""
_SECRET_WORDS = ("password", "sslpassword", "oauth_client_secret")
_SECRET_PAIR = re.compile(
    rf"\b({'|'.join(_SECRET_WORDS)})\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]*)", re.IGNORECASE
)
_TOLD_LINES = 3
_REFUSED_LOGIN = ("password", "authentication")


@contextmanager
def connected(url: str, *, read_only: bool = False) -> Iterator[Any]:
    """A connection whose work is committed when the block ends well, and undone otherwise.

    Parameters
    ----------
    url : str
        ``postgresql://...`` or any other connection string of libpq. Passwords belong into
        ``~/.pgpass``, a service file or PGPASSWORD.
    read_only : bool
        Whether nothing may be written, and nothing is kept of what functions wrote all the same.

    Raises
    ------
    InputError
        If the server cannot be reached or refuses a statement, or psycopg is not installed; the
        message holds no password.
    """
    try:
        import psycopg
    except ImportError as error:
        remedy = "is not installed; say: pip install 'planner[postgis]'"
        raise InputError([Fault("psycopg", None, "", "", remedy)]) from error
    try:
        with psycopg.connect(url, connect_timeout=20, application_name="planner") as connection:
            connection.read_only = read_only
            yield connection
            if read_only:  # some functions write all the same
                connection.rollback()
    except psycopg.Error as error:
        told = _without_secrets(_words_of(error), url)
        if any(word in told for word in _REFUSED_LOGIN):
            told += f"; passwords are read from {SAFE_PLACES}"
        remedy = f"the database refused: {told}"
        raise InputError([Fault(without_password(url), None, "", "", remedy)]) from None


@contextmanager
def refusals_in(file: str, column: str, value: str) -> Iterator[None]:
    """Tell of what the server refuses in the block as a fault in this place.

    Parameters
    ----------
    file, column, value : str
        Place of the fault, see `Fault`.

    Raises
    ------
    InputError
        With the server's words.
    """
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        remedy = f"the database refused: {_words_of(error)}"
        raise InputError([Fault(file, None, column, value, remedy)]) from error


def _words_of(error: Any) -> str:
    parts = [error.diag.message_primary, error.diag.message_hint]
    if parts[0] is None:  # libpq's own words
        parts = [line.strip() for line in str(error).splitlines()][:_TOLD_LINES]
    return "; ".join(filter(None, parts)) or type(error).__name__


def _without_secrets(text: str, url: str) -> str:
    """The words of a fault, that may repeat parts of a connection string that is not sound."""
    found = [*(match[2] for match in _CREDENTIALS.finditer(url))]
    found += [match[2].strip("'") for match in _SECRET_PAIR.finditer(unquote(url))]
    for secret in found:
        for part in (secret, unquote(secret), *re.split("[/@?]", secret)):
            text = text.replace(part, "...") if part else text
    return text


def holds_password(text: str) -> bool:
    """Whether a connection string, or a text around it, holds a password.

    Examples
    --------
    >>> holds_password("postgresql://anna:secret@db/gis"), holds_password("password = x dbname=y")
    (True, True)
    >>> holds_password("postgresql://anna@db:5432/gis"), holds_password("service=gis")
    (False, False)
    """
    return bool(_CREDENTIALS.search(text) or _SECRET_PAIR.search(unquote(text)))


def without_password(url: str) -> str:
    """A connection string that can be shown.

    Examples
    --------
    >>> without_password("postgresql://anna:secret@db/gis"), without_password("password=x dbname=y")
    ('postgresql://anna@db/gis', 'dbname=y')
    """
    if "://" not in url:
        return _SECRET_PAIR.sub("", url).strip()
    place, _, query = _CREDENTIALS.sub(r"\1@", url).partition("?")
    kept = [pair for pair in query.split("&") if not _SECRET_PAIR.search(unquote(pair))]
    return "?".join(filter(None, [place, "&".join(kept)]))
