"""QGIS without a screen, as the system's own Python has it."""

import json
import os
import subprocess
from pathlib import Path

from tests.programs import lacking

SYSTEM_PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).parent / "outputs" / "layers" / "open_in_qgis.py"


def open_in_qgis(source, picture):
    """What QGIS makes of a GeoPackage, or of the tables a JSON file names, drawn too."""
    return run_in_qgis(SCRIPT, source, picture)


def run_in_qgis(script, *arguments):
    """What a script for the system's Python prints in its last line, as JSON."""
    if not Path(SYSTEM_PYTHON).exists() or _system_python("-c", "import qgis.core").returncode:
        lacking("QGIS for the system's Python (Debian: python3-qgis)")
    done = _system_python(script, *arguments)
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _system_python(*arguments):
    # The virtual environment's packages must not be seen by the system's Python.
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [SYSTEM_PYTHON, *map(str, arguments)],
        env=kept | {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )
