"""Location models on tables: DataFrames, GeoDataFrames or arrays in, tables by label out.

Distances and money keep a limit up to a billionth of it (`planner.limits`): 3 x 0.1 is within 0.3.
"""

from planner.location.cover import set_cover
from planner.location.covering import LocationResult, maximal_covering
from planner.location.facilities import facility_location
from planner.location.median import p_median

__all__ = ["LocationResult", "facility_location", "maximal_covering", "p_median", "set_cover"]
