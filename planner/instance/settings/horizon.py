"""Section ``[horizon]``: the quarters over which packs are assigned."""

from planner.instance.settings.section import Quarter, Section, setting


class Horizon(Section):
    """Quarters over which packs are assigned."""

    first_quarter: Quarter | None = setting(None, "first of them; the planning quarter if left out")
    last_quarter: Quarter | None = setting(None, "last of them; the planning quarter if left out")
