"""What a run leaves for GIS and spreadsheets, written from finished data."""

from planner.layers.frames import RunContent
from planner.layers.write import write_layers

__all__ = ["RunContent", "write_layers"]
