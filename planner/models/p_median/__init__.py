"""Least mean distance to the nearest station."""
