"""Outlines as plain numbers: a quarter of the room of polygons.

Gives what files ask of them, boxes and well-known binary, without a polygon being made.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LITTLE_ENDIAN = 1
_HEADER = np.dtype([("order", "u1"), ("type", "<u4"), ("num_rings", "<u4"), ("num_corners", "<u4")])


@dataclass(frozen=True)
class Rings:
    """An outline each of some rows: polygons without holes.

    Attributes
    ----------
    corners : ndarray, shape (num_corners, 2)
        WGS84 longitude and latitude, the first corner of each outline once more at its end.
    first : ndarray of int64, shape (n + 1,)
        Where each outline begins.
    """

    corners: FloatArray
    first: IntArray

    def __len__(self) -> int:
        return len(self.first) - 1

    def take(self, rows: IntArray) -> "Rings":
        """Outlines of some rows, in their order."""
        num_corners = (self.first[1:] - self.first[:-1])[rows]
        first = np.concatenate(([0], np.cumsum(num_corners)))
        corner_idx = np.arange(first[-1]) + np.repeat(self.first[rows] - first[:-1], num_corners)
        return Rings(self.corners[corner_idx], first)

    def polygons(self) -> NDArray[np.object_]:
        """As shapely polygons, shape (n,)."""
        rows = np.arange(len(self.first))
        polygon = shapely.GeometryType.POLYGON
        return np.asarray(shapely.from_ragged_array(polygon, self.corners, (self.first, rows)))

    def boxes(self) -> FloatArray:
        """West, south, east, north of each, shape (n, 4)."""
        if not len(self):
            return np.empty((0, 4))
        low, high = (of.reduceat(self.corners, self.first[:-1]) for of in (np.minimum, np.maximum))
        return np.column_stack([low, high])

    def are_counter_clockwise(self) -> bool:
        """Whether all are, as RFC 7946 asks of outlines."""
        if not len(self):
            return True
        x, y = (self.corners - np.repeat(self.corners[self.first[:-1]], np.diff(self.first), 0)).T
        doubled = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
        doubled[self.first[1:] - 1] = 0.0  # from one outline to the next
        return bool((np.add.reduceat(doubled, self.first[:-1]) > 0).all())

    def wkb(self) -> tuple[NDArray[np.uint8], IntArray]:
        """Well-known binary of all, and where that of each begins, shape (n + 1,) [bytes]."""
        num_corners = np.diff(self.first)
        header = np.empty(len(self), _HEADER)
        header["order"] = _LITTLE_ENDIAN
        header["type"] = shapely.GeometryType.POLYGON
        header["num_rings"] = 1
        header["num_corners"] = num_corners
        of_corners = 16 * num_corners
        begin = np.concatenate(([0], np.cumsum(_HEADER.itemsize + of_corners)))
        binary = np.empty(begin[-1], np.uint8)
        is_header = np.zeros(begin[-1], bool)
        at = (begin[:-1, None] + np.arange(_HEADER.itemsize)).ravel()
        is_header[at] = True
        binary[at] = header.view(np.uint8)
        binary[~is_header] = np.ascontiguousarray(self.corners, "<f8").view(np.uint8).ravel()
        return binary, begin
