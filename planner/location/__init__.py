"""Location models on tables: DataFrames, GeoDataFrames or arrays in, tables by label out."""

from planner.location.covering import LocationResult, maximal_covering

__all__ = ["LocationResult", "maximal_covering"]
