"""Open datasets to an instance folder: the recipes, and the pieces they are made of."""
