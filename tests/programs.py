"""Programs that some tests drive: where they are, and what it means if they are not."""

import os
import shutil
from typing import NoReturn

import pytest


def find_program(*names: str) -> str | None:
    """Path of the first of several names that is installed."""
    return next(filter(None, map(shutil.which, names)), None)


def lacking(what: str) -> NoReturn:
    """Skip a test for want of a program; where ``CI=true`` promises it, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed, and with CI=true it must be")
    pytest.skip(f"{what} is not installed")
