"""Public files that would improve an instance: address, size, licence, and what they bring."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from planner.opendata.anywhere.ground import Ground, find_ground
from planner.opendata.places import parse_places
from planner.opendata.recipe import Recipe
from planner.opendata.sources import PLACES, read_source

KONTUR = (
    "https://geodata-eu-central-1-kontur-public.s3.amazonaws.com/kontur_datasets/"
    "kontur_population_{code}_20231101.gpkg.gz"
)
_GHSL = (
    "https://jeodpp.jrc.ec.europa.eu/ftp/jrc-opendata/GHSL/GHS_POP_GLOBE_R2023A/"
    "GHS_POP_E2020_GLOBE_R2023A_4326_30ss/V1-0/GHS_POP_E2020_GLOBE_R2023A_4326_30ss_V1_0.zip"
)
_PEOPLE = "zones: people by cell instead of a spread by a model ([people], --level grid)"


@dataclass(frozen=True)
class Download:
    """A public file.

    Attributes
    ----------
    file : str
        Name to keep it under, in the folder of ``--data``.
    url : str
        Address.
    size_bytes : int or None
        Rounded by its index; None where none states it.
    as_of : str
        Day or year of the size, or of the data.
    licence : str
        With the credit that it asks for.
    improves : str
        Tables, and the recipe's section that names the file.
    """

    file: str
    url: str
    size_bytes: int | None
    as_of: str
    licence: str
    improves: str


def list_downloads(recipe: Recipe, data_dir: Path | None = None) -> list[Download]:
    """List public files for a recipe's region; nothing is fetched.

    Parameters
    ----------
    recipe : Recipe
        What is asked for.
    data_dir : path or None
        Folder of the recipe's files, for a polygon of the planner's own.

    Returns
    -------
    list of Download
        Streets first, then people, smaller regions' files before the world's, then registrations.
    """
    codes = _countries(find_ground(recipe.region, data_dir), recipe)
    extracts = _facts("osm_extracts")
    extracts = extracts[extracts["country_code"].isin(codes)].drop_duplicates("url")
    grids = _facts("worldpop_grids")
    grids = grids[grids["country_code"].isin(codes)]
    found = [
        Download(
            row["file"], row["url"], int(row["bytes"]), row["as_of"],
            "ODbL 1.0, © OpenStreetMap contributors",
            "zones, sites, roads: streets, fuel stations, car parks, charging stations, "
            "substations ([streets], --level full)",
        )
        for row in extracts.to_dict("records")
    ]  # fmt: skip
    found += [
        Download(
            f"kontur_population_{code}_20231101.gpkg.gz", KONTUR.format(code=code), None, "2023",
            "CC BY 4.0, Kontur", f"{_PEOPLE}; unpack it first",
        )
        for code in codes
    ]  # fmt: skip
    found += [
        Download(
            row["file"], row["url"], None, "2025", "CC BY 4.0, WorldPop, University of Southampton",
            _PEOPLE,
        )
        for row in grids.to_dict("records")
    ]  # fmt: skip
    found += [
        Download(
            "GHS_POP_E2020_GLOBE_R2023A_4326_30ss_V1_0.zip", _GHSL, 482_351_880, "2020",
            "CC BY 4.0, European Commission, Joint Research Centre",
            f"{_PEOPLE}; of the whole world, 30 arc seconds: coarser; unpack it first",
        ),
        Download(
            "countries.csv",
            "https://www.iea.org/data-and-statistics/data-tools/global-ev-data-explorer", None,
            "yearly", "CC BY 4.0, IEA Global EV Outlook",
            "cities: vehicles by the share of battery cars in new registrations; write code, "
            "bev_sales_frac, source into the file ([tables.countries])",
        ),
        Download(
            "countries.csv",
            "https://ec.europa.eu/eurostat/databrowser/view/road_eqr_carpda", None, "yearly",
            "Eurostat, reuse with the source named", "cities: as before, for Europe",
        ),
    ]  # fmt: skip
    return found


def format_downloads(downloads: list[Download]) -> str:
    """Write a list of files for people to read.

    Parameters
    ----------
    downloads : list of Download
        Files.

    Returns
    -------
    str
    """
    blocks = []
    for each in downloads:
        size = "size not stated" if each.size_bytes is None else f"{each.size_bytes / 1e6:,.0f} MB"
        blocks.append(
            f"{each.file}  ({size}, {each.as_of}; {each.licence})\n"
            f"  {each.url}\n  improves {each.improves}"
        )
    return (
        "Nothing is fetched. Put files into the folder of --data, and name them in the recipe "
        "with field, year, source, licence and mark.\n\n" + "\n\n".join(blocks)
    )


def _countries(ground: Ground, recipe: Recipe) -> list[str]:
    """Countries of the region; of places where a box or polygon alone says it."""
    if ground.region is not None and not (recipe.region.box or recipe.region.polygon):
        return list(ground.region.countries)
    places = parse_places(read_source(PLACES))
    return [str(code) for code in np.unique(places.where(ground.holds(places)).country_code)]


def _facts(name: str) -> pd.DataFrame:
    path = files("planner.opendata") / "facts" / f"{name}.csv"
    with path.open(encoding="utf-8") as stream:
        # NA is Namibia.
        return pd.read_csv(stream, keep_default_na=False)
