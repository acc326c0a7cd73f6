"""Other runs made of a finished one: tables changed, checksums true."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

Change = Callable[[pd.DataFrame], pd.DataFrame]


def other_run(folder: Path, target: Path, changes: Mapping[str, Change]) -> Path:
    """A copy of a run in which some tables hold something else."""
    shutil.copytree(folder, target)
    path = target / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    for resource in package["resources"]:
        if resource["name"] not in changes or resource["format"] != "parquet":
            continue
        table = target / resource["path"]
        read = gpd.read_parquet if resource["geometry_type"] else pd.read_parquet
        frame = changes[resource["name"]](read(table))
        frame.to_parquet(table, index=False)
        known = {field["name"]: field for field in resource["schema"]["fields"]}
        resource["schema"]["fields"] = [
            known.get(name, {"name": name, "title": "", "description": "", "type": "string"})
            for name in frame.columns.drop("geometry", errors="ignore")
        ]
    path.write_text(json.dumps(package), encoding="utf-8")
    write_checksums(target)
    return target


def write_checksums(folder: Path) -> None:
    """The hashes of a run's files as they are now."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("checksums.txt", "DONE")
    ]
    (folder / "checksums.txt").write_text("".join(lines), encoding="utf-8")
