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
| vehicles, packs, curves, stations, hours, supply, materials, material_supply, other_buyers, \
offers, gates, declarations | press, operators, papers, rules | row by row in the column `source` |

Packs left out: `lfp_26` (75 kWh), `lfp_35`, `na_35` and `lfp_75`, for no vehicle class has their
envelope; `nmc_20` and `nmc_25` (52 and 70 kWh, MC), for neither temperature curves and cycle life
nor certificate dates of theirs were found. Voltages and warranties of packs, plants of cells, and
the maker's terms of delivery were not found either: cells stay empty, or are marked ?.

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
county, the territory of each county, travel speeds, fleet sizes, places of commercial cars, days
with snow, candidate sites.
`assumptions.csv` lists every number of these models with its mark and source.

No borders are shipped or drawn. Territory is told apart by county centres, areas and residents
alone, to within a few km, and makes no statement about any boundary.

`winters.csv` tells how much colder two winters were than the means of `climate.csv`, for the \
futures of
the scenario `uncertain`: 2012-13 (the northeast 3.7 C, the north 2.4 C, China 1.3 C below the \
usual from
late November to 4 January; China Meteorological Administration by Xinhua, China Daily \
2013-01-05) and
2007-08 (China 2.5 C below from 11 January to 14 February, in ten provinces the lowest ever; \
the same by
CRI, 2008-02-19). Written by hand, not by the recipe: no yearly series by city is among its \
sources, and
which province counts as the north, and that the figures hold for three months, is INF.

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
7. **Fleet.** {num_vehicles:,} swap vehicles, shared among the cities by public charging points:
   counted for ten provinces, the rest shared by car-owning households, less in the cold and the
   north-west; inside a province by urban residents times the share of households with a car.
8. **Places of commercial cars.** Ranks, depots, stations and airports are not in the sources;
   taxis and ride-hailing cars follow car-owning households times mapped road km nearby, in
   powers of two.
9. **Snow.** Days with snow on the road from the month's mean and an assumed spread of hours.

## What changed, and by how much

| input | before | now | why |
|---|---|---|---|
| swap vehicles per station | 204 | 150, scenarios 100 and 248 | 89 to 106 (AN) and 248 (INF) |
| commercial share of them | 25 % | 50 %, scenarios 80 % and 25 % | 25 % and 80 % are published |
| where they are | car-owning households | public charging points | electric cars are meant |
| vehicles in cities below -10 C | 11.0 % | 6.6 % | fitted to their charging points |
| Guangdong, Zhejiang, Shanghai | 20.4 % | 35.4 % | 38.4 % of electric km (M 2021), not fitted |
| mean error over five regions | 10.4 points | 7.9 points | 700 stations (MC Oct 2025), not fitted |
| consumption at 20 C | rating | rating x 1.15 | real use (M) |
| pack used between swaps | 80 % | private 60 %, commercial 85 % | arrivals at stations (M, AN) |
| taxi, ride-hailing car | 500, 200 km a day | 350, 130 | counted (M) |
| LFP pack at -20 C | 70 % of its energy | 97 %, and 5 % a start as heat | whole cars (M) |
| LFP charging at 0 C | none | 35 % | limits of an operator's packs (M) |
| station of 14 bays | 62.5 kW a bay, 3.0 M CNY, 555,000 a year | 80 kW, 2.0 M, 324,000 | \
published (MC, AN) |
| busiest hour, private | 8.5 % | 6.3 % | measured at an urban station (M) |
| packs in a station before the first quarter | 14 | 11 | counted in Shenzhen (M) |
| cycles of an LFP pack | 4,000 | 3,000 | 2,000 to 4,000 (?) |
| sodium-ion cells left for swap packs | 25 % | 8.5 % until 2027, then 35 % | storage and fixed \
packs by contract, row by row in other_buyers.csv; buyers by price compete for the rest (INF) |
| stations in the middle of 2026 | 1,515 | 2,000 | published (MC) |

Of the regions the operator's first, Sichuan and Chongqing, is still short (5.5 against 17.6 %) and
Beijing, Tianjin and Hebei too (10.2 against 17.3 %): where it began is its choice, not demand.

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
| public charging points | statistics, by way of the press | row by row in \
`planner/opendata/parameters/provinces.csv` |
"""
    + CLIMATE_ROW
    + """\
| winter design temperature | station design values of Climate.OneBuilding.Org | named here |
"""
    + """\
| brands, models, their suppliers, envelopes, launches | press, makers | row by row in the column \
`source`; what is assumed: docs/brands.md |
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
