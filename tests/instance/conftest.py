"""A database for each test that reads from one."""

from tests.postgres import database, server

__all__ = ["database", "server"]
