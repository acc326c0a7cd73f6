"""What the page's map draws, as plain lists that JSON can carry."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.outputs.language import Language, phrase
from planner.outputs.layers.antimeridian import cut_lon, from_cut
from planner.outputs.palette import (
    CORRIDOR_STATION,
    INK,
    LAND,
    MISSING,
    ON_TIME_CLASSES,
    SERVED_CLASSES,
    SOFT_INK,
    VIRIDIS,
    WATER,
    ZONES,
)
from planner.outputs.phases import OPENED, PHASE, period_names, shades
from planner.outputs.report.cells import pack_tiles, sum_levels
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.water import water_around
from planner.outputs.report.words import words_of_scripts
from planner.outputs.station_reasons import (
    NEXT_BEST,
    REPLACEMENT,
    REPLACEMENT_LOW,
    cost_classes,
    has_reasons,
)
from planner.outputs.waits import PACKS_HEAD, VERDICT_LOOKS
from planner.plans.question import judge_of_run, measure_of_run

SEASONS = {
    "hottest": "Hottest month mean",
    "coldest": "Coldest month mean",
    "design": "Winter design day",
}
"""Months are each city's own."""

_RANGE_STEPS_KM = (5, 10, 20, 25, 50, 100, 200, 500)


def build_map(run: RunFiles, scripts: Iterable[str] = ()) -> dict[str, Any]:
    """Cells, stations and cities, with classes, colours and labels of the legends.

    Parameters
    ----------
    run : RunFiles
        What the run left.
    scripts : iterable of str
        Sources of the scripts that draw it, whose words come with the data.
    """
    cut = _cut_lon(run)
    language = run.language
    cities = _cities(run, cut)
    stations = _stations(run, cut)
    corridors = {"corridors": _corridors(run, cut)} if run.has_corridors else {}
    return {
        "language": language,
        "words": words_of_scripts(scripts, language),
        "spans_180": cut > -180,
        "water": water_around(*_extremes(cities, stations)),
        "levels": [
            {"resolution": level.resolution, "tiles": pack_tiles(level, cut)}
            for level in sum_levels(_with_minutes(run), are_cells=run.zones_are_cells)
        ],
        "stations": stations,
        "cities": cities,
        "packs": run.pack_ids,
        "first_pack": _most_used_pack(run),
        "seasons": [
            {
                "key": key,
                "title": phrase(title, language),
                "has_data": any(key in city["range"] for city in cities),
            }
            for key, title in SEASONS.items()
        ],
        "served_classes": _class_list(SERVED_CLASSES, language),
        **_cell_classes(run),
        "range_classes": _range_classes(cities),
        "chemistries": [
            {"name": run.chemistries.nickname(each), "colour": run.chemistries.colour(each)}
            for each in run.chemistry_ids
        ],
        "missing_colour": MISSING,
        "land_colour": LAND,
        "water_colour": WATER,
        "zone_colour": ZONES,
        "ink": INK,
        "soft_ink": SOFT_INK,
        **corridors,
        **({"waits": _looks(language)} if run.has_waits else {}),
        **({"phases": _phases(run)} if run.has_phases else {}),
        **({"costs": _costs(run)} if run.has_reasons else {}),
    }


def _cut_lon(run: RunFiles) -> float:
    """Meridian from which the map counts its longitudes on, so that no data are cut."""
    roads = run.optional.get("corridor_roads", pd.DataFrame(columns=["from_lon", "to_lon"]))
    columns = (run.zones["lon"], run.cities["lon"], run.stations["lon"], roads["from_lon"],
               roads["to_lon"])  # fmt: skip
    return cut_lon(np.unique(np.concatenate([column.to_numpy(float) for column in columns])))


def _shades_minutes(run: RunFiles) -> bool:
    return judge_of_run(run.run).shades_minutes


def _with_minutes(run: RunFiles) -> pd.DataFrame:
    """Zones, and the minutes that their swaps count where the siting asks for them."""
    if not _shades_minutes(run):
        return run.zones
    counted_min = run.zones["nearest_min"].fillna(run.scenario["siting"]["unserved_min"])
    return run.zones.assign(counted_min=counted_min)


def _cell_classes(run: RunFiles) -> dict[str, Any]:
    """What the cells' colours tell: upper end, colour and text of each class, and its title."""
    if not _shades_minutes(run):
        title = phrase("Swaps served in the zones", run.language)
        classes: list[tuple[float, str, str]] = list(SERVED_CLASSES)
    else:
        title = phrase("Way to the nearest station", run.language)
        standard = float(run.scenario["siting"]["drive_time_min"])
        ends = [standard * quarter / 4 for quarter in range(5)]
        colours = [colour for _, colour, _ in reversed(SERVED_CLASSES)]
        texts = [f"{low:g} to {high:g} min" for low, high in itertools.pairwise(ends)]
        texts.append(f"more than {standard:g} min")
        # Minutes stand in tenths.
        tops = [*(10 * end for end in ends[1:]), 1e9]
        classes = list(zip(tops, colours, texts, strict=True))
    return {"cell_title": title, "cell_classes": _class_list(classes, run.language)}


def _class_list(
    classes: Iterable[tuple[float, str, str]], language: Language
) -> list[tuple[float, str, str]]:
    return [(top, colour, phrase(text, language)) for top, colour, text in classes]


def _extremes(
    cities: list[dict[str, Any]], stations: dict[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places that the map shows at first."""
    lon, lat = (
        np.array([*(city[name] for city in cities), *stations[name]], float)
        for name in ("lon", "lat")
    )
    return lon, lat


def _stations(run: RunFiles, cut: float) -> dict[str, Any]:
    stations = run.stations.assign(lon=from_cut(run.stations["lon"].to_numpy(float), cut))
    types = _types(run)
    hours = run.optional.get("station_hour")
    return {
        "id": stations["site_id"].tolist(),
        "city": pd.Index(run.cities["city_id"]).get_indexer(stations["city_id"]).tolist(),
        "type": pd.Index(types["station_type_id"]).get_indexer(stations["station_type_id"])
        .tolist(),
        "types": [
            {"id": type_id, "bays": int(bays)}
            for type_id, bays in zip(types["station_type_id"], types["bays"], strict=True)
        ],
        "swaps_by_hour": [] if hours is None else _swaps_by_hour(stations["site_id"], hours),
        **_waits(stations),
        **_replacements(stations),
        **{
            name: _numbers(stations[column], decimals)
            for name, column, decimals in (
                ("lon", "lon", 5), ("lat", "lat", 5), ("swaps", "swaps_per_day", 1),
                ("peak", "peak_swaps_per_hour", 2), ("capacity", "capacity_swaps_per_hour", 2),
                ("drive", "mean_drive_min", 1), ("zones", "num_zones", 0),
            )
        },
    }  # fmt: skip


def _types(run: RunFiles) -> pd.DataFrame:
    """Types that stand at some time, the smallest first."""
    frames = [run.stations] + ([run.optional["station_phases"]] if run.has_phases else [])
    rows = pd.concat([frame[["station_type_id", "bays"]] for frame in frames])
    return rows.drop_duplicates().sort_values("bays")


def _phases(run: RunFiles) -> dict[str, Any]:
    """Period by period what stands at each station, and what each city is served."""
    phase = run.optional[PHASE]
    quarters = list(phase["quarter"])
    rows = run.optional["station_phases"]
    kinds = pd.Index(_types(run)["station_type_id"])
    rows = rows.assign(type=kinds.get_indexer(rows["station_type_id"]))
    types = _by_period(rows, "site_id", "type", run.stations["site_id"], quarters)
    swaps = _by_period(rows, "site_id", "swaps_per_day", run.stations["site_id"], quarters)
    opened = rows[rows["change"] == OPENED].set_index("site_id")["quarter"]
    opens = run.stations["site_id"].map(opened)
    of_cities = run.optional["city_phases"]
    counts, served = (
        _by_period(of_cities, "city_id", name, run.cities["city_id"], quarters)
        for name in ("stations", "served_frac")
    )
    return {
        "names": list(period_names(phase).values()),
        "colours": shades(len(quarters)),
        "opens": pd.Index(quarters).get_indexer(opens).tolist(),
        "types": np.nan_to_num(types, nan=-1).astype(int).tolist(),
        "swaps": [[_plain(value, 1) for value in row] for row in swaps.tolist()],
        "city_stations": np.nan_to_num(counts).astype(int).tolist(),
        "city_served": [[_plain(value, 4) for value in row] for row in served.tolist()],
    }


def _by_period(
    rows: pd.DataFrame, key: str, value: str, ids: "pd.Series[Any]", quarters: list[str]
) -> NDArray[np.float64]:
    """Values by id and period; NaN where there is no row."""
    table = rows.pivot_table(index=key, columns="quarter", values=value, aggfunc="first")
    return np.asarray(table.reindex(index=ids, columns=quarters).to_numpy(float))


def _corridors(run: RunFiles, cut: float) -> dict[str, Any]:
    """Corridor stations, and roads as pairs of their ends, which many share."""
    stations, roads = (
        frame.assign(**{name: from_cut(frame[name].to_numpy(float), cut) for name in names})
        for frame, names in (
            (run.optional["corridor_stations"], ["lon"]),
            (run.optional["corridor_roads"], ["from_lon", "to_lon"]),
        )
    )
    ends = np.concatenate(
        [roads[[f"{end}_lon", f"{end}_lat"]].to_numpy(float).round(4) for end in ("from", "to")]
    )
    nodes, node_idx = np.unique(ends, axis=0, return_inverse=True)
    from_node, to_node = node_idx.reshape(2, -1)
    near = pd.Index(run.cities["city_id"]).get_indexer(stations["near_city_id"])
    return {
        "colour": CORRIDOR_STATION,
        "share_classes": _class_list(SERVED_CLASSES, run.language),
        "stations": {
            "id": stations["corridor_station_id"].tolist(),
            "city": near.tolist(),
            "type": stations["station_type_id"].tolist(),
            "status": stations["site_status"].tolist(),
            **_waits(stations),
            **{
                name: _numbers(stations[column], decimals)
                for name, column, decimals in (
                    ("lon", "lon", 4), ("lat", "lat", 4), ("capex", "capex_cny", 0),
                    ("winter_swaps", "winter_swaps_per_day", 1),
                    ("summer_swaps", "summer_swaps_per_day", 1),
                    ("winter_trips", "winter_trips_per_day", 1),
                    ("summer_trips", "summer_trips_per_day", 1),
                    ("holiday", "holiday_swaps_per_hour", 1), ("capacity", "capacity_per_hour", 1),
                )
            },
        },
        "roads": {
            "nodes": nodes.tolist(),
            "from": from_node.tolist(),
            "to": to_node.tolist(),
            "ferry": roads["is_ferry"].astype(int).tolist(),
            **{
                name: _numbers(roads[column] * scale, decimals)
                for name, column, scale, decimals in (
                    ("km", "km", 1, 1),
                    ("winter_c", "winter_c", 1, 0), ("summer_c", "summer_c", 1, 0),
                    ("winter_trips", "winter_trips_per_day", 1, 2),
                    ("summer_trips", "summer_trips_per_day", 1, 2),
                    ("winter_share", "winter_refuelled_frac", 100, 0),
                    ("summer_share", "summer_refuelled_frac", 100, 0),
                )
            },
        },
    }  # fmt: skip


def _looks(language: Language) -> dict[str, Any]:
    """Verdicts as they are drawn, what needs a look first, and classes of the share in time."""
    return {
        "verdicts": [
            vars(look) | {"label": phrase(look.label, language)} for look in VERDICT_LOOKS
        ],
        "classes": _class_list(ON_TIME_CLASSES, language),
    }


def _waits(stations: pd.DataFrame) -> dict[str, Any]:
    """What stations were simulated to keep, and their packs by type; empty if they were not."""
    kinds = [name for name in stations.columns if name.startswith(PACKS_HEAD)]
    packs = (
        {
            "pack_types": [name.removeprefix(PACKS_HEAD) for name in kinds],
            "packs": stations[kinds].astype(int).to_numpy().tolist(),
        }
        if kinds
        else {}
    )
    if "verdict" not in stations:
        return packs
    verdicts = [look.verdict for look in VERDICT_LOOKS]
    return packs | {
        "verdict": [
            verdicts.index(each) if each in verdicts else -1
            for each in stations["verdict"].fillna("")
        ],
        "lacks": stations["lacks"].fillna("").astype(str).tolist(),
        **{
            name: _numbers(stations[column], 4)
            for name, column in (
                ("within", "within_5min_frac"), ("within_low", "within_5min_low"),
                ("within_high", "within_5min_high"), ("on_time", "on_time_frac"),
                ("on_time_low", "on_time_low"), ("on_time_high", "on_time_high"),
                ("expected", "expected_on_time_frac"), ("p95", "p95_wait_min"),
                ("no_pack", "no_pack_frac"),
            )
        },
    }  # fmt: skip


def _costs(run: RunFiles) -> dict[str, Any]:
    """Unit and classes of what stations cost to replace: lower end, colour, text."""
    return {
        "unit": measure_of_run(run.run).unit,
        "classes": [
            [each.low, each.colour, phrase(each.label, run.language)]
            for each in cost_classes(run.stations[REPLACEMENT])
        ],
    }


def _replacements(stations: pd.DataFrame) -> dict[str, Any]:
    """What each station costs to replace, and the site that would; empty if nothing told."""
    if not has_reasons(stations):
        return {}
    return {
        "cost": _numbers(stations[REPLACEMENT], 3),
        "cost_low": _numbers(stations[REPLACEMENT_LOW], 3),
        "next_best": [site if isinstance(site, str) else "" for site in stations[NEXT_BEST]],
    }


def _swaps_by_hour(site_ids: pd.Series, hours: pd.DataFrame) -> list[list[float]]:
    table = hours.pivot_table(
        index="site_id", columns="hour", values="swaps_per_hour", aggfunc="sum"
    ).reindex(index=site_ids, columns=range(24), fill_value=0.0)
    rounded: list[list[float]] = table.to_numpy(float).round(1).tolist()
    return rounded


def _cities(run: RunFiles, cut: float) -> list[dict[str, Any]]:
    cities = run.cities.assign(lon=from_cut(run.cities["lon"].to_numpy(float), cut))
    vehicles = cities[[f"vehicles_{name}" for name in run.chemistry_ids]].to_numpy(float)
    leading = vehicles.argmax(axis=1) if vehicles.size else np.full(len(cities), -1)
    ranges = _ranges(run)
    names_zh = cities["name_zh"] if "name_zh" in cities else pd.Series("", index=cities.index)
    return [
        {
            "id": row["city_id"],
            "name": row["name_en"],
            "name_zh": name_zh if isinstance(name_zh, str) else "",
            "province": row["province"],
            "lon": round(row["lon"], 4),
            "lat": round(row["lat"], 4),
            "stations": int(row["num_stations"]),
            "swaps": _plain(row["swaps_per_day"], 1),
            "served": _plain(row["swaps_served_frac"], 4),
            "households_served": _plain(row["households_served_frac"], 4),
            "vehicles": round(row["vehicles"]),
            "without_pack": round(row["vehicles_without_pack"]),
            "by_chemistry": [round(number) for number in counts.tolist()],
            "leading": int(lead) if counts.sum() else -1,
            "temperature": {
                "hottest": _plain(row["hottest_mean_c"], 1),
                "coldest": _plain(row["coldest_mean_c"], 1),
                "design": _plain(row["winter_design_c"], 1),
            },
            "range": range_km,
        }
        for row, name_zh, counts, lead, range_km in zip(
            records(cities), names_zh, vehicles, leading, ranges, strict=True
        )
    ]


def _ranges(run: RunFiles) -> list[dict[str, list[float | None]]]:
    """Per city and season the range with each pack, packs in the order of `pack_ids`."""
    design = [f"design_range_{pack}_km" for pack in run.pack_ids]
    seasons = {"design": run.cities[design].to_numpy(float)} if design else {}
    monthly = run.optional.get("city_month")
    columns = [f"range_{pack}_km" for pack in run.pack_ids]
    if monthly is not None:
        warmer = monthly.sort_values(["mean_c", "month"], kind="stable").groupby("city_id")
        for key, rows in (("hottest", warmer.tail(1)), ("coldest", warmer.head(1))):
            seasons[key] = (
                rows.set_index("city_id")
                .reindex(index=run.cities["city_id"], columns=columns)
                .to_numpy(float)
            )
    return [
        {
            key: [_plain(value, 0) for value in values[idx].tolist()]
            for key, values in seasons.items()
        }
        for idx in range(len(run.cities))
    ]


def _most_used_pack(run: RunFiles) -> int:
    used = run.packs.groupby("pack_id")["vehicles"].sum().reindex(run.pack_ids, fill_value=0)
    return int(used.to_numpy(float).argmax()) if len(used) else -1


def _range_classes(cities: list[dict[str, Any]]) -> list[list[Any]]:
    """Lower end [km] and colour of the classes, alike in all seasons and for all packs."""
    values = [
        value
        for city in cities
        for season in city["range"].values()
        for value in season
        if value is not None
    ]
    if not values:
        return []
    low, high = min(values), max(values)
    step = next(
        (
            step
            for step in _RANGE_STEPS_KM
            if math.floor(high / step) - math.floor(low / step) < len(VIRIDIS)
        ),
        math.ceil((high - low) / (len(VIRIDIS) - 1)),
    )
    first = math.floor(low / step)
    count = math.floor(high / step) - first + 1
    shades = [round(idx * (len(VIRIDIS) - 1) / max(1, count - 1)) for idx in range(count)]
    return [[(first + idx) * step, VIRIDIS[shade]] for idx, shade in enumerate(shades)]


def _numbers(column: "pd.Series[Any]", decimals: int) -> list[float | None]:
    return [_plain(value, decimals) for value in column.astype(float).tolist()]


def _plain(value: float, decimals: int) -> float | None:
    if not math.isfinite(value):
        return None
    return round(value) if decimals == 0 else round(float(value), decimals)
