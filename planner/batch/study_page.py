"""The study's page, made from what its folder holds."""

from pathlib import Path

import pandas as pd

from planner.batch.catalogue import CATALOGUE_FILE
from planner.batch.robustness import site_robustness
from planner.batch.run import STUDY_FILE
from planner.batch.store import RunStore, read_json
from planner.files import replaced_file, write_text
from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.layers.tables import write_table
from planner.outputs.report.write import REPORT_FILE
from planner.outputs.study.page import PAGE_FILE, StudyContent, render_study
from planner.outputs.study.tornado import read_tornado, tornado_table

TORNADO_TABLE = "tornado.csv"
CHEMISTRIES = "tables/chemistries.parquet"
"""Of a run folder."""


def write_study_page(store: RunStore) -> Path:
    """Write `study.html` beside the catalogue, which stands already, and `tornado.csv`.

    Returns
    -------
    Path
        The page.
    """
    study = read_json(store.folder / STUDY_FILE)
    catalogue = pd.read_parquet(store.folder / CATALOGUE_FILE)
    sites = site_robustness(store)
    varied = dict.fromkeys(name for each in study["scenarios"] for name in each["varied"])
    reports = {
        folder: f"{folder}/{REPORT_FILE}"
        for folder in catalogue["folder"]
        if folder and (store.folder / folder / REPORT_FILE).is_file()
    }
    in_study = catalogue[catalogue["in_study"]]
    tornadoes = tuple(read_tornado(each) for each in study.get("tornadoes", ()))
    table = tornado_table(tornadoes, in_study, _chemistries(store, in_study))
    if tornadoes:
        with replaced_file(store.folder / TORNADO_TABLE) as partial:
            write_table(partial, table)
    content = StudyContent(
        name=study["name"],
        title=study["title"],
        base=tuple(study["base"]),
        varied=tuple(varied),
        catalogue=in_study,
        sites=pd.DataFrame(sites.drop(columns="geometry")).assign(
            lon=sites.geometry.x, lat=sites.geometry.y
        ),
        reports=reports,
        tornado=table,
    )
    path = store.folder / PAGE_FILE
    write_text(path, render_study(content))
    return path


def _chemistries(store: RunStore, catalogue: pd.DataFrame) -> Chemistries:
    """Names of the chemistries as the first finished run has them."""
    for folder in catalogue.loc[catalogue["state"] == "done", "folder"]:
        path = store.folder / folder / CHEMISTRIES
        if path.is_file():
            return read_chemistries(pd.read_parquet(path))
    return Chemistries({})
