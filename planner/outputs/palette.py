"""Colours of all maps, charts and sheets; colour-blind readers tell them apart, in print too.

Every scale of classes gets darker or lighter step by step, so that it can be read in grey. Red
never stands against green. The colours of cell chemistries are data: see `chemistries`.
"""

# Okabe and Ito (2008), Color Universal Design.
BLACK, ORANGE, SKY, GREEN = "#000000", "#e69f00", "#56b4e9", "#009e73"
YELLOW, BLUE, VERMILION, PURPLE = "#f0e442", "#0072b2", "#d55e00", "#cc79a7"

INK, SOFT_INK, HEAD = "#1c2430", "#55606e", "#e9edf1"
"""Text, text beside it, and the ground of headings."""
OUTLINE, WHITE = "#333333", "#ffffff"
GRID, AXIS = "#e6e6e6", "#888888"
MISSING, UNCHANGED, NO_PACK_COLOUR = "#8c8c8c", "#a9b2bc", "#666666"
"""What is not known, what two runs have in common, and cities whose vehicles get no pack."""

SERVED, BOUND, ASKED = "#00595a", INK, "#767676"
"""Of the report: what the plan serves, its proven limit, what is asked for."""
# From amber (little served) to teal. Each is darker than the one before by 10 L* and more (CIE
# 1976), so that a print in grey keeps the order, and the lightest still shows on land.
SERVED_CLASSES = (
    (20, "#f7bb55", "below 20 %"),
    (40, "#d0a062", "20 to 40 %"),
    (60, "#908d79", "40 to 60 %"),
    (80, "#457676", "60 to 80 %"),
    (101, SERVED, "80 % and more"),
)
"""Upper end of the share served [percent], colour, and what the report's legend says;
of the report and of QGIS alike."""

# The same colours, for shares of drivers served in time: what matters lies above 90 %.
ON_TIME_CLASSES = tuple(
    (top, colour, text)
    for top, (_, colour, _), text in zip(
        (80, 90, 95, 99, 101),
        SERVED_CLASSES,
        ("below 80 %", "80 to 90 %", "90 to 95 %", "95 to 99 %", "99 % and more"),
        strict=True,
    )
)
"""Upper end of the share of drivers in time [percent], colour, and what the legend says."""

VIRIDIS = (
    "#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725",
)  # fmt: skip

STATION_TYPE_COLOURS = (SKY, BLUE, ORANGE, VERMILION, PURPLE, GREEN, YELLOW, BLACK)
CORRIDOR_STATION = PURPLE
# Cold to warm, dark to light; one per class of winter design temperature.
WINTER_COLOURS = ("#313695", "#4575b4", "#6fa5cf", "#a9cce0", "#fbe69a")
# ColorBrewer Purples: how near a station is to its limit.
UTILISATION_COLOURS = ("#dadaeb", "#b8b9db", "#9e9ac8", "#756bb1", "#3f007d")
# ColorBrewer YlGnBu, light for near: four quarters of the longest drive.
DRIVE_COLOURS = ("#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
# Dark red for tight: kilometres that a leg leaves in the pack.
MARGIN_COLOURS = ("#6d0a1e", "#b3202c", "#e06650", "#eda27c", "#f3cdaa")
# Why a site has no station: nearly worth one, too little, served by others, nothing to serve.
NEARLY, TOO_LITTLE, BY_OTHERS = PURPLE, "#ffffbf", "#1b7837"
FEW_SWAPS, NO_SWAPS = "#a8a8a8", "#d0d0d0"
OTHER_REASONS = "#767676"
# ColorBrewer RdPu: the more scenarios choose a site, the darker.
CHOSEN_COLOURS = ("#fde0dd", "#fa9fb5", "#dd3497", "#ae017e", "#49006a")
# ColorBrewer YlOrBr: the more it costs to do without a station, the darker.
COST_COLOURS = ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404")
LINE_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Lines of a figure, one per pack."""
APPLICATION_COLOURS = (SERVED, SKY, YELLOW, VERMILION, MISSING)
"""Of uses of cells, the plan's own vehicles first, other uses last. Their greys differ."""
POINT_COLOURS = (SERVED, ORANGE, MISSING, GRID)
"""Of a passport's points: filled, to ask, unknown, not asked for. Their greys differ."""
LAND, WATER, SHORE, BASE_ROAD = "#faf8f3", "#e4edf3", "#b5c6d1", "#c2bbb0"
"""What a plan is drawn on: lighter than all that is drawn."""
ZONES = "#eae6dc"
"""Where zones are, whatever is asked for there: their colour lies on top, as large as it weighs."""
