"""Style, types and the import rules, so that one command checks them all."""

import ast
import graphlib
import json
import re
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import get_args

import pytest

import planner.planning.siting.questions as siting_questions
import planner.plans.questions as plans_questions
from planner.batch.study import Study
from planner.instance import Scenario
from planner.instance.settings.siting import Siting
from planner.instance.tables import format_reference
from planner.planning.markets.study import MarketStudy
from planner.planning.siting.question import Ask
from planner.plans.question import OBJECTIVES, Judge, judge_of

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "planner"

BASE = {"arrays", "database", "errors", "files", "geodesy", "land", "limits", "units", "usage"}
PLANNED = {"planning.clock", "planning.result"}
MAY_IMPORT: dict[str, set[str]] = {
    "arrays": set(),
    "database": BASE,
    "errors": set(),
    "files": set(),
    "units": set(),
    "usage": set(),
    "geodesy": BASE,
    "land": BASE,
    "limits": BASE,
    "instance": BASE,
    "physics": BASE | {"instance"},
    "compliance": BASE | {"instance"},
    "network": BASE | {"instance"},
    "opendata": BASE | {"instance"},
    "service": BASE,
    "solving": BASE,
    "simulation": BASE | {"instance", "service", "solving"},
    "models": BASE | {"solving"},
    "plans": BASE | {"instance", "physics"},
    "planning": BASE
    | {
        "compliance",
        "instance",
        "models",
        "network",
        "physics",
        "plans",
        "service",
        "simulation",
        "solving",
    },
    "location": BASE | {"models", "solving"},
    "outputs": BASE
    | PLANNED
    | {
        "compliance.points",
        "instance",
        "physics",
        "plans",
        "simulation",
        "solving.compile_listeners",
        "solving.kernels",
        "solving.progress",
        "solving.tasks",
    },
    "bench": BASE
    | {
        "location",
        "models",
        "outputs.palette",
        "outputs.report.charts.drawing",
        "outputs.screen.tables",
        "physics",
        "solving",
    },
    "batch": BASE
    | PLANNED
    | {
        "instance",
        "outputs",
        "planning.array_cache",
        "planning.markets",
        "planning.pipeline",
        "solving.options",
        "solving.progress",
    },
    "doctor": BASE | {"solving.kernels", "solving.self_test"},
    "publish": BASE | {"outputs"},
    "validation": BASE | {"instance", "network", "outputs", "physics", "planning.corridors"},
    "cli": BASE
    | PLANNED
    | {
        "batch",
        "bench",
        "compliance.declared",
        "doctor",
        "instance",
        "opendata",
        "outputs",
        "physics",
        "planning.array_cache",
        "planning.kept_instance",
        "planning.limits",
        "planning.markets",
        "planning.pipeline",
        "planning.reasons",
        "plans.question",
        "publish",
        "simulation",
        "validation",
    },
    "__init__": {
        "instance",
        "location",
        "models",
        "outputs.run_folder",
        "planning.check_plan",
        "planning.pipeline",
    }
    | PLANNED,
}
"""What each room of `planner` may import, as rooms or as modules in them: downwards, no circle."""
MODELS_MAY_IMPORT = {
    "allocation": {"coverage", "sized_coverage"},
    "frontier": {"coverage", "national", "p_median", "phasing", "sized_coverage"},
    "alternatives": {
        "coverage",
        "exchanges",
        "facility_location",
        "national",
        "p_median",
        "reasons",
        "set_cover",
        "sized_coverage",
    },
    "exchanges": {"coverage", "sized_coverage"},
    "least_money": {"coverage", "sized_coverage"},
    "national": {"coverage", "exchanges", "sized_coverage"},
    "phasing": {"coverage", "national", "sized_coverage"},
    "reasons": {
        "coverage",
        "exchanges",
        "facility_location",
        "national",
        "p_median",
        "set_cover",
        "sized_coverage",
    },
    "robust": {"p_median", "phasing"},
    "sized_coverage": {"coverage"},
    "refuelling": {"coverage", "national.claims"},
}
"""Models that build on others."""
ONLY_IN = {
    "ortools": {"models", "solving"},
    "contourpy": {"network"},
    "numba": {"models", "network", "service", "simulation", "solving"},
    "geopandas": {"batch", "instance", "network", "opendata", "outputs", "physics", "publish"},
    "shapely": {"instance", "land", "network", "opendata", "outputs", "physics", "publish"},
    "networkx": {"network", "instance"},  # the format of OSMnx graphs is read by it
    "osmium": {"instance", "opendata"},
    "rasterio": {"opendata"},
    "matplotlib": {"outputs"},
    "duckdb": {"batch", "doctor"},
    "distributed": {"batch"},
    "psutil": {"doctor", "outputs", "usage"},
    "jinja2": {"outputs"},
    "xlsxwriter": {"outputs"},
    "vl_convert": {"outputs"},
    "highspy": set(),
    "freestiler": {"outputs"},
    "pmtiles": {"outputs"},
    "psycopg": {"database", "publish"},
    "pulp": {"bench"},
    "spopt": {"bench"},
}


MOST_LINES = 500


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


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _allows(allowed: set[str], module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:end]) in allowed for end in range(1, len(parts) + 1))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_import_rules(path: Path) -> None:
    home = _home(path)
    for name in _imports(path):
        top, _, rest = name.partition(".")
        if top == "planner" and rest:
            assert _allows(MAY_IMPORT[home] | {home}, rest), f"{home} may not import {name}"
            assert not any(part.startswith("_") for part in rest.split(".")), f"private: {name}"
        if top in ONLY_IN:
            assert home in ONLY_IN[top], f"{home} may not import {top}"


def test_models_import_only_those_they_build_on() -> None:
    for path in (PACKAGE / "models").rglob("*.py"):
        room = path.relative_to(PACKAGE / "models").parts[0]
        allowed = MODELS_MAY_IMPORT.get(room, set()) | {room}
        for name in _imports(path):
            if name.startswith("planner.models."):
                rest = name.removeprefix("planner.models.")
                assert _allows(allowed, rest), f"models/{room} may not import {name}"


MAY_NAME_OBJECTIVES = {
    "__init__.py", "bench", "instance", "location", "models", "plans/questions",
    "planning/siting/questions",
}  # fmt: skip
"""Where a siting objective or its unit may be named: by its own files, its settings, its model."""
MAY_NAME_UNITS = {"planning/corridors/plan.py"}
"""Corridors have units of their own, one of them alike."""


def test_objectives_are_looked_up_not_named() -> None:
    units = {m.unit for name in OBJECTIVES for m in judge_of(name).measures if "/" in m.unit}
    for path in _modules():
        place = path.relative_to(PACKAGE)
        within = {place.as_posix(), *(parent.as_posix() for parent in place.parents)}
        if within & MAY_NAME_OBJECTIVES:
            continue
        names = {*OBJECTIVES, *(() if within & MAY_NAME_UNITS else units)}
        strings = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not names & strings, f"{place} names {names & strings}"


def test_every_objective_has_both_halves_and_no_other_has() -> None:
    assert set(OBJECTIVES) == set(get_args(Siting.model_fields["objective"].annotation))
    halves = (plans_questions, siting_questions), (Judge, Ask), ("JUDGE", "ASK")
    for package, kind, name in zip(*halves, strict=True):
        modules = {module.name for module in iter_modules(package.__path__)}
        assert modules == set(OBJECTIVES)
        for module in modules:
            half = getattr(import_module(f"{package.__name__}.{module}"), name)
            assert isinstance(half, kind)


def test_every_model_with_a_solver_has_a_golden_lp() -> None:
    rooms = {
        path.relative_to(PACKAGE / "models").parts[0]
        for path in (PACKAGE / "models").rglob("*.py")
        if any(name.startswith("ortools") for name in _imports(path))
    }
    golden = {path.parents[1].name for path in (ROOT / "tests/models").rglob("golden/*.lp")}
    assert rooms <= golden


def test_limits_of_models_stand_still_while_kernels_compile() -> None:
    """By `planner.solving.compiling.work_s`."""
    for path in (PACKAGE / "models").rglob("*.py"):
        assert "time.monotonic" not in _imports(path), path
        assert "monotonic(" not in path.read_text(encoding="utf-8"), f"{path}: take work_s()"


def test_no_circle_among_modules() -> None:
    known = {_dotted(path): path for path in _modules()}
    sorter = graphlib.TopologicalSorter[str]()
    for name, path in known.items():
        parents = (imported.rpartition(".")[0] for imported in _imports(path))
        needed = {each for each in (*_imports(path), *parents) if each in known}
        if path.name != "__init__.py":  # a package's face is imported with every module in it
            sorter.add(name, *(each for each in needed if known[each].name != "__init__.py"))
    sorter.prepare()


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_small_and_say_something_of_their_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES
    forwarding = (ast.Import, ast.ImportFrom, ast.Expr)
    own = [node for node in ast.parse(text).body if not isinstance(node, forwarding)]
    assert own or path.name == "__init__.py", "only forwards"


def test_every_room_has_tests_in_its_place() -> None:
    rooms = {path.parent.relative_to(PACKAGE) for path in _modules()} - {Path()}
    untested = {str(room) for room in rooms if not any((ROOT / "tests" / room).rglob("test_*.py"))}
    assert not untested


def test_tests_stand_where_what_they_test_does() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in ROOT.glob("tests/**/test_*.py")}
    assert all((PACKAGE / folder).is_dir() for folder in folders)


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [str(Path(sys.executable).with_name("biome")), "lint", "--error-on-warnings"],
    ],
    ids=["lint", "format", "types", "javascript"],
)
def test_static_checks(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_docstrings_are_valid_numpydoc() -> None:
    files = [str(path) for path in _modules()]
    done = subprocess.run(
        [sys.executable, "-m", "numpydoc", "lint", *files],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_sections_of_parameters_are_complete(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        section = re.search(r"Parameters\n-+\n(.*?)(?:\n\n[A-Z]\w+\n---|$)",
                            ast.get_docstring(node) or "", re.DOTALL)  # fmt: skip
        if section is None:
            continue
        told = set()
        for line in section[1].splitlines():
            if line and not line.startswith(" "):
                told |= {name.strip(" *") for name in line.split(" : ")[0].split(",")}
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        missing = {each.arg for each in named} - told - {"self", "cls"}
        assert not missing, f"{node.name}: {sorted(missing)} not documented"


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
    schema = json.loads((ROOT / "docs/markets.schema.json").read_text(encoding="utf-8"))
    assert schema == MarketStudy.model_json_schema(), "run: planner schema markets"


def test_map_of_the_rooms_is_current() -> None:
    script = ROOT / "docs/architecture/draw_rooms.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
