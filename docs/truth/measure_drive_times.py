"""Measure a coarse road network against streets, and write the package's drive_times.csv.

    python docs/truth/measure_drive_times.py instances/china-140 harbin.osm.pbf chengdu.osm.pbf

Extracts of OpenStreetMap (ODbL) are not part of the repository; the figures derived from them are.
"""

import sys
from pathlib import Path

import pandas as pd

import planner
from planner.instance.roads.osm_extract import read_osm_extract
from planner.instance.settings.network import HOURS, Network
from planner.network.street_check import RoadTable, check_streets

OUTPUT = Path(planner.__file__).parent / "network" / "drive_times.csv"
SOURCE = "streets: OpenStreetMap contributors 2019, ODbL; coarse roads: {name}"


def main(instance_path: Path, extracts: list[Path]) -> None:
    """Compare drives in each extract at both hours."""
    instance = planner.read_instance(instance_path)
    coarse = RoadTable(instance.road_nodes, instance.roads)
    rows = []
    for path in extracts:
        read = read_osm_extract(path)
        streets = RoadTable(read.road_nodes, read.roads)
        for hour in HOURS:
            check = check_streets(coarse, streets, instance.zones, network=Network(), hour=hour)
            rows += [
                (path.name.split(".")[0], hour, figure, f"{value:.4g}",
                 SOURCE.format(name=instance_path.name))
                for figure, value in check.figures().items()
            ]  # fmt: skip
    columns = ["place", "hour", "figure", "value", "source"]
    pd.DataFrame(rows, columns=columns).to_csv(OUTPUT, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
