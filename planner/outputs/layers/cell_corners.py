"""Corners of H3 cells, many at once: those of one face of the icosahedron lie on one lattice.

Seen from the Earth's centre, the cells of a face are equal hexagons on the plane that touches the
Earth in the middle of that face, one of them around that middle [1]_. Corners and centres alike lie
on the triangular lattice that the middle one's corners span, so that a corner is a pair of whole
numbers, the same for all cells that share it. Cells that reach over a face's edge, pentagons among
them, are left to the H3 library.

.. [1] H3, https://h3geo.org/docs/core-library/overview: aperture 7, every other resolution turned.
"""

from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations

import numpy as np
from h3.api import basic_int
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray

CellArray = NDArray[np.uint64]

_AT_ONCE = 8_192
_FINEST_RESOLUTION = 15
_HEXAGON = 6
_APERTURE = 7
_TURN = np.exp(1j * np.pi / 3)
_STEPS = np.array([[1, 0], [0, 1], [-1, 1], [-1, 0], [0, -1], [1, -1]])
"""From a centre to its corners, counter-clockwise, in steps to the first and to the second."""

_NEAR_EDGE = 1e-6  # of the way to a face's edge: the middle of such a cell is not within for sure


def cell_corners(
    cells: CellArray, centres: FloatArray, resolutions: IntArray
) -> tuple[FloatArray, IntArray]:
    """Corners of cells, counter-clockwise in the order of the H3 library.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Valid H3 cells.
    centres : ndarray, shape (n, 2)
        Their longitudes and latitudes [degrees].
    resolutions : ndarray of int64, shape (n,)

    Returns
    -------
    corners : ndarray, shape (m, 2)
        Longitude and latitude [degrees], cell after cell.
    num_corners : ndarray of int64, shape (n,)
        Six of most; others where an edge of the icosahedron passes.
    """
    num_corners = np.empty(len(cells), np.int64)
    parts = [np.empty((0, 2))]
    for start in range(0, len(cells), _AT_ONCE):
        rows = np.s_[start : start + _AT_ONCE]
        corners, is_within = _on_faces(centres[rows], resolutions[rows])
        parts.append(_with_others(corners, is_within, cells[rows], num_corners[rows]))
    return np.concatenate(parts), num_corners


def _with_others(
    corners: FloatArray, is_within: NDArray[np.bool_], cells: CellArray, num_corners: IntArray
) -> FloatArray:
    """Corners of all cells, flat, and how many each has: the library's where none were found."""
    num_corners[:] = _HEXAGON
    (others,) = np.nonzero(~is_within)
    if not len(others):
        return corners.reshape(-1, 2)
    outlines = [basic_int.cell_to_boundary(cell) for cell in cells[others].tolist()]
    num_corners[others] = [len(outline) for outline in outlines]
    flat = chain.from_iterable(chain.from_iterable(outlines))
    found = np.empty((int(num_corners.sum()), 2))
    of_others = np.repeat(~is_within, num_corners)
    found[of_others] = np.fromiter(flat, np.float64).reshape(-1, 2)[:, ::-1]
    found[~of_others] = corners[is_within].reshape(-1, 2)
    return found


def _on_faces(centres: FloatArray, resolutions: IntArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Corners of cells, shape (n, 6, 2), and which lie within the face that holds their centre."""
    faces = _faces()
    places = _on_sphere(centres)
    face = np.argmax(places @ faces.middle.T, axis=1)
    plane = faces.projected(places, face)
    corner = _first_corners()[resolutions, face]
    # In steps to the first corner and to the second, whole numbers both.
    ahead = plane / corner
    second = np.rint(ahead.imag / _TURN.imag)
    first = np.rint(ahead.real - second * _TURN.real)
    around = (first[:, None] + _STEPS[:, 0]) + (second[:, None] + _STEPS[:, 1]) * _TURN
    beside = -(plane[:, None] * faces.towards_vertex.conj()[face]).real
    room = (1 - _NEAR_EDGE) * faces.to_edge - np.abs(corner)
    is_within = beside.max(axis=1) < room
    return faces.back(around * corner[:, None], face), is_within


@dataclass(frozen=True)
class _Faces:
    """Faces of the icosahedron, each with a plane that touches the sphere in its middle.

    Attributes
    ----------
    middle, east, north : ndarray, shape (20, 3)
        Middle of a face on the sphere, and the axes of its plane.
    towards_vertex : ndarray of complex, shape (20, 3)
        Directions of its vertices on the plane.
    to_edge : float
        From the middle to the nearest point of an edge, on the plane.
    """

    middle: FloatArray
    east: FloatArray
    north: FloatArray
    towards_vertex: NDArray[np.complex128]
    to_edge: float

    def projected(self, places: FloatArray, face: IntArray) -> NDArray[np.complex128]:
        """Places on the sphere, seen on their face's plane."""
        x, y, depth = (
            np.einsum("ij,ij->i", places, axes[face])
            for axes in (self.east, self.north, self.middle)
        )
        return np.asarray((x + 1j * y) / depth)

    def back(self, plane: NDArray[np.complex128], face: IntArray) -> FloatArray:
        """Longitudes and latitudes of points of planes, shape (n, m) to (n, m, 2)."""
        x, y, z = (
            self.middle[face, None, axis]
            + plane.real * self.east[face, None, axis]
            + plane.imag * self.north[face, None, axis]
            for axis in range(3)
        )
        places = np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=-1)
        return np.asarray(np.degrees(places))


@cache
def _faces() -> _Faces:
    """The faces, from the pentagons that are the vertices of H3's icosahedron."""
    vertices = _on_sphere(_centres(basic_int.get_pentagons(0)))
    nearness = vertices @ vertices.T
    nearest = np.sort(nearness, axis=1)[:, -2].min() - _NEAR_EDGE
    triples = [
        list(each)
        for each in combinations(range(len(vertices)), 3)
        if all(nearness[pair] > nearest for pair in combinations(each, 2))
    ]
    middle = _unit(vertices[triples].sum(axis=1))
    east = _unit(vertices[triples][:, 0] - middle)
    east = _unit(east - middle * np.einsum("ij,ij->i", east, middle)[:, None])
    north = np.cross(middle, east)
    faces = _Faces(middle, east, north, np.empty((0, 3), complex), 0.0)
    number = np.arange(len(triples))
    on_plane = np.stack(
        [faces.projected(vertices[triples][:, each], number) for each in range(3)], axis=1
    )
    far = float(np.abs(on_plane).mean())
    return _Faces(middle, east, north, on_plane / np.abs(on_plane), far / 2)


@cache
def _first_corners() -> NDArray[np.complex128]:
    """From a face's middle to the first corner of the cell around it, on the face's plane.

    Shape (16, 20), by resolution and face. Asked of the coarsest cells, whose corners are known to
    the most digits; two resolutions finer they are seven times nearer, in the same directions.
    """
    faces = _faces()
    number = np.arange(len(faces.middle))
    found = []
    for resolution in (0, 1):
        cells = [
            basic_int.latlng_to_cell(*_degrees(middle)[::-1], resolution) for middle in faces.middle
        ]
        corners = [basic_int.cell_to_boundary(cell)[0][::-1] for cell in cells]
        found.append(faces.projected(_on_sphere(np.array(corners)), number))
    steps, turned = np.divmod(np.arange(_FINEST_RESOLUTION + 1), 2)
    return np.asarray(np.array(found)[turned] / _APERTURE ** steps[:, None].astype(np.float64))


def _centres(cells: list[int]) -> FloatArray:
    return np.array([basic_int.cell_to_latlng(cell) for cell in cells])[:, ::-1]


def _degrees(place: FloatArray) -> tuple[float, float]:
    x, y, z = place
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _on_sphere(places: FloatArray) -> FloatArray:
    lon, lat = np.radians(places).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
