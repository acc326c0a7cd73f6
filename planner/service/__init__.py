"""What share of drivers is served in time, in closed form; packs and capacity that hold it."""
