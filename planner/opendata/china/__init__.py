"""The instance china-140."""
