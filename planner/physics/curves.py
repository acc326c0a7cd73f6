"""Curves over pack temperature, from the instance's table ``curves``."""

from planner.instance import Instance
from planner.physics.vehicle_range import TemperatureCurve


def temperature_curve(instance: Instance, chemistry: str, quantity: str) -> TemperatureCurve:
    """One curve of the instance's table ``curves``.

    Raises
    ------
    ValueError
        If the table has not two rows of it, which it need not have of ``start_heat``.
    """
    rows = instance.curves.query("chemistry == @chemistry and quantity == @quantity")
    return TemperatureCurve(
        rows["temperature_c"].to_numpy(float), rows["value_frac"].to_numpy(float)
    )


def start_heat_curve(instance: Instance, chemistry: str) -> TemperatureCurve | None:
    """Heat that a vehicle puts into a pack at a start; None if it puts in none."""
    rows = instance.curves
    is_given = ((rows["chemistry"] == chemistry) & (rows["quantity"] == "start_heat")).any()
    return temperature_curve(instance, chemistry, "start_heat") if is_given else None
