"""What each flow of packs into a market must declare, and who knows it; no solver, no plan made."""
