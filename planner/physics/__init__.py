"""Range, energy, climate and fleets: what vehicles ask of stations, and what a bay can give."""
