"""Every setting of scenario.toml with unit, bounds, default and source; a file per section."""
