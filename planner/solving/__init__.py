"""What the models share: options, status, progress, bounds, local search, presolve."""
