"""Zones to open stations, and the smallest sizes that carry them."""
