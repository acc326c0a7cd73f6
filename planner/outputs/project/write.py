"""Write a run's QGIS project beside its GeoPackage and into it.

Both are the same document, whose paths lead to the file beside it or around it: the folder, or the
GeoPackage alone, can be taken anywhere.
"""

import io
import zipfile
from pathlib import Path

from planner.files import replaced_file
from planner.outputs.layers.geopackage import same_bytes
from planner.outputs.project.document import project_document
from planner.outputs.project.package import opened, read_package

PROJECT_FILE = "plan.qgz"

_NAME = "plan"
_MEMBER = "plan.qgs"
_FIXED_DATE = (2000, 1, 1, 0, 0, 0)
_METADATA = '{"last_modified_time": "2000-01-01T00:00:00", "last_modified_user": "planner" }'


def write_project(geopackage: Path) -> Path:
    """Write a project of all layers and tables of a GeoPackage.

    Parameters
    ----------
    geopackage : Path
        A finished one; the project within it is replaced, other projects in it are kept.

    Returns
    -------
    Path
        ``plan.qgz`` beside it. The same GeoPackage gives the same bytes.

    Notes
    -----
    QGIS keeps projects of a GeoPackage in its table ``qgis_projects``, zipped, each byte as two
    hexadecimal digits.
    """
    packed = _pack(project_document(read_package(geopackage)))
    with opened(geopackage) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS qgis_projects"
            " (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)"
        )
        connection.execute(
            "INSERT OR REPLACE INTO qgis_projects VALUES (?, ?, ?)",
            (_NAME, _METADATA, packed.hex()),
        )
    same_bytes(geopackage)
    path = geopackage.with_name(PROJECT_FILE)
    with replaced_file(path) as partial:
        partial.write_bytes(packed)
    return path


def _pack(document: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        member = zipfile.ZipInfo(_MEMBER, _FIXED_DATE)
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, document)
    return stream.getvalue()
