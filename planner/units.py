"""Conversions between units; the only place where they stand."""

SECONDS_PER_HOUR = 3600.0
MINUTES_PER_HOUR = 60.0
HOURS_PER_DAY = 24
DAYS_PER_YEAR = 365.0
DAYS_PER_MONTH = (31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0)
"""January first, in a mean year of the Gregorian calendar but for century years."""
QUARTERS_PER_YEAR = 4
MONTHS_PER_QUARTER = 3
KWH_PER_GWH = 1e6
KG_PER_TONNE = 1e3
TONNES_PER_KT = 1e3
METRES_PER_KM = 1000.0
KM_PER_MILE = 1.609344

EARTH_RADIUS_KM = 6371.0088
"""Mean Earth radius R1 of the GRS 80 ellipsoid (Moritz 2000, Journal of Geodesy 74:128-133)."""
