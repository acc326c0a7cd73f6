"""Stations along roads for trips that no pack lasts."""
