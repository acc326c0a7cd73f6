"""Make planner/vendor/natural-earth-land-10m.npz of Natural Earth's land and lakes.

    python docs/architecture/make_land.py ne_10m_land.shp ne_10m_lakes.shp

Lakes are taken out of the land, points are rounded to 0.0001 degrees (11 m) and written as steps
from point to point, ring by ring; the first ring of a polygon is its shore, the others are lakes.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pyogrio
import shapely

OUT = Path(__file__).parents[2] / "planner/vendor/natural-earth-land-10m.npz"
STEP = 1e-4


def main() -> None:
    """Write the file and its checksum."""
    land, lakes = (
        shapely.make_valid(shapely.from_wkb(pyogrio.raw.read(path, columns=[])[2]))
        for path in sys.argv[1:3]
    )
    land, lakes = shapely.get_parts(land), shapely.get_parts(lakes)
    tree = shapely.STRtree(lakes)
    dry = [
        shapely.difference(polygon, shapely.union_all(lakes[tree.query(polygon)]), grid_size=STEP)
        for polygon in land
    ]
    parts = shapely.get_parts(dry)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    parts = shapely.orient_polygons(parts)
    rings, polygon_idx = shapely.get_rings(parts, return_index=True)
    points, ring_idx = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint(points / STEP).astype(np.int32)
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int32))
    np.savez_compressed(
        OUT,
        lon_steps=steps[:, 0],
        lat_steps=steps[:, 1],
        points_of_ring=np.bincount(ring_idx).astype(np.int32),
        rings_of_polygon=np.bincount(polygon_idx).astype(np.int32),
    )
    checksum = hashlib.sha256(OUT.read_bytes()).hexdigest()
    OUT.with_suffix(".sha256").write_text(f"{checksum}  {OUT.name}\n", encoding="utf-8")
    print(f"{len(parts)} polygons, {len(points)} points, {OUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
