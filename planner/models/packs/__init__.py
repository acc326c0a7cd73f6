"""Packs to cities and vehicle classes by quarter."""
