"""Faults and notes of the tables of supply, markets and brands: file, row, field, remedy."""

from pathlib import Path

import pytest

from planner.errors import InputError
from planner.instance import Instance, read_instance

GATES = "market,chemistry,certificate,opens,binding,source"
OFFERS = "pack_id,market,samples_from,qualification_quarters,source"
BUYERS = "buyer,application,chemistry,quarter,gwh,basis,source"
MODELS = "model,brand,envelope,application,source"
BRANDS = {"brands": "brand,source\nSun,?\n"}
ONE_MODEL = {**BRANDS, "car_models": f"{MODELS}\nRay,Sun,#25,swap_car,?\nFix,Sun,,fixed_car,?\n"}


def _write(folder: Path, tables: dict[str, str]) -> None:
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"offers": f"{OFFERS}\nna_25,cn,2026Q4,2,?\n"},
         "offers.csv, row 2, market: cn: no city has this market; did you mean CN?"),
        ({"offers": f"{OFFERS}\nna_24,CN,2026Q4,2,?\n"},
         "offers.csv, row 2, pack_id: na_24: not in packs.csv; did you mean na_25?"),
        ({"offers": f"{OFFERS},qualification_quarters_low\nna_25,CN,2026Q4,2,?,3\n"},
         "offers.csv, row 2 (na_25 / CN), qualification_quarters: 2: is less than "
         "qualification_quarters_low; correct one of them"),
        ({"other_buyers": f"{BUYERS},market\ngrid,ess,sodium_ion,2027Q1,1,contract,?,cn\n"},
         "other_buyers.csv, row 2, market: cn: no city has this market; did you mean CN?"),
        ({"other_buyers": f"{BUYERS}\ngrid,ess,sodium,2027Q1,1,contract,?\n"},
         "other_buyers.csv, row 2, chemistry: sodium: no such chemistry; did you mean sodium_ion? "
         "Or add it to chemistries.csv"),
        ({"other_buyers": f"{BUYERS}\ngrid,ess,sodium_ion,2027Q1,1,price,?\n"},
         "other_buyers.csv, row 2 (grid / sodium_ion / 2027Q1), worth_cny_per_kwh: a buyer by "
         "price needs it [CNY/kWh]; fill it in, or write contract as basis"),
        ({"other_buyers": f"{BUYERS}\ngrid,storage,sodium_ion,2027Q1,1,contract,?\n"},
         "other_buyers.csv, row 2 (grid / sodium_ion / 2027Q1), application: storage: unknown "
         "value; use one of: swap_car, fixed_car, ess, off_road"),
        ({"gates": f"{GATES},opens_low,opens_high\nCN,lfp,R,2027Q2,true,?,2027Q3,\n"},
         "gates.csv, row 2 (CN / lfp / R), opens: 2027Q2: is before opens_low; dates of a row may "
         "not fall: correct one of them"),
        ({"gates": f"{GATES},opens_low,opens_high\nCN,lfp,R,2027Q2,true,?,,2027Q1\n"},
         "gates.csv, row 2 (CN / lfp / R), opens_high: 2027Q1: is before opens; dates of a row "
         "may not fall: correct one of them"),
        ({"gates": f"{GATES},opens_high\nCN,lfp,R,,true,?,2027Q1\n"},
         "gates.csv, row 2 (CN / lfp / R), opens: a latest date needs an expected one: give opens, "
         "or leave opens_high empty"),
        ({"gates": f"{GATES},application\nCN,lfp,R,2027Q2,true,?,\n"
                   "CN,lfp,R,2027Q2,true,?,swap_car\n"},
         "gates.csv, row 3, application: swap_car: overlaps an earlier row: an empty cell means "
         "swap_car; keep one"),
        ({"supply": "chemistry,quarter,gwh,kind,source\nlfp,2027Q1,1,,?\nlfp,2027Q1,1,series,?\n"},
         "supply.csv, row 3, kind: series: overlaps an earlier row: an empty cell means series; "
         "keep one"),
        ({"supply": "chemistry,quarter,gwh,kind,application,source\n"
                    "lfp,2027Q1,1,pilot,swap_car,?\n"},
         "supply.csv, row 2, kind: pilot: pilot cells never serve cars that swap packs; write "
         "series, or another application"),
        ({"materials": "material,chemistry,kg_per_kwh,source\nwhite,sodium_ion,,?\n",
          "material_supply": "material,quarter,tonnes,source\nwhite,2027Q1,5,?\n"},
         "materials.csv, row 2 (white / sodium_ion), kg_per_kwh: is needed, for "
         "material_supply.csv limits the material; fill it in, or remove the rows there"),
        ({"materials": "material,chemistry,kg_per_kwh,source\nwhite,sodium_ion,2,?\n",
          "material_supply": "material,quarter,tonnes,source\nwhit,2027Q1,5,?\n"},
         "material_supply.csv, row 2, material: whit: not in materials.csv; did you mean white?"),
        ({**BRANDS, "car_models": f"{MODELS}\nRay,Sun,,swap_car,?\n"},
         "car_models.csv, row 2 (Ray), envelope: cars that swap packs have one; give it, or write "
         "fixed_car as application"),
        ({**BRANDS, "car_models": f"{MODELS}\nRay,Sun,#25,fixed_car,?\n"},
         "car_models.csv, row 2 (Ray), envelope: #25: the pack of a fixed_car is fixed; leave it "
         "empty, or write swap_car as application"),
        ({**BRANDS, "car_models": f"{MODELS}\nRay,Sun,25,swap_car,?\n"},
         "car_models.csv, row 2 (Ray), envelope: 25: no vehicle or pack has this envelope; did "
         "you mean #25?"),
        ({**ONE_MODEL, "launches": "model,market,pack_id,quarter,packs,source\n"
                                   "Fix,CN,na_25,2027Q1,10,?\n"},
         "launches.csv, row 2, model: Fix: the model's pack is fixed, and no swap pack can launch "
         "with it; correct it or the application in car_models.csv"),
        ({**ONE_MODEL, "model_chemistries": "model,chemistry,source\nRey,lfp,?\n"},
         "model_chemistries.csv, row 2, model: Rey: not in car_models.csv; did you mean Ray?"),
        ({"envelopes": "envelope,min_v,max_v,source\n#25,400,300,?\n"},
         "envelopes.csv, row 2 (#25), max_v: 300.0: is less than min_v; correct one of them"),
    ],
)  # fmt: skip
def test_a_fault_tells_file_row_field_and_remedy(
    tutorial_copy: Path, tables: dict[str, str], expected: str
) -> None:
    _write(tutorial_copy, tables)
    with pytest.raises(InputError) as caught:
        read_instance(tutorial_copy)
    assert [str(fault) for fault in caught.value.faults] == [expected]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"gates": {"quantile_of": {"GB 38031": 0.9}}},
         "scenario.toml, gates.quantile_of.GB 38031: GB 38031: no certificate of the table gates; "
         "did you mean GB 38031-2025?"),
        ({"packs": {"carbon_cap_kt": 3.0}},
         "scenario.toml, packs.carbon_cap_kt: 3: packs.kgco2e_per_kwh is not known of lfp_25, "
         "na_25; fill it in, or remove the setting"),
        ({"packs": {"sold_elsewhere_frac": {"sodium_ion": 0.5}}},
         "scenario.toml, packs.sold_elsewhere_frac: {'sodium_ion': 0.5}: is no setting any more; "
         "write what others buy of the supply as rows of the table other_buyers: buyer, "
         "application, chemistry, quarter, gwh (the share times the quarter's supply), basis "
         "contract, source"),
    ],
)  # fmt: skip
def test_settings_find_what_they_speak_of(
    tutorial: Instance, overrides: dict[str, dict[str, object]], expected: str
) -> None:
    """Whether tables are read, or taken over from an instance read before."""
    for like in (None, tutorial):
        with pytest.raises(InputError) as caught:
            read_instance(tutorial.folder, overrides=overrides, like=like)
        assert [str(fault) for fault in caught.value.faults] == [expected]


def test_tables_are_shared_under_other_dates_of_gates(tutorial: Instance) -> None:
    """Dates are taken when the plan asks for them: the tables are the same, the setting is new."""
    late = read_instance(tutorial.folder, overrides={"gates": {"quantile": 0.9}}, like=tutorial)
    assert late.gates is tutorial.gates
    assert late.scenario.gates.quantile == 0.9


@pytest.mark.parametrize(
    ("tables", "item", "value"),
    [
        ({"offers": f"{OFFERS}\nna_25,Mars,2026Q4,2,?\n"}, "offers.csv: market",
         "1 rows of Mars are not used"),
        ({"offers": f"{OFFERS},min_order_packs\nna_25,CN,2026Q4,0,?,1e5\n"},
         "offers.csv: min_order_packs of na_25", "100,000"),
        ({"other_buyers": f"{BUYERS}\ngrid,ess,sodium_ion,2026Q4,0.01,contract,?\n"},
         "other_buyers.csv: last quarter of grid / sodium_ion", "2026Q4"),
        ({"other_buyers": f"{BUYERS},market\ngrid,ess,sodium_ion,2027Q1,0.01,contract,?,Moon\n"},
         "other_buyers.csv: market", "1 rows of Moon wait for no gate"),
        ({"supply": "chemistry,quarter,gwh,source\nsodium_ion,2026Q4,1,?\n"},
         "supply.csv: last quarter of sodium_ion", "2026Q4"),
        ({"supply": "chemistry,quarter,gwh,plant,source\nsodium_ion,2027Q1,3,,?\n"
                    "sodium_ion,2027Q1,1,north,?\n"},
         "supply.csv: plant", "1 rows without one are added"),
        ({**ONE_MODEL, "model_chemistries": "model,chemistry,source\nFix,lfp,?\n"},
         "model_chemistries.csv: model", "1 rows of Fix are not used"),
        ({**BRANDS, "brand_suppliers": "brand,chemistry,supplier,exclusive,source\n"
                                       "Sun,sodium_ion,Mills,true,?\n"},
         "brand_suppliers.csv: Sun", "never takes sodium_ion"),
        ({**ONE_MODEL, "launches": "model,market,pack_id,quarter,packs,source\n"
                                   "Ray,CN,na_25,2030Q1,10,?\n"},
         "launches.csv: model", "1 rows of Ray are not used"),
    ],
)  # fmt: skip
def test_what_is_not_used_is_told(
    tutorial_copy: Path, tables: dict[str, str], item: str, value: str
) -> None:
    _write(tutorial_copy, tables)
    notes = read_instance(tutorial_copy).assumptions.set_index("item")["value"]
    assert notes[item] == value
