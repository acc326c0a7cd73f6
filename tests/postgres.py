"""A PostgreSQL server of the tests' own, without TCP, and a database for each test; fixtures."""

import getpass
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.programs import lacking

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Database:
    """An empty database with PostGIS."""

    url: str
    socket: Path
    name: str

    def read(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    def say(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def as_role(self, role: str) -> str:
        return f"host={self.socket} user={role} dbname={self.name}"


def _as_postgres(*command: object) -> None:
    """Run a program as a user that PostgreSQL does not refuse: it refuses root."""
    words = [str(word) for word in command]
    if getpass.getuser() == "root":
        words = ["runuser", "-u", "postgres", "--", *words]
    subprocess.run(words, check=True, capture_output=True, cwd="/")


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """Folder of the socket of a running server with PostGIS, that trusts everybody."""
    if not PROGRAMS or not list(PROGRAMS[0].parent.parent.parent.parent.glob(
        "share/postgresql/*/extension/postgis.control"
    )):  # fmt: skip
        lacking("PostgreSQL with PostGIS (Debian: postgresql-15-postgis-3)")
    # Not below pytest's own folder: a socket's path has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="planner-pg-"))
    data = folder / "data"
    data.mkdir()
    if getpass.getuser() == "root":
        for path in (folder, data):
            shutil.chown(path, "postgres")
    folder.chmod(0o755)
    _as_postgres(PROGRAMS[0] / "initdb", "-D", data, "-A", "trust", "-U", "admin", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    control = (PROGRAMS[0] / "pg_ctl", "-D", data, "-w", "-l", folder / "log")
    _as_postgres(*control, "-o", options, "start")
    try:
        with psycopg.connect(f"host={folder} user=admin dbname=postgres", autocommit=True) as to:
            to.execute("CREATE DATABASE with_postgis")
        with psycopg.connect(f"host={folder} user=admin dbname=with_postgis") as to:
            to.execute("CREATE EXTENSION postgis")
        yield folder
    finally:
        _as_postgres(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: Path) -> Iterator[Database]:
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(f"host={server} user=admin dbname=postgres", autocommit=True) as to:
        to.execute(f"CREATE DATABASE {name} TEMPLATE with_postgis")  # type: ignore[call-overload]
    yield Database(f"host={server} user=admin dbname={name}", server, name)
    with psycopg.connect(f"host={server} user=admin dbname=postgres", autocommit=True) as to:
        to.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]
