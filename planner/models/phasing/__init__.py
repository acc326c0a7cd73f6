"""Stations that open over time, on a line of periods or on a tree of futures."""
