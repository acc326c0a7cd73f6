"""What a run leaves for GIS and spreadsheets, written from finished data."""

from planner.outputs.layers.frames import RunContent
from planner.outputs.layers.write import write_layers

__all__ = ["RunContent", "write_layers"]
