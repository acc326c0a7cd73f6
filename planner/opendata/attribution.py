"""SOURCES.md of a built instance: recipe, licences and the attribution they ask for."""

from collections.abc import Mapping

from planner.opendata.sources import HIGHWAYS, PLACES

ROADS_ROW = """\
| roads, road_nodes, and from them zones and sites | OpenStreetMap, simplified in the Python \
package {highways.distribution} {highways.version} (MIT) | **© OpenStreetMap contributors**, Open \
Database License (ODbL) 1.0, openstreetmap.org/copyright. These four tables are a derived \
database under the ODbL |
"""
CLIMATE_ROW = """\
| monthly mean temperature 2000-2025 | ERA5 monthly means, Copernicus Climate Change Service | \
**Contains modified Copernicus Climate Change Service information 2025.** Neither the European \
Commission nor ECMWF is responsible for any use that may be made of it |
"""
CLOSING = """\
| vehicles, packs, curves, stations, supply, gates | press, operators, papers | row by row in the \
column `source` |

Marks in `source` and in `assumptions.csv`: MC claim of a maker or operator, M measured or
official, PR peer-reviewed, AN analyst or press, INF inferred, ? weak or assumed.

## Checksums of the inputs

| file | sha256 |
|---|---|
| {highways.distribution} {highways.version}, {highways.path} | {highways.sha256} |
| {places.distribution} {places.version}, {places.path} | {places.sha256} |
"""

_TEXT = (
    """\
# Sources of china-140

A planning instance for battery-swap stations in the {num_cities} prefecture-level cities of China
with the largest urban population in 2020: {num_zones:,} demand zones, {num_sites:,} candidate
sites, and the mapped highway network of mainland China ({num_nodes:,} junctions, {num_edges:,}
edges). `planner build-instance china-140` makes it again, with the same bytes for the same
library versions.

## What is measured and what is a model

Census figures of cities and counties, monthly mean temperatures and station design temperatures
are taken as published. **Models, not measurements**, are: the spread of households inside a
county, the territory of each county, travel speeds, fleet sizes, candidate sites.
`assumptions.csv` lists every number of these models with its mark and source.

No borders are shipped or drawn. Territory is told apart by county centres, areas and residents
alone, to within a few km, and makes no statement about any boundary.

## Recipe

1. **Roads.** The world highway network is cut to the junctions that lie in counties of mainland
   China; edges absurdly longer than the distance between their ends and fragments of the network
   are dropped. Lengths are the source's; it keeps few bends, so most are straight lines.
2. **Territory.** A point belongs to the county with the smallest distance^2 - area / pi (power
   diagram), area from GHSL population and density; places abroad compete. Districts left with
   too little ground for their residents gain some on their neighbours.
3. **Zones.** Roads are cut into pieces of at most 0.5 km; the H3 resolution-8 cells that they
   pass, and the ring around each, are the zones, if they lie in a planned city.
4. **Households.** Each county's residents are spread over its cells: the urban share by road km
   nearby times a density that falls exponentially around GeoNames places, the rural share by
   road km nearby. Car-owning households follow residents; each county's sum is its census figure.
5. **Sites.** Per city up to 600 points on the roads, one per H3 cell at most: the first half by
   greedy maximal covering, the others where demand is densest.
6. **Speeds** from the density around each edge and its length.
7. **Fleet.** {num_vehicles:,} swap vehicles, shared among the cities by car-owning households,
   urban population and the region's share of new-energy cars in sales.

## Sources and licences

| what | source | licence and attribution |
|---|---|---|
"""
    + ROADS_ROW
    + """\
| places: territory abroad, density, city seats | GeoNames, in the Python package \
{places.distribution} {places.version} (MIT) | **GeoNames**, geonames.org, CC BY 4.0; three \
seats corrected |
| population, households, car ownership | national census of China 2020, compiled in github \
leiii/census | MIT |
| county areas | Global Human Settlement Layer, European Commission, Joint Research Centre | \
CC BY 4.0 |
| county centroids | github thebamboogrove/tudigong | named here |
"""
    + CLIMATE_ROW
    + """\
| winter design temperature | station design values of Climate.OneBuilding.Org | named here |
"""
    + CLOSING
)


def format_sources(counts: Mapping[str, int]) -> str:
    """Text of SOURCES.md.

    Parameters
    ----------
    counts : mapping of str to int
        ``num_cities``, ``num_zones``, ``num_sites``, ``num_nodes``, ``num_edges``,
        ``num_vehicles``.

    Returns
    -------
    str
        Markdown.
    """
    return _TEXT.format(highways=HIGHWAYS, places=PLACES, **counts)
