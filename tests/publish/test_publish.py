"""A run in a database is the run in its folder: whole, once, with all that GIS needs to read it."""

import json
import re
import subprocess
import threading
from dataclasses import replace

import geopandas as gpd
import numpy as np
import psycopg
import pytest
import shapely
from click.testing import CliRunner

from planner.cli import cli
from planner.errors import InputError
from planner.publish import Destination, publish_run, published_runs, unpublish, write_sql
from planner.publish import run as publishing
from planner.publish.run_to_publish import run_to_publish
from tests.programs import find_program, lacking
from tests.publish.runs import other_run
from tests.qgis import open_in_qgis

FEW = ("zones", "coupling")


@pytest.fixture
def run(run_folder):
    return run_to_publish(run_folder, name="plan")


def publish(folder, database, to=Destination(), *, name="plan", layers=(), **options):  # noqa: B008 it is frozen
    return publish_run(
        run_to_publish(folder, name=name, layers=layers), database.url, to, **options
    )


def everything(database):
    """All that stands in a database: tables, columns, comments, keys, rows, styles."""
    columns = database.read(
        "SELECT table_schema, table_name, column_name, data_type, is_nullable, "
        "col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position) "
        "FROM information_schema.columns WHERE table_schema IN ('planner', 'public') "
        "AND table_name NOT IN ('spatial_ref_sys', 'geometry_columns', 'geography_columns') "
        "ORDER BY 1, 2, 3"
    )
    indexes = database.read(
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'planner' ORDER BY 1, 2"
    )
    names = sorted({(schema, table) for schema, table, *_ in columns})
    times = {"published_at", "published_by", "update_time", "owner", "id"}
    rows = {
        name: sorted(
            str({key: value for key, value in row.items() if key not in times})
            for (row,) in database.read(f'SELECT to_jsonb(t) FROM {name[0]}."{name[1]}" AS t')
        )
        for name in names
    }
    return columns, indexes, rows


def test_every_layer_equals_the_geopackage(run, run_folder, database, to, tmp_path):
    ogr2ogr = find_program("ogr2ogr") or lacking("ogr2ogr (Debian: gdal-bin)")
    done = publish_run(run, database.url, to)
    spatial = [layer for layer in run.layers if run.files.has_geometry(layer)]
    assert len(spatial) >= 10
    back = tmp_path / "back.gpkg"
    subprocess.run(
        [ogr2ogr, "-f", "GPKG", back, f"PG:{database.url}", "-lco", "FID=fid",
         *(f"planner.plan__{layer}" for layer in run.layers)],
        check=True, capture_output=True,
    )  # fmt: skip
    assert done.rows == {layer: run.num_rows(layer) for layer in run.layers}
    for layer in run.layers:
        ours = gpd.read_file(run_folder / "plan.gpkg", layer=layer)
        theirs = gpd.read_file(back, layer=f"planner.plan__{layer}")
        assert list(theirs.columns.drop(["run_key", "geometry"], errors="ignore")) == list(
            ours.columns.drop("geometry", errors="ignore")
        )
        for column in ours.columns.drop("geometry", errors="ignore"):
            mine, other = ours[column], theirs[column]
            assert (mine.isna() == other.isna()).all(), (layer, column)
            if mine.dtype.kind in "fi":
                np.testing.assert_allclose(other.astype(float), mine.astype(float), rtol=1e-15)
            else:
                assert mine.dropna().astype(str).tolist() == other.dropna().astype(str).tolist()
        if layer in spatial:
            assert theirs.crs.to_epsg() == 4326
            assert shapely.equals_exact(
                shapely.normalize(shapely.union_all(theirs.geometry)),
                shapely.normalize(shapely.union_all(ours.geometry)),
                1e-12,
            )
            for mine, other in zip(ours.geometry, theirs.geometry, strict=True):
                assert shapely.equals(mine, other), layer


def test_tables_have_types_keys_indexes_and_comments(run, database, to):
    publish_run(run, database.url, to)
    geometries = dict(
        database.read(
            "SELECT f_table_name, type || ' ' || srid FROM geometry_columns "
            "WHERE f_table_schema = 'planner'"
        )
    )
    assert geometries["plan__stations"] == geometries["stations"] == "POINT 4326"
    assert geometries["plan__service_areas"] == "MULTIPOLYGON 4326"
    assert geometries["plan__allocation"] == "MULTILINESTRING 4326"
    assert not any(kind.startswith("GEOMETRY") for kind in geometries.values())
    for layer in run.layers:
        (key,) = database.read(
            f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' "
            f"AND conrelid = 'planner.plan__{layer}'::regclass"
        )
        assert key == ("PRIMARY KEY (fid)",), layer
    indexes = " ".join(
        text for (text,) in database.read("SELECT indexdef FROM pg_indexes "
                                          "WHERE tablename = 'plan__stations'")
    )  # fmt: skip
    assert "gist (geom)" in indexes
    assert re.search(r"UNIQUE INDEX \S+ ON planner.plan__stations USING btree \(site_id\)", indexes)
    assert "(station_type_id)" not in indexes
    ((text,),) = database.read("SELECT obj_description('planner.plan__stations'::regclass)")
    assert text.startswith("Stations open in the plan. Scenario: tutorial.")
    told = dict(
        database.read(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            "WHERE attrelid = 'planner.plan__stations'::regclass AND attnum > 0"
        )
    )
    assert told["grid_kw"].startswith("Grid connection [kW]. ")
    assert [name for name, text in told.items() if not text] == ["run_key", "fid", "geom"]


def test_the_same_run_is_not_written_again(run_folder, database):
    first = publish(run_folder, database)
    before = database.read("SELECT n_tup_ins, relname FROM pg_stat_user_tables ORDER BY relname")
    stood = everything(database)
    again = publish(run_folder, database)
    assert not first.is_unchanged
    assert again.is_unchanged
    assert again.rows == {}
    assert again.key == first.key
    after = database.read("SELECT n_tup_ins, relname FROM pg_stat_user_tables ORDER BY relname")
    assert [name for _, name in before] == [name for _, name in after]
    assert everything(database) == stood


def test_a_later_run_takes_the_name_and_all_runs_stand_side_by_side(run_folder, database, tmp_path):
    later = other_run(
        run_folder,
        tmp_path / "later",
        {
            # Whole numbers become fractions, a column comes, another goes.
            "stations": lambda frame: frame.assign(bays=frame["bays"] + 0.5, mood="good").drop(
                columns="grid_kw"
            ),
        },
    )
    first = publish(run_folder, database)
    bays = sum(bays for (bays,) in database.read("SELECT bays FROM planner.plan__stations"))
    second = publish(later, database)
    assert first.key != second.key
    assert database.read("SELECT sum(bays), max(mood) FROM planner.plan__stations") == [
        (bays + 1.0, "good")
    ]
    old = f'planner."stations__{first.key}"'
    assert database.read(f"SELECT sum(bays), max(mood), count(grid_kw) FROM {old}") == [
        (bays, None, 2)
    ]
    assert database.read(
        "SELECT run_key, count(*) FROM planner.stations GROUP BY 1 ORDER BY 1"
    ) == sorted([(first.key, 2), (second.key, 2)])
    styled = {name for (name,) in database.read("SELECT f_table_name FROM layer_styles")}
    assert {"plan__stations", f"stations__{first.key}"} <= styled
    listed = published_runs(database.url)
    assert [(each.key, each.is_current) for each in listed] == [
        (second.key, True), (first.key, False),
    ]  # fmt: skip
    # Back to the first: nothing is written, names change.
    assert publish(run_folder, database).rows == {}
    assert database.read("SELECT sum(bays) FROM planner.plan__stations") == [(bays,)]


def test_unpublishing_leaves_the_run_before_or_nothing(run_folder, database, tmp_path):
    later = other_run(run_folder, tmp_path / "later", {"kpi": lambda frame: frame.iloc[:-1]})
    first = publish(run_folder, database)
    stood = everything(database)
    second = publish(later, database)
    removed, successor = unpublish(database.url, "plan", Destination())
    assert (removed.key, successor.key) == (second.key, first.key)
    assert everything(database) == stood
    unpublish(database.url, first.key, Destination())
    assert published_runs(database.url) == []
    assert database.read("SELECT count(*) FROM layer_styles") == [(0,)]
    assert database.read("SELECT count(*) FROM planner.stations") == [(0,)]
    with pytest.raises(InputError, match="no such run; the schema planner holds no runs"):
        unpublish(database.url, "plan", Destination())


def test_only_so_many_runs_are_kept(run_folder, database, tmp_path):
    folders = [run_folder] + [
        other_run(
            run_folder,
            tmp_path / str(number),
            {"kpi": lambda frame, number=number: frame.iloc[: -1 - number]},
        )
        for number in range(3)
    ]
    keys = [publish(folder, database, Destination(keep=2), layers=FEW).key for folder in folders]
    assert [each.key for each in published_runs(database.url)] == [keys[3], keys[2]]
    assert publish(folders[3], database, Destination(keep=1), layers=FEW).removed == (keys[2],)
    assert publish(folders[3], database, name="other", layers=FEW).rows == {}
    assert [each.published_as for each in published_runs(database.url)] == ["other"]


class _CutOffError(Exception):
    pass


@pytest.mark.parametrize("has_earlier", [False, True])
def test_a_crash_between_any_two_statements_leaves_the_database_as_it_was(
    run_folder, database, tmp_path, monkeypatch, has_earlier
):
    if has_earlier:
        earlier = other_run(run_folder, tmp_path / "r", {"kpi": lambda frame: frame.iloc[:-1]})
        publish(earlier, database, layers=FEW)
    stood = everything(database)
    to = Destination(keep=1)
    run = run_to_publish(run_folder, name="plan", layers=FEW)
    statements = list(publishing.steps(run, to, left=FEW, removes_styles=False))
    assert len(statements) > 30
    take = publishing._take  # the one place that every statement passes
    for at in range(len(statements)):
        taken = []

        def cut(*arguments, at=at, taken=taken):
            if len(taken) == at:
                raise _CutOffError
            taken.append(arguments)
            take(*arguments)

        monkeypatch.setattr(publishing, "_take", cut)
        with pytest.raises(_CutOffError):
            publish_run(run, database.url, to)
    assert everything(database) == stood
    monkeypatch.setattr(publishing, "_take", take)
    publish_run(run, database.url, to)
    assert everything(database) != stood


def test_readers_see_a_run_whole_or_not_at_all(run_folder, database, tmp_path):
    many = other_run(
        run_folder, tmp_path / "r", {"coupling": lambda frame: frame.sample(20_000, replace=True)}
    )
    publish(run_folder, database, name="other")
    seen, is_done = [], threading.Event()

    def read():
        with psycopg.connect(database.url, autocommit=True) as connection:
            while not is_done.is_set():
                rows = connection.execute(
                    "SELECT (SELECT count(*) FROM planner.coupling), "
                    "(SELECT count(*) FROM planner.runs)"
                ).fetchone()
                seen.append(rows)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        publish(many, database)
    finally:
        is_done.set()
        reader.join()
    before = seen[0][0]
    assert set(seen) <= {(before, 1), (before + 20_000, 2)}
    assert len(seen) > 5


def test_two_publications_at_once_are_both_right(run_folder, database, tmp_path):
    other = other_run(run_folder, tmp_path / "r", {"kpi": lambda frame: frame.iloc[:-1]})
    failures = []

    def run(folder, name):
        try:
            publish(folder, database, name=name, layers=FEW)
        except Exception as error:  # told below
            failures.append(error)

    threads = [
        threading.Thread(target=run, args=arguments)
        for arguments in ((run_folder, "one"), (other, "two"), (run_folder, "one"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {each.published_as: each.is_current for each in published_runs(database.url)} == {
        "one": True, "two": True,
    }  # fmt: skip
    assert database.read("SELECT count(DISTINCT run_key) FROM planner.zones_at_points") == [(2,)]


def test_a_role_that_may_only_read_sees_all(run, database):
    database.say("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
    publish_run(run, database.url, Destination(grant=("reader",)))
    with psycopg.connect(database.as_role("reader")) as connection:
        for layer in run.layers:
            query = f"SELECT count(*) FROM planner.plan__{layer}"
            (found,) = connection.execute(query).fetchone()
            assert found == run.num_rows(layer)
        assert connection.execute("SELECT count(*) FROM layer_styles").fetchone()[0] > 10
    assert [each.key for each in published_runs(database.as_role("reader"))] == [run.key]
    # Another role later on, when no row is new.
    database.say("DROP ROLE IF EXISTS second", "CREATE ROLE second LOGIN")
    assert publish_run(run, database.url, Destination(grant=("second",))).is_unchanged
    with psycopg.connect(database.as_role("second")) as connection:
        assert connection.execute("SELECT count(*) FROM planner.plan__stations").fetchone() == (2,)


def test_every_grant_that_is_missing_is_told_at_once(run, database, to):
    database.say("DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    with pytest.raises(InputError) as told:
        publish_run(run, database.as_role("stranger"), replace(to, grant=("nobody_at_all",)))
    text = str(told.value)
    assert f"GRANT CREATE ON DATABASE {database.name} TO stranger" in text
    assert "GRANT CREATE ON SCHEMA public TO stranger" in text
    assert "--styles-schema" in text
    assert "nobody_at_all: no such role" in text
    assert len(told.value.faults) == 3
    # What it asks for is enough.
    database.say(
        f"GRANT CREATE ON DATABASE {database.name} TO stranger",
        "GRANT CREATE ON SCHEMA public TO stranger",
    )
    assert publish_run(run, database.as_role("stranger"), to).rows
    # Another role may not write into tables that are not its own.
    database.say("DROP ROLE IF EXISTS third", "CREATE ROLE third LOGIN")
    with pytest.raises(InputError, match="GRANT CREATE, USAGE ON SCHEMA planner TO third"):
        publish_run(run, database.as_role("third"), to)


def test_what_cannot_be_published_is_told(run_folder, database, to, tmp_path):
    with pytest.raises(InputError, match="the run has no such layer") as told:
        run_to_publish(run_folder, layers=["statoins"], name="1st")
    assert "--as" in str(told.value)
    broken = other_run(run_folder, tmp_path / "broken", {})
    (broken / "layers" / "stations.parquet").write_bytes(b"something else")
    (broken / "tables" / "kpi.parquet").unlink()
    with pytest.raises(InputError, match="is not the file that the run left") as told:
        run_to_publish(broken)
    assert "kpi.parquet: is missing" in str(told.value)
    with pytest.raises(InputError, match="the database refused") as told:
        publish(run_folder, replace(database, url=f"{database.url} port=1 password=secret"))
    assert "secret" not in str(told.value)
    (broken / "checksums.txt").unlink()
    with pytest.raises(InputError, match=r"checksums\.txt: is missing; run the instance again"):
        run_to_publish(broken)
    with pytest.raises(InputError, match="GCJ-02 and BD-09 have no code"):
        run_to_publish(run_folder, crs="GCJ-02")
    publish(run_folder, database, to)
    cgcs = run_to_publish(run_folder, name="plan", crs="EPSG:4490")
    with pytest.raises(InputError, match="holds EPSG:4326, and a schema has one reference system"):
        publish_run(cgcs, database.url, to)
    publish_run(cgcs, database.url, Destination(schema="in cgcs2000"))
    assert database.read('SELECT DISTINCT ST_SRID(geom) FROM "in cgcs2000".plan__stations') == [
        (4490,)
    ]
    nul = other_run(
        run_folder, tmp_path / "nul", {"kpi": lambda frame: frame.assign(unit="a\x00b")}
    )
    with pytest.raises(InputError, match="holds the character NUL"):
        publish(nul, database)


def test_a_database_without_postgis_is_told(run, server, database, to):
    database.say("DROP EXTENSION postgis")
    with pytest.raises(InputError, match="CREATE EXTENSION postgis"):
        publish_run(run, database.url, to)


def test_the_script_does_the_same_as_a_connection(run, server, database, to, tmp_path, request):
    psql = find_program("psql") or lacking("psql")
    script = tmp_path / "plan.sql"
    write_sql(run, script, to)
    subprocess.run([psql, "-q", "-f", script, database.url], check=True, capture_output=True)
    by_script = everything(database)
    again = subprocess.run(
        [psql, "-q", "-f", script, database.url], check=False, capture_output=True, text=True
    )
    assert again.returncode != 0
    assert everything(database) == by_script
    unpublish(database.url, run.key, to)
    database.say("DROP SCHEMA planner CASCADE")
    publish_run(run, database.url, to)
    assert everything(database) == by_script


def test_qgis_opens_all_from_the_database(run, database, to, tmp_path):
    publish_run(run, database.url, to)
    addresses = {}
    for layer in run.layers:
        geometry = " (geom)" if run.files.has_geometry(layer) else ""
        # With a key as projects state it, and without as a table is dragged from the browser.
        for key in (" key='fid'", ""):
            table = f'table="planner"."plan__{layer}"{geometry}'
            addresses[layer + key] = f"{database.url}{key} {table} sql="
    source = tmp_path / "sources.json"
    source.write_text(json.dumps(addresses), encoding="utf-8")
    told = open_in_qgis(source, tmp_path / "map.png")
    assert len(told["layers"]) == 2 * len(run.layers)
    for name, seen in told["layers"].items():
        layer = name.partition(" ")[0]
        assert seen["is_valid"], name
        assert seen["num_features"] == run.num_rows(layer), name
        for field, alias in seen["aliases"].items():
            assert alias or field in ("fid", "run_key"), (name, field)
        if run.files.has_geometry(layer):
            assert seen["crs"] == "EPSG:4326"
            if layer == "land":
                assert seen["renderer"] == "singleSymbol"
                continue
            assert len(seen["legend"]) >= 2, name
            by_row = ("categorizedSymbol", "graduatedSymbol", "RuleRenderer")
            assert seen["renderer"] in by_row, name
    assert told["map"]["num_colours"] >= 10
    assert told["map"]["errors"] == []


def test_commands(run_folder, database, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")

    def say(*words):
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert done.exit_code == 0, done.output
        return done.stdout

    dry = say("publish", run_folder, database.url, "--dry-run", "--as", "plan")
    assert re.search(r"run \w{12}: [\d,]+ rows in \d+ tables would be written", dry)
    assert "holds no published run" in say("published", database.url)
    told = json.loads(say("publish", run_folder, database.url, "--as", "plan", "--json"))
    assert told["rows"]["stations"] == 2
    assert told["tables"][0] == "planner.plan__stations"
    assert "nothing to write" in say("publish", run_folder, database.url, "--as", "plan")
    (listed,) = say("published", database.url, "--json").splitlines()
    assert json.loads(listed)["key"] == told["key"]
    assert "plan__*" in say("published", database.url)
    script = tmp_path / "plan.sql"
    say("publish", run_folder, "--sql", script, "--layers", "stations,kpi")
    assert script.read_text(encoding="utf-8").count("FROM STDIN") == 2
    assert "removed" in say("unpublish", "plan", database.url)
    for words in (("publish", run_folder), ("publish", run_folder, "x", "--sql", "y")):
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert done.exit_code == 2
        assert "give a URL, or --sql FILE" in done.output
