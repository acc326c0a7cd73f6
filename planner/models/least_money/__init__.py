"""Least money among plans that are as good."""
