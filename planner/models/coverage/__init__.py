"""Maximal covering under one number of stations."""
