"""A day at every station, driver by driver, and whether the plan holds what it promises."""
