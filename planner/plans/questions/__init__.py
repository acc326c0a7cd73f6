"""A module per siting question, named after its objective, with what the check and outputs know."""
