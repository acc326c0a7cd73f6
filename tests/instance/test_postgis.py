"""Tables of an instance that stand in PostGIS."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest

from planner.batch.store import run_key
from planner.errors import InputError
from planner.instance import TABLES, Instance, instance_rows, read_instance
from planner.instance.china_datum import shift_to_gcj02
from planner.outputs.lineage import run_name
from planner.outputs.run_folder import write_run
from planner.planning.pipeline import plan
from planner.planning.reasons.sited import sited_of_run
from planner.planning.result import Planned
from tests.postgres import Database

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "instances" / "tutorial"
IN_FILES = tuple(name for name in TABLES if (TUTORIAL / f"{name}.csv").is_file())
Load = Callable[..., None]


def _load(database: Database, name: str, *, srid: int | None = None, shape: str = "geom") -> None:
    """A table of the tutorial as a GIS team has it: typed columns, a number, points."""
    frame = pd.read_csv(TUTORIAL / f"{name}.csv", dtype=str, keep_default_na=False)
    kinds = {column.name: str(column.kind) for column in TABLES[name].accepted}
    types = {"integer": "integer", "number": "double precision", "true/false": "boolean"}
    is_placed = srid is not None and {"lon", "lat"} <= set(frame.columns)
    columns = [f'"{each}" {types.get(kinds[each], "text")}' for each in frame.columns]
    names = ", ".join(f'"{each}"' for each in frame.columns)
    with psycopg.connect(database.url) as to:
        to.execute("CREATE SCHEMA IF NOT EXISTS infra")
        to.execute(f"CREATE TABLE infra.{name} (gid serial PRIMARY KEY, {', '.join(columns)})")  # type: ignore[call-overload]
        rows = frame.sample(frac=1.0, random_state=5).replace("", None)
        with to.cursor().copy(f"COPY infra.{name} ({names}) FROM STDIN") as copy:  # type: ignore[call-overload]
            for row in rows.itertuples(index=False):
                copy.write_row(row)
        if is_placed:
            for statement in (
                f"ALTER TABLE infra.{name} ADD {shape} geometry(Point, {srid})",
                f"UPDATE infra.{name} SET {shape} = ST_Transform(ST_SetSRID(ST_Point(lon, lat),"
                f" 4326), {srid})" if srid else
                f"UPDATE infra.{name} SET {shape} = ST_Point(lon, lat)",
                f"ALTER TABLE infra.{name} DROP lon, DROP lat",
            ):  # fmt: skip
                to.execute(statement)  # type: ignore[call-overload]


def _say(folder: Path, database: Database, name: str, *settings: str) -> None:
    for old in folder.glob(f"{name}.*"):
        old.unlink()
    path = folder / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    text = text[: text.index("# One station a quarter")] if "# One station" in text else text
    lines = [f"[tables.{name}]", *settings]
    if not any(line.startswith("url") for line in settings):
        lines.append(f'url = "{database.url}"')
    if not any(line.startswith("table =") for line in settings):
        lines.append(f'table = "infra.{name}"')
    path.write_text("\n".join([text, *lines, ""]), encoding="utf-8")


@pytest.fixture
def sites(database: Database, tutorial_copy: Path) -> Path:
    """The tutorial with its sites in a database."""
    _load(database, "sites", srid=4326)
    _say(tutorial_copy, database, "sites")
    return tutorial_copy


def _faults(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_instance(folder)
    return str(caught.value)


def _assert_same_tables(read: Instance, expected: Instance, *, within_deg: float = 0.0) -> None:
    for name in TABLES:
        if name == "assumptions":
            continue
        pd.testing.assert_frame_equal(
            getattr(read, name), getattr(expected, name), check_like=True, rtol=0,
            atol=within_deg,
        )  # fmt: skip


def test_all_tables_give_the_same_plan_as_files(
    database: Database, tutorial_copy: Path, planned_tutorial: Planned, tmp_path: Path
) -> None:
    for name in IN_FILES:
        _load(database, name, srid=4326)
        _say(tutorial_copy, database, name)
    read = read_instance(tutorial_copy)
    _assert_same_tables(read, planned_tutorial.instance)
    assert [file.path for file in read.input_files] == [
        "scenario.toml", *(f"database table infra.{name} ({name})" for name in IN_FILES)
    ]  # fmt: skip
    planned = plan(read)
    assert planned.evaluation.kpi == planned_tutorial.evaluation.kpi
    for name, table in vars(planned_tutorial.evaluation).items():
        if isinstance(table, pd.DataFrame) and name != "assumptions":
            pd.testing.assert_frame_equal(getattr(planned.evaluation, name), table)
    run = write_run(planned, tmp_path / "run")
    assert sited_of_run(run).task.instance.input_files == read.input_files
    database.say("UPDATE infra.zones SET car_owning_households = 1001 WHERE zone_id = 'Z1'")
    with pytest.raises(InputError, match=r"infra\.zones \(zones\): rows are not those"):
        sited_of_run(run)


def test_rows_decide_the_keys_of_runs(sites: Path, database: Database) -> None:
    def keys() -> tuple[str, str]:
        read = read_instance(sites)
        rows = instance_rows(read.scenario)
        assert rows == list(read.input_files[-1:])
        return run_name(read), run_key(read.scenario, (), sites, rows)

    before = keys()
    database.say(
        "CREATE TABLE copied AS SELECT * FROM infra.sites ORDER BY site_id DESC",
        "DELETE FROM infra.sites",
        "INSERT INTO infra.sites SELECT * FROM copied",
        "UPDATE infra.sites SET gid = gid + 100",
        "ALTER ROLE admin SET datestyle = 'German'",
        "ALTER ROLE admin SET extra_float_digits = -5",
    )
    assert keys() == before
    database.say("UPDATE infra.sites SET geom = ST_Translate(geom, 1e-9, 0) WHERE site_id = 'A'")
    after = keys()
    assert after[0] != before[0]
    assert after[1] != before[1]
    database.say("ALTER ROLE admin RESET ALL")


def test_tables_are_taken_over_only_while_rows_are_the_same(
    sites: Path, database: Database
) -> None:
    first = read_instance(sites)
    assert read_instance(sites, like=first).sites is first.sites
    database.say("UPDATE infra.sites SET status = 'forbidden' WHERE site_id = 'A'")
    second = read_instance(sites, like=first)
    assert second.sites.set_index("site_id")["status"]["A"] == "forbidden"


@pytest.mark.parametrize("srid", [3857, 32652, 4490])
def test_reference_systems(
    database: Database, tutorial_copy: Path, tutorial: Instance, srid: int
) -> None:
    _load(database, "sites", srid=srid)
    _say(tutorial_copy, database, "sites")
    read = read_instance(tutorial_copy)
    _assert_same_tables(read, tutorial, within_deg=1e-9)
    said = read.assumptions["item"] == "database table infra.sites: coordinate reference"
    assert said.any()


def test_gcj02_is_shifted_back(database: Database, tutorial_copy: Path, tutorial: Instance) -> None:
    _load(database, "sites", srid=4326)
    for row in tutorial.sites.itertuples():
        lon, lat = shift_to_gcj02(np.array([row.lon]), np.array([row.lat]))
        database.say(
            f"UPDATE infra.sites SET geom = ST_SetSRID(ST_Point({lon[0]!r}, {lat[0]!r}), 4326) "
            f"WHERE site_id = '{row.site_id}'".replace("np.float64(", "").replace("), ", ", ")
        )
    _say(tutorial_copy, database, "sites", 'coordinate_reference = "GCJ-02"')
    read = read_instance(tutorial_copy)
    np.testing.assert_allclose(
        read.sites[["lon", "lat"]], tutorial.sites[["lon", "lat"]], atol=1e-8, rtol=0
    )
    assert set(read.sites["coordinate_reference_original"]) == {"GCJ-02"}


def test_areas_are_zones_and_geography_is_geometry(
    database: Database, tutorial_copy: Path, tutorial: Instance
) -> None:
    _load(database, "zones", srid=4326)
    database.say(
        "ALTER TABLE infra.zones ALTER geom TYPE geography(Polygon, 4326) "
        "USING ST_Expand(geom, 0.001)::geography"
    )
    _say(tutorial_copy, database, "zones")
    _assert_same_tables(read_instance(tutorial_copy), tutorial, within_deg=1e-9)


def test_where_columns_and_numbers_of_other_types(
    sites: Path, database: Database, tutorial: Instance
) -> None:
    database.say(
        "INSERT INTO infra.sites (site_id, city_id, kind, status) SELECT 'no place', city_id, "
        "kind, status FROM infra.sites LIMIT 1",
        'ALTER TABLE infra.sites RENAME site_id TO "Plot No"',
        "ALTER TABLE infra.sites ADD note text, ADD outline geometry(Polygon, 4326)",
        "CREATE VIEW plots AS SELECT * FROM infra.sites",
    )
    path = sites / "scenario.toml"
    text = path.read_text(encoding="utf-8").replace('table = "infra.sites"', 'table = "plots"')
    text += (
        'where = "geom IS NOT NULL AND note IS NULL -- and % no more"\n'
        'columns = { "Plot No" = "site_id" }\nignore = ["note", "outline", "gid"]\n'
    )
    path.write_text(text, encoding="utf-8")
    read = read_instance(sites)
    _assert_same_tables(read, tutorial)
    assert "database table public.plots: where" in set(read.assumptions["item"])


def test_whole_decimals_are_ids(database: Database, tutorial_copy: Path) -> None:
    _load(database, "cities", srid=4326)
    _load(database, "climate")
    database.say(
        "UPDATE infra.climate SET city_id = '230100'", "UPDATE infra.cities SET city_id = '230100'",
        "ALTER TABLE infra.climate ALTER city_id TYPE numeric(12, 2) USING city_id::numeric",
    )  # fmt: skip
    for name in ("cities", "climate"):
        _say(tutorial_copy, database, name)
    for name in ("sites", "zones"):
        frame = pd.read_csv(TUTORIAL / f"{name}.csv", dtype=str).assign(city_id="230100")
        frame.to_csv(tutorial_copy / f"{name}.csv", index=False)
    assert set(read_instance(tutorial_copy).climate["city_id"]) == {"230100"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (['table = "infra.site"'], "tables.sites.table: infra.site: no such table in the database; "
                                   "did you mean infra.sites?"),
        (['table = "sites"'], "tables.sites.table: sites: no such table in the database; "
                              "did you mean infra.sites?"),
        (['where = "stauts = 1"'], 'tables.sites.where: stauts = 1: the database refused: '
                                   'column "stauts" does not exist'),
        (['where = "city_id"'], "argument of WHERE must be type boolean"),
        (['where = "1 / (gid - gid) = 1"'], "the database refused: division by zero"),
        (['where = "true); COMMIT; DROP TABLE infra.sites; SELECT (true"'],
         "cannot insert multiple commands into a prepared statement"),
        (['where = "nextval(\'infra.sites_gid_seq\') > 0"'], "in a read-only transaction"),
        (['where = "true ORDER BY 1"'], 'syntax error at or near "ORDER"'),
        (['ignore = ["nothing"]'], "database table infra.sites, nothing: no such column"),
        (['url = "host=/nowhere dbname=gis"'],
         "tables.sites.url: host=/nowhere dbname=gis: the database refused: connection"),
        (['url = "nonsense"'], 'tables.sites.url: nonsense: the database refused: missing "="'),
    ],
)  # fmt: skip
def test_faults_of_settings(
    sites: Path, database: Database, settings: list[str], expected: str
) -> None:
    path = sites / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[tables.sites]")], encoding="utf-8")
    _say(sites, database, "sites", *settings)
    assert expected in _faults(sites)
    assert database.read("SELECT count(*) FROM infra.sites") == [(5,)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE infra.sites SET status = 'sold' WHERE site_id = 'B'",
         "database table infra.sites, row 2 (B), status: sold: unknown value"),
        ("UPDATE infra.sites SET geom = NULL WHERE site_id = 'C'",
         "database table infra.sites, row 3 (C), geometry: no geometry: geometry is empty"),
        ("UPDATE infra.sites SET site_id = 'A' WHERE site_id = 'B'", "stands in an earlier row"),
        ("ALTER TABLE infra.sites DROP status", "database table infra.sites, status: column is "),
        ("ALTER TABLE infra.sites ADD area float", "area: unknown column"),
        ("ALTER TABLE infra.sites ADD part geometry(Point, 4326)",
         "geom, part: several geometries; write all but one under [tables.sites] ignore"),
        ("ALTER TABLE infra.sites DROP geom", "database table infra.sites, lon: column is missing"),
        ("ALTER TABLE infra.sites ALTER geom TYPE geometry;"
         "UPDATE infra.sites SET geom = ST_SetSRID(geom, 3857) WHERE site_id = 'C'",
         "row 3 (C), geom: SRID 3857: most rows have SRID 4326; bring all to one"),
        ("ALTER TABLE infra.sites ALTER geom TYPE geometry(Point, 123456) "
         "USING ST_SetSRID(geom, 123456)", "geom: SRID 123456: is not in spatial_ref_sys; give"),
        ("ALTER TABLE infra.sites ALTER geom TYPE geometry(Geometry, 4326) USING "
         "'SRID=4326;CIRCULARSTRING(0 0, 1 1, 1 0)'::geometry",
         "row 1 (A), geom: cannot be read as a geometry; PostGIS makes it a plain one"),
    ],
)  # fmt: skip
def test_faults_of_rows(sites: Path, database: Database, statement: str, expected: str) -> None:
    database.say(*statement.split(";") if "USING" not in statement else [statement])
    assert expected in _faults(sites)


def test_a_condition_leaves_nothing(sites: Path, database: Database, tutorial: Instance) -> None:
    path = sites / "scenario.toml"
    text = path.read_text(encoding="utf-8") + 'where = "lo_create(0) > 0"\n'
    path.write_text(text, encoding="utf-8")
    _assert_same_tables(read_instance(sites), tutorial)
    assert database.read("SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]


def test_unknown_srid(database: Database, tutorial_copy: Path, tutorial: Instance) -> None:
    _load(database, "sites", srid=0)
    _say(tutorial_copy, database, "sites")
    path = tutorial_copy / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('coordinate_reference = "WGS84"', ""), encoding="utf-8")
    assert (
        "database table infra.sites, coordinate reference: the SRID of geom is 0; give the one it "
        "is in, e.g. SELECT UpdateGeometrySRID('infra', 'sites', 'geom', 4326), or write "
        '[tables.sites] coordinate_reference = "WGS84"'
    ) in _faults(tutorial_copy)
    path.write_text(text, encoding="utf-8")  # said of all tables that state none, as with files
    _assert_same_tables(read_instance(tutorial_copy), tutorial)


def test_rights(sites: Path, database: Database) -> None:
    role = f"reader_{database.name}"
    database.say(f"CREATE ROLE {role} LOGIN")
    path = sites / "scenario.toml"
    text = path.read_text(encoding="utf-8").replace(database.url, database.as_role(role))
    path.write_text(text, encoding="utf-8")
    assert (
        'may not be read; its owner says: GRANT USAGE ON SCHEMA "infra" TO '
        f'"{role}"; GRANT SELECT ON "infra"."sites" TO "{role}"'
    ) in _faults(sites)
    columns = "site_id, city_id, kind, status, geom"
    database.say(
        f"GRANT USAGE ON SCHEMA infra TO {role}",
        f"GRANT SELECT ({columns}) ON infra.sites TO {role}",
    )
    given = {column for (column,) in database.read(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'infra.sites'::regclass AND attnum > 0 "
        "AND NOT attisdropped")}  # fmt: skip
    path.write_text(
        text + f"ignore = {sorted(given - {*columns.split(', '), 'gid'})}\n", encoding="utf-8"
    )
    assert len(read_instance(sites).sites) == 5  # what is not asked for needs no right
    database.say(
        "ALTER TABLE infra.sites ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY shown ON infra.sites USING (true)",
    )
    items = set(read_instance(sites).assumptions["item"])
    assert "database table infra.sites: row-level security" in items
    database.say(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


SECRETS = (
    'url = "postgresql://anna:hush%20hush@db/gis"',
    'url = "postgresql://anna:hush@hush@db/gis"',
    'url = "postgresql://anna:hush/hush@db/gis"',
    'url = "postgresql://anna@db/gis?password=hush"',
    'url = "postgresql://anna@db/gis?pass%77ord=hush"',
    'url = "host=db password = hush dbname=gis"',
    "url = \"service=gis sslpassword='hush hush'\"",
)


@pytest.mark.parametrize("setting", [*SECRETS, 'password = "hush"', 'pgpassword = "hush"'])
def test_passwords_are_refused_and_not_repeated(
    tutorial_copy: Path, database: Database, setting: str
) -> None:
    _say(tutorial_copy, database, "sites", setting)
    told = _faults(tutorial_copy)
    assert "hush" not in told
    assert "~/.pgpass, a service file or PGPASSWORD" in told


def test_no_password_in_any_file_of_a_run(
    sites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hush-hush")
    run = write_run(plan(read_instance(sites)), tmp_path / "run")
    files = [path for path in run.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if b"hush-hush" in path.read_bytes()]


def test_a_database_is_asked_only_where_one_is_named(
    sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    read_instance(TUTORIAL)
    told = _faults(sites)
    assert told.splitlines()[1:] == [
        "  psycopg: is not installed; say: pip install 'planner[postgis]'"
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('url = "service=gis"', "url is given without table"),
        ('table = "sites"', "table is given without url"),
        ('where = "true"', "where is for tables of a database"),
        ('url = "service=gis"\ntable = "sites"\nfile = "a.csv"\nlayer = "b"', "remove file, layer"),
    ],
)
def test_settings_that_do_not_fit_together(
    tutorial_copy: Path, settings: str, expected: str
) -> None:
    path = tutorial_copy / "scenario.toml"
    text = path.read_text(encoding="utf-8").partition("# One station a quarter")[0]
    path.write_text(f"{text}\n[tables.sites]\n{settings}\n", encoding="utf-8")
    assert expected in _faults(tutorial_copy)
