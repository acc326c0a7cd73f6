"""Exchanges of stations on a plan: what each adds to the value served, and a plan improved."""
