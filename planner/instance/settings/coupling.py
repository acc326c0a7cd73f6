"""Section ``[coupling]``: how packs and stations are made to fit each other."""

from planner.instance.settings.section import Section, setting


class Coupling(Section):
    """How packs and stations are made to fit each other."""

    max_rounds: int = setting(
        4, "times that packs and stations are planned in turn, at most", ge=1, le=50
    )
    served_swap_cny: float = setting(
        15.0, "what a swap that is served is worth to the network, where packs and stations are "
        "weighed against each other", unit="CNY", source="INF: rent of 599 CNY a month (MC, "
        "cronachedi, safecarnews Dec 2024) over some 40 swaps of a heavy user", ge=0, le=1000,
    )  # fmt: skip
    tolerance_frac: float = setting(
        0.0005, "packs and stations fit when planning the packs again for the stations saves no more "
        "than this share of their cost", ge=0, le=1,
    )  # fmt: skip
