"""Style, types and the import rules, so that one command checks them all."""

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.batch.study import Study
from planner.instance import Scenario
from planner.instance.tables import format_reference

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "planner"

BASE = {"errors", "geodesy", "headline", "units"}
PHYSICS = BASE | {"vehicle_range", "throughput", "round_trip"}
DATA = BASE | {"instance", "problem"}
INPUT = {"climate", "network", "demand"}
MAY_IMPORT = {
    "errors": set(),
    "units": set(),
    "geodesy": BASE,
    "headline": set(),
    "vehicle_range": BASE,
    "throughput": BASE | {"vehicle_range"},
    "round_trip": BASE,
    "problem": BASE,
    "instance": BASE,
    "climate": DATA,
    "network": DATA,
    "versions": set(),
    "array_cache": set(),
    "opendata": DATA,
    "demand": DATA | PHYSICS | {"climate"},
    "solving": DATA,
    "plans": DATA | PHYSICS | {"climate"},
    "models": DATA | {"plans", "solving"},
    "assemble": DATA | PHYSICS | INPUT | {"models"},
    "ranges": DATA | PHYSICS | {"climate", "demand"},
    "layers": DATA | {"plans"},
    "report": BASE | {"layers"},
    "workbook": BASE | {"layers"},
    "compare": BASE | {"layers", "report"},
    "location": DATA | {"models", "solving"},
    "bench": DATA | {"location", "models", "round_trip", "solving"},
    "stages": BASE | {"solving"},
    "siting": DATA | {"assemble", "models", "network", "solving"},
    "coupling": DATA
    | {"assemble", "corridors", "demand", "models", "network", "siting", "solving", "stages"},
    "corridors": DATA
    | PHYSICS
    | INPUT
    | {"assemble", "models", "plans", "siting", "solving", "stages"},
    "prices": DATA | {"assemble", "coupling", "models", "plans", "solving"},
    "plan_labels": DATA | {"assemble", "corridors", "coupling", "plans", "solving"},
    "pipeline": DATA
    | PHYSICS
    | INPUT
    | {
        "array_cache",
        "assemble",
        "corridors",
        "coupling",
        "plan_labels",
        "plans",
        "prices",
        "ranges",
        "solving",
        "stages",
    }
    | {"siting"},
    "run_folder": BASE
    | {"instance", "layers", "pipeline", "report", "stages", "solving", "versions"}
    | {"workbook"},
    "batch": BASE
    | {"array_cache", "instance", "layers", "pipeline", "run_folder", "solving", "stages"}
    | {"versions"},
    "screen": BASE | {"pipeline", "stages", "solving"},
    "cli": BASE
    | {"batch", "bench", "instance", "layers", "opendata", "pipeline", "ranges", "report"}
    | {"compare", "run_folder", "screen", "stages", "workbook"},
    "__init__": {"instance", "location", "models", "pipeline", "run_folder", "stages"},
}
ONLY_IN = {
    "ortools": {"models", "solving"},
    "numba": {"solving", "network"},
    "geopandas": {"instance", "opendata", "climate", "network", "layers", "batch", "compare"},
    "shapely": {"instance", "opendata", "climate", "network", "layers"},
    "networkx": {"network", "instance"},  # the format of OSMnx graphs is read by it
    "osmium": {"instance"},
    "matplotlib": {"ranges"},
    "duckdb": {"batch"},
    "distributed": {"batch"},
    "psutil": {"batch"},
    "jinja2": {"report", "compare"},
    "xlsxwriter": {"workbook"},
    "vl_convert": {"report"},
    "highspy": set(),
    "pulp": {"bench"},
    "spopt": {"bench"},
}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if not path.is_symlink())


def _home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_import_rules(path: Path) -> None:
    home = _home(path)
    allowed = MAY_IMPORT[home] | {home}
    for name in _imports(path):
        top, *rest = name.split(".")
        if top == "planner" and rest:
            assert rest[0] in allowed, f"{home} may not import planner.{rest[0]}"
        if top in ONLY_IN:
            assert home in ONLY_IN[top], f"{home} may not import {top}"


# The nation is made of cities, a city's problem is one of sized or plain covering; money is halved
# until the plan of most flow refuels enough.
MODELS_MAY_IMPORT = {
    "facility_location": {"facility_mip"},
    "cheapest_refuelling": {"flow_refuelling"},
    "national": {"national_city", "sized_coverage"},
    "national_city": {"coverage", "sized_coverage"},
}


def test_models_import_only_their_parts() -> None:
    for path in (PACKAGE / "models").glob("*.py"):
        others = {
            name.split(".")[2] for name in _imports(path) if name.startswith("planner.models.")
        }
        assert others <= MODELS_MAY_IMPORT.get(path.stem, set()), path.name


def test_every_model_with_a_solver_has_a_golden_lp() -> None:
    golden = {path.stem for path in (ROOT / "tests/models/golden").glob("*.lp")}
    models = {
        path.stem
        for path in (PACKAGE / "models").glob("*.py")
        if any(name.startswith("ortools") for name in _imports(path))
    }
    assert models - {"national_city"} <= golden  # a city's LP is that of coverage, priced


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["lint", "format", "types"],
)
def test_static_checks(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_help_and_import_are_quick() -> None:
    for code, limit_s in (("import planner", 0.5), ("import planner.cli", 0.5)):
        fastest_s = min(_seconds([sys.executable, "-c", code]) for _ in range(3))
        empty_s = min(_seconds([sys.executable, "-c", ""]) for _ in range(3))
        assert fastest_s - empty_s < limit_s, code


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True)
    return time.perf_counter() - started


def test_printed_documents_are_current() -> None:
    reference = (ROOT / "docs/instance-format.md").read_text(encoding="utf-8")
    assert reference == format_reference(), "run: planner schema tables"
    schema = json.loads((ROOT / "docs/scenario.schema.json").read_text(encoding="utf-8"))
    assert schema == Scenario.model_json_schema(), "run: planner schema scenario"
    schema = json.loads((ROOT / "docs/study.schema.json").read_text(encoding="utf-8"))
    assert schema == Study.model_json_schema(), "run: planner schema study"
