"""A module per siting question, named after its objective, with how it is solved."""
