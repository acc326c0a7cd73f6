"""A run as a QGIS project, ready to be opened."""

from planner.outputs.project.package import NEEDED
from planner.outputs.project.write import PROJECT_FILE, write_project

__all__ = ["NEEDED", "PROJECT_FILE", "write_project"]
