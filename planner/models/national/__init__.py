"""Sized covering for a whole nation, decomposed by city under prices of the national limits."""
