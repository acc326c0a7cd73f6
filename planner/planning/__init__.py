"""From an instance to a checked plan: the stages in order, and what they hand on."""
