"""Several markets that share one supply: who gets the scarce packs first, and why."""
