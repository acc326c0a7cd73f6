"""One plan for many futures: expected service, its worst tail, regret, shares of each best."""
