"""A study of a copy of the tutorial."""

import shutil
from pathlib import Path

import pytest

from tests.batch.study_folder import TUTORIAL, StudyFolder


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    instance = tmp_path / "tutorial"
    shutil.copytree(TUTORIAL, instance)
    return StudyFolder(tmp_path / "study.toml", instance, tmp_path / "out")
