"""The checks: machine, packages, solvers, GIS, caches, locks, programs."""

import os
import platform
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from planner.doctor.finding import Finding
from planner.errors import PlannerError

LEAST_MEMORY_GB = 2.0
"""What a small country takes while its report is written."""
REINSTALL = "install it anew: pip install --force-reinstall --no-deps {}"
EXTRAS = {
    "dask": "batches and cities on a cluster",
    "opendata": "planner build-instance",
    "peers": "planner bench --peers",
    "raster": "people of rasters in planner build-instance",
}
PROGRAMS = {
    "QGIS": (("qgis", "qgis-bin", "QGIS"), "opens plan.gpkg, styles included"),
    "Chromium": (
        ("chromium", "chromium-browser", "google-chrome", "chrome"),
        "opens report.html, as any other browser does",
    ),
}


def examine() -> Iterator[Finding]:
    """Check everything, the parts that others stand on first."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:  # a broken library may raise anything
            name = check.__name__.removeprefix("check_").replace("_", " ")
            told = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(name, "fault", told, "install planner anew in a fresh environment")


def check_machine() -> list[Finding]:
    """System, Python, cores, memory."""
    import psutil

    named = ".".join(map(str, sys.version_info[:3]))
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    memory = psutil.virtual_memory()
    free_gb, all_gb = memory.available / 1e9, memory.total / 1e9
    is_roomy = free_gb >= LEAST_MEMORY_GB
    remedy = f"countries take {LEAST_MEMORY_GB:g} GB and more; end other programs"
    return [
        Finding("platform", "ok", platform.platform()),
        Finding("python", "ok", f"{named}, {sys.executable}"),
        Finding("cores", "ok", f"{cores} for this process"),
        Finding(
            "memory", "ok" if is_roomy else "note", f"{free_gb:.1f} GB of {all_gb:.1f} GB free",
            "" if is_roomy else remedy,
        ),
    ]  # fmt: skip


def check_packages() -> Iterator[Finding]:
    """Packages that `planner` requires, and those of its extras, in versions it can use."""
    from packaging.requirements import Requirement

    required = [Requirement(line) for line in metadata.requires("planner") or ()]
    own = [each for each in required if each.marker is None or each.marker.evaluate({"extra": ""})]
    wrong = [told for each in own if (told := _unlike(each.name, str(each.specifier)))]
    if wrong:
        yield Finding("packages", "fault", "; ".join(wrong), "pip install --upgrade planner")
    else:
        yield Finding("packages", "ok", f"all {len(own)} required ones, in versions that fit")
    for extra, purpose in EXTRAS.items():
        of_extra = [
            each
            for each in required
            if each not in own and each.marker and each.marker.evaluate({"extra": extra})
        ]
        wrong = [told for each in of_extra if (told := _unlike(each.name, str(each.specifier)))]
        if wrong:
            remedy = f"only for {purpose}: pip install 'planner[{extra}]'"
            yield Finding(f"extra {extra}", "note", "; ".join(wrong), remedy)
        else:
            yield Finding(f"extra {extra}", "ok", purpose)


def _unlike(package: str, versions: str) -> str:
    """What is wrong with an installed package; empty if nothing is."""
    from packaging.specifiers import SpecifierSet

    try:
        installed = metadata.version(package)
    except metadata.PackageNotFoundError:
        return f"{package} is not installed"
    if SpecifierSet(versions).contains(installed, prereleases=True):
        return ""
    return f"{package} {installed} is not {versions}"


def check_solvers() -> Iterator[Finding]:
    """Each solver on three rows."""
    from planner.solving.self_test import SOLVERS, solve_three_rows

    for solver in SOLVERS:
        name = f"solver {solver.removeprefix('G') if solver == 'GSCIP' else solver}"
        try:
            answer = solve_three_rows(solver)
        except (PlannerError, RuntimeError, ValueError, NotImplementedError) as error:
            told = str(error).splitlines()[0]
            yield Finding(name, "fault", told, REINSTALL.format("ortools"))
        else:
            found = f"three rows to {answer.objective:.4g} in {answer.wall_s * 1e3:.0f} ms"
            yield Finding(name, "ok", found)


def check_gdal() -> Iterator[Finding]:
    """A GeoPackage written and read back."""
    import numpy as np
    import pyogrio
    import pyogrio.raw

    point = np.array([struct.pack("<BIdd", 1, 1, 121.5, 31.2)], dtype=object)
    with tempfile.TemporaryDirectory(prefix="planner-doctor-") as folder:
        path = Path(folder) / "point.gpkg"
        pyogrio.raw.write(
            path, point, [np.array(["here"], dtype=object)], ["name"],
            geometry_type="Point", crs="EPSG:4490",
        )  # fmt: skip
        info = pyogrio.read_info(path)
    version = ".".join(map(str, pyogrio.__gdal_version__))
    if info["features"] == 1 and info["crs"] == "EPSG:4490":
        yield Finding("GDAL", "ok", f"{version}, a GeoPackage written and read")
    else:
        told = f"{version} read back {info['features']} features in {info['crs']}"
        yield Finding("GDAL", "fault", told, REINSTALL.format("pyogrio"))


def check_proj() -> Iterator[Finding]:
    """PROJ's database, by a transformation whose result is known."""
    import pyproj

    east, north = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform(
        180.0, 0.0
    )
    version, folder = pyproj.proj_version_str, pyproj.datadir.get_data_dir()
    if abs(east - 20_037_508.34) < 0.01 and abs(north) < 0.01:
        yield Finding("PROJ", "ok", f"{version}, database in {folder}")
    else:
        remedy = f"unset PROJ_DATA and PROJ_LIB, or {REINSTALL.format('pyproj')}"
        yield Finding("PROJ", "fault", f"{version} puts 180 degrees east at {east:.2f} m", remedy)


def check_compiled_kernels() -> Iterator[Finding]:
    """Whether the first run will compile, and whether that is kept."""
    from planner.doctor.kernels import find_kernels

    anew = "NUMBA_CACHE_DIR names a folder that this user may write to"
    try:
        kernels = find_kernels()
    except RuntimeError as error:
        told = str(error).splitlines()[0]
        yield Finding("compiled kernels", "fault", told, f"set {anew}")
        return
    refused = [folder for folder in kernels.folders if not _is_writable(folder)]
    root = os.path.commonpath(kernels.folders)
    found = f"{kernels.num_compiled} of {kernels.num_all}, in {root}"
    if refused and kernels.num_compiled < kernels.num_all:
        yield Finding("compiled kernels", "note", f"{found}, not writable", f"set {anew}")
    elif kernels.num_compiled == 0:
        remedy = (
            "the first run of each question compiles, outside its time limit; all at once: "
            "planner doctor --compile instances/tutorial"
        )
        yield Finding("compiled kernels", "note", found, remedy)
    else:
        yield Finding("compiled kernels", "ok", found)


def check_folders() -> list[Finding]:
    """Where results and short-lived files go."""
    outputs, short = Path("outputs").resolve(), Path(tempfile.gettempdir())
    remedy = "start in a folder you may write to, or give --out DIR"
    return [
        Finding("results", "ok", f"{outputs}, {_free_gb(outputs):.1f} GB free")
        if _is_writable(outputs)
        else Finding("results", "note", f"{outputs}: may not be written to", remedy),
        Finding("short-lived files", "ok", f"{short}, {_free_gb(short):.1f} GB free"),
    ]


def check_file_locks() -> Iterator[Finding]:
    """Whether a lock is seen by others, where results go; batches divide their work by it."""
    from planner.files import try_lock

    place = _standing(Path("outputs").resolve())
    if not os.access(place, os.W_OK):
        place = Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix=".planner-doctor-", dir=place) as folder:
        path = Path(folder) / "lock"
        with path.open("ab") as first, path.open("ab") as second:
            works = try_lock(first) and not try_lock(second)
    if works:
        yield Finding("file locks", "ok", f"held by one at a time in {place}")
    else:
        remedy = "planner batch: put --out on a file system with flock (docs/batch.md)"
        yield Finding("file locks", "note", f"not kept in {place}", remedy)


def check_duckdb() -> Iterator[Finding]:
    """DuckDB, which reads the catalogues of batches."""
    import duckdb

    with duckdb.connect() as connection:
        works = connection.sql("SELECT 6 * 7").fetchall() == [(42,)]
    if works:
        yield Finding("DuckDB", "ok", duckdb.__version__)
    else:
        yield Finding("DuckDB", "fault", duckdb.__version__, REINSTALL.format("duckdb"))


def check_programs() -> Iterator[Finding]:
    """What people open results with."""
    for name, (commands, purpose) in PROGRAMS.items():
        path = next(filter(None, map(shutil.which, commands)), None)
        if path:
            yield Finding(name, "ok", path)
        else:
            yield Finding(name, "note", "not on PATH", f"{purpose}; planner itself needs it not")


def _standing(folder: Path) -> Path:
    """The folder, or the nearest one above that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _is_writable(folder: Path) -> bool:
    return os.access(_standing(folder), os.W_OK)


def _free_gb(folder: Path) -> float:
    return shutil.disk_usage(_standing(folder)).free / 1e9


CHECKS: tuple[Callable[[], Iterable[Finding]], ...] = (
    check_machine, check_packages, check_solvers, check_gdal, check_proj, check_duckdb,
    check_compiled_kernels, check_folders, check_file_locks, check_programs,
)  # fmt: skip
