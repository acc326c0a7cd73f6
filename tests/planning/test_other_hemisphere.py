"""The tutorial's town mirrored at the equator, its money told in euros too."""

from dataclasses import replace

import pytest

from planner.instance.settings.currency import Currency
from planner.planning.pipeline import plan

EURO = Currency(code="EUR", cny_per_unit=8.0, date="2026-11-27", source="a bank")


def _mirrored(instance):
    def south(table):
        return table.assign(lat=-table["lat"])

    return replace(
        instance,
        scenario=instance.scenario.model_copy(update={"currency": EURO}),
        cities=south(instance.cities),
        zones=south(instance.zones),
        sites=south(instance.sites),
        road_nodes=south(instance.road_nodes),
    )


def test_the_mirrored_town_gets_the_mirrored_plan_and_money_in_both(tutorial, planned_tutorial):
    planned = plan(_mirrored(tutorial))
    stations, usual = (each.evaluation.stations for each in (planned, planned_tutorial))
    assert stations["site_id"].tolist() == usual["site_id"].tolist()
    assert stations["station_type_id"].tolist() == usual["station_type_id"].tolist()
    kpi, before = planned.evaluation.kpi, planned_tutorial.evaluation.kpi
    for name, value in before.items():
        assert kpi[name] == pytest.approx(value, rel=1e-6, nan_ok=True), name
    added = {name: value for name, value in kpi.items() if name not in before}
    assert added["capex_eur"] == pytest.approx(before["capex_cny"] / 8)
    assert all("_eur" in name for name in added)
