"""The flows of a plan: packs of one type that reach one market in one quarter, and other buyers'.

A buyer's cells are in no pack of the instance: such a flow is named by use and chemistry, and what
only a pack has is not known of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.compliance.facts import Facts, records
from planner.compliance.points import CATEGORY_OF
from planner.instance.tables import SWAP_CAR

LEAST = 1e-6
"""Packs, or GWh, below which a flow is none: what is left of a solver's arithmetic."""


@dataclass(frozen=True)
class Flow:
    """Packs of one type for one market in one quarter.

    Attributes
    ----------
    market, pack_id, chemistry, application, quarter : str
    packs : float
        Delivered; nan where a buyer takes cells.
    suppliers : tuple of str
        Who sells the cells, where the plan knows.
    plant_shares : tuple of (str, float)
        Plants that made them and their shares of what the use took, largest first; those without
        a name left out.
    """

    market: str
    pack_id: str
    chemistry: str
    application: str
    quarter: str
    packs: float
    suppliers: tuple[str, ...] = ()
    plant_shares: tuple[tuple[str, float], ...] = ()

    @property
    def category(self) -> str:
        """Of battery: `planner.compliance.points.EV` or ``INDUSTRIAL``."""
        return CATEGORY_OF[self.application]


def flows_of(
    facts: Facts,
    market_quarter: pd.DataFrame,
    supply_flow: pd.DataFrame,
    buyer_quarter: pd.DataFrame | None = None,
) -> list[Flow]:
    """List the flows of a plan by market, pack and quarter.

    Parameters
    ----------
    facts : Facts
    market_quarter : DataFrame
        ``quarter, market, pack_id, delivered_packs``.
    supply_flow : DataFrame
        ``quarter, chemistry, supplier, plant, application, gwh``: what each use takes from each
        source. A quarter that takes nothing lives on what was taken before: then the last quarter
        that took tells where cells come from.
    buyer_quarter : DataFrame, optional
        ``quarter, market, application, chemistry, served_gwh``: flows to buyers in a known market.

    Returns
    -------
    list of Flow
    """
    sources = _sources(supply_flow)
    found = [
        _flow(
            sources, row["market"], row["pack_id"], facts.packs[row["pack_id"]]["chemistry"],
            SWAP_CAR, row["quarter"], float(row["delivered_packs"]),
        )
        for row in records(market_quarter)
        if row["delivered_packs"] is not None and row["delivered_packs"] > LEAST
    ]  # fmt: skip
    if buyer_quarter is not None:
        served = buyer_quarter[buyer_quarter["served_gwh"] > LEAST]
        served = served[served["market"].notna() & (served["market"] != "")]
        keys = ["market", "application", "chemistry", "quarter"]
        found += [
            _flow(
                sources, row["market"], f"{row['application']}:{row['chemistry']}",
                row["chemistry"], row["application"], row["quarter"], float("nan"),
            )
            for row in records(served[keys].drop_duplicates())
        ]  # fmt: skip
    return sorted(found, key=lambda flow: (flow.market, flow.pack_id, flow.quarter))


_Sources = Mapping[tuple[str, str], Mapping[str, Mapping[tuple[str, str], float]]]
"""GWh by (supplier, plant), by quarter, by (chemistry, application)."""


def _sources(supply_flow: pd.DataFrame) -> _Sources:
    found: dict[tuple[str, str], dict[str, dict[tuple[str, str], float]]] = {}
    for row in records(supply_flow):
        if row["gwh"] is None or row["gwh"] <= LEAST:
            continue
        quarters = found.setdefault((row["chemistry"], row["application"]), {})
        taken = quarters.setdefault(row["quarter"], {})
        source = row.get("supplier") or "", row.get("plant") or ""
        taken[source] = taken.get(source, 0.0) + float(row["gwh"])
    return found


def _flow(
    sources: _Sources,
    market: str,
    pack_id: str,
    chemistry: str,
    application: str,
    quarter: str,
    packs: float,
) -> Flow:
    quarters = sources.get((chemistry, application), {})
    last = max((each for each in quarters if each <= quarter), default=None)
    taken = quarters[last] if last is not None else {}
    total = sum(taken.values())
    plants: dict[str, float] = {}
    for (_, plant), gwh in taken.items():
        plants[plant] = plants.get(plant, 0.0) + gwh / total
    plants.pop("", None)
    return Flow(
        market, pack_id, chemistry, application, quarter, packs,
        tuple(sorted({supplier for supplier, _ in taken} - {""})),
        tuple(sorted(plants.items(), key=lambda each: (-each[1], each[0]))),
    )  # fmt: skip
