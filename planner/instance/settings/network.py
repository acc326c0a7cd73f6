"""Section ``[network]``: how zones and sites join the roads."""

from planner.instance.settings.section import Section, setting


class Network(Section):
    """How zones and sites join the road network."""

    access_speed_kmh: float = setting(
        20.0, "speed between a zone and the nearest mapped road", unit="km/h",
        source="?: assumed for local streets", ge=1, le=120,
    )  # fmt: skip
    access_detour_frac: float = setting(
        0.3, "local streets are longer than the straight line by this share",
        source="?: assumed", ge=0, le=3,
    )  # fmt: skip
    max_access_km: float = setting(
        3.0, "a zone or site farther than this from any road is not connected", unit="km",
        source="?: twice the diameter of an H3 resolution-8 cell, about", gt=0, le=50,
    )  # fmt: skip
