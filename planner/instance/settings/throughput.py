"""Section ``[throughput]``: a stated load of stations in place of the service level."""

from planner.instance.settings.section import Section, setting


class Throughput(Section):
    """A stated load of stations in place of the service level."""

    utilisation_frac: float | None = setting(
        None, "share of the nameplate rate that stations are loaded to, whatever drivers then "
        "wait; without it capacity is the rate at which the service level holds", gt=0, le=1,
    )  # fmt: skip
