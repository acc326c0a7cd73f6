"""Maximal covering with station sizes, their capacity and cost, and limits by city."""
