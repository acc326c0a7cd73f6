"""Write a recipe for a region, with what a planner may change."""

import re
import unicodedata

from planner.opendata.downloads import list_downloads
from planner.opendata.recipe import Ground, Horizon, Recipe
from planner.opendata.region import find_region, name_countries

_TEMPLATE = """\
# Recipe of an instance: {title}.
#   planner build-instance {file} --downloads     public files that would improve it
#   planner build-instance {file} --check         the files named below, checked
#   planner build-instance {file} --out {name}    the instance, without a network
#   planner run {name}
schema_version = 1
name = "{name}"

[region]
# {countries}
name = "{title}"
# box = [west, south, east, north]                 # narrows it, in degrees

[cities]
# Places of GeoNames from this size on are cities; smaller ones lack a climate of their own.
min_residents = 100000.0
# names = ["..."]                                  # only these

[fleet]
# ?: yours to set. The vehicles are this times model.vehicles_per_station, 150.
num_stations = 50
mark = "?"
source = "assumed"

[horizon]
first_quarter = "2026Q4"
last_quarter = "2028Q4"

# Tables stay in CNY; with a dated rate results are shown in both.
# [currency]
# code = "EUR"
# cny_per_unit = 0.0
# date = "YYYY-MM-DD"
# source = ""

# --level grid: people by cell, from Kontur, WorldPop, GHSL or a national grid.
# [people]
# file = "{grid}"
# field = "population"
# year = 2023
# source = "Kontur"
# licence = "CC BY 4.0"
# mark = "AN"

# --level full: streets and candidate sites from OpenStreetMap.
# [streets]
# file = "{extract}"
# year = 2026
# source = "OpenStreetMap"
# licence = "ODbL 1.0"
# citation = "© OpenStreetMap contributors"
# mark = "M"

# Any of the program's tables may be one of yours, with the same columns: adoption, climate,
# countries, curves, declarations, gates, hour_profile, km_per_day, links, material_supply,
# materials, offers, other_buyers, packs, places, stations, supply, vehicles.
# [tables.km_per_day]                              # segment,km_per_day,source
# file = "km_per_day.csv"
# year = 2025
# source = ""
# licence = ""
# mark = "M"

# Any number of the model, as assumptions.csv lists them.
# [model.catchment_residents_per_km2]
# value = 2000.0
# mark = "?"
# source = ""
"""


def write_recipe(region: str) -> str:
    """Write a commented recipe.

    Parameters
    ----------
    region : str
        See `find_region`.

    Returns
    -------
    str
        TOML that `parse_recipe` takes.

    Raises
    ------
    InputError
        If there is no such region.
    """
    found = find_region(region)
    plain = unicodedata.normalize("NFKD", found.name).encode("ascii", "ignore").decode()
    name = re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")
    recipe = Recipe(
        schema_version=1, name=name, facts="nordic", region=Ground(name=found.name),
        horizon=Horizon(first_quarter="2026Q4", last_quarter="2028Q4"),
    )  # fmt: skip
    files = [each.file for each in list_downloads(recipe)]
    extracts = [file for file in files if file.endswith(".osm.pbf")]
    names = name_countries(found.countries)
    return _TEMPLATE.format(
        title=found.name,
        file=f"{name}.toml",
        name=name,
        countries=", ".join(f"{code} {label}" for code, label in names.items()),
        grid=next(file for file in files if file.startswith("kontur")).removesuffix(".gz"),
        extract=extracts[0] if extracts else "region.osm.pbf",
    )
