"""What was measured beside what the planner says: inputs, physics and finished plans."""
