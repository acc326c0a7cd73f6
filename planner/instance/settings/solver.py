"""Section ``[solver]``: limits of the optimization."""

from planner.instance.settings.section import Section, setting


class Solver(Section):
    """Limits of the optimization."""

    gap_frac: float = setting(0.01, "stop when the proven gap is this small", ge=0, le=1)
    time_limit_s: float = setting(300.0, "limit of the siting model", unit="s", gt=0, le=1e6)
    seed: int = setting(0, "seed of every random choice", ge=0, le=2**31 - 1)
    workers: int = setting(2, "processes that may work side by side", ge=1, le=1024)
    deterministic: bool = setting(
        False, "same input, seed and version give the same plan; limits count work, not seconds"
    )
