"""The members of a study of markets: read, and held against each other before they are planned.

Takes a study; gives instances with the same quarters, packs and chemistries, and the instance whose
supply, materials and buyers all share. Leaves out the pack model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from planner.errors import Fault, InputError
from planner.instance import Instance, merge_settings, read_instance
from planner.instance.dated_gates import filled
from planner.instance.tables import SWAP_CAR
from planner.planning.markets.study import MarketStudy

_TYPE = ["pack_id", "chemistry", "envelope", "nominal_kwh"]
"""What makes packs of two members the same type."""
_DEMAND = ["buyer", "market", "application", "chemistry", "quarter"]
_STATED = ["gwh", "basis", "worth_cny_per_kwh"]
"""What a buyer is, and what is asked for: alike in all members that state it."""


@dataclass(frozen=True)
class MarketMember:
    """An instance that takes part in a study.

    Attributes
    ----------
    name, title : str
        In the study, and for people.
    folder : Path
    instance : Instance
        As the study has it: its own settings and those of all members laid over the scenario.
    """

    name: str
    title: str
    folder: Path
    instance: Instance


def read_members(study: MarketStudy, path: Path) -> tuple[MarketMember, ...]:
    """Read all instances of a study.

    Parameters
    ----------
    study : MarketStudy
    path : Path
        Its file: what the instances' folders are seen from, and the name that faults carry.

    Returns
    -------
    tuple of MarketMember
        In the study's order.

    Raises
    ------
    InputError
        With all faults of all instances; or, where each is sound, with all that keeps them from
        sharing a supply.
    """
    members, faults = list[MarketMember](), list[Fault]()
    for name, member in study.members.items():
        folder = (path.parent / member.instance).resolve()
        if not folder.is_dir():
            remedy = "no such folder; give the instance, seen from the study file"
            place = f"members.{name}.instance"
            faults.append(Fault(path.name, None, place, member.instance, remedy))
            continue
        settings = merge_settings(study.settings, member.settings)
        try:
            instance = read_instance(folder, scenario_name=member.scenario, overrides=settings)
        except InputError as error:
            faults += [replace(each, file=f"{name}: {each.file}") for each in error.faults]
            continue
        members.append(MarketMember(name, member.title or name, folder, instance))
    if not faults:
        faults = [
            *_differences(members, path.name),
            *_supply_faults(study, members, path.name),
            *_buyer_faults(study, members),
        ]
    if faults:
        raise InputError(faults, source=str(path))
    return tuple(members)


def shared_instance(study: MarketStudy, members: Sequence[MarketMember]) -> Instance:
    """The instance of the shared supply, with the buyers and the gates of all members.

    Parameters
    ----------
    study : MarketStudy
    members : sequence of MarketMember
        From `read_members`.

    Returns
    -------
    Instance
        That of ``supply_of``. ``other_buyers`` holds those of the members asked for but for swap
        cars of other markets, each demand once; ``gates`` those of every member, each once.
    """
    by_name = {member.name: member.instance for member in members}
    own = by_name[study.supply_of]
    others = [each.instance for each in members if each.name != study.supply_of]
    frames = [
        frame[frame["application"] != SWAP_CAR]
        for frame in (by_name[name].other_buyers for name in _buying(study))
    ]
    buyers = _joined(frames, _DEMAND)
    gates = [each.gates for each in (own, *others)]
    key = ["market", "application", "chemistry", "certificate"]
    return replace(own, other_buyers=buyers, gates=_joined(gates, key))


def _buying(study: MarketStudy) -> list[str]:
    chosen = [study.supply_of] if study.other_buyers_of is None else study.other_buyers_of
    return list(dict.fromkeys(chosen))


def _joined(frames: Sequence[pd.DataFrame], key: Sequence[str]) -> pd.DataFrame:
    """Rows of frames that may lack columns, of alike ones the first."""
    filled_frames = [frame.astype(object) for frame in frames if len(frame)]
    if not filled_frames:
        return frames[0] if frames else pd.DataFrame(columns=list(key))
    whole = pd.concat(filled_frames, ignore_index=True)
    named = whole.assign(
        **{name: filled(whole, name, SWAP_CAR if name == "application" else "") for name in key}
    )
    return whole[~named.duplicated(list(key))].infer_objects().reset_index(drop=True)


def _differences(members: Sequence[MarketMember], file: str) -> Iterator[Fault]:
    """What keeps sound instances from being planned together, against the first one."""
    first = members[0]
    quarters = _span(first.instance)
    no_pack = first.instance.scenario.costs.no_pack_cny
    for member in members[1:]:
        scenario, place = member.instance.scenario, f"members.{member.name}"
        if scenario.quarters != first.instance.scenario.quarters:
            remedy = f"{first.name} has {quarters}; set both ends in [settings.horizon]"
            yield Fault(file, None, f"{place}: horizon", _span(member.instance), remedy)
        if scenario.costs.no_pack_cny != no_pack:
            remedy = (
                f"{first.name} has {no_pack:g}; a vehicle without a pack costs all the same: set "
                "costs.no_pack_cny in [settings]"
            )
            given = f"{scenario.costs.no_pack_cny:g}"
            yield Fault(file, None, f"{place}: costs.no_pack_cny", given, remedy)
        yield from _pack_faults(first, member)


def _span(instance: Instance) -> str:
    quarters = instance.scenario.quarters
    return f"{quarters[0]} to {quarters[-1]}"


def _pack_faults(first: MarketMember, member: MarketMember) -> Iterator[Fault]:
    """Packs that are not the first member's, told by id and column."""
    file = f"{member.name}: packs"
    ours, theirs = (each.instance.packs.set_index("pack_id") for each in (first, member))
    for pack_id in ours.index.difference(theirs.index):
        yield Fault(file, None, "pack_id", pack_id, f"is missing; {first.name} has it: add the row")
    for pack_id in theirs.index.difference(ours.index):
        remedy = f"{first.name} has no such pack; all members have the same: add the row there"
        yield Fault(file, None, "pack_id", pack_id, remedy)
    for pack_id in ours.index.intersection(theirs.index):
        for column in _TYPE[1:]:
            one, other = (str(each.at[pack_id, column]) for each in (ours, theirs))
            if one != other:
                remedy = f"{first.name} has {one}; a pack is the same type in all members"
                yield Fault(file, None, column, other, remedy, str(pack_id))


def _supply_faults(
    study: MarketStudy, members: Sequence[MarketMember], file: str
) -> Iterator[Fault]:
    """Supply that limits nothing, and caps that one member alone keeps."""
    known = set(members[0].instance.packs["chemistry"])
    supply = next(each for each in members if each.name == study.supply_of).instance.supply
    if not set(supply["chemistry"]) & known:
        remedy = "its supply limits no chemistry of the packs: nothing is shared"
        yield Fault(file, None, "supply_of", study.supply_of, remedy)
    for member in members:
        cap_kt = member.instance.scenario.packs.carbon_cap_kt
        if cap_kt is not None:
            place = f"members.{member.name}: packs.carbon_cap_kt"
            remedy = "the joint plan keeps no cap of one member; plan without, or run it alone"
            yield Fault(file, None, place, f"{cap_kt:g}", remedy)


def _buyer_faults(study: MarketStudy, members: Sequence[MarketMember]) -> Iterator[Fault]:
    """Demand of other buyers that two members state otherwise."""
    seen = dict[tuple[str, ...], tuple[str, dict[str, str]]]()
    for member in members:
        if member.name not in _buying(study):
            continue
        buyers = member.instance.other_buyers
        rows = buyers[(buyers["application"] != SWAP_CAR).to_numpy(bool)]
        keys = zip(*(filled(rows, name, "").astype(str) for name in _DEMAND), strict=True)
        stated = pd.DataFrame({name: filled(rows, name, "").astype(str) for name in _STATED})
        for key, row in zip(keys, stated.to_dict("records"), strict=True):
            told = {str(name): str(value) for name, value in row.items()}
            where, other = seen.setdefault(key, (member.name, told))
            for name, value in told.items():
                if other[name] != value:
                    remedy = f"{where} has {other[name]} for the same buyer and quarter"
                    label = f"{member.name}: other_buyers"
                    yield Fault(
                        label, None, name, value, f"{remedy}; make them equal", "/".join(key)
                    )
