"""Section ``[throughput]``: how far a station is loaded."""

from planner.instance.settings.section import Section, setting


class Throughput(Section):
    """How far a station is loaded."""

    utilisation_frac: float = setting(
        0.85, "share of the nameplate rate that keeps waiting acceptable",
        source="?: assumed; operators report 9-10 min in the system", gt=0, le=1,
    )  # fmt: skip
