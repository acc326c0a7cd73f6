"""Stations of least cost that cover all zones, or a share of them."""
