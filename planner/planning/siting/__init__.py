"""Where stations go: the siting problem, and the question that the scenario asks of it."""
