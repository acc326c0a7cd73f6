"""Made-up sets of curves for the tutorial's two chemistries, and a country of two cold towns."""

from dataclasses import replace

import pandas as pd

from planner.instance import Instance
from tests.two_towns import two_towns


def with_curve_sets(instance: Instance, **lfp_in_the_cold: float) -> Instance:
    """The instance with sets by name, each with the usable energy of LFP at -35 C that it holds."""
    rows = [
        (name, "lfp", "usable_energy", temperature_c, value, "made up")
        for name, cold_frac in lfp_in_the_cold.items()
        for temperature_c, value in ((-35.0, cold_frac), (25.0, 1.0), (45.0, 1.0))
    ]
    columns = ["curve_set", "chemistry", "quantity", "temperature_c", "value_frac", "source"]
    sets = pd.DataFrame(rows, columns=columns)
    return replace(instance, curves=pd.concat([instance.curves, sets], ignore_index=True))


def cold_and_warm_town(tutorial: Instance) -> Instance:
    """The tutorial's cold town, and its copy far away where it is 25 kelvin warmer."""
    towns = two_towns(tutorial)
    in_degrees = [name for name in towns.climate.columns if name.endswith("_c")]
    warmer = 25.0 * towns.climate["city_id"].str.endswith("_e")
    return replace(
        towns,
        climate=towns.climate.assign(**{name: towns.climate[name] + warmer for name in in_degrees}),
        cities=towns.cities.assign(
            winter_design_c=towns.cities["winter_design_c"]
            + 25.0 * towns.cities["city_id"].str.endswith("_e")
        ),
    )
