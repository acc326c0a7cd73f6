"""Stations, sizes and flows of least yearly cost."""
