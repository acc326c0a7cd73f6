"""Section ``[service]``: the service level that stations are planned for."""

from planner.instance.settings.section import Section, setting


class Service(Section):
    """What stations promise their drivers on the winter design day's busiest hours."""

    wait_min: float = setting(
        5.0, "a driver is served in time who waits no longer for lane and full pack", unit="min",
        source="?: planning target; operators report 5 to 7 min from in to out", ge=0, le=120,
    )  # fmt: skip
    within_frac: float = setting(
        0.95, "share of drivers who are served in time", source="?: planning target", gt=0, lt=1
    )
    busy_hours: int = setting(
        4, "hours of the day, the busiest, in which that share must be kept",
        source="?: planning target", ge=1, le=24,
    )  # fmt: skip
