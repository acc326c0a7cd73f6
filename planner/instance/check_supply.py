"""Check the tables of supply, markets and brands against each other and against the settings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.layer import row_faults
from planner.instance.names import nearest, suggest
from planner.instance.notes import Note
from planner.instance.settings.scenario import Scenario
from planner.instance.tables import FIXED_CAR, SWAP_CAR, TABLES
from planner.units import KWH_PER_GWH

Frames = Mapping[str, pd.DataFrame]
Files = Mapping[str, str]

_OF_MARKETS = ("gates", "offers", "other_buyers", "declarations", "car_models", "launches")
"""Tables whose rows name a market."""

_IN_ORDER = (
    ("gates", ("opens_low", "opens", "opens_high"), "dates"),
    ("offers", ("qualification_quarters_low", "qualification_quarters",
                "qualification_quarters_high"), "numbers"),
    ("packs", ("min_v", "nominal_v", "max_v"), "numbers"),
    ("envelopes", ("min_v", "max_v"), "numbers"),
    ("envelopes", ("wheelbase_low_m", "wheelbase_high_m"), "numbers"),
)  # fmt: skip
"""Columns whose values may not fall from one to the next."""

_DEFAULTS = {"supply": {"kind": "series"}, "gates": {"application": SWAP_CAR}}
"""Columns of keys in which an empty cell means a value."""


def check_supply(frames: Frames, files: Files) -> list[Fault]:
    """Check what several tables of supply, markets and brands say together.

    Parameters
    ----------
    frames, files : mapping
        As of `planner.instance.check_across.check_across_tables`.

    Returns
    -------
    list of Fault
    """
    given = {name: frame for name, frame in frames.items() if name in files}
    checks: tuple[Callable[[Frames, Files], list[Fault]], ...] = (
        _markets, _order, _same_by_default, _sources, _buyers, _materials, _models, _launches,
        _exclusive_suppliers,
    )  # fmt: skip
    return [fault for check in checks for fault in check(given, files)]


def _at(
    frames: Frames, files: Files, table: str, column: str, is_wrong: "pd.Series[bool]", remedy: str
) -> list[Fault]:
    frame = frames[table]
    rows = np.flatnonzero(is_wrong.fillna(False).astype(bool))
    empty = pd.Series("", index=frame.index)
    values = None if column in frame else empty
    return row_faults(files[table], TABLES[table], frame, rows, column, remedy, values)


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    if name in frame:
        return frame[name].astype(object).where(frame[name].notna(), None)
    return pd.Series(None, index=frame.index, dtype=object)


def _misspelt(
    frames: Frames, files: Files, table: str, column: str, known: list[str], what: str
) -> list[Fault]:
    """Names that none of the known ones is, but that one of them is like."""
    values = _column(frames[table], column)
    faults = []
    for value in values[values.notna() & ~values.isin(known)].unique():
        close = nearest(str(value), known)
        if close:
            remedy = f"{what}; did you mean {close}?"
            faults += _at(frames, files, table, column, values == value, remedy)
    return faults


def _known_markets(frames: Frames) -> list[str]:
    """Those of the cities and, for gates, of buyers."""
    return sorted(map(str, frames["cities"]["market"].dropna().unique()))


def _markets(frames: Frames, files: Files) -> list[Fault]:
    """Markets that no city belongs to, but for their spelling: their rows would hold for nobody.

    Markets unlike all of the cities' are noted (`supply_notes`): a table may know more.
    """
    if "cities" not in frames:
        return []
    known = _known_markets(frames)
    beside: set[str] = set()
    if "other_buyers" in frames:
        beside = set(map(str, _column(frames["other_buyers"], "market").dropna()))
    faults = []
    for table in _OF_MARKETS:
        if table in frames:
            names = [*known, *sorted(beside)] if table == "gates" else known
            faults += _misspelt(frames, files, table, "market", names, "no city has this market")
    return faults


def _order(frames: Frames, files: Files) -> list[Fault]:
    """The earliest date is no later than the expected one, and so on."""
    faults = []
    for table, columns, what in _IN_ORDER:
        if table not in frames:
            continue
        present = [name for name in columns if name in frames[table]]
        for position, later in enumerate(present):
            for earlier in present[:position]:
                low, high = frames[table][earlier], frames[table][later]
                both = low.notna() & high.notna()
                falls = both & (low.where(both) > high.where(both)).fillna(False).astype(bool)
                middle = present[position - 1] if position else earlier
                if earlier != middle and middle in frames[table]:
                    falls &= frames[table][middle].isna()  # else told of the middle one
                remedy = f"is before {earlier}; {what} of a row may not fall: correct one of them"
                if what == "numbers":
                    remedy = f"is less than {earlier}; correct one of them"
                faults += _at(frames, files, table, later, falls, remedy)
    if "gates" in frames and "opens_high" in frames["gates"]:
        gates = frames["gates"]
        is_odd = gates["opens_high"].notna() & gates["opens"].isna()
        remedy = "a latest date needs an expected one: give opens, or leave opens_high empty"
        faults += _at(frames, files, "gates", "opens", is_odd, remedy)
    return faults


def _same_by_default(frames: Frames, files: Files) -> list[Fault]:
    """Rows that differ only in an empty cell and the value which it stands for."""
    faults = []
    for table, defaults in _DEFAULTS.items():
        if table not in frames or not set(defaults) & set(frames[table]):
            continue
        frame = frames[table]
        stated = frame[TABLES[table].key_in(frame.columns)]
        meant = stated.assign(
            **{name: stated[name].fillna(value) for name, value in defaults.items()}
        )
        twice = meant.duplicated() & ~stated.duplicated()
        (column,) = defaults
        remedy = f"overlaps an earlier row: an empty cell means {defaults[column]}; keep one"
        faults += _at(frames, files, table, column, twice, remedy)
    return faults


def _sources(frames: Frames, files: Files) -> list[Fault]:
    if "supply" not in frames:
        return []
    supply = frames["supply"]
    is_pilot = (_column(supply, "kind") == "pilot") & (_column(supply, "application") == SWAP_CAR)
    remedy = "pilot cells never serve cars that swap packs; write series, or another application"
    return _at(frames, files, "supply", "kind", is_pilot, remedy)


def _buyers(frames: Frames, files: Files) -> list[Fault]:
    if "other_buyers" not in frames:
        return []
    buyers = frames["other_buyers"]
    is_priced = (buyers["basis"] == "price") & _column(buyers, "worth_cny_per_kwh").isna()
    remedy = "a buyer by price needs it [CNY/kWh]; fill it in, or write contract as basis"
    return _at(frames, files, "other_buyers", "worth_cny_per_kwh", is_priced, remedy)


def _materials(frames: Frames, files: Files) -> list[Fault]:
    if not {"materials", "material_supply"} <= set(frames):
        return []
    materials = frames["materials"]
    limited = materials["material"].isin(frames["material_supply"]["material"])
    unknown = limited & _column(materials, "kg_per_kwh").isna()
    remedy = (
        f"is needed, for {files['material_supply']} limits the material; fill it in, or remove "
        "the rows there"
    )
    return _at(frames, files, "materials", "kg_per_kwh", unknown, remedy)


def _models(frames: Frames, files: Files) -> list[Fault]:
    if "car_models" not in frames:
        return []
    models = frames["car_models"]
    envelope, swaps = _column(models, "envelope"), models["application"] == SWAP_CAR
    faults = _at(
        frames, files, "car_models", "envelope", swaps & envelope.isna(),
        f"cars that swap packs have one; give it, or write {FIXED_CAR} as application",
    )  # fmt: skip
    faults += _at(
        frames,
        files,
        "car_models",
        "envelope",
        ~swaps & envelope.notna(),
        f"the pack of a {FIXED_CAR} is fixed; leave it empty, or write {SWAP_CAR} as application",
    )
    known = sorted(
        {
            str(each)
            for name in ("vehicles", "packs", "envelopes")
            if name in frames
            for each in frames[name]["envelope"].dropna()
        }
    )
    what = "no vehicle or pack has this envelope"
    return faults + _misspelt(frames, files, "car_models", "envelope", known, what)


def _launches(frames: Frames, files: Files) -> list[Fault]:
    """Launches of models with fixed packs, and with a pack of another envelope."""
    if not {"launches", "car_models", "packs"} <= set(frames):
        return []
    launches, models = frames["launches"], frames["car_models"]
    of_swaps = models[models["application"] == SWAP_CAR]
    is_known = launches["model"].isin(models["model"])
    is_fixed = is_known & ~launches["model"].isin(of_swaps["model"])
    faults = _at(
        frames, files, "launches", "model", is_fixed,
        "the model's pack is fixed, and no swap pack can launch with it; correct it or the "
        f"application in {files['car_models']}",
    )  # fmt: skip
    pairs = set(zip(of_swaps["model"], _column(of_swaps, "envelope"), strict=True))
    packs = frames["packs"].drop_duplicates("pack_id").set_index("pack_id")["envelope"]
    envelope = launches["pack_id"].map(packs)
    fits = [(model, each) in pairs for model, each in zip(launches["model"], envelope, strict=True)]
    is_other = is_known & ~is_fixed & envelope.notna() & ~pd.Series(fits, index=launches.index)
    remedy = "the pack does not fit the model's envelope; choose one that does"
    return faults + _at(frames, files, "launches", "pack_id", is_other, remedy)


def _exclusive_suppliers(frames: Frames, files: Files) -> list[Fault]:
    if not {"brand_suppliers", "supply"} <= set(frames):
        return []
    known = sorted({str(each) for each in _column(frames["supply"], "supplier").dropna()})
    what = f"supplies nothing in {files['supply']}"
    return _misspelt(frames, files, "brand_suppliers", "supplier", known, what)


def check_dated_settings(frames: Frames, scenario: Scenario, scenario_file: str) -> list[Fault]:
    """Check that settings of gates and packs find what they speak of.

    Parameters
    ----------
    frames : mapping of table name to DataFrame
        ``gates`` and ``packs`` are looked at, if they are there.
    scenario : Scenario
    scenario_file : str
        Name that faults carry.
    """
    faults = []
    if "gates" in frames:
        known = [*frames["gates"]["certificate"].dropna().unique(), "qualification"]
        for name in scenario.gates.quantile_of:
            if name not in known:
                remedy = f"no certificate of the table gates; {suggest(name, known)}"
                place = f"gates.quantile_of.{name}"
                faults.append(Fault(scenario_file, None, place, name, remedy))
    if scenario.packs.carbon_cap_kt is not None and "packs" in frames:
        packs = frames["packs"]
        without = packs["pack_id"][_column(packs, "kgco2e_per_kwh").isna()].tolist()
        if without:
            remedy = (
                f"packs.kgco2e_per_kwh is not known of {', '.join(map(str, without))}; fill it "
                "in, or remove the setting"
            )
            value = f"{scenario.packs.carbon_cap_kt:g}"
            faults.append(Fault(scenario_file, None, "packs.carbon_cap_kt", value, remedy))
    return faults


def supply_notes(frames: Frames, files: Files, quarters: Sequence[str]) -> list[Note]:
    """What of the tables of supply, markets and brands is not used, or ends before the horizon.

    Parameters
    ----------
    frames, files : mapping
        As of `check_supply`, without faults.
    quarters : sequence of str
        The horizon's.
    """
    given = {name: frame for name, frame in frames.items() if name in files}
    return [
        *_idle_markets(given, files),
        *_ends(given, files, quarters),
        *_totals(given, files),
        *_large_orders(given, files, quarters),
        *_idle_brands(given, files, quarters),
    ]


def _not_used(
    label: str, frame: pd.DataFrame, column: str, idle: "pd.Series[bool]", why: str
) -> list[Note]:
    found = frame[column][idle.to_numpy(bool)]
    if found.empty:
        return []
    value = f"{len(found)} rows of {', '.join(sorted(map(str, found.unique())))} are not used"
    return [Note(f"{label}: {column}", value, "INF", why)]


def _idle_markets(frames: Frames, files: Files) -> list[Note]:
    known, notes = _known_markets(frames), []
    buyers = frames.get("other_buyers", pd.DataFrame())
    of_buyers = _column(buyers, "market").dropna() if len(buyers) else pd.Series(dtype=object)
    for table in _OF_MARKETS:
        if table not in frames or "market" not in frames[table] or table == "other_buyers":
            continue
        markets = frames[table]["market"]
        names = {*known, *of_buyers} if table == "gates" else set(known)
        idle = markets.notna() & ~markets.isin(list(names))
        why = "no city belongs to it"
        notes += _not_used(files[table], frames[table], "market", idle, why)
    ungated = of_buyers[~of_buyers.isin(frames["gates"]["market"])]
    if len(ungated):
        value = f"{len(ungated)} rows of {', '.join(sorted(ungated.unique()))} wait for no gate"
        why = "the table gates has no row of it"
        notes.append(Note(f"{files['other_buyers']}: market", value, "INF", why))
    return notes


def _ends(frames: Frames, files: Files, quarters: Sequence[str]) -> list[Note]:
    """Tables by quarter that end before the horizon does."""
    notes = []
    for table, names, what in (
        ("supply", ["chemistry"], "nothing is made"),
        ("material_supply", ["material"], "nothing is to be had"),
        ("other_buyers", ["buyer", "chemistry"], "nothing is asked for"),
    ):
        if table in frames and len(frames[table]):
            last = frames[table].groupby(names)["quarter"].max()
            for name, quarter in last[last < quarters[-1]].items():
                of = " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)
                why = f"{what} after it; the horizon ends in {quarters[-1]}"
                notes.append(Note(f"{files[table]}: last quarter of {of}", quarter, "INF", why))
    return notes


def _totals(frames: Frames, files: Files) -> list[Note]:
    """Rows that may be the total of those beside them: both count."""
    supply = frames.get("supply", pd.DataFrame())
    if not len(supply) or "plant" not in supply:
        return []
    key = [supply["chemistry"], supply["quarter"], _column(supply, "supplier").fillna("")]
    named = supply["plant"].notna().groupby(key).transform("any")
    beside = named & supply["plant"].isna()
    if not beside.any():
        return []
    why = "rows of the same supplier and quarter name their plant: a total of them would be twice"
    value = f"{int(beside.sum())} rows without one are added"
    return [Note(f"{files['supply']}: plant", value, "?", why)]


def _large_orders(frames: Frames, files: Files, quarters: Sequence[str]) -> list[Note]:
    """Least orders that all supply up to the horizon's end does not fill."""
    offers = frames.get("offers", pd.DataFrame())
    if not len(offers) or "min_order_packs" not in offers or "supply" not in frames:
        return []
    supply, packs = frames["supply"], frames["packs"].set_index("pack_id")
    serves = (_column(supply, "kind") != "pilot") & (
        _column(supply, "application").fillna(SWAP_CAR) == SWAP_CAR
    )
    usable = supply[serves & (supply["quarter"] <= quarters[-1])]
    made = usable.groupby("chemistry")["gwh"].sum()
    of_pack = packs["chemistry"].map(made).where(
        packs["chemistry"].isin(supply["chemistry"]), np.inf
    )  # fmt: skip
    available = of_pack.fillna(0.0) * KWH_PER_GWH / packs["nominal_kwh"]
    is_large = offers["min_order_packs"] > offers["pack_id"].map(available)
    notes = []
    for pack_id, least in offers.loc[is_large, ["pack_id", "min_order_packs"]].itertuples(
        index=False
    ):
        why = f"all supply up to {quarters[-1]} makes {available[pack_id]:,.0f}: none is delivered"
        item = f"{files['offers']}: min_order_packs of {pack_id}"
        notes.append(Note(item, f"{least:,.0f}", "INF", why))
    return notes


def _idle_brands(frames: Frames, files: Files, quarters: Sequence[str]) -> list[Note]:
    notes = []
    if {"car_models", "model_chemistries"} <= set(frames):
        swaps = frames["car_models"].query("application == @SWAP_CAR")["model"]
        accepted = frames["model_chemistries"]
        label, why = files["model_chemistries"], "the model's pack is fixed"
        notes += _not_used(label, accepted, "model", ~accepted["model"].isin(swaps), why)
    if "car_models" in frames:
        models = frames["car_models"]
        envelope = _column(models, "envelope")
        idle = envelope.notna() & ~envelope.isin(frames["vehicles"]["envelope"])
        why = "no vehicle class has its envelope"
        notes += _not_used(files["car_models"], models, "model", idle, why)
    if {"brand_suppliers", "supply"} <= set(frames):
        rows = frames["brand_suppliers"]
        exclusive = rows["exclusive"].astype(bool)
        known = _column(frames["supply"], "supplier")
        unheard = rows[exclusive & ~rows["supplier"].isin(known)]
        for brand, chemistry, supplier in unheard[["brand", "chemistry", "supplier"]].itertuples(
            index=False
        ):
            value = f"never takes {chemistry}"
            why = f"it buys it from {supplier} alone, who has no row in {files['supply']}"
            notes.append(Note(f"{files['brand_suppliers']}: {brand}", value, "INF", why))
    if "launches" in frames:
        launches = frames["launches"]
        idle = ~launches["quarter"].between(quarters[0], quarters[-1])
        why = f"its quarter is outside of the horizon, {quarters[0]} to {quarters[-1]}"
        notes += _not_used(files["launches"], launches, "model", idle, why)
    return notes
