"""People of a grid file, summed onto the H3 cells of the zones; nobody is lost on the way.

A grid is a raster of counts, polygons or points with a count, or rows named by H3 cells as Kontur
publishes them. Counts are split by area and added up, never sampled.
"""

from planner.arrays import IntArray
from planner.errors import Fault, InputError
from planner.instance.notes import Note
from planner.opendata.people_features import read_features
from planner.opendata.people_grid import GridInput, People
from planner.opendata.people_raster import read_raster

RASTERS = (".tif", ".tiff", ".vrt")


def people_from(grid: GridInput, cells: IntArray) -> People:
    """Sum the people of a grid onto cells.

    Parameters
    ----------
    grid : GridInput
        The file.
    cells : int array, shape (num_cells,)
        H3 cells of resolution 8, each once.

    Returns
    -------
    People
        In the order of the cells.

    Raises
    ------
    InputError
        If the file cannot be read, states no place or no count, holds negative counts, or has
        nobody in any of the cells: swapped coordinates, or another country's file.
    """
    if not grid.path.is_file():
        raise InputError([Fault(grid.path.name, None, "", "", "no such file; put it there")])
    is_raster = grid.path.suffix.lower() in RASTERS
    read = read_raster if is_raster else read_features
    people = read(grid, cells)
    if len(cells) and not people.residents.sum() > 0:
        remedy = "holds nobody in any cell of the region; is it a file of another country?"
        value = f"{people.total:,.0f} people in the file"
        raise InputError([Fault(grid.path.name, None, "", value, remedy)])
    share = people.residents.sum() / people.total if people.total else 0.0
    told = Note(
        f"people of {grid.path.name}",
        f"{people.total:,.0f} in the file, {people.residents.sum():,.0f} in zones' cells, "
        f"{people.elsewhere:,.0f} elsewhere",
        "AN",
        f"{share:.1%} of the file's people; summed by area onto H3 cells, the rest lives outside "
        "of the cells that are planned for",
    )
    return People(people.residents, people.elsewhere, people.total, (told, *people.notes))
