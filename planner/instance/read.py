"""Read an instance folder into a frozen `Instance`, or say everything that is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault, InputError
from planner.instance.check_across import (
    check_across_tables,
    check_corridor_type,
    check_horizon,
    check_trips,
    spread_notes,
    unused_rows,
)
from planner.instance.check_phasing import check_phasing, phasing_notes, states_phasing
from planner.instance.check_places import places_on_water, shared_points
from planner.instance.check_roads import check_corridor_roads, road_notes
from planner.instance.check_standing import check_standing
from planner.instance.check_supply import check_dated_settings, supply_notes
from planner.instance.check_table import check_table
from planner.instance.coordinates import conversion_note, convert_shapes, convert_to_wgs84
from planner.instance.credits import openstreetmap_note, with_credit
from planner.instance.curve_sets import check_curve_set
from planner.instance.find_table import belonging_files, ending_of, find_table, is_road_network
from planner.instance.fleet_axes import check_fleet_axes, fit_fleet
from planner.instance.input_files import InputFile, input_file
from planner.instance.layer import numbered
from planner.instance.notes import Note, with_notes
from planner.instance.read_scenario import read_scenario
from planner.instance.read_table import Cells, place_cells, read_cells
from planner.instance.settings.scenario import Scenario
from planner.instance.settings.sources import SHIFTED_REFERENCES, Sources
from planner.instance.tables import TABLES, Table
from planner.instance.zone_cells import with_centres

if TYPE_CHECKING:
    from planner.instance.read_postgis import DatabaseTable

SCENARIO_FILE = "scenario.toml"


@dataclass(frozen=True)
class Instance:
    """Everything an instance folder says, validated; read-only by convention.

    Each table is a DataFrame sorted by its key with a fresh index; columns and units stand
    in `docs/instance-format.md`. Columns that may be left out are absent if left out, but
    for the zones' ``lon`` and ``lat``, which follow from the H3 index. All coordinates are
    WGS84; a table that was given in GCJ-02 or BD-09 keeps them in ``lon_original``,
    ``lat_original`` and ``coordinate_reference_original``. ``assumptions`` ends with what
    reading decided. ``variant`` is the scenario's name in ``[scenarios]``, empty for the base.

    ``zone_shapes`` are polygons on WGS84 in the order of ``zones``, where the file had polygons.
    ``given_references`` tells what the coordinates of each table were given in. ``notes`` are the
    last rows of ``assumptions``. The scenario's ``attribution`` names OpenStreetMap where
    ``is_osm``: a file shows that it comes from there.
    """

    folder: Path
    scenario: Scenario
    cities: pd.DataFrame
    zones: pd.DataFrame
    sites: pd.DataFrame
    road_nodes: pd.DataFrame
    roads: pd.DataFrame
    travel_times: pd.DataFrame
    climate: pd.DataFrame
    vehicles: pd.DataFrame
    chemistries: pd.DataFrame
    packs: pd.DataFrame
    curves: pd.DataFrame
    stations: pd.DataFrame
    supply: pd.DataFrame
    gates: pd.DataFrame
    adoption: pd.DataFrame
    hour_profile: pd.DataFrame
    pack_stock: pd.DataFrame
    build_rates: pd.DataFrame
    winters: pd.DataFrame
    flows: pd.DataFrame
    corridor_sites: pd.DataFrame
    materials: pd.DataFrame
    material_supply: pd.DataFrame
    other_buyers: pd.DataFrame
    offers: pd.DataFrame
    declarations: pd.DataFrame
    envelopes: pd.DataFrame
    brands: pd.DataFrame
    brand_suppliers: pd.DataFrame
    car_models: pd.DataFrame
    model_chemistries: pd.DataFrame
    launches: pd.DataFrame
    assumptions: pd.DataFrame
    input_files: tuple[InputFile, ...]
    variant: str = ""
    zone_shapes: NDArray[Any] | None = None
    given_references: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    is_osm: bool = False


def read_instance(
    folder: str | Path,
    *,
    scenario_name: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    like: Instance | None = None,
) -> Instance:
    """Read and validate an instance folder.

    Parameters
    ----------
    folder : path
        Folder with ``scenario.toml`` and the tables of `docs/instance-format.md`.
    scenario_name : str, optional
        Named variant in the scenario file's ``[scenarios]``; its settings replace the base's.
    overrides : mapping of section to mapping of setting to value, optional
        Settings that replace those of the file, e.g. ``{"solver": {"seed": 7}}``.
    like : Instance, optional
        Read before, as it was read: its tables are taken over if reading would give the same.

    Returns
    -------
    Instance
        All tables, with every reference between them checked.

    Raises
    ------
    InputError
        With all faults found, each with file, row, column, value and remedy.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError([Fault(str(folder), None, "", "", "no such folder; give an instance")])
    scenario, sources, faults = read_scenario(
        folder / SCENARIO_FILE, scenario_name, overrides or {}
    )
    if like is not None and scenario is not None and not faults:
        files = (input_file(folder / SCENARIO_FILE), *like.input_files[1:])
        if _has_same_tables(like, folder, scenario):
            faults = check_corridor_type(like.stations, scenario.corridors.station_type)
            faults += check_corridor_roads(like.roads, scenario.corridors.funding)
            faults += check_curve_set(like.curves, scenario.physics.curve_set, SCENARIO_FILE)
            dated = {"gates": like.gates, "packs": like.packs}
            faults += check_dated_settings(dated, scenario, SCENARIO_FILE)
            if faults:
                raise InputError(faults, source=str(folder))
            scenario = _credited(scenario, like.is_osm)
            return replace(like, scenario=scenario, input_files=files, variant=scenario_name or "")
    reads = _read_tables(folder, sources)
    frames = {name: frame for read in reads for name, frame in read.frames.items()}
    labels = {name: label for read in reads for name, label in read.labels.items()}
    faults += [fault for read in reads for fault in read.faults]
    if scenario is not None:
        frames = {
            name: _of_parameter_set(frame, TABLES[name], scenario.parameter_set)
            for name, frame in frames.items()
        }
    faults += check_across_tables(frames, labels)
    if scenario is not None:
        faults += check_horizon(frames, labels, scenario.quarters)
        faults += check_standing(frames, labels, scenario.planning_quarter)
        faults += check_phasing(frames, labels, scenario)
        faults += check_fleet_axes(frames, labels, scenario)
        if "stations" in frames:
            faults += check_corridor_type(frames["stations"], scenario.corridors.station_type)
        if "roads" in frames:
            faults += check_corridor_roads(frames["roads"], scenario.corridors.funding)
        if "curves" in frames:
            faults += check_curve_set(frames["curves"], scenario.physics.curve_set, SCENARIO_FILE)
        if scenario.corridors.funding != "none":
            faults += check_trips(frames, labels)
        faults += check_dated_settings(frames, scenario, SCENARIO_FILE)
    if faults or scenario is None:
        raise InputError(faults, source=str(folder))
    frames["zones"] = with_centres(frames["zones"])
    notes = [note for read in reads for note in read.notes]
    notes += road_notes(frames["road_nodes"], frames["roads"], labels.get("roads", ""))
    siting = scenario.siting
    if siting.min_spacing_km is not None:
        from planner.instance.spacing import thin_candidates

        frames["sites"], note = thin_candidates(
            frames["sites"], frames["zones"], frames["stations"],
            min_spacing_km=siting.min_spacing_km, near_km=siting.near_km,
        )  # fmt: skip
        notes.append(note)
    notes += [*unused_rows(frames, labels), *shared_points(frames, labels)]
    notes += places_on_water(frames, labels)
    notes += [*spread_notes(frames, labels), *phasing_notes(frames, scenario)]
    notes += supply_notes(frames, labels, scenario.quarters)
    frames, fleet_notes = fit_fleet(frames, scenario)
    notes += fleet_notes
    frames["assumptions"] = with_notes(frames["assumptions"], notes)
    paths = dict.fromkeys(
        [folder / SCENARIO_FILE, *(path for read in reads for path in read.paths)]
    )
    is_osm = any(read.is_osm for read in reads)
    sorted_frames = {
        name: frame.sort_values(TABLES[name].key_in(frame.columns), kind="stable")
        for name, frame in frames.items()
    }
    shapes = next((read.shapes for read in reads if read.shapes is not None), None)
    return Instance(
        folder=folder,
        scenario=_credited(scenario, is_osm),
        input_files=(*map(input_file, paths), *(rows for read in reads for rows in read.rows)),
        variant=scenario_name or "",
        zone_shapes=(
            None if shapes is None
            else shapes.reindex(sorted_frames["zones"].index).to_numpy(object)
        ),
        given_references={name: each for read in reads for name, each in read.given.items()},
        notes=tuple(notes),
        is_osm=is_osm,
        **{name: frame.reset_index(drop=True) for name, frame in sorted_frames.items()},
    )  # fmt: skip


def _credited(scenario: Scenario, is_osm: bool) -> Scenario:
    """The scenario with the credits that the files read ask for."""
    if not is_osm:
        return scenario
    return scenario.model_copy(update={"attribution": with_credit(scenario.attribution)})


def _has_same_tables(like: Instance, folder: Path, scenario: Scenario) -> bool:
    """Whether reading now would give the tables that were read before."""
    # Tables are checked against the quarters, too, and scaled to the fleet that is asked for.
    decides = ("parameter_set", "horizon", "planning_quarter", *Sources.model_fields)
    if like.folder != folder or any(
        getattr(like.scenario, name) != getattr(scenario, name) for name in decides
    ):
        return False
    tables = {"sites": like.sites, "build_rates": like.build_rates}
    if like.scenario.phasing != scenario.phasing and states_phasing(tables):
        return False
    fleets = [
        (each.demand.fleet_mix, each.demand.vehicles_per_station, each.siting.num_stations)
        for each in (like.scenario, scenario)
    ]
    if fleets[0] != fleets[1] and any(fleet[:2] != (None, None) for fleet in fleets):
        return False
    spacings = [
        (each.siting.min_spacing_km, each.siting.near_km) for each in (like.scenario, scenario)
    ]
    if spacings[0] != spacings[1] and any(spacing is not None for spacing, _ in spacings):
        return False
    now = {*map(input_file, instance_files(folder, scenario)), *instance_rows(scenario)}
    return now == set(like.input_files[1:])


def read_one_table(
    folder: Path, name: str, sources: Sources
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """One table of an instance, checked by itself; None if it has a fault or is part of a network.

    Parameters
    ----------
    folder : Path
        The instance.
    name : str
        Of the table.
    sources : Sources
        What the scenario file says of the tables' files; a `Scenario` is one.
    """
    path, _ = find_table(folder, TABLES[name], sources)
    if path is not None and is_road_network(path):
        return None, []
    read = _read_table(folder, TABLES[name], sources, _in_databases(sources, [name]))
    frame = None if read.faults else read.frames.get(name)
    return (None if frame is None else frame.reset_index(drop=True)), [*read.faults]


def instance_files(folder: Path, sources: Sources) -> list[Path]:
    """The files that an instance's tables stand in, as far as they are there."""
    found = (find_table(folder, table, sources)[0] for table in TABLES.values())
    return [side for path in found if path is not None for side in belonging_files(path)]


def instance_rows(sources: Sources) -> list[InputFile]:
    """The rows of databases that an instance's tables are, as far as they can be read now."""
    if not any(source.url for source in sources.tables.values()):
        return []
    from planner.instance.read_postgis import database_inputs

    return database_inputs(sources)


@dataclass(frozen=True)
class _Read:
    """What a file or a database gave: tables, their names in faults, what was found on the way."""

    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    paths: Sequence[Path] = ()
    notes: Sequence[Note] = ()
    faults: Sequence[Fault] = ()
    rows: Sequence[InputFile] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    shapes: "pd.Series[Any] | None" = None
    is_osm: bool = False


def _read_tables(folder: Path, sources: Sources) -> list[_Read]:
    tables = dict(TABLES)
    roads, _ = find_table(folder, tables["roads"], sources)
    stated, faults = find_table(folder, tables["travel_times"], sources)
    if stated is not None or faults or sources.of_table("travel_times").url is not None:
        for name in ("roads", "road_nodes"):
            tables[name] = replace(tables[name], optional=True)
    stored = _in_databases(sources, tables)
    if roads is None or not is_road_network(roads):
        return [_read_table(folder, table, sources, stored) for table in tables.values()]
    return [
        _read_network(folder, roads, sources)
        if table.name == "roads"
        else _read_table(folder, table, sources, stored)
        for table in tables.values()
        if table.name != "road_nodes"
    ]


def _in_databases(sources: Sources, names: Iterable[str]) -> "Mapping[str, DatabaseTable]":
    if not any(sources.of_table(name).url for name in names):
        return {}
    from planner.instance.read_postgis import read_database_tables

    return read_database_tables(sources, names)


def _read_table(
    folder: Path, table: Table, sources: Sources, stored: "Mapping[str, DatabaseTable]"
) -> _Read:
    rows = stored.get(table.name)
    if rows is not None:
        if rows.layer is None:
            return _Read(faults=rows.faults)
        cells, faults = place_cells(rows.layer, table, sources, rows.source)
        read = _check_cells(cells, table, sources, [*rows.faults, *faults])
        return replace(read, rows=rows.inputs)
    path, faults = find_table(folder, table, sources)
    if path is None:
        is_left_out = table.optional and not faults
        return _Read({table.name: _frame_if_left_out(table)} if is_left_out else {}, faults=faults)
    paths = belonging_files(path)
    if faults:
        return _Read(paths=paths, faults=faults)
    read_from_file, faults = read_cells(path, table, sources)
    if read_from_file is None:
        return _Read(paths=paths, faults=faults)
    return replace(_check_cells(read_from_file, table, sources, faults), paths=paths)


def _check_cells(cells: Cells, table: Table, sources: Sources, faults: Sequence[Fault]) -> _Read:
    """Check what was read, and bring shifted coordinates to WGS84."""
    frame, cell_faults = check_table(cells.frame, table, cells.label)
    if cells.is_placed:  # a feature without a place has been told of by its geometry
        cell_faults = [
            fault for fault in cell_faults if fault.column not in ("lon", "lat") or fault.value
        ]
    faults = [*faults, *cell_faults]
    labels, notes = {table.name: cells.label}, [*cells.notes]
    if cells.is_osm:
        notes.append(openstreetmap_note(cells.label))
    if frame is None:
        return _Read({}, labels, (), notes, faults)
    given, shapes = {}, None
    if {"lon", "lat"} <= set(frame.columns):
        is_shifted = cells.reference in SHIFTED_REFERENCES
        given = {table.name: cells.reference if is_shifted else cells.stated_crs or cells.reference}
    if cells.shapes is not None:
        shapes = convert_shapes(cells.shapes, cells.reference)
    if cells.reference in SHIFTED_REFERENCES and {"lon", "lat"} <= set(frame.columns):
        frame = convert_to_wgs84(frame, cells.reference)
        notes.append(conversion_note(cells.label, cells.reference, keeps_originals=True))
    elif sources.of_table(table.name).coordinate_reference in SHIFTED_REFERENCES:
        remedy = "table has no lon and lat, and H3 cells are WGS84; remove the setting"
        setting = f"tables.{table.name}.coordinate_reference"
        faults.append(Fault(SCENARIO_FILE, None, setting, cells.reference, remedy))
    return _Read(
        {table.name: frame}, labels, (), notes, faults,
        given=given, shapes=shapes, is_osm=cells.is_osm,
    )  # fmt: skip


def _read_network(folder: Path, path: Path, sources: Sources) -> _Read:
    """Read a file that holds both tables of the road network."""
    nodes_path, _ = find_table(folder, TABLES["road_nodes"], sources)
    faults = []
    if nodes_path is not None:
        remedy = f"{path.name} holds the junctions as well; keep one of the files"
        faults.append(Fault(nodes_path.name, None, "", "", remedy))
    if sources.of_table("road_nodes").url is not None:
        setting, remedy = "tables.road_nodes.url", f"{path.name} holds the junctions; remove it"
        faults.append(Fault(SCENARIO_FILE, None, setting, "", remedy))
    is_extract = ending_of(path) != ".graphml"
    reference = sources.of_table("roads").coordinate_reference
    if is_extract and reference in SHIFTED_REFERENCES:
        setting, remedy = "tables.roads.coordinate_reference", "OpenStreetMap is WGS84; remove it"
        faults.append(Fault(SCENARIO_FILE, None, setting, reference or "", remedy))
    try:
        if is_extract:
            from planner.instance.roads.osm_extract import read_osm_extract

            tables = read_osm_extract(path)
        else:
            from planner.instance.roads.osmnx_graph import read_osmnx_graph

            tables = read_osmnx_graph(path, sources)
    except InputError as error:
        return _Read(paths=[path], faults=[*faults, *error.faults])
    frames = {}
    for name, frame in (("road_nodes", tables.road_nodes), ("roads", tables.roads)):
        checked, cell_faults = check_table(numbered(frame), TABLES[name], path.name)
        faults += cell_faults
        if checked is not None:
            frames[name] = checked
    notes = [*tables.notes, *([openstreetmap_note(path.name)] if tables.is_osm else [])]
    return _Read(
        frames, dict.fromkeys(frames, path.name), [path], notes, faults,
        given={"road_nodes": tables.reference}, is_osm=tables.is_osm,
    )  # fmt: skip


def _frame_if_left_out(table: Table) -> pd.DataFrame:
    """The rows that come with the planner, or none."""
    rows = resources.files("planner.instance") / f"{table.name}.csv"
    if rows.is_file():
        with rows.open(encoding="utf-8") as stream:
            return pd.read_csv(stream, dtype="str")
    return pd.DataFrame({column.name: pd.Series(dtype=str) for column in table.columns})


def _of_parameter_set(frame: pd.DataFrame, table: Table, parameter_set: str) -> pd.DataFrame:
    """Take a parameter set's figures where they stand, and leave the companions away."""
    taken = frame.copy(deep=False)
    for column in table.columns:
        companion = f"{column.name}_{parameter_set}"
        if column.by_set and companion in frame.columns:
            middle = frame.get(column.name, pd.Series(float("nan"), index=frame.index))
            taken[column.name] = frame[companion].fillna(middle)
    companions = {column.name for column in table.accepted} - {c.name for c in table.columns}
    return taken[[name for name in taken.columns if name not in companions]]
