"""Colours that colour-blind readers tell apart, in print too; red never stands against green."""

# Okabe and Ito (2008), Color Universal Design.
CHEMISTRY_COLOURS = {"sodium_ion": "#e69f00", "lfp": "#0072b2", "nmc": "#cc79a7"}
CHEMISTRY_NAMES = {"sodium_ion": "sodium-ion", "lfp": "LFP", "nmc": "NMC"}
SERVED, BOUND, ASKED, MISSING = "#018571", "#1c2430", "#767676", "#8c8c8c"

# ColorBrewer BrBG, from brown (little served) to teal, its middle greyed to show on white.
SERVED_CLASSES = (
    (20, "#a6611a", "below 20 %"),
    (40, "#dfc27d", "20 to 40 %"),
    (60, "#cfccc4", "40 to 60 %"),
    (80, "#80cdc1", "60 to 80 %"),
    (101, "#018571", "80 % and more"),
)
"""Upper end of the share served [percent], colour, and what the legend says."""

VIRIDIS = (
    "#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725",
)  # fmt: skip


def chemistry_name(chemistry: str) -> str:
    """How a reader knows a chemistry."""
    return CHEMISTRY_NAMES.get(chemistry, chemistry)
