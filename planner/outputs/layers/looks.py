"""Classes that maps are drawn by: their ends, labels and colours, each scale in one place."""

from planner.outputs import palette

RangeClass = tuple[float, float, str, str]
"""Lower end, upper end, label, colour."""


def _ranges(colours: tuple[str, ...], *ends: tuple[float, float, str]) -> tuple[RangeClass, ...]:
    return tuple((*end, colour) for end, colour in zip(ends, colours, strict=True))


_TOPS = [top / 100 for top, _, _ in palette.SERVED_CLASSES]
SHARE_CLASSES: tuple[RangeClass, ...] = tuple(
    (low, high, label, colour)
    for low, high, (_, colour, label) in zip(
        [0.0, *_TOPS], _TOPS, palette.SERVED_CLASSES, strict=False
    )
)
"""Share served, 0 to 1."""

UTILISATION_CLASSES = _ranges(
    palette.UTILISATION_COLOURS,
    (0.0, 0.25, "0 to 25 % used"),
    (0.25, 0.5, "25 to 50 % used"),
    (0.5, 0.75, "50 to 75 % used"),
    (0.75, 0.95, "75 to 95 % used"),
    (0.95, 1.01, "full in the peak hour"),
)
"""Share of a station's capacity that the peak hour uses, 0 to 1."""

MARGIN_CLASSES = _ranges(
    palette.MARGIN_COLOURS,
    (0.0, 5.0, "less than 5 km left"),
    (5.0, 10.0, "5 to 10 km"),
    (10.0, 20.0, "10 to 20 km"),
    (20.0, 50.0, "20 to 50 km"),
    (50.0, 1e5, "50 km and more"),
)
"""Kilometres that a leg leaves in the pack."""

REASON_CLASSES = (
    ("above_price", "worth about a station", palette.NEARLY),
    ("saves_more", "would shorten drives most", palette.NEARLY),
    ("costs_less", "worth about its cost", palette.NEARLY),
    ("city_full", "city has the most it may have", palette.ORANGE),
    ("saves_less", "shortens drives too little", palette.TOO_LITTLE),
    ("costs_more", "saves less than it costs", palette.TOO_LITTLE),
    ("none_nearer", "all have a nearer one", palette.BY_OTHERS),
    ("not_needed", "not needed", palette.BY_OTHERS),
    ("mostly_served", "mostly served by others", palette.TOO_LITTLE),
    ("all_served", "all served by others", palette.BY_OTHERS),
    ("low_demand", "too few swaps within reach", palette.FEW_SWAPS),
    ("no_demand", "no swaps within reach", palette.NO_SWAPS),
    ("no_zone_in_reach", "no zone within reach", palette.YELLOW),
    ("no_type_fits", "no station type fits", palette.BLUE),
    ("not_connected", "far from any road", palette.VERMILION),
    ("forbidden", "forbidden", palette.BLACK),
    ("closing", "the station closes", palette.PURPLE),
)
"""Why a site has no station: code, label, colour."""

BREAK_CLASSES = (
    ("no station opened here", "no station opened here", palette.VERMILION),
    ("no candidate site reaches this road", "no candidate site on this road", palette.BLACK),
    ("", "other reasons", palette.OTHER_REASONS),
)
"""Why a trip breaks: code, label, colour."""
